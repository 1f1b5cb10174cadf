#pragma once
// What is remembered of digests beyond the end of the daemon: a file of lines in .ftpd, one for each digest, each with
// a checksum of its own. It can be removed or damaged at any time; what is lost costs time. Belongs to one thread.

#include <span>
#include <string>
#include <string_view>

#include "common/known_digest.h"
#include "common/unique_fd.h"
#include "server/storage/digest_cache.h"

namespace ft {

class DigestIndex {
 public:
  // For the file "digests" in the folder, which is borrowed; made when there is something to be kept. Where that is not
  // possible nothing is.
  explicit DigestIndex(int folder);

  // Tells the cache what is there, oldest first. Lines that are damaged or of another form are passed over. A file that
  // has become long loses its older half. One that cannot be read to its end is left alone, and one that is not ours is
  // set aside. Returns what somebody should know of that; mostly "".
  std::string load(DigestCache& cache);
  void append(std::span<const KnownDigest> known);

 private:
  void open(int flags);
  std::string setAside();
  void shorten(std::string_view text);

  int folder_;
  UniqueFd file_;
  bool lineIsCut_ = false;  // the next one must not be lost with it
  bool leftAlone_ = false;
};

}  // namespace ft
