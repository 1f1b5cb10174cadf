#pragma once
// What the daemon serves beside files: one object to a listener. Made from the configuration by the table in
// services.cpp.

#include <atomic>
#include <chrono>
#include <string>

namespace ft {

// How long what runs may go on when the daemon stops: until `limit` has passed, or `hurry` is set.
struct Patience {
  std::chrono::milliseconds limit;
  const std::atomic<bool>& hurry;
};

// One thread (the daemon's main one) owns it.
class Service {
 public:
  virtual ~Service() = default;
  // The address with the port that was picked for 0, as the ready line tells it; "" for a service without a listener of
  // its own.
  virtual std::string address() const = 0;
  virtual void start() = 0;
  // Ends accepting; what runs comes to its end, or is cut. Once only; also without start().
  virtual void stop(const Patience& patience) = 0;
};

}  // namespace ft
