// ftpd-exec: runs the commands that ftpd may not run itself. Started by ftpd, or by systemd with a Unix socket.

#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "common/standard_streams.h"
#include "common/version.h"
#include "exec/exec_server.h"
#include "exec/invocation.h"

namespace {

constexpr int kUsageError = 2;

constexpr const char* kUsage =
    "ftpd-exec runs the commands that ftpd's configuration allows ([exec]), for ftpd alone.\n"
    "\n"
    "  ftpd-exec [--config FILE] [--root DIR]\n"
    "\n"
    "  --config FILE   ftpd's configuration (default /etc/ftpd/ftpd.conf)\n"
    "  --root DIR      what {root} stands for (default: [storage] root of the configuration)\n"
    "  --version, --help\n"
    "\n"
    "It listens on the Unix socket that systemd passes, else on [exec] socket. ftpd starts one of its own where no "
    "socket is configured.\n";

}  // namespace

int main(int argc, char** argv) {
  ft::occupyStandardStreams();
  if (argc == 2 && std::string_view(argv[1]) == "--help") return std::fputs(kUsage, stdout) < 0 ? 1 : 0;
  if (argc == 2 && std::string_view(argv[1]) == "--version") {
    return std::printf("ftpd-exec %s\n", std::string(ft::kVersion).c_str()) < 0 ? 1 : 0;
  }
  try {
    const ft::ExecInvocation invocation = ft::readInvocation({argv + 1, argv + argc});
    ft::ExecSettings settings = ft::readSettings(invocation);
    auto listener = ft::openListener(invocation, settings);
    return ft::ExecServer(std::move(settings), std::move(listener)).run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ftpd-exec: %s\n", error.what());
    return kUsageError;
  }
}
