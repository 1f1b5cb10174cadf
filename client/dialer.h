#pragma once
// The way to one more connection of a run: connects, and encrypts wherever the line leaves this machine. Never falls
// back to plain text.

#include <memory>
#include <mutex>

#include "client/options/options.h"
#include "client/stop_request.h"
#include "common/transport.h"

namespace ft {

class Dialer {
 public:
  // Both must outlive this.
  Dialer(const Options& options, const StopRequest& stop) : options_(options), stop_(stop) {}

  // Any thread. Throws as connectTo() and TlsClient.
  std::unique_ptr<Transport> dial();

 private:
  TlsClient& tls();

  const Options& options_;
  const StopRequest& stop_;
  std::mutex mutex_;
  std::unique_ptr<TlsClient> tls_;  // made at first use: reading authorities takes time; under mutex_
};

}  // namespace ft
