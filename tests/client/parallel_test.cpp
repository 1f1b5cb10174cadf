// Several connections: pieces, shares of many files, segments and ranges, and what is left when a connection breaks.

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <map>
#include <mutex>

#include "client/transfer/parallel_gets.h"
#include "client/transfer/parallel_puts.h"
#include "tests/client/parallel_server.h"
#include "tests/client/transfer_fixture.h"

namespace ft {
namespace {

constexpr DigestAlgorithm kXxh = DigestAlgorithm::Xxh128;
const std::string kBig = noise(17'000'000);

// What honest connections of one server have in common.
struct Store {
  std::mutex mutex;
  std::map<std::string, std::string> files;
  std::string upload = std::string(kBig.size(), '\0');
  std::atomic<int> segments = 0;
  std::atomic<int> ranges = 0;
  std::atomic<int> breakAfter = -1;  // segments or ranges on one connection, after which it closes
  std::atomic<bool> wrongRange = false;
};

void serveSegment(ServerEnd& end, Store& store, const Header& request) {
  const std::string body = end.readBytes(*request.filesize);
  {
    const std::lock_guard lock(store.mutex);
    store.upload.replace(*request.offset, body.size(), body);
  }
  ++store.segments;
  Header reply = okReply("segment");
  reply.filesize = body.size();
  reply.setDigest(digestOfText(kXxh, body));
  end.send(reply);
}

void servePut(ServerEnd& end, Store& store, const Header& request) {
  std::string body;
  if (request.body == "chunks") {
    body = kBig.substr(0, *request.offset) + end.readChunks();
    end.readHeader();
  } else if (request.offset == request.filesize) {
    body = store.upload;
  } else {
    body = end.readBytes(*request.filesize);
  }
  const std::lock_guard lock(store.mutex);
  store.files[*request.filename] = body;
  end.send(storedReply(body, request.digests.empty() ? kXxh : request.digests.front().algorithm));
}

void serveGet(ServerEnd& end, Store& store, const Header& request) {
  const std::uint64_t offset = request.offset.value_or(request.have.value_or(0));
  std::string body = kBig.substr(offset, request.length.value_or(kBig.size()));
  Header reply = okReply("get");
  reply.filesize = kBig.size();
  reply.mtimeNs = 5;
  reply.mode = 0640;
  reply.body = "chunks";
  reply.offset = offset;
  if (request.length) reply.length = body.size();
  end.send(reply);
  const DigestValue digest = digestOfText(kXxh, request.length ? body : kBig);
  if (request.length && store.wrongRange && offset > 0) body.front() = static_cast<char>(body.front() + 1);
  end.sendChunk(body);
  end.sendChunk("");
  Header trailer = okReply("trailer");
  trailer.filesize = kBig.size();
  trailer.setDigest(digest);
  end.send(trailer);
}

// Serves until the client has closed, or the store says that it breaks.
ScriptedServer::Script honest(Store& store) {
  return [&store](ServerEnd& end) {
    for (int moved = 0;;) {
      const Header request = end.readHeader();
      const bool piece = request.cmd == "segment" || (request.cmd == "get" && request.length);
      if (piece && store.breakAfter >= 0 && moved++ >= store.breakAfter) return;
      if (request.cmd == "offer") {
        Header reply = okReply("offer");
        reply.action = "send";
        reply.offset = 0;
        if (request.segments == true) reply.upload = std::string(32, 'a');
        end.send(reply);
      } else if (request.cmd == "segment") {
        serveSegment(end, store, request);
      } else if (request.cmd == "put") {
        servePut(end, store, request);
      } else {
        if (request.length) ++store.ranges;
        serveGet(end, store, request);
      }
    }
  };
}

struct ParallelTest {
  TestFolder folder;
  RecordingObserver observer;
  TransferOptions options;
  Store store;

  explicit ParallelTest(std::size_t connections) { options.connections = connections; }

