#pragma once
// Reads the names in an open folder by getdents64(2), with the file system's own cursors. One thread at a time.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace ft {

class FolderReader {
 public:
  // Borrows the descriptor of a folder, and its position.
  explicit FolderReader(int folder);

  // Goes to a cursor that an earlier entry had; 0 is the beginning. Returns an errno: EINVAL for what was never a
  // cursor.
  int seek(std::int64_t cursor);

  struct Entry {
    std::string_view name;    // valid until the next call; never "." or ".."
    std::int64_t cursor = 0;  // where to go on behind this entry
    unsigned char type = 0;   // DT_*; DT_UNKNOWN where the file system does not say
  };
  // False at the end, and after an error.
  bool next(Entry& entry);
  // The errno that ended the reading, or 0.
  int error() const noexcept { return error_; }

 private:
  bool fill();

  int folder_;
  std::vector<char> buffer_;
  std::size_t size_ = 0;
  std::size_t at_ = 0;
  int error_ = 0;
};

}  // namespace ft
