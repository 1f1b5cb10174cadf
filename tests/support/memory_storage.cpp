#include "tests/support/memory_storage.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

namespace ft::testing {

using PartKey = std::tuple<std::string, std::uint64_t, std::int64_t>;

struct MemoryState {
  mutable std::mutex mutex;
  std::map<std::string, std::shared_ptr<MemoryFile>> files;
  std::map<std::string, std::int64_t> folders;  // their times
  std::map<PartKey, std::vector<std::byte>> parts;
  std::set<PartKey> claimed;
  std::uint64_t freeSpace = std::uint64_t{1} << 30;
  std::vector<std::string> committed;
  std::vector<std::size_t> groups;
  std::size_t openUploads = 0, takeUpSteps = 0, notYet = 0;
};

namespace {

template <typename T>
T valueOf(const MemoryState& state, T MemoryState::*member) {
  const std::lock_guard lock(state.mutex);
  return state.*member;
}

template <typename T>
void setValue(MemoryState& state, T MemoryState::*member, T value) {
  const std::lock_guard lock(state.mutex);
  state.*member = value;
}

std::string quoted(const FileName& name) { return "'" + name.text() + "'"; }

bool isFolder(const MemoryState& state, const FileName& name) {
  return name.isRoot() || state.folders.contains(name.text());
}

void requireNoFileAbove(const MemoryState& state, const FileName& name) {
  for (FileName folder = name.parent(); !folder.isRoot(); folder = folder.parent()) {
    if (state.files.contains(folder.text())) throw Failure(ErrorCode::NotDirectory, quoted(folder) + " is a file");
  }
}

void addFolders(MemoryState& state, FileName folder) {
  for (; !folder.isRoot(); folder = folder.parent()) state.folders.try_emplace(folder.text(), 0);
}

void checkTarget(const MemoryState& state, const FileName& name, bool replace) {
  if (isFolder(state, name)) throw Failure(ErrorCode::IsDirectory, quoted(name) + " is a folder");
  requireNoFileAbove(state, name);
  if (!replace && state.files.contains(name.text())) throw Failure(ErrorCode::Exists, quoted(name) + " exists");
}

bool isBelow(std::string_view name, const FileName& folder) { return ft::isBelow(name, folder.text()); }

FileInfo infoOf(const MemoryFile& file) { return {FileType::File, file.bytes.size(), file.mtimeNs, file.mode}; }
FileInfo folderInfo(std::int64_t mtimeNs) { return {FileType::Folder, 0, mtimeNs, 0755}; }

std::optional<FileInfo> find(const MemoryState& state, const FileName& name) {
  if (isFolder(state, name)) return folderInfo(name.isRoot() ? 0 : state.folders.at(name.text()));
  const auto file = state.files.find(name.text());
  if (file == state.files.end()) return std::nullopt;
  return infoOf(*file->second);
}

class MemoryUpload : public Upload {
 public:
  MemoryUpload(std::shared_ptr<MemoryState> state, PutSpec spec, std::optional<PartKey> part)
      : state_(std::move(state)), spec_(std::move(spec)), part_(std::move(part)) {
    const std::lock_guard lock(state_->mutex);
    ++state_->openUploads;
    if (part_) bytes_ = state_->parts[*part_];
    if (!bytes_.empty()) stepsLeft_ = state_->takeUpSteps;
  }
  ~MemoryUpload() override {
    const std::lock_guard lock(state_->mutex);
    --state_->openUploads;
    if (!part_) return;
    state_->claimed.erase(*part_);
    state_->parts.erase(*part_);
    if (!committed && !bytes_.empty()) state_->parts[*part_] = bytes_;
  }
  bool takeUp() override { return stepsLeft_ == 0 || --stepsLeft_ == 0; }
  std::uint64_t offset() const override { return bytes_.size(); }
  std::optional<DigestValue> prefix() const override { return taken; }
  void write(std::span<const std::byte> bytes) override {
    makeRoom(bytes.size());
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  void writeHole(std::uint64_t count) override {
    makeRoom(count);
    bytes_.resize(bytes_.size() + count);
  }
  std::size_t writeFromPipe(int pipe, std::size_t count) override {
    std::vector<std::byte> block(std::min<std::size_t>(count, 65'536));
    const ssize_t got = ::read(pipe, block.data(), block.size());
    if (got <= 0) throw Failure(ErrorCode::IoError, std::string("reading the pipe failed: ") + std::strerror(errno));
    write(std::span<const std::byte>(block).first(static_cast<std::size_t>(got)));
    return static_cast<std::size_t>(got);
  }
  void append(Upload& segment, std::uint64_t begin, std::uint64_t count) override {
    write(std::span<std::byte>(dynamic_cast<MemoryUpload&>(segment).bytes_).subspan(begin, count));
  }
  std::vector<DigestValue> finish() override {
    if (spec_.size && *spec_.size != bytes_.size()) {
      throw Failure(ErrorCode::Integrity, quoted(spec_.name) + ": " + std::to_string(bytes_.size()) + " bytes arrived");
    }
    std::vector<DigestValue> values;
    for (const DigestAlgorithm algorithm : spec_.digests) values.push_back(digestOf(algorithm, bytes_));
    return values;
  }
  void restart() override { bytes_.clear(); }
  void discard() noexcept override { bytes_.clear(); }
  const PutSpec& spec() const override { return spec_; }

  std::vector<std::byte>& bytes() { return bytes_; }
  std::optional<DigestValue> taken;
  bool committed = false;

 private:
  void makeRoom(std::uint64_t count) const {
    const std::uint64_t limit = spec_.size.value_or(std::numeric_limits<std::uint64_t>::max());
    if (count > limit - bytes_.size())
      throw Failure(ErrorCode::TooLarge, quoted(spec_.name) + " is larger than announced");
    const std::lock_guard lock(state_->mutex);
    if (count > state_->freeSpace || bytes_.size() > state_->freeSpace - count) {
      throw Failure(ErrorCode::NoSpace, "no space for " + quoted(spec_.name));
    }
  }

  std::shared_ptr<MemoryState> state_;
  PutSpec spec_;
  std::optional<PartKey> part_;
  std::vector<std::byte> bytes_;
  std::size_t stepsLeft_ = 0;
};

std::shared_ptr<MemoryFile>& fileOf(MemoryState& state, const FileName& name) {
  checkTarget(state, name, true);
  const auto file = state.files.find(name.text());
  if (file == state.files.end()) throw Failure(ErrorCode::NotFound, quoted(name) + " does not exist");
  return file->second;
}

class MemoryDownload : public Download {
 public:
  MemoryDownload(std::shared_ptr<MemoryState> state, std::shared_ptr<MemoryFile> file)
      : state_(std::move(state)), file_(std::move(file)), info_(infoOf(*file_)) {}
  const FileInfo& info() const override { return info_; }
  int fd() const override { return -1; }
  std::size_t read(std::uint64_t offset, std::span<std::byte> into) override {
    const auto& bytes = file_->bytes;
    if (offset >= bytes.size() || into.empty()) return 0;
    const std::size_t from = offset;
    const std::size_t count = std::min(into.size(), bytes.size() - from);
    std::memcpy(into.data(), bytes.data() + from, count);
    return count;
  }
  Extent nextData(std::uint64_t offset) override { return {std::min(offset, info_.size), info_.size}; }
  std::optional<DigestValue> knownDigest(DigestAlgorithm algorithm) override {
    const std::lock_guard lock(state_->mutex);
    for (const DigestValue& digest : file_->digests) {
      if (digest.algorithm == algorithm) return digest;
    }
    return std::nullopt;
  }
  void rememberDigest(const DigestValue& digest) override {
    const std::lock_guard lock(state_->mutex);
    if (!file_->disturbed) file_->digests.push_back(digest);
  }
  std::string version() const override { return std::to_string(reinterpret_cast<std::uintptr_t>(file_.get())); }
  bool changed() override {
    const std::lock_guard lock(state_->mutex);
    return file_->disturbed;
  }

 private:
  std::shared_ptr<MemoryState> state_;
  std::shared_ptr<MemoryFile> file_;
  FileInfo info_;
};

void commitOne(MemoryState& state, CommitItem& item) {
  auto& upload = dynamic_cast<MemoryUpload&>(*item.upload);
  const PutSpec& spec = upload.spec();
  try {
    checkTarget(state, spec.name, spec.naming.replace);
  } catch (const Failure& failure) {
    item.failure = failure;
    return;
  }
  auto file = std::make_shared<MemoryFile>();
  file->bytes = std::move(upload.bytes());
  file->mtimeNs = spec.mtimeNs.value_or(0);
  file->mode = spec.mode.value_or(0644);
  file->digests = item.digests;
  addFolders(state, spec.name.parent());
  state.freeSpace -= std::min<std::uint64_t>(state.freeSpace, file->bytes.size());
  state.files[spec.name.text()] = std::move(file);
  state.committed.push_back(spec.name.text());
  upload.committed = true;
}

}  // namespace

MemoryStorage::MemoryStorage() : state_(std::make_shared<MemoryState>()) {}
MemoryStorage::~MemoryStorage() = default;

std::unique_ptr<Upload> MemoryStorage::begin(const PutSpec& spec) {
  std::unique_lock lock(state_->mutex);
  if (state_->notYet > 0 && state_->notYet-- > 0) throw NotYet(ErrorCode::Busy, "not yet", NotYet::Next::InAMoment);
  if (spec.name.isRoot()) throw Failure(ErrorCode::IsDirectory, "the root is a folder");
  checkTarget(*state_, spec.name, spec.naming.replace);
  const std::uint64_t data = spec.dataSize.value_or(spec.size.value_or(0));
  if (data > state_->freeSpace) throw Failure(ErrorCode::NoSpace, "no space for " + quoted(spec.name));
  lock.unlock();
  return std::make_unique<MemoryUpload>(state_, spec, std::nullopt);
}

std::unique_ptr<Upload> MemoryStorage::resume(const PutSpec& spec, DigestAlgorithm prefixDigest) {
  std::optional<PartKey> part = PartKey{spec.name.text(), spec.size.value(), spec.mtimeNs.value()};
  {
    const std::lock_guard lock(state_->mutex);
    checkTarget(*state_, spec.name, spec.naming.replace);
    if (*spec.size > state_->freeSpace) throw Failure(ErrorCode::NoSpace, "no space for " + quoted(spec.name));
    if (!state_->claimed.insert(*part).second) part.reset();
  }
  auto upload = std::make_unique<MemoryUpload>(state_, spec, std::move(part));
  if (upload->offset() > 0) upload->taken = digestOf(prefixDigest, upload->bytes());
  return upload;
}

void MemoryStorage::commit(std::span<CommitItem> items) {
  std::unique_lock lock(state_->mutex);
  state_->groups.push_back(items.size());
  for (CommitItem& item : items) commitOne(*state_, item);
  lock.unlock();
  for (CommitItem& item : items) item.upload.reset();
}

std::unique_ptr<Download> MemoryStorage::open(const FileName& name) {
  const std::lock_guard lock(state_->mutex);
  return std::make_unique<MemoryDownload>(state_, fileOf(*state_, name));
}

std::uint32_t MemoryStorage::setMode(const ModeChange& change) {
  const std::lock_guard lock(state_->mutex);
  auto& file = fileOf(*state_, change.name);
  const FileInfo was = infoOf(*file);
  const bool same = change.size.value_or(was.size) == was.size && change.mtimeNs.value_or(*was.mtimeNs) == was.mtimeNs;
  if (!same) throw Failure(ErrorCode::Changed, "another file");
  file = std::make_shared<MemoryFile>(*file);
  file->mode = change.mode;
  return file->mode;
}

FileInfo MemoryStorage::stat(const FileName& name) {
  const std::lock_guard lock(state_->mutex);
  requireNoFileAbove(*state_, name);
  const auto info = find(*state_, name);
  if (!info) throw Failure(ErrorCode::NotFound, quoted(name) + " does not exist");
  return *info;
}

FolderPage MemoryStorage::list(const FileName& folder, const std::string& after, PageLimits limits) {
  const std::lock_guard lock(state_->mutex);
  if (state_->files.contains(folder.text())) throw Failure(ErrorCode::NotDirectory, quoted(folder) + " is a file");
  if (!isFolder(*state_, folder)) throw Failure(ErrorCode::NotFound, quoted(folder) + " does not exist");
  std::map<std::string, FileInfo> children;
  const auto add = [&](const std::string& name, const FileInfo& info) {
    if (!isBelow(name, folder)) return;
    const std::string rest = name.substr(folder.isRoot() ? 0 : folder.text().size() + 1);
    if (rest.find('/') == std::string::npos && rest > after) children[rest] = info;
  };
  for (const auto& [name, file] : state_->files) add(name, infoOf(*file));
  for (const auto& [name, mtimeNs] : state_->folders) add(name, folderInfo(mtimeNs));
  FolderPage page;
  std::size_t nameBytes = 0;
  for (auto& [name, info] : children) {
    nameBytes += name.size();
    if (!page.entries.empty() && (page.entries.size() == limits.entries || nameBytes > limits.nameBytes)) {
      page.next = page.entries.back().name;
      break;
    }
    page.entries.push_back({name, info});
  }
  return page;
}

std::vector<std::optional<FileInfo>> MemoryStorage::statMany(const FileName& folder,
                                                             std::span<const std::string> names) {
  const std::lock_guard lock(state_->mutex);
  std::vector<std::optional<FileInfo>> infos;
  for (const std::string& name : names) infos.push_back(find(*state_, folder.child(name)));
  return infos;
}

void MemoryStorage::makeFolder(const FolderToMake& folder, bool parents) {
  const FileName& name = folder.name;
  const std::lock_guard lock(state_->mutex);
  requireNoFileAbove(*state_, name);
  if (state_->files.contains(name.text())) {
    throw Failure(parents ? ErrorCode::NotDirectory : ErrorCode::Exists, quoted(name) + " is a file");
  }
  if (!parents && isFolder(*state_, name)) throw Failure(ErrorCode::Exists, quoted(name) + " exists");
  if (!parents && !isFolder(*state_, name.parent())) {
    throw Failure(ErrorCode::NotFound, quoted(name.parent()) + " does not exist");
  }
  addFolders(*state_, name);
  if (folder.mtimeNs && !name.isRoot()) state_->folders[name.text()] = *folder.mtimeNs;
}

std::optional<Failure> MemoryStorage::makeFolders(std::span<const FolderToMake> folders) {
  for (const FolderToMake& folder : folders) makeFolder(folder, true);
  return std::nullopt;
}

bool MemoryStorage::remove(const FileName& name, bool recursive, std::chrono::milliseconds) {
  const std::lock_guard lock(state_->mutex);
  requireNoFileAbove(*state_, name);
  if (state_->files.erase(name.text()) > 0) return true;
  if (!state_->folders.contains(name.text())) throw Failure(ErrorCode::NotFound, quoted(name) + " does not exist");
  const auto below = [&](const auto& other) { return isBelow(other.first, name); };
  const bool empty = std::none_of(state_->folders.begin(), state_->folders.end(), below) &&
                     std::none_of(state_->files.begin(), state_->files.end(), below);
  if (!empty && !recursive) throw Failure(ErrorCode::IsDirectory, quoted(name) + " is a folder that is not empty");
  std::erase_if(state_->files, below);
  std::erase_if(state_->folders, below);
  state_->folders.erase(name.text());
  return true;
}

void MemoryStorage::rename(const FileName& from, const FileName& to, bool replace) {
  const std::lock_guard lock(state_->mutex);
  requireNoFileAbove(*state_, from);
  if (!find(*state_, from)) throw Failure(ErrorCode::NotFound, quoted(from) + " does not exist");
  if (from == to || isBelow(to.text(), from))
    throw Failure(ErrorCode::NameInvalid, quoted(from) + " cannot become " + quoted(to));
  checkTarget(*state_, to, replace);
  addFolders(*state_, to.parent());
  if (auto file = state_->files.extract(from.text())) {
    state_->files[to.text()] = std::move(file.mapped());
    return;
  }
  if (state_->files.contains(to.text())) throw Failure(ErrorCode::NotDirectory, quoted(to) + " is a file");
  const auto moved = [&](const std::string& name) { return to.text() + name.substr(from.text().size()); };
  std::map<std::string, std::shared_ptr<MemoryFile>> files;
  for (auto& [name, file] : state_->files) files[isBelow(name, from) ? moved(name) : name] = file;
  std::map<std::string, std::int64_t> folders;
  for (const auto& [name, mtimeNs] : state_->folders)
    folders[name == from.text() || isBelow(name, from) ? moved(name) : name] = mtimeNs;
  state_->files = std::move(files);
  state_->folders = std::move(folders);
}

void MemoryStorage::store(std::string_view name, std::string_view content, std::int64_t mtimeNs) {
  const FileName parsed = FileName::parse(name);
  auto file = std::make_shared<MemoryFile>();
  const auto bytes = std::as_bytes(std::span(content));
  file->bytes.assign(bytes.begin(), bytes.end());
  file->mtimeNs = mtimeNs;
  const std::lock_guard lock(state_->mutex);
  addFolders(*state_, parsed.parent());
  state_->files[parsed.text()] = std::move(file);
}

std::optional<std::string> MemoryStorage::content(std::string_view name) const {
  const std::lock_guard lock(state_->mutex);
  const auto file = state_->files.find(std::string(name));
  if (file == state_->files.end()) return std::nullopt;
  const std::vector<std::byte>& bytes = file->second->bytes;
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void MemoryStorage::disturb(std::string_view name) {
  const std::lock_guard lock(state_->mutex);
  auto& file = state_->files.at(std::string(name));
  file->disturbed = true;
  file = std::make_shared<MemoryFile>(*file);
  file->disturbed = false;
  file->digests.clear();
}

void MemoryStorage::setFreeSpace(std::uint64_t bytes) { setValue(*state_, &MemoryState::freeSpace, bytes); }
void MemoryStorage::setTakeUpSteps(std::size_t steps) { setValue(*state_, &MemoryState::takeUpSteps, steps); }
std::vector<std::string> MemoryStorage::committed() const { return valueOf(*state_, &MemoryState::committed); }
std::vector<std::size_t> MemoryStorage::commitGroups() const { return valueOf(*state_, &MemoryState::groups); }
std::size_t MemoryStorage::openUploads() const { return valueOf(*state_, &MemoryState::openUploads); }
std::size_t MemoryStorage::partCount() const { return valueOf(*state_, &MemoryState::parts).size(); }
void MemoryStorage::setNotYet(std::size_t times) { setValue(*state_, &MemoryState::notYet, times); }

}  // namespace ft::testing
