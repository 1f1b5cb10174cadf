// Large files, against a server that follows a script.

#include <doctest/doctest.h>

#include "tests/client/put_fixture.h"

using namespace ft;

TEST_CASE("a large file is offered, sent in chunks, and closed by a trailer with its digest") {
  PutTest test;
  test.folder.write("a", kLarge);
  std::string got;
  Header trailer;
  ScriptedServer server({[&](ServerEnd& end) {
    const Header offer = acceptOffer(end);
    CHECK(offer.cmd == "offer");
    CHECK(offer.filesize == kLarge.size());
    const Header put = end.readHeader();
    CHECK(put.offset == 0U);
    CHECK(put.body == "chunks");
    got = end.readChunks();
    trailer = end.readHeader();
    end.send(storedReply(got, kXxh));
  }});
  test.put(server.link(), {test.job("a")});
  CHECK(test.observer.onlyExit() == 0);
  CHECK(got == kLarge);
  CHECK(*trailer.findDigest(kXxh) == digestOfText(kXxh, kLarge));
  CHECK(test.observer.advancedBytes == kLarge.size());
}

TEST_CASE("only what the server proves to have of a large file is left out") {
  PutTest test;
  test.folder.write("a", kLarge);
  const std::uint64_t offset = 2'500'000;
  std::uint64_t begin = offset;
  DigestValue theirs = digestOfText(kXxh, kLarge.substr(0, offset));
  SUBCASE("the same bytes") {}
  SUBCASE("other bytes") {
    theirs = digestOfText(kXxh, "other");
    begin = 0;
  }
  SUBCASE("another algorithm") {
    theirs = digestOfText(DigestAlgorithm::Md5, kLarge.substr(0, offset));
    begin = 0;
  }
  std::string got;
  ScriptedServer server({[&](ServerEnd& end) {
    acceptOffer(end, offset, theirs);
    CHECK(end.readHeader().offset == begin);
    got = end.readChunks();
    end.readHeader();
    end.send(storedReply(kLarge, kXxh));
  }});
  test.put(server.link(), {test.job("a")});
  CHECK(test.observer.onlyExit() == 0);
  CHECK(got == kLarge.substr(begin));
  CHECK(test.observer.outcomes[0].resumed == begin);
  CHECK(test.observer.advancedBytes == kLarge.size());
}

TEST_CASE("an offset past the end is not believed") {
  PutTest test;
  test.folder.write("a", kLarge);
  std::string got;
  ScriptedServer server({[&](ServerEnd& end) {
    acceptOffer(end, kLarge.size() + 1, digestOfText(kXxh, kLarge));
    CHECK(end.readHeader().offset == 0U);
    got = end.readChunks();
    end.readHeader();
    end.send(storedReply(got, kXxh));
  }});
  test.put(server.link(), {test.job("a")});
  CHECK(got == kLarge);
}

TEST_CASE("a file that is there already is done when the digests are equal, and sent when they are not") {
  PutTest test;
  test.folder.write("a", kLarge);
  bool equal = false;
  SUBCASE("equal") { equal = true; }
  SUBCASE("not equal") {}
  std::string got;
  ScriptedServer server({[&](ServerEnd& end) {
    end.readHeader();
    Header reply = okReply("offer");
    reply.action = "have";
    reply.setDigest(digestOfText(kXxh, equal ? kLarge : "other"));
    end.send(reply);
    if (equal) return;
    end.readHeader();
    got = end.readChunks();
    end.readHeader();
    end.send(storedReply(got, kXxh));
  }});
  test.put(server.link(), {test.job("a")});
  CHECK(test.observer.onlyExit() == 0);
  CHECK(test.observer.outcomes[0].moved == (equal ? 0 : kLarge.size()));
  CHECK(got == (equal ? "" : kLarge));
}

