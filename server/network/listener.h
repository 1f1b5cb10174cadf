#pragma once
// A listening socket: bound first, while the daemon still has the privileges to, and served later by a TcpService. TCP
// addresses, and Unix sockets as unix:/PATH.

#include <Poco/Net/ServerSocket.h>
#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>

namespace ft {

struct ListenOptions {
  int backlog = 1024;
  std::string setting = "server.listen, --listen";  // for messages
  mode_t socketMode = 0660;                         // of a Unix socket
};

// The file of a Unix socket that was made here; removed with this object, unless it was replaced meanwhile.
class SocketFile {
 public:
  explicit SocketFile(std::string path);
  ~SocketFile();
  SocketFile(const SocketFile&) = delete;
  SocketFile& operator=(const SocketFile&) = delete;

 private:
  const std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

struct Listener {
  Poco::Net::ServerSocket socket;
  std::string address;               // with the port that was picked for 0
  std::unique_ptr<SocketFile> file;  // of a Unix socket
};

// Binds and listens. A Unix socket that nobody serves any more is replaced. Throws ConfigError that names the address,
// the setting and the reason (in use, not permitted, …). Main thread, before there are others: it changes the umask for
// a moment.
Listener openListener(const std::string& address, const ListenOptions& options);
// Closes it and removes a Unix socket's file.
void closeListener(Listener& listener);

// The path of unix:/PATH, or "" for any other address.
std::string_view unixPath(std::string_view address);

}  // namespace ft
