// The part of GuardedStorage that makes folders.
#include <algorithm>
#include <limits>
#include <set>
#include <string_view>
#include <utility>

#include "server/access/guarded_names.h"
#include "server/access/guarded_storage.h"
#include "server/storage/disk_failure.h"

namespace ft {
namespace {

constexpr std::string_view kMake = "make";
constexpr std::string_view kSetTime = "set the time of";

}  // namespace

bool GuardedStorage::isFolder(const Target& target) {
  const auto info = findOn(*target.place.disk, target.place.inner);
  return info && info->type == FileType::Folder;
}

// Decides on a folder that is to be there. Throws the refusal.
void GuardedStorage::planFolder(const FolderToMake& folder, FolderPlan& plan) {
  const FileName& name = folder.name;
  if (name.isRoot()) return;
  const Decision decision = gate().decide(Verb::Mkdir, name);
  const bool isPlanned = plan.names.contains(name.text());
  if (isPlanned || (!isTop(name) && (decision.allowed || gate().isVisible(name)) && isFolder(at(name)))) {
    // A folder that is there, and that one may know of, need not be made. To give it a time is as good as making it.
    if (!folder.mtimeNs) return;
    if (!decision.allowed) throw refusal(decision, kSetTime, name);
    Target target = at(name);
    const FolderToMake like{target.place.inner, std::nullopt, folder.mtimeNs};
    plan.folders.push_back({std::move(target), like});
    return;
  }
  if (!decision.allowed) throw refusal(decision, kMake, name);
  planMissing(folder, plan);
}

// That folder and those above it that are not there.
void GuardedStorage::planMissing(const FolderToMake& folder, FolderPlan& plan) {
  std::vector<FolderToMake> missing{folder};
  for (FileName above = folder.name.parent(); !above.isRoot() && !plan.names.contains(above.text());
       above = above.parent()) {
    const Target target = at(above);
    if (findOn(*target.place.disk, target.place.inner)) break;
    require(Verb::Mkdir, above, kMake);
    missing.push_back({above});
  }
  for (auto each = missing.rbegin(); each != missing.rend(); ++each) {
    Target target = at(each->name);
    FolderToMake like{target.place.inner, each->mode, each->mtimeNs};
    if (like.mode) like.mode = masked(target.whole, *like.mode);
    plan.folders.push_back({std::move(target), std::move(like)});
    plan.names.insert(each->name.text());
  }
}

// Returns the failure of a time that could not be set, when all else is done.
std::optional<Failure> GuardedStorage::make(const FolderPlan& plan) {
  std::optional<Failure> untimed;
  for (std::span<const PlannedFolder> left = plan.folders; !left.empty();) {
    const Target& first = left.front().target;
    const auto area = state_->areaOf(first.whole);
    const auto end = std::find_if(left.begin(), left.end(), [&](const PlannedFolder& each) {
      return each.target.place.disk != first.place.disk || state_->areaOf(each.target.whole) != area;
    });
    const auto run = static_cast<std::size_t>(end - left.begin());
    auto failure = makeRun(left.first(run));
    if (!untimed) untimed = std::move(failure);
    left = left.subspan(run);
  }
  return untimed;
}

// Folders of one disk that count in one area, or in none: as many at once as the quota allows.
std::optional<Failure> GuardedStorage::makeRun(std::span<const PlannedFolder> run) {
  DiskStorage& disk = *run.front().target.place.disk;
  const auto area = state_->areaOf(run.front().target.whole);
  const QuotaLimits limits = quotaOf(run.front().target.whole);
  std::size_t count = run.size();
  std::optional<Failure> untimed;
  const auto makeThem = [&] {
    std::vector<FolderToMake> wanted;
    for (const PlannedFolder& each : run.first(count)) wanted.push_back(each.like);
    auto failure = disk.makeListed(wanted);
    if (!untimed) untimed = std::move(failure);
  };
  const auto measure = [&](const Usage& used) {
    const std::uint64_t limit = limits.files.value_or(std::numeric_limits<std::uint64_t>::max());
    Usage added;
    std::set<std::string_view> missing;  // one may be named twice, the second time for its time alone
    // The first one in any case: that it does not fit is to be told.
    for (count = 0; count < run.size(); ++count) {
      const FileName& inner = run[count].target.place.inner;
      if (missing.contains(inner.text()) || findOn(disk, inner)) continue;
      if (count > 0 && used.files + added.files >= limit) break;
      ++added.files;
      missing.insert(inner.text());
    }
    return UsageChange{added, {}, count == 1};
  };
  // The disk's words for the folder that it names.
  const auto retell = [all = run](const Failure& failure) {
    const auto& mentions = failure.mentions();
    const auto meant = std::find_if(all.begin(), all.end(), [&](const PlannedFolder& each) {
      return !mentions.empty() && mentions.front().name == each.target.place.inner.text();
    });
    const Target& target = meant != all.end() ? meant->target : all.front().target;
    return retold(failure, target.place.inner, target.name);
  };
  for (; !run.empty(); run = run.subspan(count)) {
    count = run.size();
    retelling(retell, [&] {
      if (area) {
        area->change({measure, makeThem, limits, run.front().target.name});
      } else {
        makeThem();
      }
    });
  }
  return untimed ? std::optional(retell(*untimed)) : std::nullopt;
}

void GuardedStorage::makeFolder(const FolderToMake& folder, bool parents) {
  if (!parents) return makeNew(folder);
  FolderPlan plan;
  planFolder(folder, plan);
  if (auto untimed = make(plan)) throw std::move(*untimed);
}

// A folder that must not be there yet. The disk decides that, as others may be making it.
void GuardedStorage::makeNew(const FolderToMake& folder) {
  require(Verb::Mkdir, folder.name, kMake);
  const Target target = at(folder.name);
  DiskStorage& disk = *target.place.disk;
  FolderToMake like{target.place.inner, folder.mode, folder.mtimeNs};
  if (like.mode) like.mode = masked(target.whole, *like.mode);
  const auto area = state_->areaOf(target.whole);
  const auto make = [&] { disk.makeFolder(like, false); };
  // What is refused as a time leaves a folder behind.
  const auto measure = [&](const Usage&) {
    return UsageChange{{0, findOn(disk, like.name) ? 0U : 1U}, {}, !like.mtimeNs};
  };
  told(like.name, folder.name, [&] {
    if (!area) return make();
    area->change({measure, make, quotaOf(target.whole), folder.name});
  });
}

// Those before one that is refused are made, as if they had come one by one.
std::optional<Failure> GuardedStorage::makeFolders(std::span<const FolderToMake> folders) {
  FolderPlan plan;
  std::optional<Failure> refused, untimed;
  const auto planned = [&](const FolderToMake& folder) -> std::optional<Failure> {
    try {
      planFolder(folder, plan);
      return std::nullopt;
    } catch (const Failure& failure) {
      return failure;
    }
  };
  for (const FolderToMake& folder : folders) {
    auto failure = planned(folder);
    if (!failure) continue;
    // Whether it is the time alone that is refused.
    refused = folder.mtimeNs ? planned({folder.name, folder.mode}) : failure;
    if (refused) break;
    if (!untimed) untimed = std::move(failure);
  }
  auto failure = make(plan);
  if (refused) throw std::move(*refused);
  return untimed ? std::move(untimed) : std::move(failure);
}

}  // namespace ft
