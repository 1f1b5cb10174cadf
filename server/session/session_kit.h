#pragma once
// The buffers that a session needs while it runs and not while it is parked: one kit to a running session, taken from a
// pool, so that memory grows with the number of workers and not with the number of connections.

#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "common/header.h"
#include "common/splice_pipe.h"
#include "common/transport.h"

namespace ft {

// Memory of a fixed size that is not written to before it is used: what a small request leaves untouched costs nothing.
class RawBuffer {
 public:
  explicit RawBuffer(std::size_t size) : bytes_(std::make_unique_for_overwrite<std::byte[]>(size)), size_(size) {}
  std::size_t size() const { return size_; }
  std::span<std::byte> all() { return {bytes_.get(), size_}; }
  std::span<const std::byte> all() const { return {bytes_.get(), size_}; }
  std::span<std::byte> first(std::size_t count) { return all().first(count); }

 private:
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t size_;
};

// Bytes that have arrived and are not consumed yet, in a buffer of fixed size.
class InputBuffer {
 public:
  static constexpr std::size_t kCapacity = 256 * 1024;

  std::span<const std::byte> view() const { return bytes_.all().subspan(begin_, end_ - begin_); }
  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  void consume(std::size_t count);
  // As consume(), and overwrites them: they held a secret.
  void wipe(std::size_t count);
  // Takes over bytes that were put aside (at most kCapacity); the buffer must be empty.
  void assign(std::span<const std::byte> bytes);
  // Reads once from the transport, at most `most` bytes. The buffer must not be full.
  IoResult fill(Transport& transport, std::size_t most = kCapacity);

 private:
  RawBuffer bytes_{kCapacity};
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

struct SessionKit {
  static constexpr std::size_t kScratchSize = 256 * 1024;

  InputBuffer input;
  RawBuffer scratch{kScratchSize};
  HeaderParser parser;
  SplicePipe pipe;  // empty whenever a session is not inside a step
};

// Any thread may call it.
class KitPool {
 public:
  // At most `keep` kits stay when they are not in use.
  explicit KitPool(std::size_t keep) : keep_(keep) { free_.reserve(keep); }
  std::unique_ptr<SessionKit> take();
  void give(std::unique_ptr<SessionKit> kit) noexcept;

 private:
  const std::size_t keep_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<SessionKit>> free_;
};

}  // namespace ft
