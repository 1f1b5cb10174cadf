#include "server/listener.h"

#include <Poco/Exception.h>
#include <Poco/Net/SocketAddress.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "common/error.h"
#include "common/escape.h"
#include "common/ini_file.h"
#include "common/unique_fd.h"
#include "server/peer.h"

namespace ft {
namespace {

using Poco::Net::SocketAddress;

constexpr std::string_view kUnixPrefix = "unix:";

[[noreturn]] void fail(const std::string& address, const std::string& reason, const ListenOptions& options) {
  throw ConfigError("cannot listen on " + escapeText(address, 200) + ": " + reason + " (" + options.setting + ")");
}

void bindTcp(Listener& listener, const std::string& address) {
  const SocketAddress wanted(address);
  // Not the constructor with an address: that one shares the port with any other daemon (SO_REUSEPORT).
  if (wanted.family() == SocketAddress::IPv6) {
    listener.socket.bind6(wanted, /*reuseAddress=*/true, /*reusePort=*/false, /*ipV6Only=*/true);
  } else {
    listener.socket.bind(wanted, /*reuseAddress=*/true, /*reusePort=*/false);
  }
}

// Does a daemon answer there? `error` is why not.
bool answers(const std::string& path, int& error) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const bool connected = ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  error = connected ? 0 : errno;
  return connected || error == EAGAIN;
}

// What an earlier daemon left when it was killed is in the way of bind().
void removeStale(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return;
  if (!S_ISSOCK(info.st_mode)) throw Poco::IOException("something else than a socket is there");
  int error = 0;
  if (answers(path, error)) throw Poco::IOException("another daemon serves it");
  if (error != ECONNREFUSED) throw Poco::IOException(errorText(error));
  ::unlink(path.c_str());
}

void bindUnix(Listener& listener, const std::string& path, mode_t mode) {
  if (path.size() >= sizeof(sockaddr_un::sun_path)) throw Poco::IOException("the path is too long");
  removeStale(path);
  const mode_t before = ::umask(0777 & ~mode);
  try {
    listener.socket.bind(SocketAddress(SocketAddress::UNIX_LOCAL, path), /*reuseAddress=*/false, /*reusePort=*/false);
  } catch (...) {
    ::umask(before);
    throw;
  }
  ::umask(before);
  listener.file = std::make_unique<SocketFile>(path);
}

}  // namespace

SocketFile::SocketFile(std::string path) : path_(std::move(path)) {
  struct stat info {};
  if (::lstat(path_.c_str(), &info) != 0) return;
  device_ = info.st_dev;
  inode_ = info.st_ino;
}

SocketFile::~SocketFile() {
  struct stat info {};
  const bool ours = ::lstat(path_.c_str(), &info) == 0 && info.st_dev == device_ && info.st_ino == inode_;
  if (ours) ::unlink(path_.c_str());
}

Listener openListener(const std::string& address, const ListenOptions& options) {
  Listener listener;
  const std::string path(unixPath(address));
  try {
    if (path.empty()) {
      bindTcp(listener, address);
    } else {
      bindUnix(listener, path, options.socketMode);
    }
    listener.socket.listen(options.backlog);
    ::fcntl(listener.socket.impl()->sockfd(), F_SETFD, FD_CLOEXEC);
    listener.address = path.empty() ? formatAddress(listener.socket.address()) : address;
  } catch (const Poco::Exception& error) {
    fail(address, reasonOf(error), options);
  }
  return listener;
}

void closeListener(Listener& listener) {
  // Poco's TCPServer leaves it open, and the kernel would go on completing handshakes.
  listener.socket.close();
  listener.file.reset();
}

std::string_view unixPath(std::string_view address) {
  return address.starts_with(kUnixPrefix) ? address.substr(kUnixPrefix.size()) : std::string_view();
}

}  // namespace ft
