#pragma once
// What the daemon's handlers need of files, and nothing else: no sockets, no headers. The local disk is behind it in
// the daemon (disk_storage.h), a memory fake in tests. Failed operations throw Failure with the code and the sentence
// that the client will see.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/digest.h"
#include "common/error.h"
#include "common/file_name.h"

namespace ft {

enum class FileType { File, Folder, Link, Other };

struct FileInfo {
  FileType type = FileType::File;
  std::uint64_t size = 0;
  std::optional<std::int64_t> mtimeNs = 0;  // nullopt: it is not for the user to know
  std::uint32_t mode = 0;                   // permission bits only
};

struct FolderEntry {
  std::string name;
  FileInfo info;
};

struct FolderPage {
  std::vector<FolderEntry> entries;
  std::string next;           // cursor of the next page; empty at the end
  std::uint64_t skipped = 0;  // entries whose names are not valid UTF-8 or are not allowed as names
};

// How a file takes its name. The last two are for storages below a gate.
struct NamingTerms {
  bool replace = true;
  bool onlyReplace = false;      // nothing but in place of a file that is there
  std::size_t fixedFolders = 0;  // leading parts of the name that are folders and must be there; the others are made
};

// What a put is about to store.
struct PutSpec {
  FileName name = FileName::root();
  std::optional<std::uint64_t> size;      // bytes; unknown for streams
  std::optional<std::uint64_t> dataSize;  // bytes that are not holes, for the reservation; a hint
  std::optional<std::int64_t> mtimeNs;
  std::optional<std::uint32_t> mode;  // missing: that of the file that is replaced, else the place's own
  NamingTerms naming;
  std::vector<DigestAlgorithm> digests;  // to be taken while writing; at least one
  bool segment = false;  // the bytes are for append() to another upload, which has asked for their space
  std::string owner;     // for storages below a gate: a part is taken up by its owner only
};

// One file on its way in. Belongs to one thread at a time. Destroyed without Storage::commit() it leaves nothing
// behind, but for an upload that came from Storage::resume(): that one keeps what was written, if it is worth it, as a
// part for a later resume.
class Upload {
 public:
  virtual ~Upload() = default;
  // After Storage::resume() and before anything else: takes up some more of what a cut upload has left, a few
  // milliseconds' worth of it. False: there is more, and it is to be called again. Throws as write().
  virtual bool takeUp() { return true; }
  // After takeUp() has said that there is more: another upload still has the part, so it is not to be called at once.
  virtual bool waitsForPart() const { return false; }
  // The position of the next byte; more than 0 at the beginning only when something was taken up.
  virtual std::uint64_t offset() const = 0;
  // The digest of what was taken up; nullopt where that is nothing.
  virtual std::optional<DigestValue> prefix() const { return std::nullopt; }
  // Both throw Failure: NoSpace, TooLarge (past the announced size), IoError. Zeros are hashed as bytes are: a long
  // hole is to be written in steps, of some megabytes at most.
  virtual void write(std::span<const std::byte> bytes) = 0;
  virtual void writeHole(std::uint64_t count) = 0;
  // Before a hole that is written in several steps: throws TooLarge when a file cannot be that long, so that nobody
  // hashes zeros in vain.
  virtual void expectHole(std::uint64_t count) { static_cast<void>(count); }
  // Moves up to `count` bytes from a pipe that holds at least that many into the file at offset(), and returns how many
  // (at least 1). Throws as write().
  virtual std::size_t writeFromPipe(int pipe, std::size_t count) = 0;
  // Appends `count` of the bytes that a finished upload of the same storage holds, from `begin` on; that is not
  // committed then. Throws as write().
  virtual void append(Upload& segment, std::uint64_t begin, std::uint64_t count) = 0;
  // After the last byte and before finish(): lets the digests come nearer to the end, for a few milliseconds at most.
  // False: there is more, and it is to be called again. Throws Failure(IoError).
  virtual bool digestOn() { return true; }
  // After the last byte: checks the announced size (throws Integrity), and returns the digests of the whole file in the
  // order of PutSpec::digests. Waits for what digestOn() has left. Once only.
  virtual std::vector<DigestValue> finish() = 0;
  // Throws away what is there, a part that was taken up too, to start anew from 0. Throws as write().
  virtual void restart() = 0;
  // The content is of no use: nothing of it is kept, not even as a part. Only spec() may be called after.
  virtual void discard() noexcept = 0;
  // What is being stored.
  virtual const PutSpec& spec() const = 0;
};

// One file on its way out: one version, whatever happens to the name meanwhile. Belongs to one thread at a time.
class Download {
 public:
  virtual ~Download() = default;
  virtual const FileInfo& info() const = 0;
  // For sendfile; -1 when bytes must be read with read().
  virtual int fd() const = 0;
  // Up to into.size() bytes at `offset`; 0 at the end. Throws Failure(IoError).
  virtual std::size_t read(std::uint64_t offset, std::span<std::byte> into) = 0;
  // First byte at or after `offset` that is not in a hole, and the first after that which is (both at most size). Equal
  // at the end.
  struct Extent {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
  };
  virtual Extent nextData(std::uint64_t offset) = 0;
  // The digest of the whole file, when it is remembered for exactly this version.
  virtual std::optional<DigestValue> knownDigest(DigestAlgorithm algorithm) = 0;
  // Keeps a digest of the whole file for knownDigest() of later downloads; dropped when the file has changed since
  // open().
  virtual void rememberDigest(const DigestValue& digest) = 0;
  // What tells this version of this file from all others, as text without meaning.
  virtual std::string version() const = 0;
  // Has the file's content changed since open() (size, mtime or ctime)?
  virtual bool changed() = 0;
};

// Who takes part in the moment at which a file of commit() takes its name. One thread at a time.
class NamingWatch {
 public:
  virtual ~NamingWatch() = default;
  // Calls `name`, once, which gives the file its name by `terms`, and lets through what that throws: then nothing has
  // changed, but perhaps for folders that were made. May change the terms before, which are those that the upload was
  // begun with. Throws Failure without that call: then the file does not get its name.
  virtual void naming(NamingTerms& terms, const std::function<void()>& name) = 0;
};

// One upload's way through commit(). Filled in by commit(): either `failure` or nothing.
struct CommitItem {
  std::unique_ptr<Upload> upload;    // finished; consumed
  std::vector<DigestValue> digests;  // as finish() returned them, to be remembered
  std::optional<Failure> failure;
  NamingWatch* watch = nullptr;  // may be null; outlives the commit
};

// A folder to be made, or to be given a time.
struct FolderToMake {
  FileName name = FileName::root();
  // The permission bits of a folder that is made, less what the place takes away, and with those that its owner needs;
  // nullopt: the place's own. What is there keeps its bits.
  std::optional<std::uint32_t> mode{};
  // Also of one that is there; nullopt: as it comes.
  std::optional<std::int64_t> mtimeNs{};
};

// Other permission bits for a file that is there.
struct ModeChange {
  FileName name = FileName::root();
  std::uint32_t mode = 0;
  // Of the file that is meant; another one is left as it is.
  std::optional<std::uint64_t> size{};
  std::optional<std::int64_t> mtimeNs{};
};

// What a call needs is not ready. Whoever can wait without holding a thread asks again; to everyone else it is a
// refusal.
class NotYet : public Failure {
 public:
  enum class Next { InAMoment, AtOnce };  // AtOnce: this call has done a part of it, and so will the next
  NotYet(ErrorCode code, const std::string& message, Next next) : Failure(code, message), next_(next) {}
  Next next() const { return next_; }

