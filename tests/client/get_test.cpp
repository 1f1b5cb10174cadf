// The get engine against a server that follows a script, honest or not.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "client/transfer/file_gets.h"
#include "client/transfer/stream_get.h"
#include "client/transfer/tree_get.h"
#include "tests/client/scripted_server.h"
#include "tests/client/transfer_fixture.h"

using namespace ft;

namespace {

constexpr DigestAlgorithm kXxh = DigestAlgorithm::Xxh128;
const std::string kContent = noise(3'000'000);

struct GetTest {
  TestFolder folder;
  RecordingObserver observer;
  TransferOptions options;

  static GetJob job(const std::string& name, std::optional<std::uint64_t> size = std::nullopt) {
    GetJob job;
    job.remote = FileName::parse(name);
    job.leaf = std::string(job.remote.leaf());
    job.shown = name;
    job.size = size;
    return job;
  }
  void get(Link link, std::deque<GetJob> jobs) {
    TargetFolder target = TargetFolder::open(folder.path());
    FileGets gets(link, options, observer, target);
    link.persist([&] { gets.run(jobs); });
  }
};

Header foundReply(std::uint64_t size) {
  Header reply = okReply("get");
  reply.filesize = size;
  reply.mode = 0644;
  reply.mtimeNs = 1'700'000'000'000'000'000;
  return reply;
}

Header chunkedReply(std::uint64_t size) {
  Header reply = foundReply(size);
  reply.body = "chunks";
  return reply;
}

void sendChunked(ServerEnd& end, const std::string& content, std::uint64_t offset = 0) {
  Header reply = chunkedReply(content.size());
  if (offset > 0) reply.offset = offset;
  end.send(reply);
  if (offset < content.size()) end.sendChunk(std::string_view(content).substr(offset));
  end.sendHole(0);
  end.send(trailerFor(content, kXxh));
}

void sendRaw(ServerEnd& end, const std::string& content, DigestAlgorithm algorithm = kXxh) {
  Header reply = foundReply(content.size());
  reply.setDigest(digestOfText(algorithm, content));
  end.send(reply);
  end.send(content);
}

}  // namespace

