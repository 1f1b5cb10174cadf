#pragma once
// One file on its way out, from the disk: one descriptor, so one version, whatever happens to its name.

#include <sys/stat.h>

#include "common/unique_fd.h"
#include "server/storage/digest_cache.h"
#include "server/storage/storage.h"

namespace ft {

// type, size, mtime and permission bits of what stat() gave.
FileInfo infoOf(const struct stat& info);

class DiskDownload : public Download {
 public:
  // `info` is of the descriptor, a regular file's. Borrows the cache.
  DiskDownload(UniqueFd fd, const struct stat& info, DigestCache& digests);

  const FileInfo& info() const override { return info_; }
  int fd() const override { return fd_.get(); }
  std::size_t read(std::uint64_t offset, std::span<std::byte> into) override;
  Extent nextData(std::uint64_t offset) override;
  std::optional<DigestValue> knownDigest(DigestAlgorithm algorithm) override;
  void rememberDigest(const DigestValue& digest) override;
  std::string version() const override;
  bool changed() override;

 private:
  UniqueFd fd_;
  FileInfo info_;
  FileVersion version_;
  nlink_t links_;
  bool mayHaveHoles_;
  DigestCache& digests_;
};

}  // namespace ft