TEST_CASE("other permission bits of a file that is there are sent alone, or with all of it where that is refused") {
  PutTest test;
  test.folder.write("a", kLarge);
  bool refused = false;
  SUBCASE("taken") {}
  SUBCASE("refused") { refused = true; }
  std::string got;
  ScriptedServer server({[&](ServerEnd& end) {
    const Header offer = end.readHeader();
    Header reply = okReply("offer");
    reply.action = "have";
    reply.mode = 0777;
    reply.setDigest(digestOfText(kXxh, kLarge));
    end.send(reply);
    const Header chmod = end.readHeader();
    CHECK(chmod.cmd == "chmod");
    CHECK(chmod.filename == "a");
    CHECK(chmod.mode == offer.mode);
    CHECK(chmod.filesize == offer.filesize);
    CHECK(chmod.mtimeNs == offer.mtimeNs);
    end.send(refused ? refusal("chmod", ErrorCode::Forbidden) : okReply("chmod"));
    if (!refused) return;
    CHECK(end.readHeader().offset == 0);
    got = end.readChunks();
    end.readHeader();
    end.send(storedReply(got, kXxh));
  }});
  test.put(server.link(), {test.job("a")});
  CHECK(test.observer.onlyExit() == 0);
  CHECK(test.observer.outcomes[0].moved == (refused ? kLarge.size() : 0));
  CHECK(got == (refused ? kLarge : ""));
}

