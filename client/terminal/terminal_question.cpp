#include "client/terminal/terminal_question.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "common/ini_file.h"
#include "common/unique_fd.h"

namespace ft {
namespace {

constexpr std::size_t kMostAnswer = 4096;

}  // namespace

std::optional<std::string> askOnTerminal(const std::string& question, const StopRequest& stop) {
  const UniqueFd terminal(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal || ::write(terminal.get(), question.data(), question.size()) < 0) return std::nullopt;
  std::string answer;
  while (answer.find('\n') == std::string::npos && answer.size() < kMostAnswer) {
    stop.await(terminal.get(), POLLIN);
    std::array<char, 256> bytes{};
    const ssize_t n = ::read(terminal.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    answer.append(bytes.data(), static_cast<std::size_t>(n));
  }
  return std::string(trimmed(std::string_view(answer).substr(0, answer.find('\n'))));
}

}  // namespace ft
