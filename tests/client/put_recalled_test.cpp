// Puts of large files whose digest is remembered. A remembered digest that is wrong shows in a header whether it was
// believed, and what the file was hashed for.

#include <doctest/doctest.h>

#include "client/transfer/parallel_puts.h"
#include "common/file_time.h"
#include "tests/client/parallel_server.h"
#include "tests/client/put_fixture.h"

using namespace ft;

namespace {

constexpr auto kMd5 = DigestAlgorithm::Md5;
const std::string kHuge = noise(17'000'000);
const DigestValue kRight = digestOfText(kMd5, kHuge);
const DigestValue kWrong = digestOfText(kMd5, "other");

struct RecallTest : PutTest {
  // In an hour all files are old.
  SourceDigests digests{folder.path("cache/ftpc/digests"), [] {
                          constexpr std::int64_t kHour = 3'600'000'000'000;
                          timespec now{};
                          ::clock_gettime(CLOCK_REALTIME, &now);
                          return nanoseconds(now) + kHour;
                        }};

  RecallTest() {
    folder.write("a", kHuge);
    options.sourceDigests = &digests;
  }
  FileVersion version() const { return SourceFile::open(folder.path("a"), SourceFile::Links::Follow).version(); }
  void know(const DigestValue& digest) { digests.remember(version(), digest); }
  std::optional<DigestValue> known() { return digests.find(version(), kMd5); }
};

struct Seen {
  Header put, trailer;
  std::string body;
};

Seen takeLarge(ServerEnd& end, std::uint64_t offset = 0, const std::optional<DigestValue>& digest = std::nullopt) {
  Seen seen;
  acceptOffer(end, offset, digest);
  seen.put = end.readHeader();
  seen.body = end.readChunks();
  seen.trailer = end.readHeader();
  return seen;
}

}  // namespace

TEST_CASE("the digest of a large file is taken once, and stated in the header of the next put") {
  RecallTest test;
  std::vector<Seen> seen;
  ScriptedServer server({[&](ServerEnd& end) {
    for (int i = 0; i < 2; ++i) {
      seen.push_back(takeLarge(end));
      end.send(storedReply(seen.back().body, kMd5));
    }
  }});
  test.put(server.link(), {test.job("a", kMd5), test.job("a", kMd5)});
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].put.digests.empty());
  CHECK(seen[0].put.digest == "md5");
  CHECK(*seen[0].trailer.findDigest(kMd5) == kRight);
  REQUIRE(seen[1].put.findDigest(kMd5) != nullptr);
  CHECK(*seen[1].put.findDigest(kMd5) == kRight);
  CHECK(*seen[1].trailer.findDigest(kMd5) == kRight);
  CHECK((seen[1].body == kHuge));
  CHECK(test.observer.outcomes[1].digest == kRight);
  CHECK(test.known() == kRight);
}

TEST_CASE("a file that is sent with a remembered digest is not hashed") {
  RecallTest test;
  test.know(kWrong);
  ScriptedServer server({[&](ServerEnd& end) {
    const Seen seen = takeLarge(end);
    CHECK(*seen.put.findDigest(kMd5) == kWrong);
    CHECK(*seen.trailer.findDigest(kMd5) == kWrong);
    Header reply = okReply("put");
    reply.filesize = kHuge.size();
    reply.setDigest(kWrong);
    end.send(reply);
  }});
  test.put(server.link(), {test.job("a", kMd5)});
  CHECK(test.observer.onlyExit() == 0);
}

