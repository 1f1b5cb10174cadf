#include "server/segments.h"

#include <doctest/doctest.h>

#include "tests/server/disk_fixture.h"

using namespace ft;
using namespace ft::testing;

TEST_CASE("segments that overlap one that waits are refused, so that what waits is never more than the file") {
  Disk disk;
  Segments segments;
  const auto whole = segments.open(disk.storage->resume(Disk::partSpec("big", 1000), DigestAlgorithm::Xxh128));
  const auto segment = [&](std::size_t size) {
    auto upload = disk.storage->begin(Disk::spec("big", size));
    upload->write(bytesOf(std::string(size, 'x')));
    upload->finish();
    return upload;
  };
  const auto admits = [&](std::uint64_t offset, std::uint64_t size) {
    return failureOf([&] { whole->admit(offset, size); });
  };
  whole->add(300, segment(100));
  for (const auto& [offset, size] : {std::pair(300, 100), {299, 2}, {399, 1}, {350, 10}, {200, 800}, {301, 400}}) {
    CAPTURE(offset);
    CHECK(admits(static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(size)) == ErrorCode::Changed);
  }
  CHECK_FALSE(admits(200, 100).has_value());
  CHECK_FALSE(admits(400, 600).has_value());
  // Two that were admitted at the same time: the second comes too late.
  CHECK(failureOf([&] { whole->add(350, segment(10)); }) == ErrorCode::Changed);
  whole->add(0, segment(300));
  CHECK(whole->release()->offset() == 400);
}
