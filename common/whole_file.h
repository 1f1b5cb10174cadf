#pragma once
// Reads and writes all of some bytes, and writes whole files so that nobody ever finds half of one. Every function
// returns an errno, or 0. Any thread may call.

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ft {

// Appends what an open file has from here to its end, but at most `most` bytes, so that a caller who asks for one more
// than it takes knows a file that is too large.
int readAtMost(int fd, std::size_t most, std::string& text);
// Writes all bytes, in as many calls as that takes.
int writeAll(int fd, std::string_view bytes);
// The same at a place of the file.
int writeAllAt(int fd, std::span<const std::byte> bytes, std::uint64_t offset);
// The same; `left` is what has not been written.
int writeMost(int fd, std::string_view& left);

struct NewFile {
  struct Owner {
    uid_t user;
    gid_t group;
  };
  mode_t mode = 0600;  // less the umask
  std::optional<Owner> owner{};
  bool sync = true;  // false: what is there after a power cut may be anything
};

// Puts a file with these bytes at the name `leaf` in an open folder, which is borrowed, in place of what is there; a
// link is replaced, too, and not followed. After an interruption at any moment the old file is there or the whole new
// one; once this has returned 0 it is the new one, with `sync` also after a power cut. Nothing else is left behind
// after an error; when only the last sync has failed, the new file is in its place.
int replaceFile(int folder, const std::string& leaf, std::string_view bytes, const NewFile& how);
// The same for a path.
int replaceFile(const std::string& path, std::string_view bytes, const NewFile& how);

}  // namespace ft