TEST_CASE("a file comes in chunks, is verified, and has its time and mode") {
  GetTest test;
  ScriptedServer server({[](ServerEnd& end) {
    const Header request = end.readHeader();
    CHECK(request.cmd == "get");
    CHECK(request.body == "chunks");
    CHECK_FALSE(request.have);
    sendChunked(end, kContent);
  }});
  test.get(server.link(), {test.job("d/a")});
  CHECK(test.observer.onlyExit() == 0);
  CHECK(test.folder.read("a") == kContent);
  CHECK(test.folder.count() == 1);
  struct stat status {};
  REQUIRE(::stat(test.folder.path("a").c_str(), &status) == 0);
  CHECK(status.st_mtim.tv_sec == 1'700'000'000);
  CHECK((status.st_mode & 0777) == 0644);
}

TEST_CASE("a raw answer is taken too, with whatever digest it names") {
  for (const DigestAlgorithm algorithm : kDigestAlgorithms) {
    GetTest test;
    ScriptedServer server({[&](ServerEnd& end) {
      end.readHeader();
      sendRaw(end, kContent, algorithm);
    }});
    test.get(server.link(), {test.job("a")});
    CHECK(test.observer.onlyExit() == 0);
    CHECK(test.folder.read("a") == kContent);
    CHECK(test.observer.plannedBytes == kContent.size());
    CHECK(test.observer.outcomes[0].digest == digestOfText(algorithm, kContent));
  }
}

TEST_CASE("small files are asked for ahead of their answers") {
  GetTest test;
  std::deque<GetJob> jobs;
  constexpr int kFiles = 100;
  for (int i = 0; i < kFiles; ++i) jobs.push_back(test.job(std::to_string(i), 5));
  ScriptedServer server({[](ServerEnd& end) {
    for (int i = 0; i < kFiles; ++i) end.readHeader();
    for (int i = 0; i < kFiles; ++i) sendRaw(end, "hello");
  }});
  test.get(server.link(), std::move(jobs));
  CHECK(test.observer.outcomes.size() == kFiles);
  CHECK(test.folder.count() == kFiles);
  CHECK(test.folder.read("99") == "hello");
}

TEST_CASE("holes stay holes") {
  GetTest test;
  std::string content = std::string(40'000'000, '\0') + "end";
  ScriptedServer server({[&](ServerEnd& end) {
    end.readHeader();
    end.send(chunkedReply(content.size()));
    end.sendHole(40'000'000);
    end.sendChunk("end");
    end.sendHole(0);
    end.send(trailerFor(content, kXxh));
  }});
  test.get(server.link(), {test.job("a")});
  CHECK(test.observer.onlyExit() == 0);
  CHECK(test.folder.read("a") == content);
  struct stat status {};
  REQUIRE(::stat(test.folder.path("a").c_str(), &status) == 0);
  CHECK(status.st_blocks * 512 < 1'000'000);
}

TEST_CASE("lies about a body are found, and nothing gets the name or stays") {
  using Lie = std::function<void(ServerEnd&)>;
  std::string flipped = kContent;
  flipped[1'000'000] = static_cast<char>(flipped[1'000'000] ^ 1);
  const std::vector<std::pair<int, Lie>> lies{
      {12,
       [&](ServerEnd& end) {
         end.send(chunkedReply(kContent.size()));
         end.sendChunk(flipped);
         end.sendHole(0);
         end.send(trailerFor(kContent, kXxh));
       }},
      {12,
       [&](ServerEnd& end) {  // the same by another algorithm than the one that was asked for
         end.send(chunkedReply(kContent.size()));
         end.sendChunk(flipped);
         end.sendHole(0);
         end.send(trailerFor(kContent, DigestAlgorithm::Sha256));
       }},
      {17,
       [&](ServerEnd& end) {  // longer than announced
         end.send(chunkedReply(10));
         end.sendChunk(kContent);
       }},
      {17,
       [&](ServerEnd& end) {  // a hole that is longer than announced
         end.send(chunkedReply(10));
         end.sendHole(std::int64_t{1} << 62);
       }},
      {17,
       [&](ServerEnd& end) {  // shorter than announced
         end.send(chunkedReply(kContent.size() + 1));
         end.sendChunk(kContent);
         end.sendHole(0);
         end.send(trailerFor(kContent, kXxh));
       }},
      {17,
       [&](ServerEnd& end) {  // a chunk beyond every limit
         end.send(chunkedReply(std::uint64_t{1} << 40));
         const auto prefix = encodeChunk(kMaxChunkSize + 1);
         end.send(std::string_view(prefix.data(), prefix.size()));
       }},
      {17,
       [&](ServerEnd& end) {  // no trailer but another reply
         end.send(chunkedReply(kContent.size()));
         end.sendChunk(kContent);
         end.sendHole(0);
         end.send(okReply("ping"));
       }},
      {17,
       [&](ServerEnd& end) {  // a trailer without a digest
         end.send(chunkedReply(kContent.size()));
         end.sendChunk(kContent);
         end.sendHole(0);
         end.send(okReply("trailer"));
       }},
      {17,
       [&](ServerEnd& end) {  // begins where nobody asked for
         Header reply = chunkedReply(kContent.size());
         reply.offset = 5;
         end.send(reply);
       }},
      {17, [&](ServerEnd& end) { end.send(okReply("get")); }},
      {17,
       [&](ServerEnd& end) {  // raw, and no digest
         Header reply = foundReply(5);
         reply.body = "raw";
         end.send(reply);
         end.send("hello");
       }},
      {1, [&](ServerEnd& end) {  // given up
         end.send(chunkedReply(kContent.size()));
         end.sendChunk(kContent);
         end.sendHole(0);
         end.send(refusal("trailer", ErrorCode::IoError));
       }}};
  for (std::size_t i = 0; i < lies.size(); ++i) {
    CAPTURE(i);
    GetTest test;
    test.folder.write("a", "old");
    ScriptedServer server({[&](ServerEnd& end) {
      end.readHeader();
      lies[i].second(end);
      end.readBytes(1);
    }});
    int exit = 0;
    try {
      test.get(server.link(), {test.job("a")});
      exit = test.observer.onlyExit();
    } catch (const std::exception& error) {
      exit = problemOf(error).exit;
    }
    CHECK(exit == lies[i].first);
    CHECK(test.folder.read("a") == "old");
    CHECK(test.folder.count() == 1);
  }
}

TEST_CASE("a reply that names another file is no reply, and nothing is stored") {
  GetTest test;
  ScriptedServer server({[](ServerEnd& end) {
    end.readHeader();
    Header reply = foundReply(5);
    reply.filename = "../../evil";
    reply.setDigest(digestOfText(kXxh, "hello"));
    end.send(reply);
    end.send("hello");
  }});
  CHECK_THROWS_AS(test.get(server.link(), {test.job("a")}), ProtocolError);
  CHECK(test.folder.count() == 0);
}

TEST_CASE("a refusal is the file's end, and leaves nothing here") {
  GetTest test;
  ScriptedServer server({[](ServerEnd& end) {
    end.readHeader();
    end.send(refusal("get", ErrorCode::NotFound));
    end.readHeader();
    sendChunked(end, "there");
  }});
  test.get(server.link(), {test.job("a"), test.job("b")});
  REQUIRE(test.observer.outcomes.size() == 2);
  CHECK(test.observer.outcomes[0].problem.exit == 4);
  CHECK(test.folder.count() == 1);
}

TEST_CASE("what a cut get has left is resumed when the server has the same bytes, and thrown away when not") {
  GetTest test;
  bool changed = false;
  SUBCASE("the same file") {}
  SUBCASE("another file meanwhile") { changed = true; }
  SUBCASE("the server hears from us while it is hashed") { test.options.signOfLife = std::chrono::milliseconds(0); }
  int pings = 0;
  const std::string now = changed ? noise(2'900'000) + "x" : kContent;
  const std::size_t cut = 2'000'000;
  Header second;
  ScriptedServer server({[&](ServerEnd& end) {
                           end.readHeader();
                           end.send(chunkedReply(kContent.size()));
                           const auto prefix = encodeChunk(static_cast<std::int64_t>(kContent.size()));
                           end.send(std::string_view(prefix.data(), prefix.size()));
                           end.send(std::string_view(kContent).substr(0, cut));
                         },
                         [&](ServerEnd& end) {
                           while ((second = end.readHeader()).cmd == "ping") {
                             ++pings;
                             end.send(okReply("ping"));
                           }
                           sendChunked(end, now, changed ? 0 : second.have.value_or(0));
                         }});
  test.get(server.link(1), {test.job("a")});
  CHECK(test.observer.onlyExit() == 0);
  CHECK(test.folder.read("a") == now);
  CHECK(test.folder.count() == 1);
  REQUIRE(second.have);
  CHECK(*second.have > 1'000'000);
  CHECK((pings > 0) == (test.options.signOfLife.count() == 0));
  CHECK(*second.findDigest(kXxh) == digestOfText(kXxh, kContent.substr(0, *second.have)));
  CHECK(test.observer.outcomes[0].resumed == (changed ? 0 : *second.have));
}

TEST_CASE("a server that breaks off again and again is given up though each try brings bytes that were known") {
  GetTest test;
  const auto breakOff = [](ServerEnd& end) {
    end.readHeader();
    end.send(chunkedReply(kContent.size()));
    end.sendChunk(std::string_view(kContent).substr(0, 1000));
  };
  ScriptedServer server(std::vector<ScriptedServer::Script>(20, breakOff));
  CHECK_THROWS_AS(test.get(server.link(3), {test.job("a")}), TransportError);
  CHECK(server.connections() <= 5);
  CHECK(test.folder.count() == 0);
}

TEST_CASE("without replacing, a file that is here is not even asked for") {
  GetTest test;
  test.options.replace = false;
  test.folder.write("a", "old");
  ScriptedServer server({});
  test.get(server.link(), {test.job("a")});
  CHECK(test.observer.onlyExit() == 13);
  CHECK(test.folder.read("a") == "old");
}

TEST_CASE("a stream gets the bytes, and its failure is told when they were wrong") {
  GetTest test;
  const UniqueFd output(::open(test.folder.path("out").c_str(), O_WRONLY | O_CREAT, 0600));
  bool lie = false;
  SUBCASE("right") {}
  SUBCASE("wrong") { lie = true; }
  ScriptedServer server({[&](ServerEnd& end) {
    end.readHeader();
    end.send(chunkedReply(5));
    end.sendChunk("hello");
    end.sendHole(0);
    end.send(trailerFor(lie ? "hellO" : "hello", kXxh));
  }});
  Link link = server.link();
  StreamGet get(link, test.options, test.observer);
  if (lie) {
    CHECK_THROWS_AS(get.run(output.get(), test.job("a")), Failure);
  } else {
    CHECK(get.run(output.get(), test.job("a")).size == 5);
  }
  CHECK(test.folder.read("out") == "hello");
}

TEST_CASE("a stream that was cut goes on only with bytes that are proved to follow") {
  GetTest test;
  const UniqueFd output(::open(test.folder.path("out").c_str(), O_WRONLY | O_CREAT, 0600));
  bool changed = false;
  SUBCASE("the same file") {}
  SUBCASE("another file") { changed = true; }
  ScriptedServer server({[&](ServerEnd& end) {
                           end.readHeader();
                           end.send(chunkedReply(kContent.size()));
                           end.sendChunk(std::string_view(kContent).substr(0, 1'000'000));
                         },
                         [&](ServerEnd& end) {
                           const Header request = end.readHeader();
                           sendChunked(end, kContent, changed ? 0 : *request.have);
                         }});
  Link link = server.link(1);
  StreamGet get(link, test.options, test.observer);
  if (changed) {
    CHECK_THROWS_AS(get.run(output.get(), test.job("a")), Failure);
    CHECK(test.folder.read("out").size() < kContent.size());
  } else {
    get.run(output.get(), test.job("a"));
    CHECK(test.folder.read("out") == kContent);
  }
}

TEST_CASE("of a listed folder, names that lead out of it are told and left out") {
  GetTest test;
  ScriptedServer server({[](ServerEnd& end) {
    end.readHeader();
    Header list = okReply("list");
    list.entries.emplace();
    for (const char* name : {"..", ".", "a/b", "../evil", "/abs", "x\ny", "good"}) {
      list.entries->push_back({name, "file", 5, 0, 0644});
    }
    list.entries->push_back({"link", "link", 5, 0, 0777});
    list.entries->push_back({"../folder", "dir", 0, 0, 0755});
    end.send(list);
    const Header request = end.readHeader();
    CHECK(request.filename == "d/good");
    sendRaw(end, "hello");
    end.readHeader();
  }});
  Link link = server.link();
  TreeGet(link, test.options, test.observer)
      .run(FileName::parse("d"), test.folder.path("in/d"), RemoteInfo{RemoteType::Folder, 0, 7, 0755});
  CHECK(test.folder.read("in/d/good") == "hello");
  CHECK(test.folder.count() == 1);
  CHECK(test.observer.warnings.size() == 1);
  CHECK(test.observer.outcomes.size() == 8);
}
