#pragma once
// How many connections there may be: in all, from one address, and of those that have made no request yet. Loopback and
// Unix sockets are held to the first alone. Any thread may call.

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace ft {

// Connections that have made no request yet are closed at random, as OpenSSH does (MaxStartups): from `from` on
// `percent` of 100 new ones, more and more of them up to all at `all`. So one who takes all places keeps others out
// only by chance, and each for one try.
struct StartupLimit {
  std::size_t from = 100;
  std::size_t percent = 30;
  std::size_t all = 1000;

  // `dice` is at random from 0 to 99.
  bool drops(std::size_t waiting, unsigned dice) const;
};

class ConnectionLimits {
  using Counts = std::map<std::string, std::size_t>;

 public:
  // One admitted connection; gives its place back when it is destroyed.
  class Place {
   public:
    // Takes up no place before admit() has given it one.
    explicit Place(ConnectionLimits& limits) : limits_(limits) {}
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() {
      if (counted_) limits_.leave(*this);
    }
    // It has made a request that was let in: it is not among the new ones any more. One thread at a time.
    void settle();

   private:
    friend class ConnectionLimits;
    ConnectionLimits& limits_;
    Counts::iterator source_;  // the end: of this machine
    bool counted_ = false;
    bool settled_ = false;
  };
  // At random from 0 to 99.
  using Dice = std::function<unsigned()>;

  ConnectionLimits(std::size_t most, std::size_t mostFromOne, StartupLimit startups = {}, Dice dice = throwDice);

  // `source` is PeerInfo::source, or "" for one of this machine. With no place, `reason` says why, naming the setting.
  std::unique_ptr<Place> admit(const std::string& source, std::string& reason);
  std::size_t count() const;

 private:
  static unsigned throwDice();
  void leave(const Place& place);

  const std::size_t most_;
  const std::size_t mostFromOne_;
  const StartupLimit startups_;
  const Dice dice_;
  mutable std::mutex mutex_;
  std::size_t count_ = 0;
  std::size_t waiting_ = 0;  // not settled, and not of this machine
  Counts fromOne_;
};

}  // namespace ft
