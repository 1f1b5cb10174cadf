#include "server/session/segments.h"

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
  for (const auto& part : {std::pair(300U, 100U), {299U, 2U}, {399U, 1U}, {350U, 10U}, {200U, 800U}, {301U, 400U}}) {
    CAPTURE(part.first);
    CHECK(admits(part.first, part.second) == ErrorCode::Changed);
  }
  CHECK_FALSE(admits(200, 100).has_value());
  CHECK_FALSE(admits(400, 600).has_value());
  // Two that were admitted at the same time: the second comes too late.
  CHECK(failureOf([&] { whole->add(350, segment(10)); }) == ErrorCode::Changed);
  whole->add(0, segment(300));
  CHECK(whole->release()->offset() == 400);
}
