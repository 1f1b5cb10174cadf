// What stands between a sender's upload and the disk's own lets every question through.
#include "server/access/guarded_upload.h"

#include "tests/server/disk_fixture.h"

namespace ft::testing {
namespace {

// An upload whose digests are there at the third call.
class SlowUpload : public Upload {
 public:
  explicit SlowUpload(bool& discarded) : discarded_(&discarded) {}
  std::uint64_t offset() const override { return 0; }
  void write(std::span<const std::byte>) override {}
  void writeHole(std::uint64_t) override {}
  std::size_t writeFromPipe(int, std::size_t count) override { return count; }
  void append(Upload&, std::uint64_t, std::uint64_t) override {}
  bool digestOn() override { return ++calls_ == 3; }
  std::vector<DigestValue> finish() override { return {}; }
  void restart() override {}
  void discard() noexcept override { *discarded_ = true; }
  const PutSpec& spec() const override { return spec_; }

 private:
  PutSpec spec_;
  int calls_ = 0;
  bool* discarded_;
};

TEST_CASE(
    "an upload that waits for the part of another is promised its space when it has it, and not beside that one") {
  Disk disk;
  disk.options.partWait = std::chrono::minutes(1);
  disk.restart();
  const PutSpec spec = Disk::partSpec("big", 80'000);
  UploadTerms terms;
  terms.disk = disk.storage.get();
  terms.inner = spec.name;
  terms.maxSize = 100'000;
  terms.rules.area = std::make_shared<QuotaArea>(QuotaArea::Counters{
      [] { return Usage{}; }, [&](const auto&) { return disk.storage->partsOf(""); }, [](const auto&, Usage) {}});
  terms.rules.limits.bytes = 100'000;
  const auto resume = [&] {
    auto upload = std::make_unique<GuardedUpload>(spec, terms);
    upload->use(disk.storage->resume(spec, DigestAlgorithm::Xxh128));
    upload->promiseResumed();
    return upload;
  };
  auto first = resume();
  first->write(bytesOf(patterned(60'000)));
  const auto second = resume();
  CHECK_FALSE(second->takeUp());
  CHECK(second->waitsForPart());
  first.reset();
  while (!second->takeUp()) continue;
  CHECK(second->offset() == 60'000);
  CHECK(failureOf([&] {
          terms.rules.area->promise({{20'001, 1}}, terms.rules.limits, spec.name);
        }) == ErrorCode::Quota);
  CHECK(failureOf([&] { terms.rules.area->promise({{20'000, 1}}, terms.rules.limits, spec.name); }) == std::nullopt);
}

TEST_CASE("an upload through the gate tells how far the digests of the disk's are, and that it is of no use") {
  bool discarded = false;
  GuardedUpload upload(PutSpec{}, UploadTerms{});
  upload.use(std::make_unique<SlowUpload>(discarded));
  CHECK_FALSE(upload.digestOn());
  CHECK_FALSE(upload.digestOn());
  CHECK(upload.digestOn());
  upload.discard();
  CHECK(discarded);
}

}  // namespace
}  // namespace ft::testing
