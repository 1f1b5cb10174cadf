#pragma once
// One file on its way in, on the disk: written into .ftpd and digested on the way. What it needs of the storage
// outlives it.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "server/storage/disk_core.h"
#include "server/storage/storage.h"
#include "server/storage/upload_digest.h"

namespace ft {

class DiskUpload : public Upload {
 public:
  // The file is made with the first byte. Throws TooLarge.
  DiskUpload(DiskCore& core, PutSpec spec);
  ~DiskUpload() override;

  // One of these two comes first. Both throw NoSpace.
  // Begins a new file. `free`: nothing has the name yet.
  void begin(bool free);
  // Goes on with a part, which is kept when the upload is cut. What is there of it is synced, if it is not longer than
  // announced, for takeUp() to read it for the digests.
  void resume(DigestAlgorithm prefixDigest);

  bool takeUp() override;
  bool waitsForPart() const override { return wanted_.has_value(); }
  std::uint64_t offset() const override { return offset_; }
  std::optional<DigestValue> prefix() const override { return prefix_; }
  void write(std::span<const std::byte> bytes) override;
  void writeHole(std::uint64_t count) override;
  void expectHole(std::uint64_t count) override;
  std::size_t writeFromPipe(int pipe, std::size_t count) override;
  void append(Upload& segment, std::uint64_t begin, std::uint64_t count) override;
  bool digestOn() override { return digest_.comeNearer(); }
  std::vector<DigestValue> finish() override;
  void restart() override;
  void discard() noexcept override { discarded_ = true; }
  const PutSpec& spec() const override { return spec_; }

  // For the commit: the file under its staging name. It belongs to this upload until released.
  StagedFile& file();
  bool finished() const noexcept { return finished_; }
  // The file as finish() has left it; nullopt where its digest is not worth remembering. Until restart().
  const std::optional<FileVersion>& left() const noexcept { return left_; }

 private:
  // A part that another upload has.
  struct WantedPart {
    DigestAlgorithm prefixDigest{};
    std::chrono::steady_clock::time_point until;
  };
  bool claimPart();
  void openPart(DigestAlgorithm prefixDigest);
  StagedFile create();
  void reserve();
  void preallocate();
  void dropPreallocation();
  void admit(std::uint64_t count);
  void wrote(std::uint64_t count);
  void makeRoom(std::uint64_t count);
  ssize_t copyFromPipe(int pipe, std::size_t count);
  void startWriteback();
  void dropPart();
  void keepDigests() noexcept;
  bool setTime(int fd) const;
  std::optional<FileVersion> versionToRemember(int fd) const;
  void forget();
  [[noreturn]] void fail(int error) const;

  DiskCore& core_;
  PutSpec spec_;
  std::optional<WantedPart> wanted_;
  std::unique_ptr<PartClaim> claim_;
  StagedFile file_;
  SpaceReservation space_;
  UploadDigest digest_;                      // uses file_
  std::optional<DigestAlgorithm> takingUp_;  // while the part is read: the digest that is wanted of it
  std::optional<DigestValue> prefix_;
  std::optional<FileVersion> left_;
  std::uint64_t offset_ = 0;
  std::uint64_t end_ = 0;        // of the file on the disk; less than offset_ behind a hole
  std::uint64_t writeback_ = 0;  // up to here the kernel was asked to write to the disk
  bool free_ = false;
  bool preallocated_ = false;
  bool finished_ = false;
  bool discarded_ = false;
};

}  // namespace ft
