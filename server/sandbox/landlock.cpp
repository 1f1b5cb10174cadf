#include "server/sandbox/landlock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

#include "common/error.h"
#include "common/unique_fd.h"

namespace ft {
namespace {

// From linux/landlock.h of Linux 6.12: the header of the build machine may be older than the kernel that runs.
constexpr std::uint32_t kVersionFlag = 1;
constexpr int kRulePathBeneath = 1;
constexpr std::uint64_t kWriteFile = 1U << 1;
constexpr std::uint64_t kReadFile = 1U << 2;
constexpr std::uint64_t kReadFolder = 1U << 3;
constexpr std::uint64_t kRemoveFolder = 1U << 4;
constexpr std::uint64_t kRemoveFile = 1U << 5;
constexpr std::uint64_t kMakeFolder = 1U << 7;
constexpr std::uint64_t kMakeFile = 1U << 8;
constexpr std::uint64_t kMakeSocket = 1U << 9;
constexpr std::uint64_t kMakeFifo = 1U << 10;
constexpr std::uint64_t kMakeLink = 1U << 12;
constexpr std::uint64_t kRefer = 1U << 13;
constexpr std::uint64_t kTruncate = 1U << 14;
constexpr std::uint64_t kDeviceControl = 1U << 15;
constexpr std::uint64_t kConnectTcp = 1U << 1;
constexpr std::uint64_t kAbstractSockets = 1U << 0;
constexpr std::uint64_t kSignals = 1U << 1;

struct RulesetAttribute {
  std::uint64_t files = 0;
  std::uint64_t network = 0;
  std::uint64_t scopes = 0;
};

struct [[gnu::packed]] PathBeneath {
  std::uint64_t allowed = 0;
  std::int32_t folder = -1;
};

// What comes with which version.
constexpr int kLeast = 2;  // 1 has no REFER: no file could leave the staging folder
constexpr int kTruncateSince = 3;
constexpr int kNetworkSince = 4;
constexpr int kDeviceSince = 5;
constexpr int kScopesSince = 6;

// The service supervisor may be told over a socket of that kind.
bool speaksOverAbstractSocket() {
  const char* const socket = std::getenv("NOTIFY_SOCKET");
  return socket != nullptr && *socket == '@';
}

std::uint64_t fileRights(int version) {
  std::uint64_t all = (kRefer << 1) - 1;
  if (version >= kTruncateSince) all |= kTruncate;
  if (version >= kDeviceSince) all |= kDeviceControl;
  return all;
}

[[noreturn]] void throwErrno(const std::string& what) { throw std::runtime_error(what + ": " + errorText(errno)); }

class Ruleset {
 public:
  Ruleset(int version, const SandboxPlan& plan) {
    attribute_.files = fileRights(version);
    if (version >= kNetworkSince) attribute_.network = kConnectTcp;
    if (version >= kScopesSince) {
      if (!speaksOverAbstractSocket()) attribute_.scopes |= kAbstractSockets;
      if (!plan.signalsOthers) attribute_.scopes |= kSignals;
    }
    std::size_t size = sizeof attribute_;
    if (version < kScopesSince) size = 2 * sizeof(std::uint64_t);
    if (version < kNetworkSince) size = sizeof(std::uint64_t);
    fd_.reset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attribute_, size, 0)));
    if (!fd_) throwErrno("landlock_create_ruleset");
  }

  void allow(const std::string& path, std::uint64_t rights) const {
    const UniqueFd place(::open(path.c_str(), O_PATH | O_CLOEXEC));
    struct stat info {};
    if (!place || ::fstat(place.get(), &info) != 0) return;  // nothing there, so nothing to reach
    constexpr std::uint64_t kOfFiles = kReadFile | kWriteFile | kTruncate;
    const PathBeneath rule{rights & attribute_.files & (S_ISDIR(info.st_mode) ? ~std::uint64_t{0} : kOfFiles),
                           place.get()};
    if (::syscall(SYS_landlock_add_rule, fd_.get(), kRulePathBeneath, &rule, 0) != 0) throwErrno("a rule for " + path);
  }

  void enforce() const {
    if (::syscall(SYS_landlock_restrict_self, fd_.get(), 0) != 0) throwErrno("landlock_restrict_self");
  }

 private:
  RulesetAttribute attribute_;
  UniqueFd fd_;
};

// What libraries read late: names of users, a name service's modules, OpenSSL's settings. None of it is secret.
constexpr std::array<const char*, 8> kSystemFiles{"/usr/lib",       "/usr/lib64",          "/etc/ld.so.cache",
                                                  "/etc/passwd",    "/etc/group",          "/etc/nsswitch.conf",
                                                  "/etc/localtime", "/etc/ssl/openssl.cnf"};

}  // namespace

int confineFiles(const SandboxPlan& plan) {
  const long newest = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kVersionFlag);
  if (newest < 0) throw std::runtime_error("the kernel has no Landlock, or it is switched off");
  int version = static_cast<int>(newest);
  if (plan.mostLandlock > 0 && plan.mostLandlock < version) version = plan.mostLandlock;
  if (version < kLeast) throw std::runtime_error("the kernel's Landlock is too old (Linux 5.19 has what is needed)");
  const Ruleset rules(version, plan);
  constexpr std::uint64_t kServe = kWriteFile | kReadFile | kReadFolder | kRemoveFolder | kRemoveFile | kMakeFolder |
                                   kMakeFile | kMakeSocket | kMakeFifo | kMakeLink | kRefer | kTruncate;
  for (const std::string& folder : plan.serve) rules.allow(folder, kServe);
  for (const std::string& folder : plan.append) rules.allow(folder, kWriteFile | kMakeFile);
  for (const std::string& folder : plan.remove) rules.allow(folder, kRemoveFile);
  for (const std::string& path : plan.read) rules.allow(path, kReadFile | kReadFolder);
  for (const char* const path : kSystemFiles) rules.allow(path, kReadFile | kReadFolder);
  rules.enforce();
  return version;
}

}  // namespace ft
