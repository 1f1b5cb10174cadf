#include "server/session/transfer_service.h"

#include <Poco/Exception.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "common/header.h"
#include "server/access/authenticator.h"
#include "server/access/tenancy.h"
#include "server/session/commands.h"
#include "server/session/handed_over.h"

namespace ft {
namespace {

using Poco::Net::StreamSocket;

// A peer that does not acknowledge for this long is gone (ms), and a silent one is asked (seconds). The first must be
// well above the second: on loopback the kernel can count a probe as unanswered that was answered while it was being
// sent, and would reset an idle, living connection at the second probe.
constexpr int kUserTimeoutMs = 30'000;
constexpr int kKeepAliveIdle = 20;
constexpr int kKeepAliveInterval = 10;
constexpr int kKeepAliveProbes = 3;

void setOption(int fd, int level, int option, int value) { ::setsockopt(fd, level, option, &value, sizeof value); }

void noticeDeadPeers(int fd) {
  setOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  setOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveIdle);
  setOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, kKeepAliveInterval);
  setOption(fd, IPPROTO_TCP, TCP_KEEPCNT, kKeepAliveProbes);
  setOption(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, kUserTimeoutMs);
}

// To a peer of whom nothing is known yet.
std::string refusalFrame(ErrorCode code, const std::string& reason) {
  std::string frame;
  appendFrame(frame, errorReply(Header{}, code, reason));
  return frame;
}

LinePolicy policyOf(const TransferOptions& options, bool loopback) {
  LinePolicy policy;
  if (options.tls != nullptr) {
    policy.tls = [tls = options.tls] { return tls->context(); };
  } else {
    policy.tlsRefusal =
        refusalFrame(ErrorCode::Unsupported, "TLS is switched off here ([tls] mode, or no certificate)");
  }
  using Plain = TransferOptions::Plain;
  if (options.plain == Plain::Nowhere || (options.plain == Plain::Loopback && !loopback)) {
    policy.plainRefusal =
        refusalFrame(ErrorCode::Forbidden, "this daemon speaks only TLS here ([tls] mode): use ftpc --tls");
  }
  return policy;
}

// The rule that has allowed what was done; "" for what no rule speaks of.
std::string ruleOf(const Gate& gate, const Header& request) {
  const FileName name = FileName::parseFolder(request.filename.value_or(""));
  const Command* const command = findCommand(request.cmd);
  if (command == nullptr || !command->verb) return "";
  if (*command->verb == Verb::Rename) {
    return gate.decideRename(name, FileName::parseFolder(request.to.value_or(""))).rule;
  }
  return gate.decide(*command->verb, name).rule;
}

}  // namespace

TransferService::TransferService(TransferOptions options, Storage& storage, Log& log)
    : log_(log),
      loopbackLines_(policyOf(options, true)),
      remoteLines_(policyOf(options, false)),
      limits_(options.maxConnections, options.maxPerAddress, options.startups),
      rates_(options.rates),
      kits_(static_cast<std::size_t>(options.workers)),
      hashes_(std::max(2U, std::thread::hardware_concurrency())),
      workers_("ftpd", options.workers, [this](const std::shared_ptr<Connection>& connection) { work(connection); }),
      context_{.storage = storage,
               .log = log,
               .kits = kits_,
               .segments = segments_,
               .hashes = hashes_,
               .limits = options.limits,
               .draining = draining_,
               .othersWait = [this] { return workers_.busy(); },
               .wake = [this](std::uint64_t number) { parking_->wake(number); },
               .exec = options.exec,
               .plainFormAnywhere = options.plainFormAnywhere,
               .audit = options.audit,
               .access = options.access},
      parking_(std::make_unique<ParkingLot>(
          [this](std::shared_ptr<Connection> connection) { enqueue(std::move(connection)); })) {
  if (Tenancy* const tenancy = options.tenancy) {
    context_.view = [tenancy](const Identity& identity) { return tenancy->view(identity); };
    context_.rate = [tenancy](const Identity& identity) { return tenancy->rateOf(identity); };
    context_.ruleOf = [tenancy](const Identity& identity, const Header& request) {
      return ruleOf(*tenancy->gate(identity), request);
    };
    context_.checkExec = [tenancy](const Identity& identity) {
      const Decision decision = tenancy->gate(identity)->decide(Verb::Exec, FileName::root());
      if (!decision.allowed) throw Failure(decision.code, "not allowed by " + decision.rule, decision.rule);
    };
  }
  const TcpService::Handler handler = [this](StreamSocket& socket) { talk(socket); };
  for (Listener& listener : options.listeners) {
    services_.push_back(std::make_unique<TcpService>(std::move(listener), handler, workers_.threads()));
  }
}

