// What a session does when its peer is too slow, and that nothing which had arrived whole is lost or waits by it.

#include "server/session/session_deadlines.h"

#include <doctest/doctest.h>

#include "tests/support/session_peer.h"
#include "tests/support/wire_text.h"

using namespace ft;
using namespace ft::testing;
using namespace std::chrono_literals;

TEST_CASE("a header that does not end is answered timeout at its deadline, however it trickles") {
  MemoryStorage storage;
  SessionPeer peer(storage, {.limits = {.headerTimeout = 1s, .idleTimeout = 60s}});
  const std::string all = frame(R"({"v":1,"cmd":"ping"})");
  for (std::size_t i = 0; i < 10; ++i) {
    peer.send(all.substr(i, 1));
    TestClock::advance(90ms);
  }
  CHECK_FALSE(peer.closed());
  peer.passTime(200ms);
  CHECK(peer.closed());
  CHECK(peer.reply().error == "timeout");
}

TEST_CASE("an idle connection ends at its deadline without a word") {
  MemoryStorage storage;
  SessionPeer peer(storage, {.limits = {.idleTimeout = 5s}});
  peer.sendFrame(R"({"v":1,"cmd":"ping"})");
  CHECK(peer.reply().ok == true);
  peer.passTime(4s);
  CHECK_FALSE(peer.closed());
  peer.passTime(2s);
  CHECK(peer.closed());
  CHECK(peer.nothingMore());
}

TEST_CASE("a body below the least rate is answered timeout; one above it goes on past the window") {
  MemoryStorage storage;
  SessionPeer peer(storage, {.limits = {.bodyWindow = 10s}});
  peer.sendFrame(putJson("a", 100'000), std::string(20'000, 'x'));
  peer.passTime(11s);
  CHECK_FALSE(peer.closed());
  peer.send("trickle");
  peer.passTime(11s);
  CHECK(peer.closed());
  CHECK(peer.reply().error == "timeout");
  CHECK(storage.openUploads() == 0);
}

TEST_CASE("a put that is whole does not wait for the body behind it") {
  MemoryStorage storage;
  SessionPeer peer(storage);
  peer.send(frame(putJson("a", 5)) + "hello" + frame(putJson("b", 10)) + "half");
  CHECK_FALSE(storage.content("a"));
  peer.passTime(200ms);
  CHECK(storage.content("a") == "hello");
  CHECK(peer.reply().filename == "a");
  peer.send("other");
  peer.send("s");
  CHECK(peer.reply().filename == "b");
  CHECK(storage.content("b") == "halfothers");
}

TEST_CASE("a plain put that is whole is stored, whatever becomes of the one behind it") {
  const std::string first = frame(R"({"cmd":"put","filename":"a","filesize":5})") + "hello";
  for (const std::string& rest : {frame(R"({"cmd":"put","filename":"b","filesize":10})") + "half", std::string("\x30"),
                                  std::string("\x05\0\0\0{", 5)}) {
    MemoryStorage storage;
    SessionPeer peer(storage, {.limits = {.headerTimeout = 1s, .bodyWindow = 10s}});
    peer.crowd();  // others need the thread: it waits for nothing
    peer.send(first + rest);
    TestClock::advance(60s);
    peer.run();
    CHECK(peer.closed());
    CHECK(storage.content("a") == "hello");
    CHECK_FALSE(storage.content("b"));
  }
}

TEST_CASE("a trailer that does not come is answered timeout, behind the replies to what was whole before") {
  MemoryStorage storage;
  SessionPeer peer(storage, {.limits = {.headerTimeout = 1s}});
  peer.send(frame(putJson("a", 5)) + "hello" + frame(R"({"v":1,"cmd":"put","filename":"b","body":"chunks","id":8})") +
            chunk("bytes") + hole(0));
  TestClock::advance(2s);
  peer.run();
  CHECK(peer.closed());
  CHECK(peer.reply().filename == "a");
  CHECK(storage.content("a") == "hello");
  const Header late = peer.reply();
  CHECK(late.error == "timeout");
  CHECK(late.id == "8");
  CHECK(late.message == "the trailer did not arrive within server.header_timeout");
  CHECK(peer.logged().find("while=trailer") != std::string::npos);
  CHECK_FALSE(storage.content("b"));
  CHECK(storage.openUploads() == 0);
}

namespace {

class SlowUpload final : public Upload {
 public:
  SlowUpload(std::unique_ptr<Upload> inner, int& steps) : inner_(std::move(inner)), steps_(steps) {}
  std::uint64_t offset() const override { return inner_->offset(); }
  void write(std::span<const std::byte> bytes) override { inner_->write(bytes); }
  void writeHole(std::uint64_t count) override { inner_->writeHole(count); }
  std::size_t writeFromPipe(int pipe, std::size_t count) override { return inner_->writeFromPipe(pipe, count); }
  void append(Upload& segment, std::uint64_t begin, std::uint64_t count) override {
    inner_->append(segment, begin, count);
  }
  bool digestOn() override {
    TestClock::advance(10s);
    return --steps_ <= 0;
  }
  void restart() override { inner_->restart(); }
  void discard() noexcept override { inner_->discard(); }
  std::vector<DigestValue> finish() override { return inner_->finish(); }
  const PutSpec& spec() const override { return inner_->spec(); }
  std::unique_ptr<Upload> release() { return std::move(inner_); }

 private:
  std::unique_ptr<Upload> inner_;
  int& steps_;
};

// Whose uploads have to be digested for a while when their last byte is here.
class SlowStorage final : public MemoryStorage {
 public:
  std::unique_ptr<Upload> begin(const PutSpec& spec) override {
    return std::make_unique<SlowUpload>(MemoryStorage::begin(spec), steps);
  }
  void commit(std::span<CommitItem> items) override {
    for (CommitItem& item : items) item.upload = dynamic_cast<SlowUpload&>(*item.upload).release();
    MemoryStorage::commit(items);
  }
  int steps = 20;
};

}  // namespace

TEST_CASE("while a body that has come is digested, its time does not run out") {
  const std::string chunks = chunk("hello") + hole(0) + frame(R"({"v":1,"cmd":"trailer","ok":true})");
  for (const std::string& all :
       {frame(putJson("a", 5)) + "hello", frame(R"({"v":1,"cmd":"put","filename":"a","body":"chunks"})") + chunks}) {
    SlowStorage storage;
    SessionPeer peer(storage, {.limits = {.headerTimeout = 1s, .bodyWindow = 1s}});
    peer.send(all);
    CHECK(peer.reply().ok == true);
    CHECK(storage.content("a") == "hello");
    CHECK(storage.steps == 0);
  }
}

TEST_CASE("what goes on for a peer that sends no more ends when an idle one would have to go") {
  SlowStorage storage;
  storage.steps = 1'000'000;
  SessionPeer peer(storage, {.limits = {.idleTimeout = 300s}});
  peer.sendAndClose(frame(putJson("a", 5)) + "hello");
  CHECK(peer.closed());
  CHECK(storage.steps > 1'000'000 - 100);
  CHECK_FALSE(storage.content("a"));
}
