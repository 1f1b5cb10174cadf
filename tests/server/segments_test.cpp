#include "server/session/segments.h"

#include <doctest/doctest.h>

#include "tests/server/disk_fixture.h"

using namespace ft;
using namespace ft::testing;

namespace {

std::unique_ptr<Upload> segment(Disk& disk, std::size_t size) {
  auto upload = disk.storage->begin(Disk::spec("big", size));
  upload->write(bytesOf(std::string(size, 'x')));
  upload->finish();
  return upload;
}

}  // namespace

TEST_CASE(
    "segments that overlap one that waits or is under way are refused, so that all are never more than the file") {
  Disk disk;
  Segments segments;
  const auto whole = segments.open(disk.storage->resume(Disk::partSpec("big", 1000), DigestAlgorithm::Xxh128));
  const auto refusal = [&](std::uint64_t offset, std::uint64_t size) {
    return failureOf([&] { SegmentPlace(whole, offset, size); });
  };
  auto place = std::make_unique<SegmentPlace>(whole, 300, 100);
  const std::vector<std::pair<unsigned, unsigned>> overlapping{{300, 100}, {299, 2},   {399, 1},
                                                               {350, 10},  {200, 800}, {301, 400}};
  for (const auto& [offset, size] : overlapping) {
    CAPTURE(offset);
    CHECK(refusal(offset, size) == ErrorCode::Busy);
  }
  place->add(segment(disk, 100));
  place.reset();
  for (const auto& [offset, size] : overlapping) {
    CAPTURE(offset);
    CHECK(refusal(offset, size) == ErrorCode::Changed);
  }
  CHECK_FALSE(refusal(200, 100).has_value());
  CHECK_FALSE(refusal(400, 600).has_value());
  SegmentPlace(whole, 0, 300).add(segment(disk, 300));
  CHECK(whole->release()->offset() == 400);
  CHECK(refusal(400, 600) == ErrorCode::Changed);
}

TEST_CASE("a segmented file is not released while a segment is under way, and a segment that is cut frees its place") {
  Disk disk;
  Segments segments;
  const auto whole = segments.open(disk.storage->resume(Disk::partSpec("big", 1000), DigestAlgorithm::Xxh128));
  {
    const SegmentPlace place(whole, 0, 1000);
    CHECK(failureOf([&] { whole->release(); }) == ErrorCode::Busy);
  }
  SegmentPlace(whole, 0, 1000).add(segment(disk, 1000));
  CHECK(whole->release()->offset() == 1000);
}
