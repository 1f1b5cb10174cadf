#pragma once
// Where sessions of ftpd-exec come from. Two kinds: a descriptor that ftpd, our parent, sends over a socket pair that
// nobody else has; or a connection to a Unix socket, whose other end's identity the kernel tells (unix(7),
// SO_PEERCRED).

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/unique_fd.h"

namespace ft {

// What one look for a session has found.
struct Taken {
  UniqueFd session;     // none: nobody came, or nobody who may
  bool closed = false;  // no more will come
  // Somebody waits, but there is not a descriptor or memory for a connection: to look again at once is of no use.
  bool exhausted = false;
};

class ExecListener {
 public:
  virtual ~ExecListener() = default;
  // Readable when there is something to take.
  virtual int fd() const = 0;
  // Never waits.
  virtual Taken take() = 0;
  // Tells ftpd that sessions may come. For a Unix socket there is nobody to tell.
  virtual void ready() = 0;
};

// `control` is our end of the socket pair (SOCK_SEQPACKET).
std::unique_ptr<ExecListener> makeParentListener(UniqueFd control);

// `listener` is a listening Unix socket, which is made non-blocking; only processes of the users `allowed` may connect.
// Throws ConfigError.
std::unique_ptr<ExecListener> makeSocketListener(UniqueFd listener, std::vector<uid_t> allowed);

// Binds and listens at `path`, replacing a socket that nobody serves; everyone may try to connect. Throws ConfigError.
UniqueFd listenAt(const std::string& path);

// The first descriptor that systemd passes on (sd_listen_fds(3)).
inline constexpr int kFirstPassed = 3;

// The socket that systemd passes as descriptor `fd`: `count` and `owner` are LISTEN_FDS and LISTEN_PID, null where they
// are not set. None when nothing was passed, or to another process than this, whose environment was inherited. Throws
// ConfigError when what was passed is not one listening Unix socket.
UniqueFd passedListener(const char* count, const char* owner, int fd = kFirstPassed);

}  // namespace ft
