#include "server/session/hash_work.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace ft {
namespace {

constexpr std::size_t kReadBlock = 256 * 1024;
// One step: about two milliseconds of MD5, the slowest digest. Zeros of a hole are made in memory and cost less.
constexpr std::uint64_t kStepBytes = 1024 * 1024;
constexpr std::uint64_t kStepZeros = 8 * 1024 * 1024;

class HashWork : public Work {
 public:
  HashWork(std::shared_ptr<Download> download, HashRange range, Digest start, std::function<Outcome(Digest&)> then)
      : download_(std::move(download)), range_(range), digest_(std::move(start)), then_(std::move(then)) {}

  std::optional<Outcome> step() override {
    if (range_.begin < range_.end) hashSome();
    if (range_.begin < range_.end) return std::nullopt;
    return then_(digest_);
  }

 private:
  void hashSome() {
    const Download::Extent data = download_->nextData(range_.begin);
    const std::uint64_t hole = std::min({data.begin, range_.end, range_.begin + kStepZeros});
    digest_.updateZeros(hole - range_.begin);
    range_.begin = hole;
    if (hole < data.begin) return;
    const std::uint64_t stop = std::min({std::max(data.end, hole), range_.end, hole + kStepBytes});
    block_.resize(std::min<std::uint64_t>(kReadBlock, stop - hole));
    while (range_.begin < stop) {
      const auto wanted = std::span(block_).first(std::min<std::uint64_t>(block_.size(), stop - range_.begin));
      const std::size_t got = download_->read(range_.begin, wanted);
      if (got == 0) throw Failure(ErrorCode::Changed, "the file was cut short while it was read");
      digest_.update(wanted.first(got));
      range_.begin += got;
    }
  }

  std::shared_ptr<Download> download_;
  HashRange range_;
  Digest digest_;
  std::function<Outcome(Digest&)> then_;
  std::vector<std::byte> block_;
};

class TakeUpWork : public Work {
 public:
  TakeUpWork(std::unique_ptr<Upload> upload, std::function<Outcome(std::unique_ptr<Upload>)> then)
      : upload_(std::move(upload)), then_(std::move(then)) {}

  std::optional<Outcome> step() override {
    if (!upload_->takeUp()) return std::nullopt;
    return then_(std::move(upload_));
  }

 private:
  std::unique_ptr<Upload> upload_;
  std::function<Outcome(std::unique_ptr<Upload>)> then_;
};

// Does the first step at once, which is all there is for what is small.
Outcome begin(std::unique_ptr<Work> work) {
  if (auto outcome = work->step()) return std::move(*outcome);
  return work;
}

}  // namespace

Outcome hashThen(std::shared_ptr<Download> download, HashRange range, Digest start,
                 std::function<Outcome(Digest&)> then) {
  return begin(std::make_unique<HashWork>(std::move(download), range, std::move(start), std::move(then)));
}

Outcome takeUpThen(std::unique_ptr<Upload> upload, std::function<Outcome(std::unique_ptr<Upload>)> then) {
  return begin(std::make_unique<TakeUpWork>(std::move(upload), std::move(then)));
}

}  // namespace ft
