// ftpc: the client program. Everything is in the library; this ties it to a process.

#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "client/shell.h"
#include "client/stop_request.h"
#include "common/standard_streams.h"

namespace {

constexpr rlim_t kDescriptors = 16'384;

std::size_t terminalWidth() {
  constexpr std::size_t kUsual = 80;
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kUsual;
}

bool isDumb() {
  const char* const terminal = std::getenv("TERM");
  return terminal != nullptr && std::string_view(terminal) == "dumb";
}

// Files that are synced together are open together, on several connections at once. Where it is not allowed, fewer are.
void raiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = std::max(limit.rlim_cur, std::min(limit.rlim_max, kDescriptors));
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
  ft::occupyStandardStreams();
  std::ios::sync_with_stdio(false);
  raiseDescriptorLimit();
  const ft::StopRequest stop = ft::stopOnSignals();
  const ft::Console console{std::cout, std::cerr, ::isatty(STDERR_FILENO) == 1, &terminalWidth, isDumb()};
  const int exit =
      ft::runShell(std::vector<std::string>(argv + 1, argv + argc), console, ft::processEnvironment(), stop);
  if (exit == 0 && !std::cout.flush()) {
    std::cerr << "ftpc: standard output cannot be written\n";
    return 1;
  }
  return exit;
}
