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
// Before it is asked again whether a part is free.
constexpr std::chrono::milliseconds kPartPause{10};

// How long one hashes before it gives way to others, and how long those wait before they ask again.
constexpr std::chrono::milliseconds kPlaceTime{100};
constexpr std::chrono::milliseconds kPlacePause{20};

class HashWork : public Work {
 public:
  HashWork(HashDesk& desk, FileRange range, Digest start, std::function<Outcome(Digest&)> then)
      : desk_(desk),
        range_(std::move(range)),
        digest_(std::move(start)),
        then_(std::move(then)),
        short_(range_.end - range_.begin <= kStepBytes) {}

  std::optional<Outcome> step() override {
    if (!mayGoOn()) return std::nullopt;
    if (range_.begin < range_.end) hashSome();
    if (range_.begin < range_.end) return std::nullopt;
    return then_(digest_);
  }
  std::chrono::milliseconds pause() const override {
    return place_ || short_ ? std::chrono::milliseconds(0) : kPlacePause;
  }
  void rest() override { place_.reset(); }

 private:
  bool mayGoOn() {
    if (short_) return true;
    const auto now = std::chrono::steady_clock::now();
    if (place_ && desk_.wanted() && now - since_ > kPlaceTime) {
      place_.reset();
      return false;
    }
    if (place_) return true;
    place_ = desk_.takePlace();
    since_ = now;
    return static_cast<bool>(place_);
  }

  void hashSome() {
    const Download::Extent data = range_.download->nextData(range_.begin);
    const std::uint64_t hole = std::min({data.begin, range_.end, range_.begin + kStepZeros});
    digest_.updateZeros(hole - range_.begin);
    range_.begin = hole;
    if (hole < data.begin) return;
    const std::uint64_t stop = std::min({std::max(data.end, hole), range_.end, hole + kStepBytes});
    block_.resize(std::min<std::uint64_t>(kReadBlock, stop - hole));
    while (range_.begin < stop) {
      const auto wanted = std::span(block_).first(std::min<std::uint64_t>(block_.size(), stop - range_.begin));
      const std::size_t got = range_.download->read(range_.begin, wanted);
      if (got == 0) throw Failure(ErrorCode::Changed, "the file was cut short while it was read");
      digest_.update(wanted.first(got));
      range_.begin += got;
    }
  }

  HashDesk& desk_;
  FileRange range_;
  Digest digest_;
  std::function<Outcome(Digest&)> then_;
  const bool short_;
  HashDesk::Hold place_;
  std::chrono::steady_clock::time_point since_{};
  std::vector<std::byte> block_;
};

// Waits for another session that takes the same digest, or takes it itself.
class WholeHashWork : public Work {
 public:
  WholeHashWork(HashDesk& desk, std::shared_ptr<Download> download, DigestAlgorithm algorithm,
                std::function<Outcome(const DigestValue&)> then)
      : desk_(desk), download_(std::move(download)), algorithm_(algorithm), then_(std::move(then)) {}

  std::optional<Outcome> step() override {
    if (!claim_ && !begin()) return std::nullopt;
    if (known_) return then_(*known_);
    return hashing_->step();
  }
  std::chrono::milliseconds pause() const override { return claim_ ? hashing_->pause() : kPlacePause; }
  void rest() override {
    claim_.reset();
    if (hashing_) hashing_->rest();
  }

 private:
  // Whether it is known, or this one has begun to take it, or goes on.
  bool begin() {
    known_ = download_->knownDigest(algorithm_);
    if (known_) return true;
    claim_ = desk_.claim(download_->version() + "/" + std::string(digestName(algorithm_)));
    if (!claim_) return false;
    if (hashing_) return true;
    hashing_ = std::make_unique<HashWork>(desk_, FileRange{download_, 0, download_->info().size}, Digest(algorithm_),
                                          [this](Digest& digest) {
                                            const DigestValue value = digest.value();
                                            download_->rememberDigest(value);
                                            claim_.reset();
                                            return then_(value);
                                          });
    return true;
  }

  HashDesk& desk_;
  std::shared_ptr<Download> download_;
  const DigestAlgorithm algorithm_;
  std::function<Outcome(const DigestValue&)> then_;
  std::optional<DigestValue> known_;
  HashDesk::Hold claim_;
  std::unique_ptr<HashWork> hashing_;
};

class TakeUpWork : public Work {
 public:
  TakeUpWork(std::unique_ptr<Upload> upload, std::function<Outcome(std::unique_ptr<Upload>)> then)
      : upload_(std::move(upload)), then_(std::move(then)) {}

  std::optional<Outcome> step() override {
    if (!upload_->takeUp()) return std::nullopt;
    return then_(std::move(upload_));
  }
  std::chrono::milliseconds pause() const override {
    return upload_->waitsForPart() ? kPartPause : std::chrono::milliseconds(0);
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

Outcome hashThen(HashDesk& desk, FileRange range, Digest start, std::function<Outcome(Digest&)> then) {
  return begin(std::make_unique<HashWork>(desk, std::move(range), std::move(start), std::move(then)));
}

Outcome hashWholeThen(HashDesk& desk, std::shared_ptr<Download> download, DigestAlgorithm algorithm,
                      std::function<Outcome(const DigestValue&)> then) {
  return begin(std::make_unique<WholeHashWork>(desk, std::move(download), algorithm, std::move(then)));
}

Outcome takeUpThen(std::unique_ptr<Upload> upload, std::function<Outcome(std::unique_ptr<Upload>)> then) {
  return begin(std::make_unique<TakeUpWork>(std::move(upload), std::move(then)));
}

}  // namespace ft
