#pragma once
// More links to the same server beside a first one, each with a connection of its own. Where a round trip is long, one
// connection does not fill the network: it begins slowly and doubles what it sends in every round trip (RFC 5681), so
// several together are at full speed sooner. They are made only where the round trip is long, or the files are many,
// and the work is worth it. What a side link leaves undone is the caller's to do over the first link.

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <vector>

#include "client/connection/link.h"

namespace ft {

class SideLinks {
 public:
  // `limit`: exactly so many connections where there is work for them, at most kMaxLinks; nullopt: as the round trip
  // and the work tell. `link` must outlive this.
  SideLinks(Link& link, std::optional<std::size_t> limit) : link_(link), limit_(limit) {}

  // How many connections, the link's own among them, are worth it for so many files and bytes. Connects the link when
  // it has to measure. Throws as Link::persist().
  std::size_t widthFor(std::uint64_t files, std::uint64_t bytes);
  // Begins to open those beside the link's own; returns at once.
  void open(std::size_t width);
  // Runs `work` for the numbers 0 to `width` - 1, each on a thread of its own with a link of its own; 0 is the link
  // itself, on this thread. Returns when all have ended. What 0 throws is thrown then; what others throw only ends
  // them.
  using Work = std::function<void(Link& link, std::size_t number)>;
  void run(std::size_t width, const Work& work);

  static constexpr std::size_t kMaxLinks = 32;

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

}  // namespace ft
