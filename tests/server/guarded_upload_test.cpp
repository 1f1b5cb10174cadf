// What stands between a sender's upload and the disk's own lets every question through.
#include "server/access/guarded_upload.h"

#include <doctest/doctest.h>

namespace ft::testing {
namespace {

// An upload whose digests are there at the third call.
class SlowUpload : public Upload {
 public:
  std::uint64_t offset() const override { return 0; }
  void write(std::span<const std::byte>) override {}
  void writeHole(std::uint64_t) override {}
  std::size_t writeFromPipe(int, std::size_t count) override { return count; }
  void append(Upload&) override {}
  bool digestOn() override { return ++calls_ == 3; }
  std::vector<DigestValue> finish() override { return {}; }
  const PutSpec& spec() const override { return spec_; }

 private:
  PutSpec spec_;
  int calls_ = 0;
};

TEST_CASE("an upload through the gate tells how far the digests of the disk's are") {
  GuardedUpload upload(PutSpec{}, UploadTerms{});
  upload.use(std::make_unique<SlowUpload>());
  CHECK_FALSE(upload.digestOn());
  CHECK_FALSE(upload.digestOn());
  CHECK(upload.digestOn());
}

}  // namespace
}  // namespace ft::testing
