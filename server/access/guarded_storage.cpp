#include "server/access/guarded_storage.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <new>

#include "server/access/guarded_names.h"
#include "server/storage/disk_failure.h"

namespace ft {
namespace {

constexpr std::string_view kStore = "store";
constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

// A download that counts among the user's transfers.
class CountedDownload : public Download {
 public:
  CountedDownload(std::unique_ptr<Download> inner, UsePlace place)
      : inner_(std::move(inner)), place_(std::move(place)) {}
  const FileInfo& info() const override { return inner_->info(); }
  int fd() const override { return inner_->fd(); }
  std::size_t read(std::uint64_t offset, std::span<std::byte> into) override { return inner_->read(offset, into); }
  Extent nextData(std::uint64_t offset) override { return inner_->nextData(offset); }
  std::optional<DigestValue> knownDigest(DigestAlgorithm algorithm) override { return inner_->knownDigest(algorithm); }
  void rememberDigest(const DigestValue& digest) override { inner_->rememberDigest(digest); }
  std::string version() const override { return inner_->version(); }
  bool changed() override { return inner_->changed(); }

 private:
  const std::unique_ptr<Download> inner_;
  const UsePlace place_;
};

bool isUserKind(const Identity& identity) {
  return identity.kind == Identity::Kind::User || identity.kind == Identity::Kind::Anonymous;
}

// The failure as its sender is to see it; as it is, where there is no memory for that.
Failure toldBy(const Upload& upload, Failure& failure) {
  try {
    return dynamic_cast<const GuardedUpload&>(upload).told(failure);
  } catch (const std::bad_alloc&) {
    return std::move(failure);
  }
}

}  // namespace

GuardedStorage::GuardedStorage(std::shared_ptr<TenancyState> state, Identity identity)
    : state_(std::move(state)), identity_(std::move(identity)) {
  if (!isUserKind(identity_)) return;
  use_ = state_->useOf(identity_);
  const auto limit = gate().limit(&UserRules::connections, "connections");
  if (limit) connection_ = UsePlace(use_, &UserUse::connections, *limit, "connections");
}

// By the rules as of now: a session sees those that were reloaded meanwhile.
const std::shared_ptr<const Gate>& GuardedStorage::currentGate() {
  const Reading* const reading = reading_.load(std::memory_order_acquire);
  const bool isCurrent = reading != nullptr && reading->generation == state_->generation();
  return isCurrent ? reading->gate : readRules();
}

const std::shared_ptr<const Gate>& GuardedStorage::readRules() {
  const std::lock_guard lock(mutex_);
  const std::uint64_t generation = state_->generation();
  auto gate = std::make_shared<const Gate>(state_->rules(), identity_);
  readings_.push_back(std::make_unique<const Reading>(Reading{generation, std::move(gate)}));
  const Reading& reading = *readings_.back();
  useArea(*reading.gate);
  homeReady_ = reading.gate->home().isRoot();
  reading_.store(&reading, std::memory_order_release);
  return reading.gate;
}

// Whoever has a quota has an area from the first moment on.
void GuardedStorage::useArea(const Gate& gate) {
  const bool counted =
      gate.limit(&UserRules::quotaBytes, "quota_bytes") || gate.limit(&UserRules::quotaFiles, "quota_files");
  if (counted && !gate.home().isRoot()) state_->openArea(gate.home())->addOwner(owner());
}

std::string GuardedStorage::owner() const {
  if (!isUserKind(identity_)) return "";
  return identity_.kind == Identity::Kind::User ? "user " + identity_.user : "anonymous";
}

void GuardedStorage::prepareHome() {
  const FileName& name = gate().home();
  if (homeReady_) return;
  const TenancyState::Place home = state_->locate(name);
  if (!findOn(*home.disk, home.inner)) home.disk->makeFolder({home.inner}, true);
  homeReady_ = true;
}

GuardedStorage::Target GuardedStorage::at(const FileName& name) {
  prepareHome();
  FileName whole = gate().wholeName(name);
  TenancyState::Place place = state_->locate(whole);
  return {name, std::move(whole), std::move(place)};
}

// The folder of the roots, which is on no disk?
bool GuardedStorage::isTop(const FileName& name) {
  return !gate().rules().roots.empty() && gate().wholeName(name).isRoot();
}

void GuardedStorage::require(Verb verb, const FileName& name, std::string_view action) {
  const Decision decision = gate().decide(verb, name);
  if (!decision.allowed) throw refusal(decision, action, name);
}

// How many leading parts of the name on the disk are folders that the identity may not make.
std::size_t GuardedStorage::fixedFolders(const Target& target) {
  std::size_t depth = target.place.inner.parts().size();
  for (FileName folder = target.name.parent(); !folder.isRoot() && depth > 0; folder = folder.parent()) {
    --depth;
    if (!gate().decide(Verb::Mkdir, folder).allowed) return depth;
  }
  // What is above the view is not the identity's to make.
  return gate().home().isRoot() ? 0 : state_->locate(gate().home()).inner.parts().size();
}

// Says at once what the commit would find out.
void GuardedStorage::requireFolders(const Target& target, std::size_t fixed, std::string_view action) {
  FileName inner = target.place.inner.parent();
  FileName name = target.name.parent();
  for (std::size_t depth = inner.parts().size(); depth > fixed; --depth) {
    inner = inner.parent();
    name = name.parent();
  }
  if (name.isRoot() || findOn(*target.place.disk, inner)) return;
  const Decision decision = gate().decide(Verb::Mkdir, name);
  throw Failure(ErrorCode::Forbidden,
                "cannot " + std::string(action) + " " + shownName(target.name) + ": the folder " + shownName(name) +
                    " is not there, and making it is not allowed by " + decision.rule,
                decision.rule);
}

QuotaLimits GuardedStorage::quotaOf(const FileName& whole) {
  QuotaLimits limits;
  limits.owner = owner();
  const FileName& home = gate().home();
  if (home.isRoot() || state_->areaOf(whole) != state_->areaOf(home)) return limits;
  if (const auto bytes = gate().limit(&UserRules::quotaBytes, "quota_bytes")) {
    limits.bytes = bytes->value;
    limits.bytesRule = bytes->rule;
  }
  if (const auto files = gate().limit(&UserRules::quotaFiles, "quota_files")) {
    limits.files = files->value;
    limits.filesRule = files->rule;
  }
  return limits;
}

std::function<UsePlace()> GuardedStorage::transferPlace() {
  const auto limit = gate().limit(&UserRules::transfers, "transfers");
  if (!limit) return nullptr;
  return [use = use_, limit = *limit] { return UsePlace(use, &UserUse::transfers, limit, "transfers"); };
}

void GuardedStorage::limitSize(const Target& target, const PutSpec& spec, UploadTerms& terms) {
  terms.maxSize = kNoLimit;
  const RootRules* const root = gate().rootOf(target.whole);
  if (root == nullptr || !root->maxFileSize.given()) return;
  terms.maxSize = root->maxFileSize.value;
  terms.maxSizeRule = ruleInWords("root " + root->name, "max_file_size", root->maxFileSize.origin);
  if (spec.size.value_or(0) <= terms.maxSize || spec.segment) return;
  throw Failure(ErrorCode::TooLarge,
                "cannot store " + shownName(spec.name) + ": it has " + std::to_string(*spec.size) + " bytes, and " +
                    terms.maxSizeRule + " allows " + std::to_string(terms.maxSize),
                terms.maxSizeRule);
}

std::uint32_t GuardedStorage::masked(const FileName& whole, std::uint32_t mode) {
  const RootRules* const root = gate().rootOf(whole);
  return root != nullptr && root->umask.given() ? mode & ~root->umask.value : mode;
}

std::optional<std::uint32_t> GuardedStorage::storedMode(const FileName& name, std::uint32_t mode) {
  const FileName whole = gate().wholeName(name);
  return state_->locate(whole).disk->storedMode(name, masked(whole, mode));
}

// As much as to replace the file.
std::uint32_t GuardedStorage::setMode(const ModeChange& change) {
  constexpr std::string_view kAction = "change the permission bits of";
  require(Verb::Overwrite, change.name, kAction);
  if (isTop(change.name)) throw diskFailure(EISDIR, kAction, change.name);
  const Target target = at(change.name);
  ModeChange inner = change;
  inner.name = target.place.inner;
  inner.mode = masked(target.whole, change.mode);
  return told(inner.name, change.name, [&] { return target.place.disk->setMode(inner); });
}

// Decides on a put: what the disk is to store, and under which terms.
std::pair<PutSpec, UploadTerms> GuardedStorage::plan(const PutSpec& spec) {
  UploadTerms terms;
  terms.gate = currentGate();
  requireToStore(spec);
  const Target target = at(spec.name);
  limitSize(target, spec, terms);
  terms.disk = target.place.disk;
  terms.inner = target.place.inner;
  terms.whole = target.whole;
  terms.rules = rulesOf(target, spec);
  terms.takePlace = transferPlace();
  terms.retell = [inner = target.place.inner, name = spec.name](const Failure& failure) {
    return retold(failure, inner, name);
  };
  PutSpec inner = spec;
  inner.name = target.place.inner;
  inner.owner = owner();
  // The mode of puts that name none is the disk's, which has it masked.
  if (spec.mode) inner.mode = masked(target.whole, *spec.mode);
  if (spec.segment) return {std::move(inner), std::move(terms)};
  inner.naming = terms.rules.naming;
  if (inner.naming.fixedFolders > 0 && !inner.naming.onlyReplace) {
    requireFolders(target, inner.naming.fixedFolders, kStore);
  }
  return {std::move(inner), std::move(terms)};
}

// Put stores what is new, Overwrite replaces what is there: whoever has one of them may begin.
void GuardedStorage::requireToStore(const PutSpec& spec) {
  const Decision put = gate().decide(Verb::Put, spec.name);
  if (put.allowed || (spec.naming.replace && gate().decide(Verb::Overwrite, spec.name).allowed)) return;
  throw refusal(put, kStore, spec.name);
}

PutRules GuardedStorage::rulesOf(const Target& target, const PutSpec& spec) {
  PutRules rules;
  rules.area = state_->areaOf(target.whole);
  rules.limits = quotaOf(target.whole);
  rules.naming.replace = spec.naming.replace;
  if (spec.segment) return rules;
  const Decision overwrite = gate().decide(Verb::Overwrite, target.name);
  if (!overwrite.allowed) {
    rules.overwriteRule = overwrite.rule;
    rules.naming.replace = false;
  }
  const Decision put = gate().decide(Verb::Put, target.name);
  rules.naming.onlyReplace = !put.allowed;
  if (!put.allowed) rules.newRule = put.rule;
  const std::size_t depth = target.place.inner.parts().size();
  rules.naming.fixedFolders = put.allowed ? fixedFolders(target) : std::max<std::size_t>(depth, 1) - 1;
  return rules;
}

// By the rules of this moment, which may be others than those that it was begun under. Throws the refusal.
PutRules GuardedStorage::judge(const GuardedUpload& upload) {
  const UploadTerms& terms = upload.terms();
  if (terms.gate == currentGate()) {
    PutRules rules = terms.rules;
    rules.area = state_->areaOf(terms.whole);
    return rules;
  }
  PutSpec spec = upload.spec();
  requireToStore(spec);
  const Target target = at(spec.name);
  if (target.place.disk != terms.disk || target.whole != terms.whole) {
    throw Failure(ErrorCode::Forbidden,
                  "cannot store " + shownName(spec.name) + ": that name has another place by now; put it again");
  }
  if (upload.size() > 0) spec.size = upload.size();
  UploadTerms now;
  limitSize(target, spec, now);
  return rulesOf(target, spec);
}

void GuardedStorage::recheck(Upload& upload) { static_cast<void>(judge(dynamic_cast<GuardedUpload&>(upload))); }

std::unique_ptr<Upload> GuardedStorage::begin(const PutSpec& spec) {
  auto [inner, terms] = plan(spec);
  auto guarded = std::make_unique<GuardedUpload>(spec, std::move(terms));
  guarded->takePlace();
  guarded->promiseSpace();
  const auto tell = [&](const Failure& failure) { return guarded->told(failure); };
  guarded->use(retelling(tell, [&, &wanted = inner] { return guarded->terms().disk->begin(wanted); }));
  return guarded;
}

std::unique_ptr<Upload> GuardedStorage::resume(const PutSpec& spec, DigestAlgorithm prefixDigest) {
  auto [inner, terms] = plan(spec);
  auto guarded = std::make_unique<GuardedUpload>(spec, std::move(terms));
  const auto tell = [&](const Failure& failure) { return guarded->told(failure); };
  guarded->use(retelling(tell, [&, &wanted = inner] { return guarded->terms().disk->resume(wanted, prefixDigest); }));
  guarded->promiseResumed();
  return guarded;
}

void GuardedStorage::commitOn(DiskStorage& disk, std::span<CommitItem> items) {
  std::vector<CommitItem> inner;
  std::vector<CommitItem*> outer;
  for (CommitItem& item : items) {
    auto* const guarded = dynamic_cast<GuardedUpload*>(item.upload.get());
    if (guarded == nullptr || guarded->terms().disk != &disk) continue;
    guarded->judgeBy([this, guarded] { return judge(*guarded); });
    inner.push_back(CommitItem{guarded->releaseInner(), item.digests, std::nullopt, guarded});
    outer.push_back(&item);
  }
  if (inner.empty()) return;
  disk.commit(inner);
  for (std::size_t i = 0; i < inner.size(); ++i) {
    if (inner[i].failure) outer[i]->failure = toldBy(*outer[i]->upload, *inner[i].failure);
    outer[i]->upload.reset();
  }
}

void GuardedStorage::commit(std::span<CommitItem> items) {
  for (const TenancyState::Root& root : state_->roots()) commitOn(*root.disk, items);
  for (CommitItem& item : items) {
    if (!item.upload) continue;
    item.failure.emplace(ErrorCode::Internal, "the upload was begun under another identity; put it again");
    item.upload.reset();
  }
}

std::unique_ptr<Download> GuardedStorage::open(const FileName& name) {
  require(Verb::Get, name, "read");
  if (isTop(name)) throw diskFailure(EISDIR, "read", name);
  const Target target = at(name);
  const auto takePlace = transferPlace();
  UsePlace place = takePlace ? takePlace() : UsePlace();
  auto download = told(target.place.inner, name, [&] { return target.place.disk->open(target.place.inner); });
  if (!takePlace) return download;
  return std::make_unique<CountedDownload>(std::move(download), std::move(place));
}

}  // namespace ft
