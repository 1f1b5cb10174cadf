// Sessions: ranges, resumed gets, offers and segments.

#include <doctest/doctest.h>

#include "common/protocol.h"
#include "server/session/session.h"
#include "tests/support/session_peer.h"
#include "tests/support/wire_text.h"

using namespace ft;
using namespace ft::testing;
using namespace std::chrono_literals;

namespace {

// An upload whose part is another's, for as long as somebody says so.
class HeldUpload : public Upload {
 public:
  HeldUpload(const bool& held, PutSpec spec) : held_(held), spec_(std::move(spec)) {}
  bool takeUp() override { return !held_; }
  bool waitsForPart() const override { return held_; }
  std::uint64_t offset() const override { return 0; }
  void write(std::span<const std::byte>) override {}
  void writeHole(std::uint64_t) override {}
  std::size_t writeFromPipe(int, std::size_t count) override { return count; }
  void append(Upload&, std::uint64_t, std::uint64_t) override {}
  std::vector<DigestValue> finish() override { return {}; }
  void restart() override {}
  void discard() noexcept override {}
  const PutSpec& spec() const override { return spec_; }

 private:
  const bool& held_;
  PutSpec spec_;
};

// An upload that finds no space to begin anew.
class FullUpload : public Upload {
 public:
  explicit FullUpload(std::unique_ptr<Upload> inner) : inner_(std::move(inner)) {}
  std::uint64_t offset() const override { return inner_->offset(); }
  void write(std::span<const std::byte> bytes) override { inner_->write(bytes); }
  void writeHole(std::uint64_t count) override { inner_->writeHole(count); }
  std::size_t writeFromPipe(int pipe, std::size_t count) override { return inner_->writeFromPipe(pipe, count); }
  void append(Upload& segment, std::uint64_t begin, std::uint64_t count) override {
    inner_->append(segment, begin, count);
  }
  std::vector<DigestValue> finish() override { return inner_->finish(); }
  void restart() override { throw Failure(ErrorCode::NoSpace, "no space to begin anew"); }
  void discard() noexcept override { inner_->discard(); }
  const PutSpec& spec() const override { return inner_->spec(); }

 private:
  std::unique_ptr<Upload> inner_;
};

}  // namespace