 private:
  Next next_;
};

// For what is to be done to its end.
inline constexpr std::chrono::milliseconds kNoHurry = std::chrono::milliseconds::max();

// Any thread may call Storage; what it returns belongs to the caller.
class Storage {
 public:
  virtual ~Storage() = default;

  // Checks name, space and the replace rule before the first byte. Throws NameInvalid, NoSpace, TooLarge, Exists,
  // IsDirectory, NotDirectory, Forbidden.
  virtual std::unique_ptr<Upload> begin(const PutSpec& spec) = 0;
  // As begin(), for an upload that survives a cut: with Upload::takeUp() it takes up the part of the same (name, size,
  // mtimeNs) where there is one. spec.size and spec.mtimeNs must be set. A part that another upload is writing is
  // waited for, between the calls of takeUp(), for half a second: a client that comes back at once may be quicker than
  // the news that its last connection is gone. Then this is a fresh upload from 0 without a part.
  virtual std::unique_ptr<Upload> resume(const PutSpec& spec, DigestAlgorithm prefixDigest) = 0;
  // Before an upload that was begun by an earlier request gets its bytes: throws Failure when it would not be begun any
  // more.
  virtual void recheck(Upload& upload) { static_cast<void>(upload); }

  // Makes finished uploads visible and durable together: syncs the files, renames each to its name in the order given,
  // syncs the folders, as far as the configured durability asks. An item that fails carries its Failure and changes
  // nothing; the others are done. The one exception: when only the sync of the folder fails, the name is there, and the
  // Failure (IoError) says that it may not last.
  virtual void commit(std::span<CommitItem> items) = 0;

