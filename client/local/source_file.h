#pragma once
// A local file that is being sent: opened once, and watched for changes by what fstat says of it.

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/digest.h"
#include "common/known_digest.h"
#include "common/unique_fd.h"

namespace ft {

class SourceFile {
 public:
  enum class Links { Follow, Refuse };

  // Opens a regular file for reading. Throws Failure: not found, not permitted, a folder, a link or a special file.
  static SourceFile open(const std::string& path, Links links);

  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }
  std::uint64_t size() const { return static_cast<std::uint64_t>(status_.st_size); }
  std::int64_t mtimeNs() const;
  std::uint32_t mode() const;
  // As it was when it was opened.
  FileVersion version() const { return versionOf(status_); }
  // Has it been written, replaced or removed since it was opened?
  bool changed() const;
  // Throws Failure(Changed) when it has.
  void requireUnchanged() const;
  // All of it, for small files. Throws Failure(Changed) when its length is not what it was.
  void readAll(std::vector<char>& into) const;
  // Bytes that are not holes, as far as the file system tells.
  std::uint64_t dataSize() const;

  // The next stretch of data at or behind `position`: [begin, end); begin == end == size() behind the last.
  struct Extent {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
  };
  Extent nextData(std::uint64_t position) const;

 private:
  SourceFile(UniqueFd fd, std::string path, const struct stat& status)
      : fd_(std::move(fd)), path_(std::move(path)), status_(status) {}

  UniqueFd fd_;
  std::string path_;
  struct stat status_ {};
};

std::int64_t mtimeNsOf(const struct stat& status);

// The failure of a source that changed while it was read.
[[noreturn]] void throwSourceChanged(const std::string& path);

}  // namespace ft
