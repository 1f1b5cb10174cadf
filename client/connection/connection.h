#pragma once
// One connection to a server: frames and bytes in both directions over a Transport. While it waits for one direction it
// moves the other, so neither end can come to wait for the other. Belongs to one thread. After an exception it is of no
// more use.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "client/stop_request.h"
#include "common/header.h"
#include "common/transport.h"

namespace ft {

class Connection {
 public:
  using Clock = std::chrono::steady_clock;
  // What a wait ended with.
  struct Ready {
    bool read = false;
    bool write = false;
  };

  // `timeout`: how long a wait may last in which less than kMinBodyRate moves, so that a trickle does not extend it.
  // `peer` names the server in messages. `stop` must outlive this.
  Connection(std::unique_ptr<Transport> transport, const StopRequest& stop, std::chrono::milliseconds timeout,
             std::string peer);

  // Bytes to be sent; they leave with the next wait, or with flush().
  std::string& output() { return output_; }
  std::size_t unsent() const { return output_.size() - sent_; }
  void queue(const Header& header) { appendFrame(output_, header); }
  // Queues a log-in in front of all requests. Its reply is taken out of the others and given to `check` when it comes,
  // in whatever call that is; what `check` throws ends that call.
  void login(const Header& request, std::function<void(const Header& reply)> check);
  // Returns when all output is with the kernel, or earlier when a reply has arrived (false): it may be a refusal.
  bool flush();
  // Sends what can be sent now. Throws TransportError.
  void sendSome();

  // The next reply or trailer. Sends what is queued meanwhile. Throws TransportError, ProtocolError, Interrupted.
  Header readHeader();
  // The next header if it is here; never waits.
  std::optional<Header> takeHeader();
  bool headerIsHere();
  // After a TransportError from sending: the reply that the peer left before it closed, if there is one. Never waits.
  std::optional<Header> lastWords() noexcept;
  // At least 1 byte, at most into.size(). Sends what is queued meanwhile.
  std::size_t readSome(std::span<std::byte> into);
  void readExactly(std::span<std::byte> into);

  // Waits until the peer can be read from, or (with `write`) written to; reads what came. Throws on the deadline and on
  // a stop.
  Ready wait(bool write);
  // For those that go round output() and readSome(): sendfile and splice. -1 where bytes must pass through them.
  int rawFd() const { return transport_->rawFd(); }
  // Writes once, round output(), which must be empty; 0 when the line is full. Until these bytes are reported as
  // written, they must be offered again.
  std::size_t writeSome(std::span<const std::byte> bytes);
  // Null where the line is not encrypted.
  const LineSecurity* security() const { return transport_->security(); }
  // For a caller that waits for other descriptors as well, after takeHeader() and before wait(). Bytes may be there
  // although the descriptor is not readable: with hasMore() there is nothing to wait for.
  int fd() const { return transport_->fd(); }
  bool hasMore() const { return transport_->buffered() > 0; }
  // Bytes that are buffered here and must be taken with readSome() before rawFd() is read.
  std::size_t buffered() const { return input_.size() - taken_; }
  // Takes in what is there, without waiting: a readable descriptor may bring nothing but TLS's own messages.
  void receive() { fill(); }
  // As wait(), for a caller that reads rawFd() itself: nothing is read into the buffer.
  void waitReadable();
  // To be told when bytes moved round this object, for the deadline.
  void moved(std::size_t bytes);
  // The deadline begins anew: the time until now was not spent waiting for the peer.
  void restartDeadline();
  // The next header may take this much longer than `timeout`, for the server has work to do before it; a server that
  // has gone is noticed all the same (connector.h). Until a header is read.
  void allow(std::chrono::milliseconds extra) { allowance_ = extra; }
  // The same for reading or syncing so many bytes on a slow disk.
  void allowForDisk(std::uint64_t bytes);

  const std::string& peer() const { return peer_; }
  const StopRequest& stop() const { return stop_; }

 private:
  Ready poll(bool read, bool write);
  // False when nothing was there.
  bool fill();
  void makeRoom(std::size_t wanted);
  std::optional<Header> takeFrame();
  void settleLogin();

  std::unique_ptr<Transport> transport_;
  const StopRequest& stop_;
  std::chrono::milliseconds timeout_;
  std::chrono::milliseconds allowance_{0};
  std::string peer_;
  Clock::time_point waitBegun_ = Clock::now();
  std::size_t movedSince_ = 0;
  std::string output_;
  std::size_t sent_ = 0;
  std::vector<std::byte> input_;
  std::size_t taken_ = 0;
  HeaderParser parser_;
  std::function<void(const Header&)> checkLogin_;  // while the reply to a log-in is due
};

}  // namespace ft
