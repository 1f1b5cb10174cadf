#pragma once
// More connections beside the one of a link, for lines that are so long that one connection does not fill them: each
// begins slowly and doubles what it sends in every round trip (RFC 5681), so several together are there sooner. They
// are made only where the round trip is long, or the files are many, and the work is worth it. What a side connection
// leaves undone is the caller's to do over the link itself.

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "client/connection/link.h"
#include "client/transfer/transfer.h"

namespace ft {

class Lines {
 public:
  // `limit`: exactly so many connections where there is work for them, at most kMaxLines; nullopt: as the round trip
  // and the work tell. `link` must outlive this.
  Lines(Link& link, std::optional<std::size_t> limit) : link_(link), limit_(limit) {}

  // How many connections, the link's own among them, are worth it for so many files and bytes. Connects the link when
  // it has to measure.
  // Throws as Link::persist().
  std::size_t widthFor(std::uint64_t files, std::uint64_t bytes);
  // Begins to open those beside the link's own; returns at once.
  void open(std::size_t width);
  // Runs `work` for the numbers 0 to `width` - 1, each on a thread of its own with a link of its own; 0 is the link
  // itself, on this thread. Returns when all have ended. What 0 throws is thrown then; what others throw only ends
  // them.
  using Work = std::function<void(Link& link, std::size_t number)>;
  void run(std::size_t width, const Work& work);

  static constexpr std::size_t kMaxLines = 32;

 private:
  // A link that is never tried again, and the connection that is being made for it ahead.
  struct Side {
    std::future<std::unique_ptr<Connection>> opening;
    std::unique_ptr<Link> link;
  };
  bool isLong();

  Link& link_;
  std::optional<std::size_t> limit_;
  std::vector<std::unique_ptr<Side>> sides_;
};

// Lets several threads tell one observer.
class SharedObserver final : public TransferObserver {
 public:
  explicit SharedObserver(TransferObserver& observer) : observer_(observer) {}

  void planned(std::uint64_t files, std::uint64_t bytes) override;
  void advanced(std::uint64_t bytes) override;
  void ended(const FileOutcome& outcome) override;
  void warned(const std::string& text) override;

 private:
  std::mutex mutex_;
  TransferObserver& observer_;
};

}  // namespace ft
