#pragma once
// Makes finished uploads visible and durable together: one sync for each file, one for each folder, whatever the number
// of files in it.
// The order (files, names, folders) is what makes a name show the old file or the whole new one after a power cut.
// The digests of an upload are remembered for the file as it was right after it got its name, if that is the file that
// Upload::finish() has left: same size, same mtime. Programs of this machine may change it in place as soon as they see
// it, and by that change its mtime; so what is missed is only who sets it back to what it was, to the nanosecond,
// before the look at the named file. (A file system may keep coarser times: there, also a change within one of its
// ticks.)

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/file_sync.h"
#include "server/storage/disk_core.h"
#include "server/storage/disk_upload.h"
#include "server/storage/storage.h"

namespace ft {

// Gives a file in one folder a name in another, in place of nothing: EEXIST when there is something. Returns an errno;
// where the file system makes a link first, the file may have both names then.
int renameNoReplace(int fromFolder, const std::string& from, int toFolder, const std::string& to);

// One call of Storage::commit().
class CommitGroup {
 public:
  CommitGroup(DiskCore& core, std::span<CommitItem> items);
  // Fills in the items' failures, and consumes their uploads. Throws nothing: each file answers for itself, also when
  // memory runs out.
  void run() noexcept;

 private:
  // A folder that got names. Kept open for this group only: a folder that is renamed or removed is looked up anew by
  // the next.
  struct Target {
    FileName name;
    UniqueFd fd;
    bool used = false;  // a file has got its name in it
    bool gone = false;
    int syncError = 0;
  };
  struct Entry {
    CommitItem* item;
    DiskUpload* upload;
    NamingTerms terms;
    std::size_t target = 0;                // index into targets_
    std::optional<FileVersion> version{};  // of the file under its name, to remember the digests for
  };

  template <typename Action>
  void attempt(Entry& entry, const Action& action) noexcept;
  void syncFiles();
  void nameFiles();
  void nameFile(Entry& entry);
  std::size_t targetOf(const FileName& folder, std::size_t fixed);
  int rename(Entry& entry);
  int takePlace(StagedFile& file, int folder, const std::string& leaf);
  int takeFreeName(const StagedFile& file, int folder, const std::string& leaf);
  void syncTargets();
  void remember(const Entry& entry) noexcept;

  DiskCore& core_;
  std::vector<FileToSync> files_;  // of the same entries
  const Failure spare_;            // made ahead, for when there is no memory to make one
  std::vector<Entry> entries_;
  std::vector<Target> targets_;
};

}  // namespace ft
