#include "server/session/put_queue.h"

#include <doctest/doctest.h>

#include <memory>
#include <new>

#include "tests/support/memory_storage.h"
#include "tests/support/scarce_memory.h"

using namespace ft;
using ft::testing::MemoryStorage;
using ft::testing::ScarceMemory;

namespace {

std::unique_ptr<Upload> emptyUpload(Storage& storage, const char* name) {
  PutSpec spec;
  spec.name = FileName::parse(name);
  spec.size = 0;
  spec.digests = {DigestAlgorithm::Xxh128};
  auto upload = storage.begin(spec);
  static_cast<void>(upload->finish());
  return upload;
}

PutRecord recordOf(const char* name) {
  PutRecord record;
  record.request.filename = name;
  return record;
}

}  // namespace

TEST_CASE("a put for which there was no memory is not among those that are committed") {
  MemoryStorage storage;
  for (const std::size_t size : {sizeof(PutRecord), sizeof(CommitItem)}) {
    CAPTURE(size);
    PutQueue queue;
    auto upload = emptyUpload(storage, "lost");
    PutRecord record = recordOf("lost");
    {
      const ScarceMemory scarce(size);
      CHECK_THROWS_AS(queue.add(std::move(upload), std::move(record)), std::bad_alloc);
    }
    CHECK(queue.empty());
    queue.add(emptyUpload(storage, "kept"), recordOf("kept"));
    const auto answers = queue.commit(storage);
    REQUIRE(answers.size() == 1);
    CHECK(answers.front().record.request.filename == "kept");
    CHECK_FALSE(answers.front().failure);
  }
}
