#pragma once
// Takes from this process, for good, what serving files does not need, so that whoever takes it over finds little: no
// new privileges, no capabilities but those that files ask for, no files but those it serves (Landlock), no system
// calls but those it makes (seccomp).
// Main thread only, in the order in which the calls stand.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/system_account.h"

namespace ft {

enum class SandboxMode { Off, BestEffort, Required };

// "off", "best-effort", "required".
std::string_view sandboxModeName(SandboxMode mode);
std::optional<SandboxMode> sandboxModeFromName(std::string_view name);

// What is left to the process. Paths that do not exist are left out.
struct SandboxPlan {
  SandboxMode mode = SandboxMode::BestEffort;
  // Folders in which everything may be done but executing and making devices: roots, state.
  std::vector<std::string> serve{};
  std::vector<std::string> append{};  // folders in which files may be made and written: of an audit log
  std::vector<std::string> remove{};  // folders from which names may be removed: of Unix sockets
  std::vector<std::string> read{};    // files and folders: certificates, users, the configuration
  bool signalsOthers = false;         // may send signals to programs that it has started before
  bool seesInterfaces = false;        // may ask for the network's interfaces while it serves
  int mostLandlock = 0;               // as if the kernel had no newer Landlock than this; 0: as it is. For tests.
};

class Sandbox {
 public:
  explicit Sandbox(SandboxPlan plan) : plan_(std::move(plan)) {}

  // No new privileges, no capabilities, Landlock. Before any thread is started: what a thread may do goes on to those
  // it starts, and not to its elders. Mode Required: throws ConfigError that names what cannot be had.
  void confine();
  // The list of system calls, for all threads. After everything is open. Throws as above.
  void closeCalls();
  // What holds, for the log and for `hello`: "no-new-privileges, no-capabilities, landlock 7, seccomp", "off", "none".
  std::string text() const;
  // What mode BestEffort does without, and why; "" when nothing is missing.
  const std::string& missing() const { return missing_; }

 private:
  void reach(const std::string& part, const std::string& failure);

  const SandboxPlan plan_;
  std::vector<std::string> reached_;
  std::string missing_;
};

// Is this build one that no sandbox fits (a sanitizer opens files and traces itself)?
bool sandboxFitsBuild();

// The user whom the process is to become. Throws ConfigError when there is none of that name.
SystemAccount accountToBecome(const std::string& name);

// Becomes the user `name` (and its group, with no other groups), for good; nothing when it is that user already. After
// privileged ports are bound, before files are made. Throws ConfigError when the user is not there, or this process may
// not.
void becomeUser(const std::string& name);

}  // namespace ft
