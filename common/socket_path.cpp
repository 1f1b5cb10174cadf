#include "common/socket_path.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/error.h"
#include "common/unique_fd.h"

namespace ft {
namespace {

// 0 when somebody answers there, else why not.
int errorOfConnecting(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  // Without waiting: with its queue full, a process serves it too.
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) return errno;
  const bool connected = ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  return connected || errno == EAGAIN ? 0 : errno;
}

}  // namespace

std::optional<std::string> clearSocketPath(const std::string& path) {
  if (path.size() >= sizeof(sockaddr_un::sun_path)) return "the path is too long";
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return std::nullopt;
  if (!S_ISSOCK(info.st_mode)) return "something else than a socket is there";
  const int error = errorOfConnecting(path);
  if (error == 0) return "another daemon serves it";
  if (error != ECONNREFUSED) return errorText(error);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return errorText(errno);
  return std::nullopt;
}

}  // namespace ft
