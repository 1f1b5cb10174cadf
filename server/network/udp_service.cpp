#include "server/network/udp_service.h"

#include <Poco/Exception.h>
#include <Poco/Net/SocketAddress.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/error.h"
#include "common/escape.h"
#include "server/network/tcp_service.h"

namespace ft {
namespace {

using Poco::Net::SocketAddress;

constexpr std::size_t kBatch = 32;
// The largest payload of a UDP datagram over IPv4 is 65,507 bytes.
constexpr std::size_t kDatagramSize = 65'536;

}  // namespace

// One thread's buffers and loop.
class UdpService::Worker : public Poco::Runnable {
 public:
  explicit Worker(UdpService& service) : service_(service), bytes_(kBatch * kDatagramSize) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      parts_[i] = iovec{bytes_.data() + i * kDatagramSize, kDatagramSize};
      questions_[i].msg_hdr.msg_name = &sources_[i];
      questions_[i].msg_hdr.msg_iov = &parts_[i];
      questions_[i].msg_hdr.msg_iovlen = 1;
    }
  }

  void run() override {
    const int fd = service_.socket_.impl()->sockfd();
    std::array<pollfd, 2> entries{pollfd{fd, POLLIN, 0}, pollfd{service_.stopEvent_.get(), POLLIN, 0}};
    while ((entries[1].revents & POLLIN) == 0) {
      serveBatch(fd);
      ::poll(entries.data(), entries.size(), -1);
    }
    service_.ended();
  }

 private:
  // Serves until nothing waits, or a few batches have passed, so that a flood cannot hide the stop.
  void serveBatch(int fd) {
    constexpr int kRounds = 64;
    for (int round = 0; round < kRounds; ++round) {
      prepare();
      const int count = ::recvmmsg(fd, questions_.data(), kBatch, MSG_DONTWAIT, nullptr);
      if (count <= 0) return;
      answer(fd, static_cast<std::size_t>(count));
    }
  }

  void prepare() {
    for (std::size_t i = 0; i < kBatch; ++i) {
      questions_[i].msg_hdr.msg_namelen = sizeof sources_[i];
      parts_[i].iov_len = kDatagramSize;
    }
  }

  void answer(int fd, std::size_t count) {
    unsigned int answers = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (!service_.handler_.admit(SourceAddress::of(sources_[i]))) continue;
      const std::span<std::byte> datagram(bytes_.data() + i * kDatagramSize, questions_[i].msg_len);
      const std::optional<std::size_t> size = service_.handler_.talk(datagram);
      if (!size) continue;
      parts_[i].iov_len = std::min(*size, datagram.size());
      answers_[answers++] = questions_[i];
    }
    // What the send buffer does not take is lost, as the network may lose it too; nobody waits for a source that does
    // not read.
    unsigned int sent = 0;
    while (sent < answers) {
      const int n = ::sendmmsg(fd, answers_.data() + sent, answers - sent, MSG_NOSIGNAL);
      sent += n > 0 ? static_cast<unsigned int>(n) : 1;
    }
  }

  UdpService& service_;
  std::vector<std::byte> bytes_;
  std::array<sockaddr_storage, kBatch> sources_{};
  std::array<iovec, kBatch> parts_{};
  std::array<mmsghdr, kBatch> questions_{};
  std::array<mmsghdr, kBatch> answers_{};
};

UdpService::UdpService(const std::string& address, Handler handler, Poco::ThreadPool& pool, const Limits& limits)
    : handler_(std::move(handler)), pool_(pool), stopEvent_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  try {
    const SocketAddress wanted(address);
    socket_ = Poco::Net::DatagramSocket(wanted.family());
    socket_.bind(wanted, /*reuseAddress=*/false, /*reusePort=*/false);
    address_ = formatAddress(socket_.address());
  } catch (const Poco::Exception& error) {
    throw ConfigError("cannot listen on " + escapeText(address, 200) + ": " + reasonOf(error) + " (" + limits.setting +
                      ")");
  }
  const int fd = socket_.impl()->sockfd();
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  // Only a privileged process may go over the system's limit; elsewhere the limit is what there is.
  const int size = limits.receiveBuffer;
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0) {
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  }
  for (int i = 0; i < limits.threads; ++i) workers_.push_back(std::make_unique<Worker>(*this));
}

UdpService::~UdpService() { stop(); }

void UdpService::start() {
  for (const auto& worker : workers_) {
    {
      const std::lock_guard lock(mutex_);
      ++running_;
    }
    try {
      pool_.start(*worker);
    } catch (...) {
      ended();
      throw;
    }
  }
}

void UdpService::stop() {
  ::eventfd_write(stopEvent_.get(), 1);
  std::unique_lock lock(mutex_);
  quiet_.wait(lock, [this] { return running_ == 0; });
}

void UdpService::ended() {
  const std::lock_guard lock(mutex_);
  --running_;
  quiet_.notify_all();
}

}  // namespace ft
