#include "server/storage/folder_reader.h"

#include <dirent.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace ft {
namespace {

constexpr std::size_t kBufferSize = 32 * 1024;

// The head of struct linux_dirent64 (getdents64(2)); the name follows, ended by NUL.
struct RawEntry {
  std::uint64_t inode;
  std::int64_t cursor;
  std::uint16_t length;
  unsigned char type;
};
constexpr std::size_t kNameAt = offsetof(RawEntry, type) + 1;

}  // namespace

FolderReader::FolderReader(int folder) : folder_(folder), buffer_(kBufferSize) {}

int FolderReader::seek(std::int64_t cursor) {
  size_ = at_ = 0;
  error_ = 0;
  return ::lseek(folder_, cursor, SEEK_SET) < 0 ? errno : 0;
}

bool FolderReader::fill() {
  const long got = ::syscall(SYS_getdents64, folder_, buffer_.data(), buffer_.size());
  if (got < 0) error_ = errno;
  size_ = got > 0 ? static_cast<std::size_t>(got) : 0;
  at_ = 0;
  return size_ > 0;
}

bool FolderReader::next(Entry& entry) {
  for (;;) {
    if (at_ == size_ && !fill()) return false;
    const char* const from = buffer_.data() + at_;
    RawEntry raw{};
    std::memcpy(&raw, from, kNameAt);
    at_ += raw.length;
    entry.name = std::string_view(from + kNameAt);
    entry.cursor = raw.cursor;
    entry.type = raw.type;
    if (entry.name != "." && entry.name != "..") return true;
  }
}

}  // namespace ft
