#include "server/sandbox_plan.h"

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "server/access/tenancy.h"
#include "server/access/users_place.h"
#include "server/network/listener.h"

namespace ft {
namespace {

// The folder that holds it: a file that is replaced while the daemon runs is another file, in the same folder.
std::string folderOf(std::string_view path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

// For tests on kernels that are newer than those of the users.
int mostLandlock() {
  const char* const text = std::getenv("FTPD_LANDLOCK_MOST");
  int version = 0;
  if (text != nullptr) std::from_chars(text, text + std::string_view(text).size(), version);
  return version;
}

// They are read again when they change. Files of authorities are often links to where the next one will lie.
void addCertificates(const ServerConfig& config, SandboxPlan& plan) {
  if (config.tls.certificate.empty()) plan.serve.push_back(config.state + "/tls");
  for (const std::string& file : {config.tls.certificate, config.tls.key, config.tls.clientCa}) {
    if (file.empty()) continue;
    std::error_code error;
    plan.read.push_back(folderOf(file));
    plan.read.push_back(folderOf(std::filesystem::weakly_canonical(file, error).string()));
  }
}

}  // namespace

SandboxPlan sandboxPlan(const ServerConfig& config, bool startsPrograms) {
  SandboxPlan plan;
  plan.mode = config.sandbox;
  plan.mostLandlock = mostLandlock();
  plan.signalsOthers = startsPrograms;
  plan.seesInterfaces = config.services.discovery.enabled;
  plan.serve = rootPaths(config);
  if (!config.auditFile.empty()) plan.append.push_back(folderOf(config.auditFile));
  if (!config.file.empty()) plan.read.push_back(folderOf(config.file));
  if (config.tls.mode != TlsMode::Off) addCertificates(config, plan);
  if (const std::string users = usersFile(config); !users.empty()) {
    plan.read.push_back(folderOf(users));
    std::error_code failed;
    // It may be a link, which `ftpd user` leaves in place.
    const auto real = std::filesystem::weakly_canonical(users, failed);
    if (!failed && folderOf(real.string()) != plan.read.back()) plan.read.push_back(folderOf(real.string()));
  }
  for (const std::string& address : config.listen) {
    const std::string_view path = unixPath(address);
    if (!path.empty()) plan.remove.push_back(folderOf(path));
  }
  return plan;
}

}  // namespace ft
