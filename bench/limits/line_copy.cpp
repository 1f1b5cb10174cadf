// line_copy SOURCE TARGET: what this machine can do at most. One process sends SOURCE with sendfile over a bare
// loopback socket, another one splices it into TARGET. No protocol, no digest, no sync. The exit code is 0 when all
// bytes have arrived.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

constexpr std::size_t kPipeBytes = 1U << 20U;  // the most that an unprivileged process may ask for

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

template <typename Number>
Number checked(Number result, const char* what) {
  if (result < 0) fail(what);
  return result;
}

void sendAll(int source, std::size_t size, const sockaddr_in& address) {
  const int line = checked(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  checked(connect(line, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
  off_t at = 0;
  while (static_cast<std::size_t>(at) < size) {
    checked(sendfile(line, source, &at, size - static_cast<std::size_t>(at)), "sendfile");
  }
  close(line);
}

void receiveAll(int line, int target, std::size_t size) {
  int ends[2];
  checked(pipe2(ends, O_CLOEXEC), "pipe2");
  checked(fcntl(ends[1], F_SETPIPE_SZ, static_cast<int>(kPipeBytes)), "F_SETPIPE_SZ");
  while (size > 0) {
    ssize_t moved =
        checked(splice(line, nullptr, ends[1], nullptr, std::min(size, kPipeBytes), SPLICE_F_MOVE), "splice");
    if (moved == 0) {
      std::fputs("line_copy: the sender ended early\n", stderr);
      std::exit(1);
    }
    size -= static_cast<std::size_t>(moved);
    while (moved > 0) {
      moved -=
          checked(splice(ends[0], nullptr, target, nullptr, static_cast<std::size_t>(moved), SPLICE_F_MOVE), "splice");
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: line_copy SOURCE TARGET\n", stderr);
    return 2;
  }
  const int source = checked(open(argv[1], O_RDONLY | O_CLOEXEC), argv[1]);
  const int target = checked(open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), argv[2]);
  struct stat facts {};
  checked(fstat(source, &facts), "fstat");
  const auto size = static_cast<std::size_t>(facts.st_size);

  const int listener = checked(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  checked(bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
  checked(listen(listener, 1), "listen");
  checked(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length), "getsockname");

  const pid_t sender = checked(fork(), "fork");
  if (sender == 0) {
    sendAll(source, size, address);
    _exit(0);
  }
  if (size > 0) checked(fallocate(target, FALLOC_FL_KEEP_SIZE, 0, facts.st_size), "fallocate");
  receiveAll(checked(accept(listener, nullptr, nullptr), "accept"), target, size);
  int status = 0;
  checked(waitpid(sender, &status, 0), "waitpid");
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}
