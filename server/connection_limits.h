#pragma once
// How many connections there may be, in all and from one address (IPv4, or an IPv6 /64). Loopback and Unix sockets are not held to the
// limit for an address. Any thread may call.

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

namespace ft {

class ConnectionLimits {
 public:
  // One admitted connection; gives its place back when it is destroyed.
  class Place {
   public:
    Place(ConnectionLimits& limits, std::string source) : limits_(limits), source_(std::move(source)) {}
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { limits_.leave(source_); }

   private:
    ConnectionLimits& limits_;
    const std::string source_;
  };

  ConnectionLimits(std::size_t most, std::size_t mostFromOne) : most_(most), mostFromOne_(mostFromOne) {}

  // `source` is what sourceOf() made of the peer's address. With no place, `reason` says why, naming the setting.
  std::unique_ptr<Place> admit(const std::string& source, std::string& reason);
  std::size_t count() const;

  // The raw address (4 or 16 bytes, network order) as a source: "" for loopback; an IPv4-mapped address is its IPv4 address.
  static std::string sourceOf(std::span<const unsigned char> address);

 private:
  void leave(const std::string& source);

  const std::size_t most_;
  const std::size_t mostFromOne_;
  mutable std::mutex mutex_;
  std::size_t count_ = 0;
  std::map<std::string, std::size_t> fromOne_;
};

}  // namespace ft
