// What cut uploads have left counts in a quota, and gives way to what is new.
#include <doctest/doctest.h>

#include <string>

#include "tests/server/tenancy_fixture.h"

using namespace ft;
using namespace ft::testing;

namespace {

// Room for parts, which are not kept where they are short.
const std::string kLarge =
    "[user *]\nallow = homes/{user}: all\nhome = homes/{user}\nquota_bytes = 1000000\nquota_files = 10\n";

std::string text(std::size_t size) { return std::string(size, 'x'); }

}  // namespace

TEST_CASE("a quota counts what cut uploads have left, until they are taken up") {
  Tenants tenants(kLarge);
  const Hand anna = tenants.as("anna");
  anna.storage->resume(Disk::partSpec("big", 800'000), DigestAlgorithm::Xxh128)->write(bytesOf(text(600'000)));
  anna.put("a", text(200'000));
  auto again = anna.storage->resume(Disk::partSpec("big", 800'000), DigestAlgorithm::Xxh128);
  CHECK(again->takeUp());
  CHECK(again->offset() == 600'000);
  CHECK(failureOf([&] { anna.put("b", "x"); }) == ErrorCode::Quota);
  again->write(bytesOf(text(200'000)));
  CHECK_FALSE(anna.store(std::move(again)).has_value());
  CHECK(bytesBelow(tenants.at("homes/anna")) == 1'000'000);
}

TEST_CASE("what cut uploads have left gives way to what is new, the oldest first, and to nothing that does not fit") {
  Tenants tenants(kLarge);
  const Hand anna = tenants.as("anna");
  const auto cut = [&](const char* name, std::size_t size) {
    anna.storage->resume(Disk::partSpec(name, 400'000), DigestAlgorithm::Xxh128)->write(bytesOf(text(size)));
  };
  const auto left = [&](const char* name) {
    auto upload = anna.storage->resume(Disk::partSpec(name, 400'000), DigestAlgorithm::Xxh128);
    while (!upload->takeUp()) continue;
    return upload->offset();
  };
  tenants.as("bert")
      .storage->resume(Disk::partSpec("his", 900'000), DigestAlgorithm::Xxh128)
      ->write(bytesOf(text(500'000)));
  cut("old", 300'000);
  // Until the file system's clock has moved on.
  const fs::path probe = tenants.folder.path() / "probe";
  writeText(probe, "");
  for (const auto first = fs::last_write_time(probe); fs::last_write_time(probe) == first;) writeText(probe, "");
  cut("young", 301'000);
  anna.put("a", text(100'000));
  CHECK(failureOf([&] { anna.put("b", text(901'000)); }) == ErrorCode::Quota);
  CHECK(Disk::count(tenants.at(".ftpd/parts")) == 3);
  anna.put("b", text(500'000));
  CHECK(Disk::count(tenants.at(".ftpd/parts")) == 2);
  anna.remove("b");
  CHECK(left("young") == 301'000);
  auto stream = anna.storage->begin(Disk::spec("c", std::nullopt));
  stream->write(bytesOf(text(900'000)));
  CHECK_FALSE(anna.store(std::move(stream)).has_value());
  CHECK(Disk::count(tenants.at(".ftpd/parts")) == 1);
}

TEST_CASE("the same upload again, while its first connection still hangs, is busy and takes no space from itself") {
  Tenants tenants(kLarge);
  const Hand anna = tenants.as("anna");
  const Hand again = tenants.as("anna");
  const PutSpec big = Disk::partSpec("big", 900'000);
  auto upload = anna.storage->resume(big, DigestAlgorithm::Xxh128);
  upload->write(bytesOf(text(100'000)));
  const auto resume = [&](const PutSpec& spec) {
    return failureOf([&] {
      const auto second = again.storage->resume(spec, DigestAlgorithm::Xxh128);
      while (!second->takeUp()) continue;  // it waits for the first one's part
    });
  };
  CHECK(resume(big) == ErrorCode::Busy);
  CHECK(resume(Disk::partSpec("big", 901'000)) == ErrorCode::Quota);
  CHECK(resume(Disk::partSpec("other", 900'000)) == ErrorCode::Quota);
  upload.reset();
  const auto resumed = again.storage->resume(big, DigestAlgorithm::Xxh128);
  CHECK(resumed->takeUp());
  CHECK(resumed->offset() == 100'000);
}

TEST_CASE("a part counts as a file, and gives way where that is needed") {
  Tenants tenants(kLarge);
  const Hand anna = tenants.as("anna");
  PutSpec spec = Disk::partSpec("big", 400'000);
  for (int i = 0; i < 4; ++i) {
    ++*spec.mtimeNs;
    anna.storage->resume(spec, DigestAlgorithm::Xxh128)->write(bytesOf(text(70'000)));
  }
  for (const char* const name : {"1", "2", "3", "4", "5", "6"}) anna.put(name, "");
  CHECK(Disk::count(tenants.at(".ftpd/parts")) == 4);
  anna.put("7", "");
  CHECK(Disk::count(tenants.at(".ftpd/parts")) == 3);
  anna.storage->resume(spec, DigestAlgorithm::Xxh128)->write(bytesOf("short"));
  for (const char* const name : {"8", "9", "10"}) anna.put(name, "");
  CHECK(Disk::count(tenants.at(".ftpd/parts")) == 0);
  CHECK(failureOf([&] { anna.put("11", ""); }) == ErrorCode::Quota);
}
