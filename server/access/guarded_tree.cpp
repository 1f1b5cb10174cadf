// The part of GuardedStorage that works on folders and names.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>

#include "server/access/guarded_names.h"
#include "server/access/guarded_storage.h"
#include "server/storage/disk_failure.h"

namespace ft {
namespace {

constexpr FileInfo kPlainFolder{FileType::Folder, 0, std::nullopt, 0755};
// A page that the gate leaves nothing of is followed by the next, so often; after that the client is told to go on
// itself.
constexpr int kEmptyPages = 32;
constexpr Storage::PageLimits kWalkPage{300, 64 * 1024};
// How often what a rename takes from one counted folder to another is counted, if that folder changes meanwhile.
constexpr int kCountsOfMoved = 4;

Usage usageOf(const FileInfo& info) { return {info.type == FileType::File ? info.size : 0, 1}; }

}  // namespace

FolderPage GuardedStorage::listTop() {
  FolderPage page;
  for (const TenancyState::Root& root : state_->roots()) {
    const FileName name = FileName::parse(root.name);
    if (!gate().isVisible(name)) continue;
    page.entries.push_back({root.name, mayLookAt(name) ? root.disk->stat(FileName::root()) : kPlainFolder});
  }
  return page;
}

FolderPage GuardedStorage::listPassages(const FileName& folder, const std::vector<std::string>& names) {
  FolderPage page;
  for (const std::string& name : names) {
    const Target child = at(folder.child(name));
    const auto info = findOn(*child.place.disk, child.place.inner);
    if (info && info->type == FileType::Folder) page.entries.push_back({name, kPlainFolder});
  }
  return page;
}

bool GuardedStorage::isShown(const FileName& folder, const std::string& leaf) {
  try {
    return gate().isVisible(folder.child(leaf));
  } catch (const Failure&) {
    // In the whole tree the name is too long to be asked for.
    return false;
  }
}

FolderPage GuardedStorage::list(const FileName& folder, const std::string& after, PageLimits limits) {
  const Decision decision = gate().decide(Verb::List, folder);
  const auto passages = decision.allowed ? std::vector<std::string>() : gate().passages(folder);
  if (!decision.allowed && passages.empty()) throw refusal(decision, "list", folder);
  if (isTop(folder)) return listTop();
  if (!decision.allowed) return listPassages(folder, passages);
  const Target target = at(folder);
  std::string from = after;
  FolderPage page;
  for (int pages = 0; pages < kEmptyPages; ++pages) {
    FolderPage read =
        told(target.place.inner, folder, [&] { return target.place.disk->list(target.place.inner, from, limits); });
    page.entries = std::move(read.entries);
    page.skipped += read.skipped;
    page.next = std::move(read.next);
    std::erase_if(page.entries, [&](const FolderEntry& entry) { return !isShown(folder, entry.name); });
    if (!page.entries.empty() || page.next.empty()) break;
    from = page.next;
  }
  return page;
}

// Who may fetch a file learns no more from a look at it.
bool GuardedStorage::mayLookAt(const FileName& name) {
  return gate().decide(Verb::List, name).allowed || gate().decide(Verb::Get, name).allowed;
}

FileInfo GuardedStorage::stat(const FileName& name) {
  const bool mayLook = mayLookAt(name);
  if (!mayLook && !gate().isVisible(name)) throw refusal(gate().decide(Verb::List, name), "look at", name);
  if (isTop(name)) return kPlainFolder;
  const Target target = at(name);
  const FileInfo info = told(target.place.inner, name, [&] { return target.place.disk->stat(target.place.inner); });
  if (mayLook) return info;
  if (info.type == FileType::Folder) return kPlainFolder;
  throw refusal(gate().decide(Verb::List, name), "look at", name);
}

std::vector<std::optional<FileInfo>> GuardedStorage::statMany(const FileName& folder,
                                                              std::span<const std::string> names) {
  std::vector<std::optional<FileInfo>> infos(names.size());
  std::vector<bool> mayLook;
  for (const std::string& name : names) mayLook.push_back(mayLookAt(folder.child(name)));
  if (std::find(mayLook.begin(), mayLook.end(), true) == mayLook.end()) return infos;
  if (isTop(folder)) {
    // Names in roots, which are on different disks.
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (!mayLook[i]) continue;
      const Target target = at(folder.child(names[i]));
      infos[i] = findOn(*target.place.disk, target.place.inner);
    }
    return infos;
  }
  const Target target = at(folder);
  infos = told(target.place.inner, folder, [&] { return target.place.disk->statMany(target.place.inner, names); });
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!mayLook[i]) infos[i].reset();
  }
  return infos;
}

