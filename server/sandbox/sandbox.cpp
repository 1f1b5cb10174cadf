#include "server/sandbox/sandbox.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "common/error.h"
#include "common/escape.h"
#include "server/sandbox/landlock.h"
#include "server/sandbox/system_calls.h"

namespace ft {
namespace {

constexpr std::array<std::pair<SandboxMode, std::string_view>, 3> kModes{
    {{SandboxMode::Off, "off"}, {SandboxMode::BestEffort, "best-effort"}, {SandboxMode::Required, "required"}}};

std::string lastError() { return errorText(errno); }

// "" or why not.
std::string refuseNewPrivileges() { return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? "" : lastError(); }

// Where root is to stay root, it keeps what files of other users ask for, and nothing else.
std::uint64_t keptCapabilities(bool signalsOthers) {
  if (::geteuid() != 0) return 0;
  std::uint64_t kept = 0;
  for (const int bit : {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID}) {
    kept |= std::uint64_t{1} << bit;
  }
  // ftpd-exec, which was started before, may be another user by now.
  return signalsOthers ? kept | std::uint64_t{1} << CAP_KILL : kept;
}

std::string dropCapabilities(bool signalsOthers) {
  const std::uint64_t wanted = keptCapabilities(signalsOthers);
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  // Only with CAP_SETPCAP, without which there is no way to them either: no new privileges are taken.
  for (unsigned long bit = 0; ::prctl(PR_CAPBSET_READ, bit, 0, 0, 0) >= 0; ++bit) {
    if ((wanted >> bit & 1) == 0) ::prctl(PR_CAPBSET_DROP, bit, 0, 0, 0);
  }
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> sets{};
  if (::syscall(SYS_capget, &header, sets.data()) != 0) return lastError();
  bool nothingToDrop = true;
  for (std::size_t i = 0; i < sets.size(); ++i) {
    const auto kept = static_cast<std::uint32_t>(wanted >> (32 * i)) & sets[i].permitted;
    nothingToDrop = nothingToDrop && kept == sets[i].permitted && sets[i].inheritable == 0;
    sets[i] = {kept, kept, 0};
  }
  // The unit of the service does not even let this be asked for.
  if (nothingToDrop) return "";
  return ::syscall(SYS_capset, &header, sets.data()) == 0 ? "" : lastError();
}

bool isUser(uid_t uid) { return ::getuid() == uid && ::geteuid() == uid; }

}  // namespace

std::string_view sandboxModeName(SandboxMode mode) {
  for (const auto& [value, name] : kModes) {
    if (value == mode) return name;
  }
  return "";
}

std::optional<SandboxMode> sandboxModeFromName(std::string_view name) {
  for (const auto& [value, text] : kModes) {
    if (text == name) return value;
  }
  return std::nullopt;
}

void Sandbox::reach(const std::string& part, const std::string& failure) {
  if (failure.empty()) {
    reached_.push_back(part);
  } else if (plan_.mode == SandboxMode::Required) {
    throw ConfigError("server.sandbox is required, but " + part + " is not available: " + failure);
  } else {
    missing_ += (missing_.empty() ? "" : "; ") + part + ": " + failure;
  }
}

void Sandbox::confine() {
  if (plan_.mode == SandboxMode::Off || !sandboxFitsBuild()) return;
  reach("no-new-privileges", refuseNewPrivileges());
  const bool some = keptCapabilities(plan_.signalsOthers) != 0;
  reach(some ? "file-capabilities-only" : "no-capabilities", dropCapabilities(plan_.signalsOthers));
  std::string version;
  std::string failure;
  try {
    version = " " + std::to_string(confineFiles(plan_));
  } catch (const std::runtime_error& error) {
    failure = error.what();
  }
  reach("landlock" + version, failure);
}

void Sandbox::closeCalls() {
  if (plan_.mode == SandboxMode::Off || !sandboxFitsBuild()) return;
  std::string failure;
  try {
    closeSystemCalls(plan_.seesInterfaces);
  } catch (const std::runtime_error& error) {
    failure = error.what();
  }
  reach("seccomp", failure);
}

std::string Sandbox::text() const {
  if (plan_.mode == SandboxMode::Off || !sandboxFitsBuild()) return "off";
  std::string all;
  for (const std::string& part : reached_) all += (all.empty() ? "" : ", ") + part;
  return all.empty() ? "none" : all;
}

bool sandboxFitsBuild() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return false;
#else
  return true;
#endif
#else
  return true;
#endif
}

SystemAccount accountToBecome(const std::string& name) {
  if (auto found = findAccount(name)) return std::move(*found);
  throw ConfigError("the user '" + escapeText(name, 64) + "' (server.user) does not exist");
}

void becomeUser(const std::string& name) {
  const std::string shown = "the user '" + escapeText(name, 64) + "' (server.user)";
  const SystemAccount account = accountToBecome(name);
  const auto [uid, gid] = std::pair(account.uid, account.gid);
  if (isUser(uid)) return;
  if (::setgroups(0, nullptr) != 0 || ::setresgid(gid, gid, gid) != 0 || ::setresuid(uid, uid, uid) != 0) {
    throw ConfigError("cannot become " + shown + ": " + lastError() + "; only root can");
  }
  if (!isUser(uid) || ::getgroups(0, nullptr) != 0 || ::getegid() != gid || ::setresuid(0, 0, 0) == 0) {
    throw ConfigError("becoming " + shown + " has left privileges behind");
  }
}

}  // namespace ft
