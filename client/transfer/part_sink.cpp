#include "client/transfer/part_sink.h"

#include <utility>

namespace ft {
namespace {

// Bodies of at least this size are worth a pipe. Bytes.
constexpr std::uint64_t kLongBody = 512 * 1024;
// So often the disk is told to begin: its queue stays full, and the last sync finds little left. Bytes.
constexpr std::uint64_t kWriteBackStep = 32 << 20;

}  // namespace

PartSink::PartSink(PartFile& part, Digest digest, Body body, Listeners listeners)
    : part_(part), sync_(body.sync), listeners_(listeners), writtenBack_(part.size()) {
  if (body.size < kLongBody) {
    digest_.emplace(std::move(digest));
  } else {
    file_.emplace(part.fd(), std::move(digest));
  }
}

template <typename Action>
auto PartSink::keep(Action action) {
  try {
    return action();
  } catch (const Failure& failure) {
    throw LocalFailure(failure);
  }
}

void PartSink::grown() {
  const std::uint64_t size = part_.size();
  if (sync_ && size - writtenBack_ >= kWriteBackStep) {
    part_.startSync();
    writtenBack_ = size;
  }
  if (listeners_.advance.reach(size, listeners_.observer)) listeners_.link.progressed();
}

void PartSink::expect(std::uint64_t bytes) {
  if (file_) part_.reserve(bytes);
}

void PartSink::data(std::span<const std::byte> bytes) {
  const std::uint64_t from = part_.size();
  if (digest_) digest_->update(bytes);
  keep([&] { part_.write(bytes); });
  if (file_) file_->bytes(from, bytes);
  grown();
}

void PartSink::hole(std::uint64_t count) {
  forHoleSteps(count, listeners_.link.stop(), [this](std::uint64_t step) {
    keep([&] { part_.hole(step); });
    if (digest_) digest_->updateZeros(step);
    if (file_) file_->hole(step);
    if (listeners_.advance.reach(part_.size(), listeners_.observer)) listeners_.link.progressed();
  });
}

std::optional<std::size_t> PartSink::splice(SpliceMover& mover, int socket, std::size_t most) {
  if (!file_) return std::nullopt;
  const std::uint64_t from = part_.size();
  const auto moved = keep([&] { return part_.take(mover, socket, most); });
  if (moved > 0U) {
    file_->data(from, part_.size());
    grown();
  }
  return moved;
}

DigestValue PartSink::finish() { return file_ ? file_->finish() : digest_->value(); }

}  // namespace ft