TEST_CASE(
    "a remembered digest that the server does not find in the bytes is forgotten, and the file is hashed and sent") {
  RecallTest test;
  test.know(kWrong);
  bool next = false;
  SUBCASE("one file") {}
  SUBCASE("with another one behind it, whose offer is on its way") { next = true; }
  SUBCASE("without a second try") { test.options.beginAgain = false; }
  Seen second;
  const auto rest = [&](ServerEnd& end) {
    second = takeLarge(end);
    end.send(storedReply(second.body, kMd5));
    if (!next) return;
    const Seen other = takeLarge(end);
    end.send(storedReply(other.body, kMd5));
  };
  ScriptedServer server({[&](ServerEnd& end) {
                           takeLarge(end);
                           end.send(refusal("put", ErrorCode::Integrity));
                           if (!next) rest(end);
                         },
                         rest});
  test.folder.write("b", kLarge);
  std::deque<PutJob> jobs{test.job("a", kMd5)};
  if (next) jobs.push_back(test.job("b", kMd5));
  test.put(server.link(), std::move(jobs));
  REQUIRE(test.observer.outcomes.size() == (next ? 2U : 1U));
  CHECK(test.observer.outcomes[0].state == FileOutcome::State::Stored);
  CHECK(test.observer.outcomes[0].digest == kRight);
  CHECK(test.observer.warnings.size() == 1);
  CHECK(second.put.digests.empty());
  CHECK(*second.trailer.findDigest(kMd5) == kRight);
  CHECK((second.body == kHuge));
  CHECK(test.known() == kRight);
}

TEST_CASE("a server that stores what arrives and says so is no less believed than one that refuses it") {
  RecallTest test;
  test.know(kWrong);
  ScriptedServer server({[&](ServerEnd& end) {
    for (int i = 0; i < 2; ++i) end.send(storedReply(takeLarge(end).body, kMd5));
  }});
  test.put(server.link(), {test.job("a", kMd5)});
  CHECK(test.observer.onlyExit() == 0);
  CHECK(test.observer.outcomes[0].digest == kRight);
}

TEST_CASE("what is refused although it was hashed is exit code 12, and remembered by nobody") {
  RecallTest test;
  int puts = 1;
  SUBCASE("nothing was known") {}
  SUBCASE("something wrong was known") {
    test.know(kWrong);
    puts = 2;
  }
  ScriptedServer server({[&](ServerEnd& end) {
    for (int i = 0; i < puts; ++i) {
      takeLarge(end);
      end.send(refusal("put", ErrorCode::Integrity));
    }
  }});
  test.put(server.link(), {test.job("a", kMd5)});
  CHECK(test.observer.onlyExit() == 12);
  CHECK_FALSE(test.known());
}

TEST_CASE("what the server has of a file is compared with its bytes, whatever is remembered") {
  RecallTest test;
  const std::uint64_t there = 9'000'000;
  DigestValue theirs = digestOfText(kMd5, kHuge.substr(0, there));
  std::uint64_t begin = there;
  SUBCASE("the same beginning") {}
  SUBCASE("another beginning") {
    theirs = kWrong;
    begin = 0;
  }
  test.know(kRight);
  ScriptedServer server({[&](ServerEnd& end) {
    const Seen seen = takeLarge(end, there, theirs);
    CHECK(seen.put.offset == begin);
    CHECK(*seen.put.findDigest(kMd5) == kRight);
    CHECK((seen.body == kHuge.substr(begin)));
    end.send(storedReply(kHuge, kMd5));
  }});
  test.put(server.link(), {test.job("a", kMd5)});
  CHECK(test.observer.onlyExit() == 0);
  CHECK(test.observer.outcomes[0].resumed == begin);
}

TEST_CASE(
    "a remembered digest does not make another file of the server's the same; one that was compared is remembered") {
  RecallTest test;
  bool same = false;
  SUBCASE("another file, whose digest is the one that is remembered") { test.know(kWrong); }
  SUBCASE("the same file") { same = true; }
  std::string body;
  ScriptedServer server({[&](ServerEnd& end) {
    end.readHeader();
    Header reply = okReply("offer");
    reply.action = "have";
    reply.setDigest(same ? kRight : kWrong);
    end.send(reply);
    if (same) return;
    end.readHeader();
    end.readChunks();
    end.readHeader();
    end.send(refusal("put", ErrorCode::Integrity));
    body = takeLarge(end).body;
    end.send(storedReply(body, kMd5));
  }});
  test.put(server.link(), {test.job("a", kMd5)});
  CHECK(test.observer.onlyExit() == 0);
  CHECK(test.observer.outcomes[0].moved == (same ? 0 : kHuge.size()));
  CHECK((body == (same ? "" : kHuge)));
  CHECK(test.known() == kRight);
}

