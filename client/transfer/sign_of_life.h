#pragma once
// Hashing of local files that may take longer than a server waits for a peer that says nothing: it hears a ping now and
// then. Nothing may be under way on the connection meanwhile.

#include <chrono>

#include "client/connection/link.h"
#include "client/local/file_digest.h"

namespace ft {

class SignOfLife {
 public:
  // `every`: how long the server hears nothing.
  SignOfLife(Link& link, std::chrono::milliseconds every) : link_(link), every_(every) {}
  // Sends a ping and awaits its reply when the last sign is long enough past. Throws as Client::ping().
  void show();

 private:
  using Clock = std::chrono::steady_clock;

  Link& link_;
  std::chrono::milliseconds every_;
  Clock::time_point last_ = Clock::now();
};

// As hashFile(), in steps with a sign of life behind each.
void hashWithSigns(const FileRange& range, Digest& digest, Link& link, std::chrono::milliseconds every);

}  // namespace ft
