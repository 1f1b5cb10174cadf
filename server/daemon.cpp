#include "server/daemon.h"

#include <Poco/ErrorHandler.h>
#include <Poco/Exception.h>
#include <signal.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <thread>
#include <utility>

#include "common/error.h"
#include "common/secret.h"
#include "common/version.h"
#include "server/access/users_place.h"
#include "server/sandbox_plan.h"
#include "server/services/side_thread.h"

namespace ft {
namespace {

using std::chrono::seconds;

constexpr std::size_t kMostConnections = 12'000;
// Kept for files that are being moved, listeners, logs and the like.
constexpr std::size_t kOtherDescriptors = 256;
constexpr int kBacklog = 4096;
constexpr seconds kTick{1};

sigset_t servedSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

// The next of the served signals, or 0 when none came within `limit`.
int nextSignal(std::chrono::nanoseconds limit) {
  const sigset_t set = servedSignals();
  const auto whole = std::chrono::duration_cast<seconds>(limit);
  const timespec time{whole.count(), (limit - whole).count()};
  return std::max(::sigtimedwait(&set, nullptr, &time), 0);
}

// Poco's acceptor hands its errors (no descriptors left) here and tries again at once; the pause keeps it from
// spinning.
class AcceptErrors : public Poco::ErrorHandler {
 public:
  explicit AcceptErrors(Log& log) : log_(log), before_(Poco::ErrorHandler::set(this)) {}
  ~AcceptErrors() override { Poco::ErrorHandler::set(before_); }
  void exception(const Poco::Exception& error) override { pause(error.displayText()); }
  void exception(const std::exception& error) override { pause(error.what()); }
  void exception() override { pause("unknown error"); }

 private:
  void pause(const std::string& reason) {
    log_.event(LogLevel::Warn, "accept-failed", {{"reason", reason}});
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }

  Log& log_;
  Poco::ErrorHandler* before_;
};

bool listensHereOnly(const ServerConfig& config) {
  return std::all_of(config.listen.begin(), config.listen.end(), isLoopbackAddress);
}

std::unique_ptr<ServerTls> serverTls(const ServerConfig& config, Log& log) {
  if (config.tls.mode == TlsMode::Off) return nullptr;
  const bool wanted = config.tls.mode == TlsMode::Required || !config.tls.certificate.empty() ||
                      !config.tls.key.empty() || !config.tls.clientCa.empty();
  try {
    return std::make_unique<ServerTls>(config.tls, config.state);
  } catch (const ConfigError& error) {
    if (wanted || !(listensHereOnly(config) || config.insecureNoAuth)) throw;
    log.event(LogLevel::Warn, "tls-off", {{"reason", error.what()}});
    return nullptr;
  }
}

TransferOptions::Plain plainFrom(const ServerConfig& config) {
  if (config.tls.mode == TlsMode::Required) return TransferOptions::Plain::Nowhere;
  if (config.tls.mode == TlsMode::Off || config.insecureNoAuth) return TransferOptions::Plain::Anywhere;
  return TransferOptions::Plain::Loopback;
}

// What the sessions ask beside the storage.
struct Partners {
  ExecService* exec = nullptr;
  Authenticator* access = nullptr;
  Tenancy* tenancy = nullptr;
  const ServerTls* tls = nullptr;
};

TransferOptions transferOptions(const ServerConfig& config, std::size_t descriptors, const Partners& partners) {
  TransferOptions options;
  if (partners.exec != nullptr) {
    options.exec = [exec = partners.exec](HandedOver connection) { exec->take(std::move(connection)); };
  }
  options.access = partners.access;
  options.tenancy = partners.tenancy;
  options.tls = partners.tls;
  options.plain = plainFrom(config);
  options.plainFormAnywhere = config.login.plainFormAnywhere || config.insecureNoAuth;
  options.workers = static_cast<int>(config.workers);
  options.maxConnections = connectionLimit(config.maxConnections, descriptors);
  options.maxPerAddress = config.maxPerAddress;
  options.startups = config.startups;
  options.limits.loginTimeout = config.loginTimeout;
  options.limits.headerTimeout = config.headerTimeout;
  options.limits.idleTimeout = config.idleTimeout;
  options.limits.bodyWindow = std::min(options.limits.bodyWindow, config.idleTimeout);
  return options;
}

AccessOptions accessOptions(const ServerConfig& config) {
  AccessOptions options;
  options.usersFile = usersFile(config);
  options.mustExist = !config.login.users.empty();
  options.local = config.login.local;
  options.insecure = config.insecureNoAuth;
  options.hashing.threads = config.login.hashAtOnce;
  return options;
}

std::unique_ptr<ExecLink> execLink(const ServicesConfig& config, Log& log) {
  const bool wanted = config.execOn() || !config.plainExec.listen.empty();
  return wanted ? std::make_unique<ExecLink>(config, log) : nullptr;
}

}  // namespace

std::size_t raiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kOtherDescriptors;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

std::size_t connectionLimit(std::size_t configured, std::size_t descriptors) {
  if (configured > 0) return configured;
  // A connection that moves a file needs a second descriptor; not all do at once.
  const std::size_t free = descriptors > kOtherDescriptors ? descriptors - kOtherDescriptors : descriptors / 2;
  return std::clamp<std::size_t>(free / 3 * 2, 8, kMostConnections);
}

// What needs the privileges of who started the daemon comes before they are given up, and what must bear the sandbox
// after it was entered: threads are confined like the thread that starts them.
Daemon::Daemon(const ServerConfig& config, Log& log, Upkeep::Reread reread)
    : config_(config),
      log_(log),
      execLink_(execLink(config_.services, log)),
      sandbox_(sandboxPlan(config, execLink_ != nullptr)),
      rates_(config.rate, config.ratePerAddress) {
  const std::size_t descriptors = raiseDescriptorLimit();
  std::vector<Listener> listeners;
  for (const std::string& address : config_.listen) {
    listeners.push_back(openListener(address, {.backlog = kBacklog, .socketMode = config_.socketMode}));
  }
  // Looked for before a change of the user, who may not see it: then it is refused, and not taken for missing.
  const std::string users = usersFile(config_);
  const bool usersThere = !users.empty() && ::access(users.c_str(), F_OK) == 0;
  if (!config_.user.empty()) becomeUser(config_.user);
  for (const std::string& root : rootPaths(config_)) makeRoot(root);
  makeStateFolder(config_);
  tls_ = serverTls(config_, log);
  audit_ = std::make_unique<AuditLog>(log_, config_.auditFile);
  sandbox_.confine();
  tenancy_ = std::make_unique<Tenancy>(config_, log);
  localView_ = tenancy_->view({Identity::Kind::Local, "", "loopback", nullptr});
  if (config_.services.execOn()) {
    exec_ = std::make_unique<ExecService>(config_.services, *execLink_, log, ExecService::Options{config_.idleTimeout});
  }
  AccessOptions access = accessOptions(config_);
  access.mustExist = access.mustExist || usersThere;
  access.anonymous = tenancy_->servesAnonymous();
  access_ = std::make_unique<Authenticator>(std::move(access), log);
  if (access_->hasAccounts()) hideMemory();
  upkeep_ = std::make_unique<Upkeep>(Upkeep::Parts{*tenancy_, *access_, tls_.get(), *audit_, rates_},
                                     config_.insecureNoAuth, std::move(reread), log_);
  TransferOptions options =
      transferOptions(config_, descriptors, {exec_.get(), access_.get(), tenancy_.get(), tls_.get()});
  options.listeners = std::move(listeners);
  options.audit = audit_.get();
  options.rates = &rates_;
  transfer_ = std::make_unique<TransferService>(std::move(options), *localView_, log);
  const std::string fingerprint = tls_ ? tls_->fingerprint() : "";
  services_ = std::make_unique<Services>(
      serviceTable(), ServiceContext{config_.services, log, execLink_.get(), transfer_->addresses(), fingerprint});
  sandbox_.closeCalls();
  transfer_->tellSandbox(sandbox_.text());
}

Daemon::~Daemon() = default;

void Daemon::blockSignals() {
  const sigset_t set = servedSignals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // a write beyond the limit fails, and is told as any other
}

void Daemon::serve() {
  const AcceptErrors acceptErrors(log_);
  transfer_->tell(services_->announced());
  upkeep_->begin();
  transfer_->start();
  services_->start();
  announce();
  const int signal = waitForSignal();
  log_.event(LogLevel::Info, "stopping",
             {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}, {"connections", transfer_->connections()}});
  ::sd_notify(0, "STOPPING=1");
  drain();
  log_.event(LogLevel::Info, "stopped", {});
}