TEST_CASE("a source that changes while it is sent with a remembered digest is given up by the trailer") {
  RecallTest test;
  test.options.beginAgain = false;
  test.know(kRight);
  Header trailer;
  ScriptedServer server({[&](ServerEnd& end) {
    acceptOffer(end);
    end.readHeader();
    std::filesystem::resize_file(test.folder.path("a"), kHuge.size() - 1);
    end.readChunks();
    trailer = end.readHeader();
    end.send(refusal("put", ErrorCode::Changed));
  }});
  test.put(server.link(), {test.job("a", kMd5)});
  CHECK(test.observer.onlyExit() == 15);
  CHECK(trailer.ok == false);
  CHECK(trailer.error == "changed");
  CHECK_FALSE(test.known());
}

TEST_CASE("a server that knows no offers gets the remembered digest ahead of the bytes, or the right one after it") {
  RecallTest test;
  test.options.digest = kMd5;
  DigestValue known = kRight;
  SUBCASE("it is right") {}
  SUBCASE("it is wrong") { known = kWrong; }
  test.know(known);
  std::vector<DigestValue> stated;
  ScriptedServer server({[&](ServerEnd& end) {
    for (bool stored = false; !stored;) {
      end.readHeader();
      end.send(refusal("offer", ErrorCode::Unsupported));
      Header put;
      const std::string body = takeSmall(end, put);
      stated.push_back(*put.findDigest(kMd5));
      stored = stated.back() == digestOfText(kMd5, body);
      end.send(stored ? storedReply(body, kMd5) : refusal("put", ErrorCode::Integrity));
    }
  }});
  test.put(server.link(), {test.job("a", kMd5)});
  CHECK(test.observer.onlyExit() == 0);
  CHECK(stated.front() == known);
  CHECK(stated.back() == kRight);
  CHECK(test.known() == kRight);
}

TEST_CASE("segments are named by the remembered digest, and by the right one over one connection when it was wrong") {
  RecallTest test;
  test.options.connections = 2;
  DigestValue known = kRight;
  SUBCASE("it is right") {}
  SUBCASE("it is wrong") { known = kWrong; }
  test.know(known);
  std::mutex mutex;
  std::string whole(kHuge.size(), '\0');
  std::vector<DigestValue> stated;
  const auto serve = [&](ServerEnd& end) {
    for (;;) {
      const Header request = end.readHeader();
      const std::lock_guard lock(mutex);
      if (request.cmd == "offer") {
        Header reply = okReply("offer");
        reply.action = "send";
        reply.offset = 0;
        if (request.segments == true) reply.upload = std::string(32, 'a');
        end.send(reply);
      } else if (request.cmd == "segment") {
        const std::string body = end.readBytes(*request.filesize);
        whole.replace(*request.offset, body.size(), body);
        Header reply = okReply("segment");
        reply.filesize = body.size();
        reply.setDigest(digestOfText(kXxh, body));
        end.send(reply);
      } else {
        Header last = request;
        if (request.body == "chunks") {
          whole = end.readChunks();
          last = end.readHeader();
        }
        stated.push_back(*last.findDigest(kMd5));
        end.send(stated.back() == digestOfText(kMd5, whole) ? storedReply(whole, kMd5)
                                                            : refusal("put", ErrorCode::Integrity));
      }
    }
  };
  Server server({serve, serve, serve});
  Link link = server.link();
  std::deque<PutJob> jobs{test.job("a", kMd5)};
  ParallelPuts(link, test.options, test.observer).put(std::move(jobs));
  CHECK(test.observer.onlyExit() == 0);
  REQUIRE(stated.size() == (known == kRight ? 1 : 2));
  CHECK(stated.front() == known);
  CHECK(stated.back() == kRight);
  CHECK((whole == kHuge));
  CHECK(test.known() == kRight);
}

TEST_CASE("a file that was written a moment ago is not remembered") {
  RecallTest test;
  SourceDigests now(test.folder.path("other/ftpc/digests"));
  test.options.sourceDigests = &now;
  ScriptedServer server({[&](ServerEnd& end) { end.send(storedReply(takeLarge(end).body, kMd5)); }});
  const auto future = std::filesystem::file_time_type::clock::now() + std::chrono::hours(1);
  std::filesystem::last_write_time(test.folder.path("a"), future);
  test.put(server.link(), {test.job("a", kMd5)});
  CHECK(test.observer.onlyExit() == 0);
  CHECK_FALSE(now.find(test.version(), kMd5));
}
