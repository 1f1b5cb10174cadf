#pragma once
// Where sessions of ftpd-exec come from. Two kinds: a descriptor that ftpd, our parent, sends over a socket pair that nobody else has; or
// a connection to a Unix socket, whose other end's identity the kernel tells (unix(7), SO_PEERCRED).

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/unique_fd.h"

namespace ft {

class ExecListener {
 public:
  virtual ~ExecListener() = default;
  // Readable when there is something to take.
  virtual int fd() const = 0;
  // A new session, or none that is fit. `closed` is set when no more will come.
  virtual UniqueFd take(bool& closed) = 0;
  // Tells ftpd that sessions may come. For a Unix socket there is nobody to tell.
  virtual void ready() = 0;
};

// `control` is our end of the socket pair (SOCK_SEQPACKET).
std::unique_ptr<ExecListener> makeParentListener(UniqueFd control);

// `listener` is a listening Unix socket; only processes of the users `allowed` may connect.
std::unique_ptr<ExecListener> makeSocketListener(UniqueFd listener, std::vector<uid_t> allowed);

// Binds and listens at `path`, replacing a socket that is there; everyone may try to connect. Throws ConfigError.
UniqueFd listenAt(const std::string& path);

}  // namespace ft
