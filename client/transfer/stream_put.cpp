#include "client/transfer/stream_put.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "client/connection/reply.h"
#include "client/transfer/put_job.h"
#include "common/frame.h"

namespace ft {
namespace {

// A read from a pipe gives at most 64 KiB unless its writer has made it larger. Bytes.
constexpr std::size_t kReadStep = 256 * 1024;

Header streamHeader(const FileName& remote, DigestAlgorithm algorithm, const TransferOptions& options) {
  Header header = makeRequest("put", remote);
  header.digest = digestName(algorithm);
  header.body = "chunks";
  if (!options.replace) header.replace = false;
  return header;
}

}  // namespace

FileOutcome StreamPut::run(int fd, const FileName& remote) {
  const DigestAlgorithm algorithm = options_.digest.value_or(DigestAlgorithm::Xxh128);
  Connection& connection = link_.connect();
  Digest digest(algorithm);
  std::uint64_t size = 0;
  Header trailer;
  trailer.cmd = "trailer";
  trailer.ok = true;
  connection.queue(streamHeader(remote, algorithm, options_));
  try {
    if (sendAll(fd, connection, digest, size)) {
      trailer.filesize = size;
      trailer.setDigest(digest.value());
      connection.queue(trailer);
      connection.flush();
    }
  } catch (const TransportError&) {
    const auto reply = connection.lastWords();
    if (!reply) throw;
    requireOk(*reply);
    throw;
  }
  connection.allowForDisk(size);
  const Header reply = connection.readHeader();
  requireAnswer(reply, "put", remote);
  if (!trailer.filesize) throw ProtocolError("the server said ok before it had the whole file");
  checkStored(reply, size, digest.value(), nullptr);
  FileOutcome outcome;
  outcome.name = remote.text();
  outcome.size = outcome.moved = size;
  outcome.digest = digest.value();
  return outcome;
}

bool StreamPut::awaitInput(int fd, Connection& connection) {
  for (;;) {
    connection.sendSome();
    std::array<pollfd, 3> fds{pollfd{fd, POLLIN, 0}, pollfd{connection.stop().fd(), POLLIN, 0},
                              pollfd{connection.fd(), POLLIN, 0}};
    const bool more = connection.hasMore();
    if (::poll(fds.data(), fds.size(), more ? 0 : -1) < 0 && errno != EINTR)
      throw failureFromErrno(errno, "standard input");
    if (fds[1].revents != 0) connection.stop().check();
    if (more || fds[2].revents != 0) {
      connection.restartDeadline();
      connection.receive();
      if (connection.headerIsHere()) return false;
    }
    if (fds[0].revents != 0) return true;
  }
}

bool StreamPut::sendAll(int fd, Connection& connection, Digest& digest, std::uint64_t& size) {
  std::vector<char> buffer(wholeChunks(options_.chunkSize, kReadStep));
  for (;;) {
    if (!awaitInput(fd, connection)) return false;
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) throw failureFromErrno(errno, "standard input");
    const auto prefix = encodeChunk(got);
    connection.output().append(prefix.data(), prefix.size());
    if (got == 0) return true;
    const auto bytes = std::span(buffer).first(static_cast<std::size_t>(got));
    connection.output().append(bytes.data(), bytes.size());
    digest.update(std::as_bytes(bytes));
    size += bytes.size();
    if (!connection.flush()) return false;
    observer_.advanced(bytes.size());
  }
}

}  // namespace ft
