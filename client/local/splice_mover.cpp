#include "client/local/splice_mover.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>

#include "common/error.h"
#include "common/whole_file.h"

namespace ft {
namespace {

[[noreturn]] void lineBroke(int error) {
  const auto kind = error == ECONNRESET ? TransportError::Kind::Reset : TransportError::Kind::Other;
  throw TransportError(kind, "reading from the connection failed: " + errorText(error));
}

}  // namespace

std::optional<std::size_t> SpliceMover::move(int socket, FilePlace place, std::size_t most) {
  if (!pipe_.ready()) return std::nullopt;
  for (;;) {
    const ssize_t got = ::splice(socket, nullptr, pipe_.writeEnd(), nullptr, std::min(most, pipe_.capacity()),
                                 SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
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

void SpliceMover::empty(FilePlace place, std::size_t count) {
  bool copying = false;
  while (count > 0) {
    auto offset = static_cast<off_t>(place.position);
    ssize_t done = 0;
    if (copying) {
      done = static_cast<ssize_t>(copyOut(place, count));
    } else {
      done = ::splice(pipe_.readEnd(), nullptr, place.fd, &offset, count, SPLICE_F_MOVE);
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

std::size_t SpliceMover::copyOut(FilePlace place, std::size_t count) {
  std::array<char, 64 * 1024> buffer;
  const ssize_t got = ::read(pipe_.readEnd(), buffer.data(), std::min(count, buffer.size()));
  if (got <= 0) throw failureFromErrno(errno, "reading from a pipe failed");
  const auto bytes = std::as_bytes(std::span(buffer)).first(static_cast<std::size_t>(got));
  if (const int error = writeAllAt(place.fd, bytes, place.position)) throw failureFromErrno(error, "writing failed");
  return bytes.size();
}

}  // namespace ft