TEST_CASE("ranges and a checked resume of a get") {
  MemoryStorage storage;
  const std::string body = pattern(10'000);
  storage.store("a", body);
  SessionPeer peer(storage);
  peer.sendFrame(R"({"v":1,"cmd":"get","filename":"a","offset":9990,"length":100})");
  Header reply = peer.reply();
  CHECK(reply.filesize == 10'000);
  CHECK(reply.offset == 9990);
  CHECK(reply.length == 10);
  CHECK(reply.findDigest(DigestAlgorithm::Md5)->hex == md5Of(body.substr(9990)));
  CHECK(peer.take(10) == body.substr(9990));
  peer.sendFrame(R"({"v":1,"cmd":"get","filename":"a","offset":10001})");
  CHECK(peer.reply().error == "bad_request");
  peer.sendFrame(R"({"v":1,"cmd":"get","filename":"a","have":4000,"md5":")" + md5Of(body.substr(0, 4000)) + "\"}");
  reply = peer.reply();
  CHECK(reply.offset == 4000);
  CHECK(reply.findDigest(DigestAlgorithm::Md5)->hex == md5Of(body));
  CHECK(peer.take(6000) == body.substr(4000));
  peer.sendFrame(R"({"v":1,"cmd":"get","filename":"a","have":4000,"md5":")" + md5Of("other") + "\"}");
  CHECK(peer.reply().offset == 0);
  CHECK(peer.take(10'000) == body);
  CHECK(peer.nothingMore());
}

TEST_CASE("an offered upload that was cut goes on at its offset after the prefix was compared") {
  MemoryStorage storage;
  const std::string body = pattern(9000);
  const std::string identity = R"("filename":"big","filesize":9000,"mtime_ns":5,"digest":"xxh128")";
  {
    SessionPeer peer(storage);
    peer.sendFrame(R"({"v":1,"cmd":"offer",)" + identity + "}");
    CHECK(peer.reply().offset == 0);
    peer.sendFrame(R"({"v":1,"cmd":"put","offset":0,"body":"chunks",)" + identity + "}", chunk(body.substr(0, 4000)));
    peer.closeSending();
  }
  CHECK_FALSE(storage.content("big"));
  SessionPeer peer(storage);
  peer.sendFrame(R"({"v":1,"cmd":"offer",)" + identity + "}");
  const Header offer = peer.reply();
  CHECK(offer.action == "send");
  REQUIRE(offer.offset == 4000);
  CHECK(offer.findDigest(DigestAlgorithm::Xxh128)->hex == xxhOf(body.substr(0, 4000)));
  peer.sendFrame(R"({"v":1,"cmd":"put","offset":4000,"body":"chunks",)" + identity + "}",
                 chunk(body.substr(4000)) + hole(0) +
                     frame(R"({"v":1,"cmd":"trailer","ok":true,"xxh128":")" + xxhOf(body) + "\"}"));
  CHECK(peer.reply().ok == true);
  CHECK(storage.content("big") == body);
  peer.sendFrame(R"({"v":1,"cmd":"offer",)" + identity + "}");
  const Header again = peer.reply();
  CHECK(again.action == "have");
  CHECK(again.findDigest(DigestAlgorithm::Xxh128)->hex == xxhOf(body));
}

TEST_CASE("the digest of a segment is chosen as that of a put") {
  MemoryStorage storage;
  SessionPeer peer(storage);
  const std::string body = pattern(300);
  const std::string identity = R"("filename":"big","filesize":300,"mtime_ns":5)";
  peer.sendFrame(R"({"v":1,"cmd":"offer","segments":true,)" + identity + "}");
  const std::string upload = R"({"v":1,"cmd":"segment","upload":")" + peer.reply().upload.value() + "\",";
  peer.sendFrame(upload + R"("offset":0,"filesize":100})", body.substr(0, 100));
  CHECK(peer.reply().findDigest(DigestAlgorithm::Md5)->hex == md5Of(body.substr(0, 100)));
  const auto trailerOf = [](const std::string& digest) {
    return hole(0) + frame(R"({"v":1,"cmd":"trailer","ok":true,)" + digest + "}");
  };
  peer.sendFrame(upload + R"("offset":100,"filesize":100,"body":"chunks"})",
                 chunk(body.substr(100, 100)) + trailerOf(R"("md5":")" + md5Of(body.substr(100, 100)) + "\""));
  CHECK(peer.reply().ok == true);
  peer.sendFrame(upload + R"("offset":200,"filesize":100,"body":"chunks","digest":"xxh128"})",
                 chunk(body.substr(200)) + trailerOf(R"("xxh128":")" + xxhOf(body.substr(200)) + "\""));
  CHECK(peer.reply().ok == true);
  peer.sendFrame(R"({"v":1,"cmd":"put","offset":300,)" + identity + "}");
  CHECK(peer.reply().ok == true);
  CHECK(storage.content("big") == body);
}

TEST_CASE("an offer of a file that is stored with other permission bits is told them, and a chmod gives it new ones") {
  MemoryStorage storage;
  const std::string body = pattern(9000);
  const std::string identity = R"("filename":"big","filesize":9000,"mtime_ns":5)";
  SessionPeer peer(storage);
  peer.sendFrame(R"({"v":1,"cmd":"put","mode":438,)" + identity + "}", body);
  CHECK(peer.reply().ok == true);
  const auto storedMode = [&](const std::string& mode) {
    peer.sendFrame(R"({"v":1,"cmd":"offer",)" + mode + identity + "}");
    const Header offer = peer.reply();
    CHECK(offer.action == "have");
    return offer.mode;
  };
  CHECK(storedMode("") == std::nullopt);
  CHECK(storedMode(R"("mode":438,)") == std::nullopt);
  CHECK(storedMode(R"("mode":384,)") == 0666);
  peer.sendFrame(R"({"v":1,"cmd":"chmod","mode":384,)" + identity + "}");
  const Header changed = peer.reply();
  CHECK(changed.ok == true);
  CHECK(changed.filename == "big");
  CHECK(changed.mode == 0600);
  CHECK(storedMode(R"("mode":384,)") == std::nullopt);
  peer.sendFrame(R"({"v":1,"cmd":"chmod","mode":438,"filename":"big","filesize":8999})");
  CHECK(peer.reply().error == "changed");
  peer.sendFrame(R"({"v":1,"cmd":"chmod","filename":"big"})");
  CHECK(peer.reply().error == "bad_request");
  peer.sendFrame(R"({"v":1,"cmd":"chmod","filename":"big","mode":512})");
  CHECK(peer.reply().error == "bad_request");
}