// A file, a link or an empty folder.
void GuardedStorage::removeOne(const Target& target) {
  const auto remove = [&] { target.place.disk->remove(target.place.inner, false, kNoHurry); };
  const auto area = state_->areaOf(target.whole);
  if (!area) return remove();
  const auto measure = [&](const Usage&) {
    const auto info = findOn(*target.place.disk, target.place.inner);
    return UsageChange{{}, info ? usageOf(*info) : Usage(), true};
  };
  area->change({measure, remove, QuotaLimits(), target.name});
}

// The time for a removal that is called again while there is more. It runs from the first thing that is removed, which
// goes in any case: each call passes all over again what may not be.
class GuardedStorage::RemovalTime {
 public:
  explicit RemovalTime(std::chrono::milliseconds time) : time_(std::max(time, std::chrono::milliseconds(1))) {}
  // To be asked before each removal; 0: it is over.
  std::chrono::milliseconds left() {
    if (time_ == kNoHurry) return time_;
    const auto now = std::chrono::steady_clock::now();
    if (!end_) {
      end_ = now + time_;
      return time_;
    }
    return std::max(std::chrono::floor<std::chrono::milliseconds>(*end_ - now), std::chrono::milliseconds(0));
  }

 private:
  const std::chrono::milliseconds time_;
  std::optional<std::chrono::steady_clock::time_point> end_;
};

// Removes what may be removed of a folder whose inside is not all alike.
GuardedStorage::Removed GuardedStorage::removeTree(const FileName& folder, RemovalTime& time) {
  bool empty = true;
  const Target target = at(folder);
  std::string after;
  do {
    const FolderPage page = target.place.disk->list(target.place.inner, after, kWalkPage);
    for (const FolderEntry& entry : page.entries) {
      const FileName name = folder.child(entry.name);
      const bool isFolder = entry.info.type == FileType::Folder;
      const bool uneven = isFolder && !gate().isUniform(Verb::Delete, name);
      if (!gate().decide(Verb::Delete, name).allowed) {
        empty = false;
        continue;
      }
      const Removed inside = uneven ? removeTree(name, time) : Removed::All;
      if (inside == Removed::Some) {
        empty = false;
        continue;
      }
      const std::chrono::milliseconds left = time.left();
      if (inside == Removed::Part || left.count() == 0) return Removed::Part;
      const Target child = at(name);
      if (!child.place.disk->remove(child.place.inner, isFolder && !uneven, left)) return Removed::Part;
    }
    empty = empty && page.skipped == 0;
    after = page.next;
  } while (!after.empty());
  return empty ? Removed::All : Removed::Some;
}

bool GuardedStorage::remove(const FileName& name, bool recursive, std::chrono::milliseconds time) {
  constexpr std::string_view kRemove = "remove";
  require(Verb::Delete, name, kRemove);
  if (name.isRoot()) throw Failure(ErrorCode::Forbidden, "the root cannot be removed");
  const Target target = at(name);
  if (target.place.inner.isRoot())
    throw Failure(ErrorCode::Forbidden, shownName(name) + " is a root and cannot be removed");
  const auto info = findOn(*target.place.disk, target.place.inner);
  if (!recursive || !info || info->type != FileType::Folder) {
    told(target.place.inner, name, [&] { removeOne(target); });
    return true;
  }
  bool whole = true;
  bool done = true;
  try {
    if (gate().isUniform(Verb::Delete, name)) {
      done = target.place.disk->remove(target.place.inner, true, time);
    } else {
      RemovalTime limit(time);
      const Removed inside = removeTree(name, limit);
      whole = inside != Removed::Some;
      done = inside != Removed::Part;
      if (inside == Removed::All) target.place.disk->remove(target.place.inner, false, kNoHurry);
    }
  } catch (const Failure& failure) {
    state_->lessen(target.whole);
    throw retold(failure, target.place.inner, name);
  }
  state_->lessen(target.whole);
  if (!whole) {
    throw Failure(ErrorCode::Forbidden, "cannot remove " + shownName(name) +
                                            " as a whole: it holds what you may not delete; the rest of it is removed");
  }
  return done;
}