void Daemon::announce() {
  std::string all;
  for (const std::string& address : transfer_->addresses()) {
    std::printf("ftpd: listening on %s\n", address.c_str());
    all += (all.empty() ? "" : ", ") + address;
  }
  for (const std::string& line : services_->readyLines()) std::printf("%s\n", line.c_str());
  if (std::fflush(stdout) != 0) {
    log_.event(LogLevel::Warn, "ready-line",
               {{"reason", "standard output: " + errorText(errno)}, {"consequence", "nobody is told the ports there"}});
  }
  if (tls_) log_.event(LogLevel::Info, "tls", {{"fingerprint", tls_->fingerprint()}});
  upkeep_->tellCertificate();
  std::string roots;
  for (const std::string& root : rootPaths(config_)) roots += (roots.empty() ? "" : ", ") + root;
  for (const std::string& warning : config_.warnings) {
    log_.event(LogLevel::Warn, "configuration", {{"reason", warning}});
  }
  if (config_.insecureNoAuth && !listensHereOnly(config_)) {
    log_.event(
        LogLevel::Warn, "open",
        {{"reason", "--insecure-no-auth: everyone who reaches this daemon may read, replace and remove every file"}});
  }
  log_.event(LogLevel::Info, "ready", {{"version", kVersion}, {"listen", all}, {"root", roots}});
  log_.event(sandbox_.missing().empty() ? LogLevel::Info : LogLevel::Warn, "sandbox",
             {{"holds", sandbox_.text()}, {"missing", sandbox_.missing()}});
  ::sd_notifyf(0, "READY=1\nSTATUS=serving on %s", all.c_str());
}

int Daemon::waitForSignal() {
  const bool watched = ::sd_watchdog_enabled(0, nullptr) > 0;
  for (;;) {
    const int signal = nextSignal(kTick);
    if (signal == SIGTERM || signal == SIGINT) return signal;
    if (signal == SIGHUP) {
      upkeep_->reload();
    } else {
      upkeep_->look();
    }
    if (watched) ::sd_notify(0, "WATCHDOG=1");
    upkeep_->expire();
  }
}

// Files, services and commands at once; what goes wrong with one is no reason to cut the others.
void Daemon::drainAll(const std::atomic<bool>& hurry) {
  const Patience patience{config_.drainTimeout, hurry};
  SideThread services([&] { upkeep_->keepServing("drain", [&] { services_->stop(patience); }); });
  SideThread commands([&] {
    if (exec_) upkeep_->keepServing("drain", [&] { exec_->drain(patience); });
  });
  upkeep_->keepServing("drain", [&] { transfer_->drain(config_.drainTimeout); });
  services.join();
  commands.join();
  if (exec_) exec_->stop();
}

void Daemon::drain() {
  std::atomic<bool> done{false};
  std::atomic<bool> hurry{false};
  SideThread drainer([&] {
    upkeep_->keepServing("drain", [&] { drainAll(hurry); });
    done = true;
  });
  while (drainer.hasThread() && !done) {
    const int signal = nextSignal(std::chrono::milliseconds(20));
    if (signal != SIGTERM && signal != SIGINT) continue;
    hurry = true;
    transfer_->hurry();
  }
  drainer.join();
}

}  // namespace ft
