#include "server/network/listener.h"

#include <Poco/Exception.h>
#include <Poco/Net/SocketAddress.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "common/error.h"
#include "common/escape.h"
#include "common/socket_path.h"
#include "server/network/peer.h"

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

void bindUnix(Listener& listener, const std::string& path, mode_t mode) {
  if (const auto obstacle = clearSocketPath(path)) throw Poco::IOException(*obstacle);
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
