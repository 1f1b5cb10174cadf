// Small files and the put engine, against a server that follows a script.

#include <doctest/doctest.h>

#include "tests/client/put_fixture.h"

using namespace ft;

TEST_CASE("a small file is one header with its digest and the bytes") {
  PutTest test;
  test.folder.write("a", "hello");
  Header request;
  std::string body;
  ScriptedServer server({[&](ServerEnd& end) {
    body = takeSmall(end, request);
    end.send(storedReply(body, DigestAlgorithm::Md5));
  }});
  std::deque<PutJob> jobs{test.job("a", DigestAlgorithm::Md5)};
  test.put(server.link(), jobs);
  CHECK(test.observer.onlyExit() == 0);
  CHECK(body == "hello");
  CHECK(request.cmd == "put");
  CHECK(request.filename == "a");
  CHECK(request.mtimeNs);
  CHECK(*request.findDigest(DigestAlgorithm::Md5) == digestOfText(DigestAlgorithm::Md5, "hello"));
}

TEST_CASE(
    "many small files are all on their way before the first answer, also when more is sent than any buffer holds") {
  PutTest test;
  std::deque<PutJob> jobs;
  constexpr int kFiles = 300;
  const std::string content = noise(20'000);
  for (int i = 0; i < kFiles; ++i) {
    test.folder.write(std::to_string(i), content);
    jobs.push_back(test.job(std::to_string(i)));
  }
  ScriptedServer server({[&](ServerEnd& end) {
    Header request;
    for (int i = 0; i < kFiles; ++i) takeSmall(end, request);
    for (int i = 0; i < kFiles; ++i) end.send(storedReply(content, kXxh));
  }});
  test.put(server.link(), std::move(jobs));
  CHECK(test.observer.outcomes.size() == kFiles);
  CHECK(test.observer.advancedBytes == kFiles * content.size());
}

TEST_CASE("answers that come while more is sent are taken, and one refusal is that of one file") {
  PutTest test;
  for (const char* name : {"a", "b", "c"}) test.folder.write(name, name);
  ScriptedServer server({[&](ServerEnd& end) {
    Header request;
    const std::string a = takeSmall(end, request);
    end.send(storedReply(a, kXxh));
    takeSmall(end, request);
    end.send(refusal("put", ErrorCode::NoSpace));
    const std::string c = takeSmall(end, request);
    end.send(storedReply(c, kXxh));
  }});
  test.put(server.link(), {test.job("a"), test.job("b"), test.job("c")});
  REQUIRE(test.observer.outcomes.size() == 3);
  CHECK(test.observer.outcomes[0].state == FileOutcome::State::Stored);
  CHECK(test.observer.outcomes[1].problem.exit == 14);
  CHECK(test.observer.outcomes[2].state == FileOutcome::State::Stored);
}

TEST_CASE("files without an answer are sent again when the line breaks, those with one are not") {
  PutTest test;
  for (const char* name : {"a", "b", "c"}) test.folder.write(name, name);
  std::vector<std::string> second;
  ScriptedServer server({[&](ServerEnd& end) {
                           Header request;
                           end.send(storedReply(takeSmall(end, request), kXxh));
                         },
                         [&](ServerEnd& end) {
                           Header request;
                           for (int i = 0; i < 2; ++i) {
                             const std::string body = takeSmall(end, request);
                             second.push_back(*request.filename);
                             end.send(storedReply(body, kXxh));
                           }
                         }});
  test.put(server.link(3), {test.job("a"), test.job("b"), test.job("c")});
  CHECK(test.observer.outcomes.size() == 3);
  CHECK(second == std::vector<std::string>{"b", "c"});
}

TEST_CASE("a put that must not replace finds what its lost try has stored, or a name that is taken") {
  PutTest test;
  bool mayLook = false;
  SUBCASE("it may look") { mayLook = true; }
  SUBCASE("it may not") {}
  test.options.replace = false;
  test.folder.write("a", "hello");
  ScriptedServer server({[&](ServerEnd& end) {
                           Header request;
                           takeSmall(end, request);
                         },
                         [&](ServerEnd& end) {
                           Header request;
                           takeSmall(end, request);
                           end.send(refusal("put", ErrorCode::Exists));
                           CHECK(end.readHeader().cmd == "stat");
                           if (!mayLook) return end.send(refusal("stat", ErrorCode::NotFound));
                           Header stat = okReply("stat");
                           stat.type = "file";
                           stat.filesize = 5;
                           end.send(stat);
                           CHECK(end.readHeader().cmd == "sum");
                           Header sum = okReply("sum");
                           sum.setDigest(digestOfText(kXxh, "hello"));
                           end.send(sum);
                         }});
  test.put(server.link(3), {test.job("a")});
  CHECK(test.observer.onlyExit() == (mayLook ? 0 : 13));
}

TEST_CASE("what the server says that it stored is compared") {
  PutTest test;
  test.folder.write("a", "hello");
  Header reply = storedReply("hello", kXxh);
  int exit = 0;
  SUBCASE("true") {}
  SUBCASE("another size") {
    reply.filesize = 4;
    exit = 12;
  }
  SUBCASE("another digest") {
    reply.setDigest(digestOfText(kXxh, "hellO"));
    exit = 12;
  }
  SUBCASE("another algorithm, and right") { reply.digests = {digestOfText(DigestAlgorithm::Sha256, "hello")}; }
  SUBCASE("another algorithm, and wrong") {
    reply.digests = {digestOfText(DigestAlgorithm::Sha256, "hellO")};
    exit = 12;
  }
  ScriptedServer server({[&](ServerEnd& end) {
    Header request;
    takeSmall(end, request);
    end.send(reply);
  }});
  test.put(server.link(), {test.job("a")});
  CHECK(test.observer.onlyExit() == exit);
}

TEST_CASE("a reply that says too little ends the connection") {
  PutTest test;
  test.folder.write("a", "hello");
  Header reply = storedReply("hello", kXxh);
  SUBCASE("not whether it is ok") { reply.ok.reset(); }
  SUBCASE("no digest") { reply.digests.clear(); }
  SUBCASE("of another command") { reply.cmd = "get"; }
  ScriptedServer server({[&](ServerEnd& end) {
    Header request;
    takeSmall(end, request);
    end.send(reply);
  }});
  CHECK_THROWS_AS(test.put(server.link(), {test.job("a")}), ProtocolError);
}

TEST_CASE("a source that is not there fails alone") {
  PutTest test;
  test.folder.write("b", "hello");
  ScriptedServer server({[&](ServerEnd& end) {
    Header request;
    end.send(storedReply(takeSmall(end, request), kXxh));
  }});
  test.put(server.link(), {test.job("a"), test.job("b")});
  REQUIRE(test.observer.outcomes.size() == 2);
  CHECK(test.observer.outcomes[0].problem.exit == 15);
  CHECK(test.observer.outcomes[1].state == FileOutcome::State::Stored);
}