TEST_CASE(
    "a refusal in the middle of a body stops the sending and is the file's end; the next one has a new connection") {
  PutTest test;
  const std::string huge = noise(40'000'000);
  test.folder.write("a", huge);
  test.folder.write("b", kLarge);
  std::string got;
  ScriptedServer server({[&](ServerEnd& end) {
                           acceptOffer(end);
                           end.readHeader();
                           end.readBytes(100'000);
                           end.send(refusal("put", ErrorCode::NoSpace));
                           end.finishSending();
                           end.readBytes(huge.size());
                         },
                         [&](ServerEnd& end) { serveLarge(end, got); }});
  test.put(server.link(), {test.job("a"), test.job("b")});
  REQUIRE(test.observer.outcomes.size() == 2);
  CHECK(test.observer.outcomes[0].problem.exit == 14);
  CHECK(test.observer.outcomes[1].state == FileOutcome::State::Stored);
  CHECK(got == kLarge);
}

TEST_CASE("a refusal that is followed by a hard close is still read") {
  PutTest test;
  test.folder.write("a", noise(40'000'000));
  ScriptedServer server({[&](ServerEnd& end) {
    acceptOffer(end);
    end.readHeader();
    end.send(refusal("put", ErrorCode::Quota));
  }});
  test.put(server.link(3), {test.job("a")});
  CHECK(test.observer.onlyExit() == 14);
  CHECK(server.connections() == 1);
}

TEST_CASE("a large file survives a cut at every stage") {
  const std::vector<ScriptedServer::Script> cuts{[](ServerEnd&) {},
                                                 [](ServerEnd& end) { end.readHeader(); },
                                                 [](ServerEnd& end) { acceptOffer(end); },
                                                 [](ServerEnd& end) {
                                                   acceptOffer(end);
                                                   end.readHeader();
                                                   end.readBytes(1'000'000);
                                                 },
                                                 [](ServerEnd& end) {
                                                   acceptOffer(end);
                                                   end.readHeader();
                                                   end.readChunks();
                                                 },
                                                 [](ServerEnd& end) {
                                                   acceptOffer(end);
                                                   end.readHeader();
                                                   end.readChunks();
                                                   end.readHeader();
                                                 }};
  for (const auto& cut : cuts) {
    PutTest test;
    test.folder.write("a", kLarge);
    std::string got;
    ScriptedServer server({cut, [&](ServerEnd& end) { serveLarge(end, got); }});
    test.put(server.link(2), {test.job("a")});
    CHECK(test.observer.onlyExit() == 0);
    CHECK(got == kLarge);
    CHECK(test.observer.advancedBytes == kLarge.size());
  }
}

TEST_CASE(
    "a source that changes while it is sent is given up by the trailer, begun again once, and then exit code 15") {
  PutTest test;
  test.folder.write("a", kLarge);
  int changes = 2;
  SUBCASE("it keeps changing") {}
  SUBCASE("it changes once") { changes = 1; }
  std::vector<Header> trailers;
  const auto serve = [&](ServerEnd& end) {
    for (int i = 0; i < 2; ++i) {
      acceptOffer(end);
      end.readHeader();
      // Only what is on its way fits into the socket, so the source is still being read.
      if (i < changes)
        std::filesystem::resize_file(test.folder.path("a"), kLarge.size() - 1 - static_cast<std::size_t>(i));
      const std::string body = end.readChunks();
      trailers.push_back(end.readHeader());
      if (trailers.back().ok == true) {
        end.send(storedReply(body, kXxh));
      } else {
        end.send(refusal("put", ErrorCode::Changed));
      }
    }
  };
  ScriptedServer server({serve});
  test.put(server.link(), {test.job("a")});
  REQUIRE(trailers.size() == 2);
  CHECK(trailers[0].ok == false);
  CHECK(trailers[0].error == "changed");
  CHECK(test.observer.onlyExit() == (changes == 2 ? 15 : 0));
  CHECK(test.observer.warnings.size() == 1);
}

TEST_CASE("without a second try, a source that changes once while it is sent is exit code 15") {
  PutTest test;
  test.options.beginAgain = false;
  test.folder.write("a", kLarge);
  ScriptedServer server({[&](ServerEnd& end) {
    acceptOffer(end);
    end.readHeader();
    std::filesystem::resize_file(test.folder.path("a"), kLarge.size() - 1);
    end.readChunks();
    end.readHeader();
    end.send(refusal("put", ErrorCode::Changed));
    std::string body;
    serveLarge(end, body);
  }});
  test.put(server.link(), {test.job("a")});
  CHECK(test.observer.onlyExit() == 15);
  CHECK(test.observer.warnings.empty());
}

TEST_CASE("holes are not sent") {
  PutTest test;
  test.folder.write("a", "begin");
  std::filesystem::resize_file(test.folder.path("a"), 50'000'000);
  std::string got;
  std::uint64_t dataSize = 50'000'000;
  ScriptedServer server({[&](ServerEnd& end) {
    dataSize = acceptOffer(end).dataSize.value_or(dataSize);
    end.readHeader();
    got = end.readChunks();
    end.readHeader();
    end.send(storedReply(got, kXxh));
  }});
  test.put(server.link(), {test.job("a")});
  CHECK(test.observer.onlyExit() == 0);
  CHECK(got.size() == 50'000'000);
  CHECK(got.starts_with("begin"));
  CHECK(dataSize < 1'000'000);
}

TEST_CASE("a long hole goes out in steps, so that a refusal in its middle ends the body") {
  PutTest test;
  test.folder.write("a", "begin");
  constexpr std::uint64_t kTerabytes = std::uint64_t{4} << 40;
  std::filesystem::resize_file(test.folder.path("a"), kTerabytes);
  std::int64_t n = 0;
  ScriptedServer server({[&](ServerEnd& end) {
    acceptOffer(end);
    end.readHeader();
    while (n >= 0) {
      const std::string prefix = end.readBytes(kChunkPrefixSize);
      n = decodeChunk(std::as_bytes(std::span<const char, kChunkPrefixSize>(prefix)));
      if (n > 0) end.readBytes(static_cast<std::size_t>(n));
    }
    end.send(refusal("put", ErrorCode::NoSpace));
    end.readHeader();  // until the client has closed
  }});
  test.put(server.link(), {test.job("a")});
  CHECK(test.observer.onlyExit() == 14);
  CHECK(-n <= std::int64_t{1} << 30);
}

TEST_CASE("the offer of the next large file is behind the body of the one before") {
  PutTest test;
  test.folder.write("a", kLarge);
  test.folder.write("b", kLarge);
  bool early = false;
  ScriptedServer server({[&](ServerEnd& end) {
    acceptOffer(end);
    end.readHeader();
    end.readChunks();
    end.readHeader();
    early = end.readHeader().cmd == "offer";
    end.send(storedReply(kLarge, kXxh));
    Header reply = okReply("offer");
    reply.action = "send";
    reply.offset = 0;
    end.send(reply);
    end.readHeader();
    end.readChunks();
    end.readHeader();
    end.send(storedReply(kLarge, kXxh));
  }});
  test.put(server.link(), {test.job("a"), test.job("b")});
  CHECK(early);
  CHECK(test.observer.outcomes.size() == 2);
}

TEST_CASE("a server that knows no offers gets the file raw, with its digest ahead") {
  PutTest test;
  test.folder.write("a", kLarge);
  Header put;
  std::string got;
  ScriptedServer server({[&](ServerEnd& end) {
    end.readHeader();
    end.send(refusal("offer", ErrorCode::Unsupported));
    got = takeSmall(end, put);
    end.send(storedReply(got, DigestAlgorithm::Md5));
  }});
  test.put(server.link(), {test.job("a")});
  CHECK(test.observer.onlyExit() == 0);
  CHECK(got == kLarge);
  CHECK_FALSE(put.body);
  CHECK(*put.findDigest(DigestAlgorithm::Md5) == digestOfText(DigestAlgorithm::Md5, kLarge));
}
