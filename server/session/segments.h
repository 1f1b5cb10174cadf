#pragma once
// One large file that arrives over several connections at once (PROTOCOL.md 5.10): the segments wait in files of their
// own until those before them are there, and are appended in order. So the file grows from its beginning, as one that
// comes over one connection does: its digest is taken on the way, its length is the offset for a resume, and a segment
// that never comes leaves no hole. Any thread may call.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "server/storage/storage.h"

namespace ft {

class Segments;

// The file that is being put together. Lives as long as its offer is open.
class SegmentedUpload {
 public:
  SegmentedUpload(Segments& all, std::unique_ptr<Upload> upload);
  ~SegmentedUpload();
  SegmentedUpload(const SegmentedUpload&) = delete;
  SegmentedUpload& operator=(const SegmentedUpload&) = delete;

  // What other connections name it by: 32 random hex digits, known only to who made the offer.
  const std::string& id() const { return id_; }
  const PutSpec& spec() const { return spec_; }

  // Ends it: hands out what is there without a gap, and drops the segments behind one. Throws Busy while a place is
  // taken, as its bytes have no promise of space but that of the whole. Throws NotYet when it has appended some of what
  // is due, and is to be called again.
  std::unique_ptr<Upload> release();

 private:
  friend class SegmentPlace;
  void enter(std::uint64_t offset, std::uint64_t size);
  void leave(std::uint64_t offset);
  void add(std::uint64_t offset, std::unique_ptr<Upload> segment);
  bool appendOn();
  // With the lock held.
  bool isDue() const;
  void appendSome();

  Segments& all_;
  const std::string id_;
  const PutSpec spec_;
  std::mutex mutex_;
  std::unique_ptr<Upload> upload_;
  std::optional<Failure> failure_;  // of an append, whosever segment it was: no more can follow
  std::map<std::uint64_t, std::unique_ptr<Upload>> waiting_;
  std::map<std::uint64_t, std::uint64_t> underWay_;  // the sizes
};

// A stretch of the file that belongs to one segment while it is under way, so that all that have come of a file never
// take more space than the file itself. Keeps the file's upload, with what that was promised.
class SegmentPlace {
 public:
  // Throws BadRequest outside of the file, Changed when these bytes are there already or the file is not being put
  // together any more, and Busy when another segment is bringing them, or when it is so far ahead of the others that it
  // would have to wait for too many.
  SegmentPlace(std::shared_ptr<SegmentedUpload> whole, std::uint64_t offset, std::uint64_t size);
  ~SegmentPlace();
  SegmentPlace(const SegmentPlace&) = delete;
  SegmentPlace& operator=(const SegmentPlace&) = delete;

  // Takes the finished segment. To be called once, and then appendOn().
  void add(std::unique_ptr<Upload> segment) { whole_->add(offset_, std::move(segment)); }
  // Appends some of what is due, whoever has brought it: about two milliseconds' worth. False: there is more, and it is
  // to be called again. Throws Failure; of a segment that cannot be appended, to all who have brought one.
  bool appendOn() { return whole_->appendOn(); }

 private:
  const std::shared_ptr<SegmentedUpload> whole_;
  const std::uint64_t offset_;
};

// All files of the daemon that are being put together. Outlives them.
class Segments {
 public:
  std::shared_ptr<SegmentedUpload> open(std::unique_ptr<Upload> upload);
  // nullptr when there is none of that id.
  std::shared_ptr<SegmentedUpload> find(const std::string& id);

 private:
  friend class SegmentedUpload;
  void forget(const std::string& id);

  std::mutex mutex_;
  std::unordered_map<std::string, std::weak_ptr<SegmentedUpload>> open_;
};

}  // namespace ft
