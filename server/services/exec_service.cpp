#include "server/services/exec_service.h"

#include <Poco/Exception.h>
#include <Poco/Runnable.h>
#include <pthread.h>
#include <sys/socket.h>

#include <algorithm>
#include <exception>
#include <span>
#include <utility>

#include "common/error.h"
#include "common/escape.h"
#include "server/services/exec_relay.h"
#include "server/session/commands.h"

namespace ft {
namespace {

constexpr int kThreadIdleSeconds = 30;
constexpr int kStackSize = 512 * 1024;
constexpr std::chrono::milliseconds kStep{20};

bool permits(ExecPeers from, const SourceAddress& source) {
  switch (from) {
    case ExecPeers::Loopback: return source.loopback();
    case ExecPeers::Private: return source.privateNetwork();
    case ExecPeers::Any: break;
  }
  return true;
}

// As much of it as fits: a peer that takes nothing of a few hundred bytes is not waited for.
void sendRefusal(const HandedOver& refused, const std::string& reason) {
  std::string frames = refused.output;
  appendFrame(frames, errorReply(refused.request, ErrorCode::Busy, reason));
  try {
    refused.transport->write(std::as_bytes(std::span(frames)));
    refused.transport->shutdownWrite();
  } catch (const TransportError&) {
    // The peer has gone: there is nobody to tell.
  }
}

}  // namespace

// One connection on its way through the pool. Frees itself: the pool borrows what it runs.
class ExecService::Job : public Poco::Runnable {
 public:
  Job(ExecService& service, HandedOver connection)
      : service_(service), fd_(connection.transport->fd()), connection_(std::move(connection)) {
    const std::lock_guard lock(service_.mutex_);
    service_.open_.insert(fd_);
  }

  ~Job() override {
    const std::lock_guard lock(service_.mutex_);
    service_.open_.erase(fd_);
    service_.quiet_.notify_all();
  }

  void run() override {
    ::pthread_setname_np(::pthread_self(), "exec");
    const std::unique_ptr<Job> self(this);
    const std::string peer = connection_.origin.name();
    const Options& times = service_.options_;
    const ExecRelayContext context{service_.config_.exec, service_.link_,    service_.log_,
                                   times.idleTimeout,     times.blockedTime, service_.draining_};
    ExecRelay relay(std::move(connection_), context);
    try {
      relay.run();
    } catch (const std::exception& error) {
      service_.log_.event(LogLevel::Info, "connection-ended", {{"peer", peer}, {"reason", error.what()}});
    }
    // The number must not be in the set any more when the relay closes the descriptor.
    const std::lock_guard lock(service_.mutex_);
    service_.open_.erase(fd_);
  }

  HandedOver take() { return std::move(connection_); }

 private:
  ExecService& service_;
  const int fd_;
  HandedOver connection_;
};

void checkExecRequest(const ExecSettings& settings, const SourceAddress& source, const Header& request, bool entitled) {
  if (request.shell) {
    if (settings.shell && (source.loopback() || entitled)) return;
    throw Failure(ErrorCode::Forbidden,
                  settings.shell
                      ? "shell commands are run for clients on this machine, and for users with the right to exec"
                      : "shell commands are off (exec.mode)");
  }
  if (!request.name) throw Failure(ErrorCode::BadRequest, "exec needs 'name'");
  const ExecCommand* const command = settings.find(*request.name);
  if (command == nullptr) {
    throw Failure(ErrorCode::NotFound, "command '" + escapeText(*request.name, 80) + "' is not configured");
  }
  if (!entitled && !permits(command->from, source)) {
    throw Failure(ErrorCode::Forbidden, "command '" + command->name + "' is not run for clients at that address");
  }
}

ExecService::ExecService(const ServicesConfig& config, const ExecLink& link, Log& log, Options options)
    : config_(config),
      link_(link),
      log_(log),
      options_(options),
      threads_("exec", 1, static_cast<int>(config.exec.sessions), kThreadIdleSeconds, kStackSize) {}

ExecService::~ExecService() {
  const std::atomic<bool> hurry{true};
  drain(Patience{std::chrono::milliseconds(0), hurry});
  stop();
}

void ExecService::take(HandedOver connection) {
  auto job = std::make_unique<Job>(*this, std::move(connection));
  try {
    threads_.start(*job);
    static_cast<void>(job.release());
  } catch (const Poco::Exception&) {
    const HandedOver refused = job->take();
    job.reset();
    const std::string reason = "too many command sessions (exec.sessions)";
    log_.event(LogLevel::Warn, "connection-refused", {{"peer", refused.origin.name()}, {"reason", reason}});
    sendRefusal(refused, reason);
  }
}

void ExecService::drain(const Patience& patience) {
  draining_ = true;
  const auto end = std::chrono::steady_clock::now() + patience.limit;
  std::unique_lock lock(mutex_);
  while (!open_.empty() && !patience.hurry && std::chrono::steady_clock::now() < end) quiet_.wait_for(lock, kStep);
  for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
}

void ExecService::stop() { threads_.joinAll(); }

}  // namespace ft
