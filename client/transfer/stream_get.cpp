#include "client/transfer/stream_get.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include "client/local/file_digest.h"

namespace ft {
namespace {

// Writes to a descriptor that others may share, so it stays blocking; yet a reader that stalls must not keep us from
// noticing a stop.
class StreamSink final : public BodySink {
 public:
  StreamSink(int fd, const StopRequest& stop) : fd_(fd), stop_(stop) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) throw failureFromErrno(errno, "standard output");
    if (S_ISREG(status.st_mode)) return;
    waits_ = true;
    if (!S_ISFIFO(status.st_mode)) return;
    // A description of the pipe of our own can be non-blocking and takes as much as fits.
    own_.reset(::open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    if (own_) fd_ = own_.get();
  }

  void data(std::span<const std::byte> bytes) override {
    while (!bytes.empty()) {
      if (waits_) stop_.await(fd_, POLLOUT);
      const std::size_t most = waits_ && !own_ ? std::min<std::size_t>(bytes.size(), PIPE_BUF) : bytes.size();
      const ssize_t done = ::write(fd_, bytes.data(), most);
      if (done < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (done < 0) throw failureFromErrno(errno, "standard output");
      bytes = bytes.subspan(static_cast<std::size_t>(done));
    }
  }

  void hole(std::uint64_t count) override {
    static constexpr std::array<std::byte, 65536> kZeros{};
    while (count > 0) {
      const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(count, kZeros.size()));
      data(std::span(kZeros).first(step));
      count -= step;
    }
  }

 private:
  int fd_;
  const StopRequest& stop_;
  UniqueFd own_;
  bool waits_ = false;
};

// Passes on to a sink, and counts and hashes what has gone to it.
class CountingSink final : public BodySink {
 public:
  struct Listeners {
    Link& link;
    TransferObserver& observer;
  };
  CountingSink(BodySink& sink, Digest& digest, std::uint64_t& written, Listeners listeners)
      : sink_(sink), digest_(digest), written_(written), listeners_(listeners) {}

  void data(std::span<const std::byte> bytes) override {
    digest_.update(bytes);
    sink_.data(bytes);
    passed(bytes.size());
  }
  void hole(std::uint64_t count) override {
    forHoleSteps(count, listeners_.link.stop(), [this](std::uint64_t step) {
      digest_.updateZeros(step);
      sink_.hole(step);
      passed(step);
    });
  }

 private:
  void passed(std::uint64_t count) {
    written_ += count;
    listeners_.observer.advanced(count);
    listeners_.link.progressed();
  }

  BodySink& sink_;
  Digest& digest_;
  std::uint64_t& written_;
  Listeners listeners_;
};

}  // namespace

FileOutcome StreamGet::run(int fd, GetJob job) {
  StreamSink sink(fd, link_.stop());
  written_ = 0;
  digest_.reset();
  return link_.persist([&] { return attempt(sink, job); });
}

FileOutcome StreamGet::attempt(BodySink& sink, GetJob& job) {
  Connection& connection = link_.connection();
  GetRequest request;
  request.algorithm = digest_ ? digest_->algorithm() : options_.digest.value_or(DigestAlgorithm::Xxh128);
  if (written_ > 0) {
    request.haveSize = written_;
    request.have = digest_->value();
  }
  connection.queue(getHeader(job.remote, request));
  const GetReply reply = checkGetReply(connection.readHeader(), job.remote, request);
  if (reply.offset != written_)
    throw Failure(ErrorCode::Changed, "the file changed on the server while it was fetched");
  if (!digest_) digest_.emplace(reply.chunks || !reply.digest ? request.algorithm : reply.digest->algorithm);

  CountingSink counting(sink, *digest_, written_, {link_, observer_});
  GetBody body(connection, reply.size - reply.offset, options_.chunkSize);
  std::optional<DigestValue> theirs = reply.digest;
  if (reply.chunks) {
    const Header trailer = body.receiveChunks(counting);
    requireAgreement(reply.stated, trailer);
    if (const DigestValue* same = trailer.findDigest(digest_->algorithm())) theirs = *same;
  } else {
    body.receiveRaw(counting);
  }
  if (!theirs || theirs->algorithm != digest_->algorithm()) {
    throw ProtocolError("the server sent no " + std::string(digestName(digest_->algorithm())) + " of the file");
  }
  requireSameDigest(*theirs, digest_->value());
  FileOutcome outcome;
  outcome.name = job.shown;
  outcome.size = outcome.moved = reply.size;
  outcome.digest = digest_->value();
  return outcome;
}

}  // namespace ft
