#include "server/storage/space_ledger.h"

#include <sys/statfs.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "common/units.h"
#include "server/storage/disk_failure.h"

namespace ft {
namespace {

// The numbers of one refusal, in bytes.
struct Shortage {
  std::uint64_t needed, free, kept, promised;
};

Failure noSpace(const FileName& name, const Shortage& shortage) {
  std::string text = ": it needs " + exactSize(shortage.needed) + " and " + exactSize(shortage.free) + " are free";
  if (shortage.kept > 0) text += ", " + exactSize(shortage.kept) + " of which are kept (storage.min_free)";
  if (shortage.promised > 0) text += ", " + exactSize(shortage.promised) + " of which are promised to other uploads";
  return failureAbout(ErrorCode::NoSpace, {"cannot store ", name, text});
}

}  // namespace

void SpaceReservation::use(std::uint64_t count) noexcept {
  const std::uint64_t used = std::min(count, bytes_);
  if (used == 0) return;
  bytes_ -= used;
  ledger_->outstanding_.fetch_sub(used);
}

SpaceReservation SpaceLedger::reserve(std::uint64_t bytes, const FileName& name) {
  const std::lock_guard lock(reserving_);
  // The ledger is read before the disk, so that what is written between the two is counted twice and never not at all.
  const std::uint64_t promised = outstanding_.load();
  struct statfs disk {};
  if (::fstatfs(fd_, &disk) != 0) throw diskFailure(errno, "tell the free space for", name);
  const std::uint64_t free = disk.f_bavail * static_cast<std::uint64_t>(disk.f_frsize);
  const std::uint64_t most = free - std::min(free, minFree_);
  if (promised > most || bytes > most - promised) throw noSpace(name, {bytes, free, minFree_, promised});
  outstanding_.fetch_add(bytes);
  return SpaceReservation(*this, bytes);
}

}  // namespace ft
