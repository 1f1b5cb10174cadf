// delay_line: a long line between two network namespaces, in user space, for kernels without netem.
//
// A TUN device in each namespace; a packet read from one is written to the other after its time on the line (bytes /
// rate) and the one-way delay. What does not fit into the queue is dropped at its tail, and packets may be lost at
// random. The line works on IP packets, so TCP sees the true round trip and the true losses, which a relay of byte
// streams would hide.
//
//   delay_line NEAR FAR DEVICE DELAY_MS RATE_MBIT LOSS_PERCENT QUEUE_MS
//
// NEAR and FAR name existing namespaces (ip netns add). The devices are made with segmentation offload, so that 1
// Gbit/s needs few wake-ups.
// Prints "ready" when both devices exist; the caller gives them addresses. Ends on SIGTERM or SIGINT; the devices go
// with it. Needs root.
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

constexpr std::size_t kLargestPacket = 70'000;  // 64 KiB of offloaded segments and the headers
constexpr int kBatch = 64;                      // packets read before due ones are written
constexpr nanoseconds kLongestWait{100'000'000};

struct Line {
  nanoseconds delay;    // one way
  double nanosPerByte;  // of the rate
  double lossPercent;
  nanoseconds queue;  // longest wait for the line before a packet is dropped
};

[[noreturn]] void fail(const std::string& what) {
  std::perror(what.c_str());
  std::exit(1);
}

int openDevice(const std::string& space, const std::string& device) {
  const int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  const int other = open(("/run/netns/" + space).c_str(), O_RDONLY | O_CLOEXEC);
  if (own < 0 || other < 0 || setns(other, CLONE_NEWNET) != 0) fail("delay_line: namespace " + space);
  const int tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  ifreq request{};
  request.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
  device.copy(static_cast<char*>(request.ifr_name), IFNAMSIZ - 1);
  if (tun < 0 || ioctl(tun, TUNSETIFF, &request) != 0) fail("delay_line: TUN device in " + space);
  if (ioctl(tun, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) != 0) fail("delay_line: offload in " + space);
  if (setns(own, CLONE_NEWNET) != 0) fail("delay_line: own namespace");
  close(other);
  close(own);
  return tun;
}

/** One direction of the line. Lives on one thread. */
class Direction {
 public:
  Direction(int in, int out, const Line& line) : in_(in), out_(out), line_(line), random_(std::random_device{}()) {}

  void run(const std::atomic<bool>& stop) {
    prctl(PR_SET_TIMERSLACK, 1000UL);
    while (!stop) {
      waitForWork();
      readPackets();
      writeDuePackets();
    }
  }

 private:
  struct Packet {
    Clock::time_point due;
    std::vector<std::uint8_t> bytes;
  };

  void waitForWork() const {
    nanoseconds wait = kLongestWait;
    if (!onTheLine_.empty())
      wait = std::clamp(nanoseconds(onTheLine_.front().due - Clock::now()), nanoseconds{0}, wait);
    const timespec limit{0, wait.count()};
    pollfd readable{in_, POLLIN, 0};
    ppoll(&readable, 1, &limit, nullptr);
  }

  void readPackets() {
    for (int i = 0; i < kBatch; ++i) {
      const ssize_t size = read(in_, buffer_.data(), buffer_.size());
      if (size <= 0) return;
      accept(static_cast<std::size_t>(size));
    }
  }

  void accept(std::size_t size) {
    const auto now = Clock::now();
    const auto start = std::max(now, lineFree_);
    if (start - now > line_.queue) return;
    lineFree_ = start + nanoseconds(static_cast<std::int64_t>(static_cast<double>(size) * line_.nanosPerByte));
    if (line_.lossPercent > 0 && percent_(random_) < line_.lossPercent) return;
    Packet packet{lineFree_ + line_.delay, {}};
    if (!spare_.empty()) {
      packet.bytes = std::move(spare_.back());
      spare_.pop_back();
    }
    packet.bytes.assign(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(size));
    onTheLine_.push_back(std::move(packet));
  }

  void writeDuePackets() {
    const auto now = Clock::now();
    while (!onTheLine_.empty() && onTheLine_.front().due <= now) {
      auto& bytes = onTheLine_.front().bytes;
      if (write(out_, bytes.data(), bytes.size()) < 0 && errno == EAGAIN) return;
      spare_.push_back(std::move(bytes));
      onTheLine_.pop_front();
    }
  }

  int in_;
  int out_;
  Line line_;
  std::mt19937_64 random_;
  std::uniform_real_distribution<double> percent_{0, 100};
  Clock::time_point lineFree_{};
  std::deque<Packet> onTheLine_;
  std::vector<std::vector<std::uint8_t>> spare_;
  std::array<std::uint8_t, kLargestPacket> buffer_{};
};

double number(const char* text) {
  char* end = nullptr;
  const double value = std::strtod(text, &end);
  if (end == text || *end != '\0' || value < 0) {
    std::fprintf(stderr, "delay_line: not a number: %s\n", text);
    std::exit(2);
  }
  return value;
}

nanoseconds millis(const char* text) { return nanoseconds(static_cast<std::int64_t>(number(text) * 1e6)); }

}  // namespace

int main(int argc, char** argv) {
  if (argc != 8) {
    std::fputs("usage: delay_line NEAR FAR DEVICE DELAY_MS RATE_MBIT LOSS_PERCENT QUEUE_MS\n", stderr);
    return 2;
  }
  const double rate = number(argv[5]);
  const Line line{millis(argv[4]), rate > 0 ? 8e3 / rate : 0, number(argv[6]), millis(argv[7])};

  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  sigprocmask(SIG_BLOCK, &ending, nullptr);

  const int near = openDevice(argv[1], argv[3]);
  const int far = openDevice(argv[2], argv[3]);
  std::puts("ready");
  std::fflush(stdout);

  std::atomic<bool> stop{false};
  std::thread there([&] { Direction(near, far, line).run(stop); });
  std::thread back([&] { Direction(far, near, line).run(stop); });
  int signal = 0;
  sigwait(&ending, &signal);
  stop = true;
  there.join();
  back.join();
}
