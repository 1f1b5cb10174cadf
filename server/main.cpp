// ftpd: reads the command line and the configuration, wires the daemon together, and turns what goes wrong into a
// message and an exit code.

#include <Poco/Util/ServerApplication.h>
#include <malloc.h>
#include <signal.h>

#include <cerrno>
#include <cstdio>
#include <exception>
#include <functional>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "common/error.h"
#include "common/file_mask.h"
#include "common/standard_streams.h"
#include "server/access/user_admin.h"
#include "server/daemon.h"
#include "server/options.h"

namespace {

constexpr int kUsageError = 2;
constexpr int kNotPrinted = 1;  // what was asked for cannot be printed

// Memory that threads have freed is kept for threads of the same arena. With one for each of the workers that is many
// times what is needed.
constexpr int kMemoryArenas = 4;

class FtpdApplication : public Poco::Util::ServerApplication {
 public:
  FtpdApplication(const ft::ServerConfig& config, ft::Upkeep::Reread reread)
      : config_(config), reread_(std::move(reread)) {}
  using ServerApplication::run;

 protected:
  // Options are read before (CLI11, with the configuration's own rules); Poco's would add --daemon and --pidfile, which
  // are not offered.
  void defineOptions(Poco::Util::OptionSet&) override {}
  void initialize(Application& self) override {
    Application::initialize(self);
    // Poco catches these to throw exceptions from them; a crash must end in a core that shows where it was.
    for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGSYS}) ::signal(signal, SIG_DFL);
  }
  int main(const std::vector<std::string>&) override {
    try {
      ft::Log log(config_.logLevel, config_.logFormat);
      ft::Daemon daemon(config_, log, reread_);
      daemon.serve();
      return EXIT_OK;
    } catch (const std::exception& error) {
      std::fprintf(stderr, "ftpd: %s\n", error.what());
      return kUsageError;
    }
  }

 private:
  const ft::ServerConfig& config_;
  const ft::Upkeep::Reread reread_;
};

}  // namespace

int main(int argc, char** argv) {
  ft::occupyStandardStreams();
  ::mallopt(M_ARENA_MAX, kMemoryArenas);
  try {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    if (!arguments.empty() && arguments.front() == "user") {
      return ft::runUserAdmin({arguments.begin() + 1, arguments.end()}, ft::processEnvironment(),
                              {std::cout, std::cerr});
    }
    // Before there are threads; `ftpd user` is a program like others, which ends when it is told to.
    ft::Daemon::blockSignals();
    const ft::Environment environment = ft::processEnvironment();
    const auto read = [&, umask = ft::fileCreationMask()] {
      ft::Invocation invocation = ft::readInvocation(arguments, environment);
      invocation.config.umask = umask;
      return invocation;
    };
    const ft::Invocation invocation = read();
    if (invocation.answer) {
      if (std::fputs(invocation.answer->c_str(), stdout) >= 0 && std::fflush(stdout) == 0) return 0;
      std::fprintf(stderr, "ftpd: standard output: %s\n", ft::errorText(errno).c_str());
      return kNotPrinted;
    }
    FtpdApplication application(invocation.config, [&] { return read().config; });
    application.init(1, argv);
    return application.run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ftpd: %s\n", error.what());
    return kUsageError;
  }
}
