#include "client/local/splice_pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include "common/error.h"

namespace ft {
namespace {

[[noreturn]] void lineBroke(int error) {
  const auto kind = error == ECONNRESET ? TransportError::Kind::Reset : TransportError::Kind::Other;
  throw TransportError(kind, "reading from the connection failed: " + errorText(error));
}

}  // namespace

SplicePipe::SplicePipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;
  readEnd_.reset(ends[0]);
  writeEnd_.reset(ends[1]);
  // Refused over the user's limit for pipes: then it is a smaller one.
  ::fcntl(writeEnd_.get(), F_SETPIPE_SZ, static_cast<int>(kSize));
}

std::optional<std::size_t> SplicePipe::move(int socket, FilePlace place, std::size_t most) {
  if (!writeEnd_) return std::nullopt;
  for (;;) {
    const ssize_t got =
        ::splice(socket, nullptr, writeEnd_.get(), nullptr, std::min(most, kSize), SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (got > 0) {
      empty(place, static_cast<std::size_t>(got));
      return static_cast<std::size_t>(got);
    }
    if (got == 0) throw TransportError(TransportError::Kind::Closed, "the server closed the connection");
    if (errno == EAGAIN) return 0;
    if (errno == EINVAL || errno == ENOSYS) return std::nullopt;
    if (errno != EINTR) lineBroke(errno);
  }
}

void SplicePipe::empty(FilePlace place, std::size_t count) {
  bool copying = false;
  while (count > 0) {
    auto offset = static_cast<off_t>(place.position);
    ssize_t done = 0;
    if (copying) {
      done = static_cast<ssize_t>(copyOut(place, count));
    } else {
      done = ::splice(readEnd_.get(), nullptr, place.fd, &offset, count, SPLICE_F_MOVE);
    }
    if (done < 0 && errno == EINTR) continue;
    if (done < 0 && (errno == EINVAL || errno == ENOSYS)) {
      copying = true;
      continue;
    }
    if (done <= 0) throw failureFromErrno(done == 0 ? ENOSPC : errno, "writing failed");
    place.position += static_cast<std::uint64_t>(done);
    count -= static_cast<std::size_t>(done);
  }
}

std::size_t SplicePipe::copyOut(FilePlace place, std::size_t count) {
  std::array<char, 64 * 1024> buffer;
  const ssize_t got = ::read(readEnd_.get(), buffer.data(), std::min(count, buffer.size()));
  if (got <= 0) throw failureFromErrno(errno, "reading from a pipe failed");
  for (ssize_t written = 0; written < got;) {
    const ssize_t done = ::pwrite(place.fd, buffer.data() + written, static_cast<std::size_t>(got - written),
                                  static_cast<off_t>(place.position) + written);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) throw failureFromErrno(done == 0 ? ENOSPC : errno, "writing failed");
    written += done;
  }
  return static_cast<std::size_t>(got);
}

}  // namespace ft
