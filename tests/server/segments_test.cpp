// Puts that come in segments over several connections, and are put together in steps.

#include "server/session/segments.h"

#include <doctest/doctest.h>

#include "tests/server/tenancy_fixture.h"

using namespace ft;
using namespace ft::testing;

namespace {

std::unique_ptr<Upload> segment(Disk& disk, std::size_t size) {
  auto upload = disk.storage->begin(Disk::spec("big", size));
  upload->write(bytesOf(std::string(size, 'x')));
  upload->finish();
  return upload;
}

// All that is due at once; how many steps that took.
std::size_t deliver(SegmentPlace& place, std::unique_ptr<Upload> segment) {
  place.add(std::move(segment));
  std::size_t steps = 1;
  while (!place.appendOn()) ++steps;
  return steps;
}

void bring(Disk& disk, const std::shared_ptr<SegmentedUpload>& whole, std::uint64_t offset, std::uint64_t size) {
  SegmentPlace place(whole, offset, size);
  deliver(place, segment(disk, size));
}

// Released in as many calls as that takes.
std::unique_ptr<Upload> releaseAll(SegmentedUpload& whole, std::size_t& calls) {
  for (calls = 1;; ++calls) {
    try {
      return whole.release();
    } catch (const NotYet& failure) {
      REQUIRE(failure.next() == NotYet::Next::AtOnce);
    }
  }
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
  for (const auto& taken : overlapping) {
    CAPTURE(taken.first);
    CHECK(refusal(taken.first, taken.second) == ErrorCode::Busy);
  }
  deliver(*place, segment(disk, 100));
  place.reset();
  for (const auto& taken : overlapping) {
    CAPTURE(taken.first);
    CHECK(refusal(taken.first, taken.second) == ErrorCode::Changed);
  }
  CHECK_FALSE(refusal(200, 100).has_value());
  CHECK_FALSE(refusal(400, 600).has_value());
  bring(disk, whole, 0, 300);
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
  bring(disk, whole, 0, 1000);
  CHECK(whole->release()->offset() == 1000);
}

TEST_CASE("segments that are due are appended in steps, between which others can bring theirs, and none is released") {
  constexpr std::uint64_t kMiB = 1 << 20;
  Disk disk;
  Segments segments;
  const auto whole = segments.open(disk.storage->resume(Disk::partSpec("big", 23 * kMiB), DigestAlgorithm::Xxh128));
  bring(disk, whole, 10 * kMiB, 10 * kMiB);
  SegmentPlace first(whole, 0, 10 * kMiB);
  first.add(segment(disk, 10 * kMiB));
  CHECK_FALSE(first.appendOn());
  // In the middle of the first: another comes, which helps to its end.
  CHECK(failureOf([&] { whole->release(); }) == ErrorCode::Busy);
  CHECK(failureOf([&] { SegmentPlace(whole, 0, 10 * kMiB); }) == ErrorCode::Changed);
  {
    SegmentPlace last(whole, 20 * kMiB, 3 * kMiB);
    CHECK(deliver(last, segment(disk, 3 * kMiB)) == 6);
  }
  CHECK(first.appendOn());
  CHECK(failureOf([&] { whole->release(); }) == ErrorCode::Busy);
}

TEST_CASE("what is put together in steps is what the segments held, in their order") {
  constexpr std::size_t kSize = 9'000'000;
  const std::string body = patterned(2 * kSize);
  Disk disk;
  Segments segments;
  const auto whole = segments.open(disk.storage->resume(Disk::partSpec("big", body.size()), DigestAlgorithm::Xxh128));
  for (const std::size_t offset : {kSize, std::size_t{0}}) {
    auto half = disk.storage->begin(Disk::spec("big", kSize));
    half->write(bytesOf(std::string_view(body).substr(offset, kSize)));
    half->finish();
    SegmentPlace place(whole, offset, kSize);
    deliver(place, std::move(half));
  }
  CHECK_FALSE(disk.store(whole->release()));
  CHECK(readText(disk.at("big")) == body);
}

TEST_CASE("what a connection has not appended when it is cut is there at the end all the same") {
  constexpr std::uint64_t kMiB = 1 << 20;
  Disk disk;
  Segments segments;
  const auto whole = segments.open(disk.storage->resume(Disk::partSpec("big", 20 * kMiB), DigestAlgorithm::Xxh128));
  bring(disk, whole, 10 * kMiB, 10 * kMiB);
  {
    SegmentPlace place(whole, 0, 10 * kMiB);
    place.add(segment(disk, 10 * kMiB));
    CHECK_FALSE(place.appendOn());
  }
  CHECK(failureOf([&] { SegmentPlace(whole, 0, 10 * kMiB); }) == ErrorCode::Changed);
  std::size_t calls = 0;
  CHECK(releaseAll(*whole, calls)->offset() == 20 * kMiB);
  CHECK(calls > 4);
}

TEST_CASE("a segment that cannot be appended fails for all who bring one, whoever finds out") {
  Tenants tenants("[user *]\nallow = homes/{user}: all\nhome = homes/{user}\n");
  const Hand anna = tenants.as("anna");
  Segments segments;
  const auto whole = segments.open(anna.storage->resume(Disk::partSpec("big", 20), DigestAlgorithm::Xxh128));
  const auto segmentOf = [&](const char* name) {
    auto upload = anna.storage->begin(Disk::spec(name, 10));
    upload->write(bytesOf("0123456789"));
    upload->finish();
    return upload;
  };
  SegmentPlace last(whole, 10, 10);
  last.add(segmentOf("other"));
  CHECK(last.appendOn());
  {
    SegmentPlace first(whole, 0, 10);
    first.add(segmentOf("big"));
    CHECK_FALSE(first.appendOn());
    CHECK(failureOf([&] { first.appendOn(); }) == ErrorCode::Forbidden);
  }
  CHECK(failureOf([&] { last.appendOn(); }) == ErrorCode::Forbidden);
  CHECK(failureOf([&] { SegmentPlace(whole, 10, 10); }) == ErrorCode::Forbidden);
}
