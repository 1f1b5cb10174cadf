#pragma once
// The other side of the client under test: for each connection a script, run by a thread at the far end of a socket
// pair.

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "client/connection/link.h"
#include "common/error.h"
#include "common/frame.h"
#include "common/header.h"
#include "common/protocol.h"

namespace ft {

// The server's end of one connection, blocking. Every call throws when the client has closed.
class ServerEnd {
 public:
  explicit ServerEnd(UniqueFd fd) : fd_(std::move(fd)) {}

  std::string readBytes(std::size_t count) {
    std::string bytes(count, '\0');
    for (std::size_t done = 0; done < count;) {
      const ssize_t got = ::recv(fd_.get(), bytes.data() + done, count - done, 0);
      if (got <= 0) throw std::runtime_error("the client has closed");
      done += static_cast<std::size_t>(got);
    }
    return bytes;
  }
  Header readHeader() {
    const std::string prefix = readBytes(kLengthPrefixSize);
    const auto size = decodeLength(std::as_bytes(std::span<const char, kLengthPrefixSize>(prefix)));
    return parser_.parse(readBytes(size));
  }
  // A chunked body: its bytes, holes as zeros; the trailer is still to be read.
  std::string readChunks() {
    std::string body;
    for (;;) {
      const std::string prefix = readBytes(kChunkPrefixSize);
      const std::int64_t n = decodeChunk(std::as_bytes(std::span<const char, kChunkPrefixSize>(prefix)));
      if (n == 0) return body;
      body += n > 0 ? readBytes(static_cast<std::size_t>(n)) : std::string(static_cast<std::size_t>(-n), '\0');
    }
  }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) throw std::runtime_error("the client has closed");
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void send(const Header& header) {
    std::string frame;
    appendFrame(frame, header);
    send(frame);
  }
  void sendChunk(std::string_view bytes) {
    const auto prefix = encodeChunk(static_cast<std::int64_t>(bytes.size()));
    send(std::string_view(prefix.data(), prefix.size()));
    send(bytes);
  }
  void sendHole(std::int64_t count) {
    const auto prefix = encodeChunk(-count);
    send(std::string_view(prefix.data(), prefix.size()));
  }
  // The client sees the end of the stream; what it sends is still read.
  void finishSending() { ::shutdown(fd_.get(), SHUT_WR); }

 private:
  UniqueFd fd_;
  HeaderParser parser_;
};

// What a server with a slow disk does: lets so much time pass.
inline void workFor(std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) std::this_thread::yield();
}

inline Header okReply(std::string_view cmd) {
  Header reply;
  reply.cmd = cmd;
  reply.ok = true;
  return reply;
}

inline Header refusal(std::string_view cmd, ErrorCode code, const std::string& message = "no") {
  Header reply;
  reply.cmd = cmd;
  reply.ok = false;
  reply.error = errorName(code);
  reply.message = message;
  return reply;
}

inline DigestValue digestOfText(DigestAlgorithm algorithm, std::string_view text) {
  return digestOf(algorithm, std::as_bytes(std::span(text)));
}

inline Header storedReply(const std::string& body, DigestAlgorithm algorithm) {
  Header reply = okReply("put");
  reply.filesize = body.size();
  reply.setDigest(digestOfText(algorithm, body));
  return reply;
}

inline Header trailerFor(const std::string& body, DigestAlgorithm algorithm) {
  Header trailer = okReply("trailer");
  trailer.filesize = body.size();
  trailer.setDigest(digestOfText(algorithm, body));
  return trailer;
}

class ScriptedServer {
 public:
  using Script = std::function<void(ServerEnd&)>;

  // The first connection runs the first script, and so on; when they are used up nobody answers any more.
  explicit ScriptedServer(std::vector<Script> scripts) : scripts_(std::move(scripts)) { std::signal(SIGPIPE, SIG_IGN); }
  ~ScriptedServer() {
    for (std::thread& thread : threads_) thread.join();
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::unique_ptr<Connection> connect() {
    if (next_ >= scripts_.size()) throw TransportError(TransportError::Kind::Unreachable, "no daemon");
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) throw std::runtime_error("socketpair");
    threads_.emplace_back([script = scripts_[next_], fd = ends[1]] {
      ServerEnd end{UniqueFd(fd)};
      try {
        script(end);
      } catch (const std::exception&) {
        return;  // the client has closed; what it made of the script is what the test looks at
      }
    });
    ++next_;
    return std::make_unique<Connection>(makePlainTransport(UniqueFd(ends[0])), never_, timeout, "peer");
  }

  // A link to this server that never sleeps; the pauses that it would have made are in `pauses`.
  Link link(int retries = 0) {
    Link::Ways ways;
    ways.connect = [this] { return connect(); };
    ways.pause = [this](std::chrono::milliseconds time) { pauses.push_back(time); };
    return Link(std::move(ways), {retries, false}, never_, 1);
  }

  std::size_t connections() const { return next_; }
  std::vector<std::chrono::milliseconds> pauses;
  std::chrono::milliseconds timeout{120'000};  // of the client's connections

 private:
  std::vector<Script> scripts_;
  std::size_t next_ = 0;
  std::vector<std::thread> threads_;
  StopRequest never_;
};

}  // namespace ft