void GuardedStorage::requireMovable(const FileName& from, const FileName& to, FileType type) {
  if (type != FileType::Folder) return;
  if (const Decision decision = gate().decideFolderRename(from, to); !decision.allowed) {
    throw Failure(ErrorCode::Forbidden,
                  "cannot rename " + shownName(from) + " to " + shownName(to) +
                      ": it is a folder, and making one there is not allowed by " + decision.rule,
                  decision.rule);
  }
  for (const FileName& end : {from, to}) {
    const auto inside = gate().ruleInside(end);
    if (!inside) continue;
    throw Failure(ErrorCode::Forbidden,
                  "cannot rename " + shownName(from) + " to " + shownName(to) + ": not allowed, as " + *inside +
                      " speaks of something inside " + shownName(end),
                  *inside);
  }
}

void GuardedStorage::rename(const FileName& from, const FileName& to, bool replace) {
  const Decision decision = gate().decideRename(from, to);
  if (!decision.allowed) throw refusal(decision, "rename", from);
  if (from.isRoot()) throw Failure(ErrorCode::Forbidden, "the root cannot be renamed");
  if (to.isRoot()) throw diskFailure(EISDIR, "replace", to);
  Moving moving{at(from), at(to), {}, replace};
  if (moving.from.place.disk != moving.to.place.disk) {
    throw Failure(ErrorCode::Forbidden, "cannot rename " + shownName(from) + " to " + shownName(to) +
                                            ": they are in different roots; copy it, and remove it here");
  }
  moving.info =
      told(moving.from.place.inner, from, [&] { return moving.from.place.disk->stat(moving.from.place.inner); });
  requireMovable(from, to, moving.info.type);
  if (const std::size_t fixed = fixedFolders(moving.to); fixed > 0) requireFolders(moving.to, fixed, "rename to");
  const Decision overwrite = gate().decide(Verb::Overwrite, to);
  moving.replace = replace && overwrite.allowed;
  try {
    move(moving, quotaOf(moving.to.whole));
  } catch (const NotYet&) {
    throw;
  } catch (const Failure& failure) {
    if (failure.code() == ErrorCode::Exists && replace && !overwrite.allowed) {
      throw Failure(ErrorCode::Forbidden,
                    "cannot rename " + shownName(from) + ": there is something named " + shownName(to) +
                        ", and replacing it is not allowed by " + overwrite.rule,
                    overwrite.rule);
    }
    throw retold(retold(failure, moving.from.place.inner, from), moving.to.place.inner, to);
  }
}

// The rename itself, counted at both ends.
void GuardedStorage::move(const Moving& moving, const QuotaLimits& limits) {
  DiskStorage& disk = *moving.from.place.disk;
  const FileName& target = moving.to.place.inner;
  const auto rename = [&] { disk.rename(moving.from.place.inner, target, moving.replace); };
  const bool isFolder = moving.info.type == FileType::Folder;
  const auto left = state_->areaOf(moving.from.whole);
  const auto entered = state_->areaOf(moving.to.whole);
  if (!left && !entered) {
    rename();
    if (isFolder && state_->counts()) {
      state_->doubt(moving.from.whole);
      state_->doubt(moving.to.whole);
    }
    return;
  }
  // What comes to the new name, beside what it takes the place of and the folders that it needs.
  const auto arrive = [&](const Usage& moved) {
    const auto old = moving.replace ? findOn(disk, target) : std::nullopt;
    const std::uint64_t folders = missingFolders(disk, target);
    return UsageChange{{moved.bytes, moved.files + folders}, old ? usageOf(*old) : Usage(), folders == 0};
  };
  const auto changeWith = [&](const std::function<UsageChange(const Usage&)>& measure) {
    return QuotaArea::NameChange{measure, rename, limits, moving.to.name};
  };
  if (left == entered) return entered->change(changeWith([&](const Usage&) { return arrive({}); }));
  for (int tries = 0; tries < kCountsOfMoved; ++tries) {
    const std::uint64_t version = left ? left->version() : 0;
    const Usage moved = movedBy(moving);
    const auto change = changeWith([&](const Usage&) { return arrive(moved); });
    if (!left) return entered->change(change);
    if (QuotaArea::changeFrom({*left, version, moved}, entered.get(), change)) return;
  }
  throw failureAbout(ErrorCode::Busy, {"what is in ", moving.from.place.inner,
                                       " changes while it is counted for the quota; try again later"});
}

// What a rename takes along.
Usage GuardedStorage::movedBy(const Moving& moving) {
  const auto info = findOn(*moving.from.place.disk, moving.from.place.inner).value_or(moving.info);
  if (info.type != FileType::Folder) return usageOf(info);
  const Usage inside = state_->countFolder(moving.from.whole);
  return {inside.bytes, inside.files + 1};
}

}  // namespace ft
