#include "server/connection_limits.h"

#include <algorithm>
#include <array>

namespace ft {
namespace {

constexpr std::size_t kIpv4Size = 4;
constexpr std::size_t kIpv6Size = 16;
constexpr std::size_t kIpv6NetSize = 8;
constexpr std::array<unsigned char, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::array<unsigned char, kIpv6Size> kIpv6Loopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

std::string text(std::span<const unsigned char> bytes) { return {bytes.begin(), bytes.end()}; }

}  // namespace

std::unique_ptr<ConnectionLimits::Place> ConnectionLimits::admit(const std::string& source, std::string& reason) {
  const std::lock_guard lock(mutex_);
  if (count_ >= most_) {
    reason = "all " + std::to_string(most_) + " connections of server.max_connections are taken; try again later";
    return nullptr;
  }
  if (!source.empty()) {
    std::size_t& here = fromOne_[source];
    if (here >= mostFromOne_) {
      reason = "your address has all " + std::to_string(mostFromOne_) +
               " connections of server.max_per_address; try again later";
      return nullptr;
    }
    ++here;
  }
  ++count_;
  return std::make_unique<Place>(*this, source);
}

void ConnectionLimits::leave(const std::string& source) {
  const std::lock_guard lock(mutex_);
  --count_;
  if (source.empty()) return;
  const auto found = fromOne_.find(source);
  if (found != fromOne_.end() && --found->second == 0) fromOne_.erase(found);
}

std::size_t ConnectionLimits::count() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

std::string ConnectionLimits::sourceOf(std::span<const unsigned char> address) {
  if (address.size() == kIpv4Size) return address[0] == 127 ? "" : text(address);
  if (address.size() != kIpv6Size) return "";
  if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), address.begin())) return sourceOf(address.last(kIpv4Size));
  if (std::equal(kIpv6Loopback.begin(), kIpv6Loopback.end(), address.begin())) return "";
  return text(address.first(kIpv6NetSize));
}

}  // namespace ft