TransferService::~TransferService() = default;

std::vector<std::string> TransferService::addresses() const {
  std::vector<std::string> addresses;
  for (const auto& service : services_) addresses.push_back(service->address());
  return addresses;
}

void TransferService::start() {
  for (const auto& service : services_) service->start();
}

void TransferService::talk(StreamSocket& socket) {
  std::string reason;
  PeerInfo peer;
  std::unique_ptr<ConnectionLimits::Place> place;
  try {
    peer = peerOf(socket);
    place = limits_.admit(peer.loopback() ? "" : peer.source(), reason);
  } catch (const Poco::Exception&) {
    return;  // reset meanwhile
  }
  if (!place) {
    refuse(socket, peer, reason);
    return;
  }
  UniqueFd own(::fcntl(socket.impl()->sockfd(), F_DUPFD_CLOEXEC, 0));
  if (!own) return;
  noticeDeadPeers(own.get());
  log_.event(LogLevel::Debug, "connected", {{"peer", peer.name()}});
  auto connection = std::make_shared<Connection>(beginLine(std::move(own), peer), context_, peer, std::move(place));
  if (rates_ != nullptr) connection->session.limitBy(rates_->ofAddress(peer.source()));
  if (!peer.loopback()) connection->session.limitStartup();
  parking_->admit(connection);
}

std::unique_ptr<Transport> TransferService::beginLine(UniqueFd socket, const PeerInfo& peer) const {
  // Who can see what passes a Unix socket can see more than that.
  if (peer.unixSocket) return makePlainTransport(std::move(socket));
  return makeNegotiatingTransport(std::move(socket), peer.loopback() ? loopbackLines_ : remoteLines_);
}

void TransferService::refuse(const StreamSocket& socket, const PeerInfo& peer, const std::string& reason) {
  const std::string frame = refusalFrame(ErrorCode::Busy, reason);
  const std::string name = peer.name();
  ::send(socket.impl()->sockfd(), frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  log_.event(LogLevel::Warn, "connection-refused", {{"peer", name}, {"reason", reason}});
  if (context_.audit == nullptr) return;
  AuditRecord record;
  record.peer = name;
  record.command = "connect";
  record.error = errorName(ErrorCode::Busy);
  record.reason = reason;
  record.level = LogLevel::Trace;  // the log has its event already
  context_.audit->record(record);
}

void TransferService::enqueue(std::shared_ptr<Connection> connection) {
  const std::lock_guard lock(enqueueMutex_);
  if (!closed_) workers_.enqueue(std::move(connection));
}

// Whatever throws here: the connection has left the workers by then, or its place would be taken for good.
void TransferService::work(const std::shared_ptr<Connection>& connection) {
  const Session::Wait wait = connection->session.run();
  if (connection->session.settled()) connection->place->settle();
  if (wait != Session::Wait::HandOver) {
    parking_->park(connection, wait);
    if (wait == Session::Wait::Closed)
      log_.event(LogLevel::Debug, "disconnected", {{"peer", connection->session.peer()}});
    return;
  }
  // Out of the lot first: nobody may look at a session that has given its connection away.
  parking_->park(connection, Session::Wait::Closed);
  HandedOver handed = connection->session.handOver();
  handed.place = std::move(connection->place);
  context_.exec(std::move(handed));
}

void TransferService::drain(std::chrono::milliseconds limit) {
  constexpr std::chrono::milliseconds kStep{50};
  constexpr std::chrono::milliseconds kCutTime{2000};
  draining_ = true;
  for (const auto& service : services_) service->stop();
  const auto end = std::chrono::steady_clock::now() + limit;
  parking_->wakeAll();
  while (!parking_->waitUntilEmpty(kStep) && !hurry_ && std::chrono::steady_clock::now() < end) parking_->wakeAll();
  if (const std::size_t left = parking_->count(); left > 0) {
    log_.event(LogLevel::Warn, "cut",
               {{"connections", left}, {"reason", "they did not end within server.drain_timeout"}});
    parking_->cutAll();
    parking_->waitUntilEmpty(kCutTime);
  }
  {
    const std::lock_guard lock(enqueueMutex_);
    closed_ = true;
  }
  workers_.stop();
  if (context_.access != nullptr) context_.access->stop();
  parking_.reset();
}

}  // namespace ft
