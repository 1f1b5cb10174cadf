#pragma once
// A Storage in memory for tests of what stands above it: the same promises and the same failures as the disk, without
// durability.
// Thread-safe. Tests look into it and disturb it by the members that are not virtual.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "server/storage/storage.h"

namespace ft::testing {

// One version of a file. Versions never change once stored, but for `disturbed`.
struct MemoryFile {
  std::vector<std::byte> bytes;
  std::int64_t mtimeNs = 0;
  std::uint32_t mode = 0644;
  bool disturbed = false;
  std::vector<DigestValue> digests;
};

struct MemoryState;

class MemoryStorage : public Storage {
 public:
  MemoryStorage();
  ~MemoryStorage() override;

  std::unique_ptr<Upload> begin(const PutSpec& spec) override;
  std::unique_ptr<Upload> resume(const PutSpec& spec, DigestAlgorithm prefixDigest) override;
  void commit(std::span<CommitItem> items) override;
  std::unique_ptr<Download> open(const FileName& name) override;
  FileInfo stat(const FileName& name) override;
  FolderPage list(const FileName& folder, const std::string& after, PageLimits limits) override;
  std::vector<std::optional<FileInfo>> statMany(const FileName& folder, std::span<const std::string> names) override;
  std::optional<std::uint32_t> storedMode(const FileName&, std::uint32_t mode) override { return mode; }
  std::uint32_t setMode(const ModeChange& change) override;
  void makeFolder(const FolderToMake& folder, bool parents) override;
  std::optional<Failure> makeFolders(std::span<const FolderToMake> folders) override;
  bool remove(const FileName& name, bool recursive, std::chrono::milliseconds time) override;
  void rename(const FileName& from, const FileName& to, bool replace) override;

  // Stores a file as a finished put would.
  void store(std::string_view name, std::string_view content, std::int64_t mtimeNs = 0);
  // The content of a file; nullopt when there is none of that name.
  std::optional<std::string> content(std::string_view name) const;
  // Makes changed() true for the downloads of the file that are open now.
  void disturb(std::string_view name);
  // Bytes that may still be stored; an upload that needs more is refused with NoSpace.
  void setFreeSpace(std::uint64_t bytes);
  // So many calls of begin() throw NotYet.
  void setNotYet(std::size_t times);
  // How many calls of takeUp() a part costs from now on.
  void setTakeUpSteps(std::size_t steps);
  // Names in the order of their commits.
  std::vector<std::string> committed() const;
  // The sizes of the groups that commit() was called with.
  std::vector<std::size_t> commitGroups() const;
  // Uploads that exist and are not committed.
  std::size_t openUploads() const;
  // Unfinished uploads that were kept for a resume.
  std::size_t partCount() const;

 private:
  std::shared_ptr<MemoryState> state_;
};

}  // namespace ft::testing
