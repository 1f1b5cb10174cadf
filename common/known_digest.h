#pragma once
// What is remembered of a digest: which version of which file it is of, and the line in which it is written down.

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/digest.h"

namespace ft {

// One version of one file. The change time is the kernel's own and cannot be set by anyone; a write within one tick of
// the clock (4 ms; nothing since Linux 6.13) after the key was taken is not seen in it.
struct FileVersion {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t mtimeNs = 0;
  std::int64_t ctimeNs = 0;
  bool operator==(const FileVersion&) const = default;
};

FileVersion versionOf(const struct stat& info);

struct KnownDigest {
  FileVersion version;
  DigestValue digest;
};

// No line is longer. Bytes.
inline constexpr std::size_t kLongestKnownDigest = 256;

// "DEVICE INODE SIZE MTIME_NS CTIME_NS ALGORITHM HEX CHECK\n", where CHECK is of what is before it. And back: nullopt
// for a line that writeKnownDigest() has not written. Any thread.
std::string writeKnownDigest(const KnownDigest& known);
std::optional<KnownDigest> readKnownDigest(std::string_view line);

}  // namespace ft
