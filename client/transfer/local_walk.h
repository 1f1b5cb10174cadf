#pragma once
// Walks a local folder without recursion and in bounded memory, a batch of files at a time. Links and special files are
// left out and told.

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
};

struct LocalBatch {
  std::vector<LocalFile> files;
  // Those that are empty, and those of unusual bits: these come before everything that is in them, in this batch or a
  // later one.
  std::vector<LocalFolder> folders;
  std::size_t size() const { return files.size() + folders.size(); }
};

class LocalWalk {
 public:
  LocalWalk(std::string root, TransferObserver& observer);

  // `limit` files and folders more; fewer at the end. A folder that cannot be read is told as a failed outcome.
  LocalBatch next(std::size_t limit);

 private:
  struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
  };

  bool openNext(LocalBatch& batch);
  void closeCurrent(LocalBatch& batch);
  void take(const dirent& entry, LocalBatch& batch);
  std::string pathOf(const std::string& relative) const;
  void failed(const std::string& relative, int error);

  std::string root_;
  TransferObserver& observer_;
  std::vector<std::string> waiting_;
  std::unique_ptr<DIR, CloseFolder> open_;
  std::string current_;
  bool currentEmpty_ = true;
  std::optional<std::uint32_t> currentMode_;
};

}  // namespace ft