  std::vector<ScriptedServer::Script> connections(std::size_t count) {
    return std::vector<ScriptedServer::Script>(count, honest(store));
  }
  PutJob putJob(const std::string& name) const {
    PutJob job;
    job.path = folder.path(name);
    job.remote = FileName::parse(name);
    job.size = std::filesystem::file_size(job.path);
    job.digest = kXxh;
    return job;
  }
  void put(Server& server, std::deque<PutJob> jobs) {
    Link link = server.link();
    ParallelPuts(link, options, observer).put(std::move(jobs));
  }
  void get(Server& server, std::optional<std::uint64_t> size) {
    Link link = server.link();
    TargetFolder target = TargetFolder::open(folder.path());
    GetJob job;
    job.remote = FileName::parse("big");
    job.leaf = "big";
    job.shown = "big";
    job.size = size;
    std::deque<GetJob> jobs;
    jobs.push_back(std::move(job));
    ParallelGets(link, options, observer, target).get(std::move(jobs));
  }
};

}  // namespace

TEST_CASE("pieces are handed out in order and counted from the beginning, whatever the order they are done in") {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> told;
  constexpr std::uint64_t kSize = Pieces::kSize;
  Pieces pieces({100, 2 * kSize + 1}, kSize,
                [&](std::uint64_t begin, std::uint64_t end) { told.emplace_back(begin, end); });
  const auto first = pieces.take(false);
  const auto second = pieces.take(false);
  REQUIRE((first && second));
  CHECK(first->begin == 100);
  CHECK(second->begin == 100 + kSize);
  CHECK_FALSE(pieces.take(false));  // too far ahead of the first
  pieces.done(*second);
  CHECK(pieces.reached() == 100);
  pieces.done(*first);
  CHECK(told == std::vector<std::pair<std::uint64_t, std::uint64_t>>{{100, 100 + 2 * kSize}});
  const auto last = pieces.take(true);
  REQUIRE(last);
  CHECK(last->size == 1);
  CHECK_FALSE(pieces.take(true));
  CHECK_FALSE(pieces.finished());
  pieces.done(*last);
  CHECK(pieces.finished());
}

TEST_CASE("pieces that were given up are handed out no more") {
  Pieces pieces({0, 10}, 10, [](std::uint64_t, std::uint64_t) {});
  pieces.giveUp();
  CHECK_FALSE(pieces.take(true));
  CHECK_FALSE(pieces.finished());
}

TEST_CASE("many small files are shared out to as many connections as are allowed") {
  ParallelTest test(4);
  std::deque<PutJob> jobs;
  for (int i = 0; i < 64; ++i) {
    const std::string name = "f" + std::to_string(i);
    test.folder.write(name, noise(5'000) + name);
    jobs.push_back(test.putJob(name));
  }
  Server server(test.connections(4));
  test.put(server, jobs);
  CHECK(server.scripted.connections() == 4);
  CHECK(test.observer.outcomes.size() == 64);
  REQUIRE(test.store.files.size() == 64);
  for (const auto& [name, content] : test.store.files) CHECK(content == test.folder.read(name));
}

TEST_CASE("a connection that cannot be made leaves its files to the first one") {
  ParallelTest test(4);
  std::deque<PutJob> jobs;
  for (int i = 0; i < 64; ++i) {
    const std::string name = "f" + std::to_string(i);
    test.folder.write(name, noise(5'000));
    jobs.push_back(test.putJob(name));
  }
  Server server(test.connections(2));
  Link link = server.link();
  link.connection();
  ParallelPuts(link, test.options, test.observer).put(std::move(jobs));
  CHECK(test.observer.outcomes.size() == 64);
  CHECK(test.store.files.size() == 64);
}

TEST_CASE("work that is not worth it, and a limit of one, stay on one connection") {
  ParallelTest test(8);
  test.folder.write("a", noise(5'000));
  Server server(test.connections(2));
  test.put(server, {test.putJob("a")});
  test.options.connections = 1;
  test.folder.write("big", kBig);
  test.put(server, {test.putJob("big")});
  CHECK(server.scripted.connections() == 2);  // one for each of the two
  CHECK(test.store.segments == 0);
  CHECK((test.store.files["big"] == kBig));
}

TEST_CASE("a large file goes out in segments on all connections and is named by a put of the whole digest") {
  ParallelTest test(3);
  test.folder.write("big", kBig);
  Server server(test.connections(3));
  test.put(server, {test.putJob("big")});
  CHECK(test.observer.onlyExit() == 0);
  CHECK(test.store.segments == 5);
  CHECK((test.store.files["big"] == kBig));
  CHECK(test.observer.advancedBytes == kBig.size());
  CHECK(test.observer.outcomes[0].digest == digestOfText(kXxh, kBig));
}

TEST_CASE("a file whose segments fail is stored over one connection") {
  ParallelTest test(2);
  test.folder.write("big", kBig);
  test.store.breakAfter = 1;
  Server server(test.connections(3));
  test.put(server, {test.putJob("big")});
  CHECK(test.observer.onlyExit() == 0);
  CHECK((test.store.files["big"] == kBig));
  CHECK(test.observer.advancedBytes == kBig.size());
}

TEST_CASE("a large file comes in ranges on all connections, also when its size was not known") {
  for (const auto size : {std::optional<std::uint64_t>(kBig.size()), std::optional<std::uint64_t>()}) {
    ParallelTest test(3);
    Server server(test.connections(4));
    test.get(server, size);
    CHECK(test.observer.onlyExit() == 0);
    CHECK(test.store.ranges == 5);
    CHECK((test.folder.read("big") == kBig));
    CHECK(test.folder.count() == 1);
    CHECK(test.observer.advancedBytes == kBig.size());
    CHECK(test.observer.outcomes[0].digest == digestOfText(kXxh, kBig));
  }
}

TEST_CASE("what ranges have fetched in one piece is gone on with over one connection when the others break") {
  ParallelTest test(2);
  test.store.breakAfter = 1;
  Server server(test.connections(3));
  test.get(server, kBig.size());
  CHECK(test.observer.onlyExit() == 0);
  CHECK(test.observer.outcomes[0].resumed > 0);
  CHECK(test.observer.outcomes[0].resumed % Pieces::kSize == 0);
  CHECK((test.folder.read("big") == kBig));
}

TEST_CASE("a get in ranges that was killed is gone on with from what had come in one piece") {
  constexpr std::uint64_t kThere = 2 * Pieces::kSize;
  ParallelTest test(2);
  const std::string hidden = test.folder.path(partName("big"));
  const std::string saved = test.folder.path("saved");
  {
    TargetFolder target = TargetFolder::open(test.folder.path());
    const PartFile part = PartFile::create(target.root(), "big");
    part.noteGaps(0, kBig.size());
    REQUIRE(::pwrite(part.fd(), kBig.data(), kThere, 0) == kThere);
    part.noteGaps(kThere, kBig.size());
    REQUIRE(::pwrite(part.fd(), kBig.data() + 3 * Pieces::kSize, 1000, 3 * Pieces::kSize) == 1000);
    REQUIRE(::link(hidden.c_str(), saved.c_str()) == 0);
  }
  // A program that is killed removes nothing.
  REQUIRE(::rename(saved.c_str(), hidden.c_str()) == 0);
  Server server(test.connections(3));
  test.get(server, kBig.size());
  CHECK(test.observer.onlyExit() == 0);
  CHECK(test.observer.outcomes[0].resumed == kThere);
  CHECK((test.folder.read("big") == kBig));
  CHECK(test.folder.count() == 1);
}

TEST_CASE("a range whose digest differs is never part of the file") {
  ParallelTest test(2);
  test.store.wrongRange = true;
  Server server(test.connections(3));
  test.get(server, kBig.size());
  CHECK(test.observer.onlyExit() == 0);
  CHECK((test.folder.read("big") == kBig));
}

}  // namespace ft