  // Throws NotFound, IsDirectory, NotDirectory, Forbidden (link, special file, permission).
  virtual std::unique_ptr<Download> open(const FileName& name) = 0;
  virtual FileInfo stat(const FileName& name) = 0;
  // Of one page; it has one entry at least, where there is one.
  struct PageLimits {
    std::size_t entries = 0;
    std::size_t nameBytes = 0;  // of all names together
  };
  // `after` is "" or the next of the page before.
  virtual FolderPage list(const FileName& folder, const std::string& after, PageLimits limits) = 0;
  // For check: of `names` in `folder`, the infos; nullopt where there is none. A missing folder is one without entries.
  virtual std::vector<std::optional<FileInfo>> statMany(const FileName& folder, std::span<const std::string> names) = 0;

  // What a put of `name` with the permission bits `mode` is stored with: less what the place takes away. nullopt: the
  // file system keeps none (FAT, some network mounts), so there is nothing to compare.
  virtual std::optional<std::uint32_t> storedMode(const FileName& name, std::uint32_t mode) = 0;

  // Gives a file other permission bits, less what the place takes away, as durable as a put's. Returns those that it
  // has then. Throws NotFound, IsDirectory, Forbidden (link, special file, permission, a file with several names),
  // Changed (it is not the file that is meant).
  virtual std::uint32_t setMode(const ModeChange& change) = 0;

  // Parents are made too when `parents` says so, and get the place's own bits; a folder that is there is fine then.
  virtual void makeFolder(const FolderToMake& folder, bool parents) = 0;
  // As makeFolder() with parents for each, in their order: what is made in a folder after it got its time changes it. A
  // time that cannot be set keeps nothing else from being done: the first failure of that kind is returned.
  virtual std::optional<Failure> makeFolders(std::span<const FolderToMake> folders) = 0;
  // A link is removed itself. Throws IsDirectory for a folder that is not empty, unless `recursive`. Works for about
  // `time`; false: there is more in the folder, and it is to be called again.
  virtual bool remove(const FileName& name, bool recursive, std::chrono::milliseconds time) = 0;
  // Makes the folders of `to` that are missing. A folder is never replaced, nor does one replace a file; nothing goes
  // into itself or is given the name that it has (NameInvalid).
  virtual void rename(const FileName& from, const FileName& to, bool replace) = 0;
};

}  // namespace ft
