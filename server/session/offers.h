#pragma once
// The uploads that a session has offered and not yet put (PROTOCOL.md 5.3), at most kMaxOpenOffers; the oldest gives
// way. Belongs to one session; one thread at a time.

#include <memory>
#include <vector>

#include "server/session/segments.h"
#include "server/storage/storage.h"

namespace ft {

class Offers {
 public:
  void add(std::unique_ptr<Upload> upload);
  // One that other connections fill with segments meanwhile.
  void add(std::shared_ptr<SegmentedUpload> upload);
  // The open offer of the same name, size and mtime, removed from the list; nullptr when there is none. Throws as
  // SegmentedUpload::release(), and keeps it then.
  std::unique_ptr<Upload> take(const PutSpec& spec);
  // Gives up an open offer of that name, size and mtime, so that its part is free to be offered again.
  void drop(const PutSpec& spec) { take(spec).reset(); }
  bool empty() const { return open_.empty(); }

 private:
  struct Entry {
    std::unique_ptr<Upload> upload;  // or
    std::shared_ptr<SegmentedUpload> segmented;
    const PutSpec& spec() const { return upload ? upload->spec() : segmented->spec(); }
  };
  void add(Entry entry);

  std::vector<Entry> open_;  // oldest first; takes no memory while there is none
};

}  // namespace ft
