#pragma once
// The transfer service: listeners that admit and park, the parking lot, and the workers that run sessions.

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "server/limits/connection_limits.h"
#include "server/limits/rate_limit.h"
#include "server/network/negotiating_transport.h"
#include "server/network/peer.h"
#include "server/network/server_tls.h"
#include "server/network/tcp_service.h"
#include "server/session/hash_desk.h"
#include "server/session/parking_lot.h"
#include "server/session/session.h"
#include "server/session/worker_pool.h"

namespace ft {

class Tenancy;

struct TransferOptions {
  std::vector<Listener> listeners;
  int workers = 32;
  std::size_t maxConnections = 1000;
  std::size_t maxPerAddress = 64;
  SessionLimits limits;
  bool plainFormAnywhere = false;  // is the plain form served to other machines, too?
  // As SessionContext has it. What it uses must outlive the service, as must the audit log.
  std::function<void(HandedOver)> exec{};
  AuditLog* audit = nullptr;
  RateLimits* rates = nullptr;  // null: as fast as it goes; must outlive the service too
  StartupLimit startups;
  const ServerTls* tls = nullptr;  // null: TLS is not spoken. Must outlive the service
  enum class Plain { Anywhere, Loopback, Nowhere };
  Plain plain = Plain::Anywhere;  // from where plain text is taken
  // Who somebody is, and what that may see; null: everyone is Local. Must outlive the service too.
  Authenticator* access = nullptr;
  Tenancy* tenancy = nullptr;
};

class TransferService {
 public:
  // `storage` and `log` must outlive it.
  TransferService(TransferOptions options, Storage& storage, Log& log);
  ~TransferService();

  std::vector<std::string> addresses() const;
  // What `hello` tells of the sandbox; before start().
  void tellSandbox(std::string text) { context_.sandbox = std::move(text); }
  // What `hello` tells of the services beside files; before start().
  void tell(std::vector<HelloService> services) { context_.services = std::move(services); }
  void start();
  // Stops accepting, lets running requests finish for `limit`, then cuts what is left. Once only.
  void drain(std::chrono::milliseconds limit);
  // During drain(), from another thread: no more patience.
  void hurry() { hurry_ = true; }
  std::size_t connections() const { return parking_->count(); }

 private:
  void talk(Poco::Net::StreamSocket& socket);
  std::unique_ptr<Transport> beginLine(UniqueFd socket, const PeerInfo& peer) const;
  void enqueue(std::shared_ptr<Connection> connection);
  void work(const std::shared_ptr<Connection>& connection);
  void refuse(const Poco::Net::StreamSocket& socket, const PeerInfo& peer, const std::string& reason);

  Log& log_;
  const LinePolicy loopbackLines_;
  const LinePolicy remoteLines_;
  std::atomic<bool> draining_{false};
  std::atomic<bool> hurry_{false};
  std::mutex enqueueMutex_;
  bool closed_ = false;  // under enqueueMutex_: the workers are ending
  ConnectionLimits limits_;
  RateLimits* const rates_;
  KitPool kits_;
  Segments segments_;
  HashDesk hashes_;
  WorkerPool workers_;
  SessionContext context_;
  std::unique_ptr<ParkingLot> parking_;
  std::vector<std::unique_ptr<TcpService>> services_;
};

}  // namespace ft