TEST_CASE("a put that cannot be begun yet is begun later, and refused with its body when that takes too long") {
  MemoryStorage storage;
  SessionPeer peer(storage);
  const std::string put = R"({"v":1,"cmd":"put","filename":"a","filesize":3})";
  constexpr std::chrono::milliseconds kStep{50};
  storage.setNotYet(3);
  peer.sendFrame(put, "abc");
  CHECK(peer.nothingMore());
  for (int i = 0; i < 3; ++i) peer.passTime(kStep);
  CHECK(peer.reply().ok == true);
  CHECK(storage.content("a") == "abc");
  storage.setNotYet(1000);
  peer.sendFrame(put, "xyz");
  for (int i = 0; i < 101; ++i) peer.passTime(kStep);
  CHECK(peer.reply().error == "busy");
  storage.setNotYet(0);
  peer.sendFrame(R"({"v":1,"cmd":"ping"})");
  CHECK(peer.reply().ok == true);
  CHECK(storage.content("a") == "abc");
}

TEST_CASE("an offer and a put are answered when the part has been taken up, however many steps it takes") {
  MemoryStorage storage;
  storage.setTakeUpSteps(5);
  const std::string body = pattern(9000);
  const std::string identity = R"("filename":"big","filesize":9000,"mtime_ns":5,"digest":"xxh128")";
  {
    SessionPeer peer(storage);
    peer.sendFrame(R"({"v":1,"cmd":"put","offset":0,"body":"chunks",)" + identity + "}", chunk(body.substr(0, 4000)));
    peer.closeSending();
  }
  const std::string rest = chunk(body.substr(4000)) + hole(0) +
                           frame(R"({"v":1,"cmd":"trailer","ok":true,"xxh128":")" + xxhOf(body) + "\"}");
  const std::string put = R"({"v":1,"cmd":"put","offset":4000,"body":"chunks",)" + identity + "}";
  SessionPeer peer(storage);
  SUBCASE("with an offer") {
    peer.sendFrame(R"({"v":1,"cmd":"offer",)" + identity + "}");
    const Header offer = peer.reply();
    CHECK(offer.offset == 4000);
    CHECK(offer.findDigest(DigestAlgorithm::Xxh128)->hex == xxhOf(body.substr(0, 4000)));
  }
  SUBCASE("with the body behind its header at once") {}
  SUBCASE("with a wrong offset first") {
    peer.sendFrame(R"({"v":1,"cmd":"put","offset":4001,)" + identity + "}", body.substr(4001));
    CHECK(peer.reply().error == "changed");
  }
  peer.sendFrame(put, rest);
  CHECK(peer.reply().ok == true);
  CHECK(storage.content("big") == body);
}

TEST_CASE("a resumed put with a wrong digest is refused as that, also on a full disk, and its part is gone") {
  struct FullStorage : MemoryStorage {
    std::unique_ptr<Upload> resume(const PutSpec& spec, DigestAlgorithm prefixDigest) override {
      return std::make_unique<FullUpload>(MemoryStorage::resume(spec, prefixDigest));
    }
  } storage;
  const std::string identity = R"("filename":"big","filesize":3,"mtime_ns":5)";
  SessionPeer peer(storage);
  peer.sendFrame(R"({"v":1,"cmd":"put","offset":0,"md5":")" + md5Of("other") + R"(",)" + identity + "}", "abc");
  CHECK(peer.reply().error == "integrity");
  CHECK(storage.partCount() == 0);
  CHECK(storage.openUploads() == 0);
}

TEST_CASE("no thread waits for a part that another upload still has: the session is parked, and looks again") {
  struct HeldStorage : MemoryStorage {
    std::unique_ptr<Upload> resume(const PutSpec& spec, DigestAlgorithm) override {
      return std::make_unique<HeldUpload>(held, spec);
    }
    bool held = true;
  } storage;
  const std::string identity = R"("filename":"big","filesize":3,"mtime_ns":5,"digest":"xxh128")";
  SessionPeer peer(storage);
  peer.sendFrame(R"({"v":1,"cmd":"offer",)" + identity + "}");
  CHECK(peer.wait() == Session::Wait::Time);
  peer.passTime(50ms);
  CHECK(peer.wait() == Session::Wait::Time);
  CHECK(peer.nothingMore());
  storage.held = false;
  peer.passTime(50ms);
  CHECK(peer.reply().offset == 0);
}

