#include "server/access/tenancy.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "common/error.h"
#include "server/access/guarded_storage.h"
#include "server/access/root_checks.h"
#include "server/access/tenancy_state.h"

namespace ft {
namespace {

using std::chrono::milliseconds;

// Parts are looked through as often as they expire, within these.
constexpr milliseconds kShortestPause = std::chrono::seconds(1);
constexpr milliseconds kPartsPause = std::chrono::minutes(10);
constexpr milliseconds kLeastAgeInterval{1000};
constexpr milliseconds kMostAgeInterval = std::chrono::minutes(5);
constexpr milliseconds kExpiryTime{500};

DiskStorageOptions storageOptions(const ServerConfig& config) {
  DiskStorageOptions options;
  options.root = config.root;
  options.durability = config.durability;
  options.minFree = config.minFree;
  options.partExpire = config.partExpire;
  options.backgroundMd5 = config.backgroundMd5;
  options.fileMode = config.fileMode;
  options.folderMode = config.folderMode;
  options.umask = config.umask;
  return options;
}

DiskStorageOptions rootOptions(const ServerConfig& config, const RootRules& root) {
  DiskStorageOptions options = storageOptions(config);
  options.root = root.path.value;
  const std::uint32_t masked = ~root.umask.value;
  if (root.fileMode.given()) options.fileMode = root.fileMode.value;
  if (root.folderMode.given()) options.folderMode = root.folderMode.value;
  options.readOnly = root.readOnly.value;
  options.fileMode &= masked;
  options.folderMode &= masked;
  options.mostMode &= masked;
  options.owner.uid = numberOfOwner(root.owner, "user");
  options.owner.gid = numberOfOwner(root.group, "group");
  return options;
}

std::vector<TenancyState::Root> openRoots(const ServerConfig& config) {
  std::vector<TenancyState::Root> roots;
  if (config.access.roots.empty()) {
    roots.push_back({"", config.root, std::make_unique<DiskStorage>(storageOptions(config))});
  }
  for (const RootRules& root : config.access.roots) {
    roots.push_back({root.name, root.path.value, std::make_unique<DiskStorage>(rootOptions(config, root))});
  }
  std::sort(roots.begin(), roots.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return roots;
}

// What of a root cannot change while its disk is open.
bool sameRoot(const RootRules& a, const RootRules& b) {
  return a.path.value == b.path.value && a.fileMode.value == b.fileMode.value &&
         a.folderMode.value == b.folderMode.value && a.owner.value.name == b.owner.value.name &&
         a.group.value.name == b.group.value.name && a.umask.value == b.umask.value;
}

struct AgeLimit {
  milliseconds age;
  milliseconds time;  // to look for older ones
};

bool removeOlderThan(const TenancyState& state, const FileName& whole, const AgeLimit& limit) {
  DiskStorage& disk = *state.locate(whole).disk;
  const auto doubtChanges = [&, before = disk.expired()] {
    if (disk.expired() != before) state.doubt(whole);
  };
  try {
    const bool done = disk.removeOlderThan(limit.age, limit.time);
    doubtChanges();
    return done;
  } catch (const Failure&) {
    doubtChanges();
    throw;
  }
}

}  // namespace

std::vector<std::string> rootPaths(const ServerConfig& config) {
  if (config.access.roots.empty()) return {config.root};
  std::vector<std::string> paths;
  for (const RootRules& root : config.access.roots) paths.push_back(root.path.value);
  return paths;
}

Tenancy::Tenancy(const ServerConfig& config, Log& log)
    : log_(log),
      state_(std::make_shared<TenancyState>(openRoots(config), std::make_shared<const AccessRules>(config.access))),
      storageRoot_(config.root),
      partsPause_(std::clamp(config.partExpire, kShortestPause, kPartsPause)),
      chores_(log) {
  for (const TenancyState::Root& root : state_->roots()) {
    const std::string& notice = root.disk->notice();
    if (!notice.empty()) log_.event(LogLevel::Warn, "digests-unused", {{"root", root.path}, {"reason", notice}});
  }
  openHomes();
}

Tenancy::~Tenancy() = default;

// So that what somebody else puts there counts, too; the homes of others are known when they come.
void Tenancy::openHomes() {
  const auto rules = state_->rules();
  for (const UserRules& user : rules->users) {
    if (user.name == "*") continue;
    const Gate gate(rules, identityOf(user.name));
    const bool counted =
        gate.limit(&UserRules::quotaBytes, "quota_bytes") || gate.limit(&UserRules::quotaFiles, "quota_files");
    if (!counted || gate.home().isRoot()) continue;
    state_->openArea(gate.home());
  }
}

std::shared_ptr<Storage> Tenancy::view(const Identity& identity) {
  // Who may do everything on the only root sees the disk as it is.
  const bool whole = identity.kind == Identity::Kind::Local && !state_->counts() && state_->rules()->roots.empty();
  if (whole) return {state_, state_->roots().front().disk.get()};
  return std::make_shared<GuardedStorage>(state_, identity);
}

std::shared_ptr<const Gate> Tenancy::gate(const Identity& identity) const {
  return std::make_shared<const Gate>(state_->rules(), identity);
}

std::shared_ptr<RateBucket> Tenancy::rateOf(const Identity& identity) const {
  if (identity.kind != Identity::Kind::User && identity.kind != Identity::Kind::Anonymous) return nullptr;
  const auto use = state_->useOf(identity);
  return {use, &use->rate};
}

bool Tenancy::servesAnonymous() const { return state_->rules()->findUser("anonymous") != nullptr; }

void Tenancy::reload(const ServerConfig& config) {
  const auto before = state_->rules();
  const auto& roots = config.access.roots;
  const auto isOpen = [&](const RootRules& root) {
    const RootRules* const open = before->findRoot(root.name);
    return open != nullptr && sameRoot(*open, root);
  };
  const bool same = roots.size() == before->roots.size() && (!roots.empty() || config.root == storageRoot_) &&
                    std::all_of(roots.begin(), roots.end(), isOpen);
  if (!same) {
    throw ConfigError(
        "the roots, their paths, modes, owners or groups have changed: that needs a restart of the daemon; "
        "the rules from before are kept");
  }
  for (const RootRules& root : roots) {
    if (root.readOnly.value || !state_->locate(FileName::parse(root.name)).disk->storesNothing()) continue;
    throw ConfigError("[root " + root.name +
                      "] is not read_only any more: that needs a restart of the daemon, as "
                      "nothing could be written there when it was started; the rules from before are kept");
  }
  state_->setRules(std::make_shared<const AccessRules>(config.access));
  openHomes();
}

void Tenancy::expire() { chores_.run(chores(), kExpiryTime); }

std::vector<Chore> Tenancy::chores() const {
  std::vector<Chore> all;
  for (const TenancyState::Root& root : state_->roots()) {
    const auto expireParts = [this, disk = root.disk.get()](milliseconds time) {
      const bool done = disk->expireParts(time);
      state_->doubtParts();
      return done;
    };
    all.push_back({root.path, "parts", partsPause_, partsPause_, expireParts});
  }
  for (const RootRules& root : state_->rules()->roots) {
    if (!root.maxAge.given()) continue;
    const auto expireFiles = [this, whole = FileName::parse(root.name), age = root.maxAge.value](milliseconds time) {
      return removeOlderThan(*state_, whole, {age, time});
    };
    const milliseconds pause = std::clamp(root.maxAge.value / 10, kLeastAgeInterval, kMostAgeInterval);
    all.push_back({root.path.value, "files", milliseconds(0), pause, expireFiles});
  }
  return all;
}

}  // namespace ft
