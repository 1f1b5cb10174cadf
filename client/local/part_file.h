#pragma once
// A local file that is being fetched: written under a hidden name in its target folder, and given its real name when it
// is whole, verified and synced. What a cut transfer leaves is found again under the same hidden name and resumed.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "client/local/splice_mover.h"
#include "client/local/target_folder.h"

namespace ft {

// The hidden name for `leaf`: ".NAME.ftpc-part", at most 255 bytes.
std::string partName(const std::string& leaf);
// Is it of that form? Such names are ours: no file that a user means may have one in a folder that a get writes into.
bool isPartName(std::string_view leaf);

class PartFile {
 public:
  // What is left of an earlier get, ready to be gone on with; nullopt when there is nothing that could be used (none,
  // another process is at it, a link, somebody else's).
  static std::optional<PartFile> openLeft(const FolderPtr& folder, const std::string& leaf);
  // A new, empty one. A left one is emptied; when that cannot be used, another name is taken. `mode`: the bits that
  // finish() will set, to be had from the beginning; nullopt: the owner's alone until then. Throws Failure.
  static PartFile create(const FolderPtr& folder, const std::string& leaf,
                         std::optional<std::uint32_t> mode = std::nullopt);

  // A new one without a hidden name, where there can be such: nothing is left of it when this program ends, and it
  // takes fewer steps where nothing has its name yet. The folder, or another one of its file system, canBeUnnamed().
  static PartFile createUnnamed(const FolderPtr& folder, const std::string& leaf, std::optional<std::uint32_t> mode);
  static bool canBeUnnamed(const Folder& folder);

  // Removes the file unless it was published, or keepForResume() was called and it is worth it.
  ~PartFile();
  PartFile(PartFile&& other) noexcept;
  PartFile& operator=(PartFile&&) = delete;

  int fd() const { return fd_.get(); }
  const FolderPtr& folder() const { return folder_; }
  // Bytes that are there; the position of the next write.
  std::uint64_t size() const { return size_; }
  void write(std::span<const std::byte> bytes);
  // Moves what a socket has, at most `most` bytes, behind what is there; as SpliceMover::move().
  std::optional<std::size_t> take(SpliceMover& mover, int socket, std::size_t most);
  // Keeps room on the disk for the next bytes, where the file system can; a hint.
  void reserve(std::uint64_t bytes);
  void hole(std::uint64_t count);
  void clear();
  // For a file of `size` bytes that come out of order, written round this object: `inOrder` of them are there in one
  // piece. Noted behind the last byte, so that a get goes on from there even when this program is killed. May be called
  // beside the writing.
  void noteGaps(std::uint64_t inOrder, std::uint64_t size) const;
  // The first `size` bytes are there; all behind them goes.
  void endGaps(std::uint64_t size);
  // A part of at least kWorthKeeping bytes stays on the disk when this object ends.
  void keepForResume() { keep_ = true; }
  void discard() { keep_ = false; }

  // Sets permission bits (nullopt: as a new file has them) and modification time.
  void finish(std::optional<std::uint32_t> mode, std::optional<std::int64_t> mtimeNs);
  // Starts writing to the disk what was written to the file.
  void startSync();
  // Gives the file its name. With `replace` false a name that exists is Failure(Exists). Failure also when the hidden
  // name is another file's by now.
  void publish(bool replace);
  // Throws the Failure for an errno that a call on this file has set.
  [[noreturn]] void fail(int error) const;

  static constexpr std::uint64_t kWorthKeeping = 1 << 20;

 private:
  bool hasItsName() const;
  // Gives a file without a name its own, or a hidden one where that is taken. Whether it has its own now.
  bool takeName(bool replace);

  PartFile(FolderPtr folder, const std::string& leaf, std::string name, UniqueFd fd)
      : folder_(std::move(folder)), leaf_(leaf), name_(std::move(name)), fd_(std::move(fd)) {}

  FolderPtr folder_;
  std::string leaf_;
  std::string name_;  // empty for a file without one
  UniqueFd fd_;
  std::uint64_t size_ = 0;
  bool keep_ = false;
};

}  // namespace ft