TEST_CASE("segments that come over two connections in any order make one file") {
  MemoryStorage storage;
  const std::string body = pattern(9000);
  const std::string identity = R"("filename":"big","filesize":9000,"mtime_ns":5,"digest":"xxh128")";
  SessionPeer first(storage);
  first.sendFrame(R"({"v":1,"cmd":"offer","segments":true,)" + identity + "}");
  const std::string upload = first.reply().upload.value();
  SessionPeer second(storage, {.shared = first.shared()});
  const auto segment = [&](SessionPeer& peer, std::size_t offset, std::size_t size) {
    const std::string part = (body + "past the end").substr(offset, size);
    peer.sendFrame(R"({"v":1,"cmd":"segment","upload":")" + upload + R"(","offset":)" + std::to_string(offset) +
                       R"(,"filesize":)" + std::to_string(size) + R"(,"xxh128":")" + xxhOf(part) + "\"}",
                   part);
    return peer.reply();
  };
  const std::string finish = R"({"v":1,"cmd":"put","offset":9000,"xxh128":")" + xxhOf(body) + "\"," + identity + "}";
  CHECK(segment(second, 6000, 3000).ok == true);
  CHECK(segment(first, 0, 2000).ok == true);
  CHECK(segment(second, 0, 2000).error == "changed");
  CHECK(segment(second, 6000, 3000).error == "changed");
  CHECK(segment(second, 8999, 2).error == "bad_request");
  CHECK(segment(first, 2000, 4000).findDigest(DigestAlgorithm::Xxh128)->hex == xxhOf(body.substr(2000, 4000)));
  first.sendFrame(finish);
  CHECK(first.reply().ok == true);
  CHECK(storage.content("big") == body);
  CHECK(segment(second, 0, 2000).error == "not_found");
}

TEST_CASE("a file whose segments are not all there is not stored, and keeps what is whole from its beginning") {
  MemoryStorage storage;
  const std::string identity = R"("filename":"big","filesize":9000,"mtime_ns":5,"digest":"xxh128")";
  {
    SessionPeer peer(storage);
    peer.sendFrame(R"({"v":1,"cmd":"offer","segments":true,)" + identity + "}");
    const std::string upload = peer.reply().upload.value();
    for (const char* place : {"0", "5000"}) {
      peer.sendFrame(
          R"({"v":1,"cmd":"segment","upload":")" + upload + R"(","offset":)" + place + R"(,"filesize":1000})",
          pattern(1000));
      CHECK(peer.reply().ok == true);
    }
    peer.sendFrame(R"({"v":1,"cmd":"put","offset":9000,)" + identity + "}");
    CHECK(peer.reply().error == "changed");
  }
  CHECK_FALSE(storage.content("big"));
  CHECK(storage.openUploads() == 0);
  SessionPeer peer(storage);
  peer.sendFrame(R"({"v":1,"cmd":"offer",)" + identity + "}");
  CHECK(peer.reply().offset == 1000);
}

TEST_CASE("the same segment over many connections takes the space of one, however often the file is offered") {
  MemoryStorage storage;
  const std::string offer =
      R"({"v":1,"cmd":"offer","segments":true,"filename":"big","filesize":9000,"mtime_ns":5,"digest":"xxh128"})";
  SessionPeer first(storage);
  first.sendFrame(offer);
  const std::string segment =
      R"({"v":1,"cmd":"segment","offset":0,"filesize":9000,"upload":")" + first.reply().upload.value() + "\"}";
  SessionPeer second(storage, {.shared = first.shared()});
  second.sendFrame(segment, pattern(8999));
  SessionPeer third(storage, {.shared = first.shared()});
  third.sendFrame(segment, pattern(9000));
  CHECK(third.reply().error == "busy");
  first.sendFrame(offer);
  CHECK(first.reply().error == "busy");
  CHECK(storage.openUploads() == 2);
  second.closeSending();
  CHECK(second.closed());
  third.sendFrame(segment, pattern(9000));
  CHECK(third.reply().ok == true);
}

TEST_CASE("an offset that does not match is refused as changed and can be asked for again") {
  MemoryStorage storage;
  SessionPeer peer(storage);
  peer.sendFrame(R"({"v":1,"cmd":"put","filename":"big","filesize":9000,"mtime_ns":5,"offset":100})",
                 std::string(8900, 'x'));
  CHECK(peer.reply().error == "changed");
  peer.sendFrame(R"({"v":1,"cmd":"ping"})");
  CHECK(peer.reply().ok == true);
}
