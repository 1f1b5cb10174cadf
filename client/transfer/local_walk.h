#pragma once
// Walks a local folder without recursion and in bounded memory, a batch of files at a time. Links and special files are
// left out and told; files that have the names of parts are left out and counted.

#include <dirent.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/transfer/transfer.h"

namespace ft {

struct LocalFile {
  std::string relative;  // to the folder that is walked, '/' between parts
  std::uint64_t size = 0;
  std::int64_t mtimeNs = 0;
  std::uint32_t mode = 0;  // permission bits
};

struct LocalFolder {
  std::string relative;               // "" for the walked folder itself
  std::optional<std::uint32_t> mode;  // permission bits that are not the usual ones (0755)
  bool empty = false;
  std::optional<std::int64_t> mtimeNs{};  // nullopt: it does not fit
};

// A folder, and the time that it had when it was opened.
struct LocalFolderTime {
  std::string relative;
  std::int64_t mtimeNs = 0;
};

struct LocalBatch {
  std::vector<LocalFile> files;
  // Those that are empty, and those of unusual bits: these come before everything that is in them, in this batch or a
  // later one.
  std::vector<LocalFolder> folders;
  // Folders that are not empty, and the walked one in any case, when all that is in them is in this batch or an earlier
  // one; those inside of another one before it.
  std::vector<LocalFolderTime> finished;
  std::size_t size() const { return files.size() + folders.size() + finished.size(); }
};

// Where a folder has what is `relative` to it; "" is the folder itself.
std::string pathBelow(const std::string& root, const std::string& relative);

class LocalWalk {
 public:
  LocalWalk(std::string root, TransferObserver& observer);

  // `limit` files and folders more, or a few above; fewer at the end. A folder that cannot be read is told as a failed
  // outcome.
  LocalBatch next(std::size_t limit);
  std::uint64_t partsLeftOut() const { return parts_; }

 private:
  struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
  };

  // A folder whose inside is not all walked yet.
  struct Unfinished {
    LocalFolderTime folder;
    std::size_t waiting = 0;  // how many folders wait when it is
  };

  bool openNext(LocalBatch& batch);
  // Nothing is open: what has nothing waiting inside is at its end.
  void finishFolders(LocalBatch& batch);
  void closeCurrent(LocalBatch& batch);
  void take(const dirent& entry, LocalBatch& batch);
  std::string pathOf(const std::string& relative) const { return pathBelow(root_, relative); }
  void failed(const std::string& relative, int error);

  std::string root_;
  TransferObserver& observer_;
  std::uint64_t parts_ = 0;
  std::vector<std::string> waiting_;
  std::unique_ptr<DIR, CloseFolder> open_;
  std::string current_;
  bool currentEmpty_ = true;
  std::size_t currentWaiting_ = 0;  // folders that waited when it was taken
  std::optional<std::uint32_t> currentMode_;
  std::optional<std::int64_t> currentTime_;
  std::vector<Unfinished> unfinished_;  // each inside of the one before
};

}  // namespace ft
