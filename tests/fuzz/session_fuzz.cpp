// A session fuzzer: the input is a program of requests whose lengths and digests are right (or wrong on purpose), torn
// at any byte; after each one the answer, and at the end the storage, must be what a simple model says. Between them
// come headers and bytes as the fuzzer likes them.

#include "common/protocol.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/session_model.h"
#include "tests/support/session_peer.h"
#include "tests/support/wire_text.h"

namespace {

using namespace ft;
using fuzz::Input;
using fuzz::require;

constexpr std::size_t kMostRequests = 48;
constexpr std::array<const char*, 14> kNames{"a",       "b",    "d",  "d/a",  "d/b",     "d/e/a", "e",
                                             "e/x y.z", "../a", "/a", "d//a", ".ftpd/x", "d/",    "d/../a"};

class Run {
 public:
  explicit Run(Input input) : input_(input) { reconnect(); }

  void all() {
    for (std::size_t i = 0; i < kMostRequests && !input_.empty(); ++i) one();
    settle();
    compare();
    peer_.reset();
    require(storage_.openUploads() == 0);
  }

 private:
  void one() {
    switch (input_.pick(14)) {
      case 0:
      case 1: put(); break;
      case 2: chunkedPut(); break;
      case 3: get(); break;
      case 4: chunkedGet(); break;
      case 5: list(); break;
      case 6: stat(); break;
      case 7: makeFolder(); break;
      case 8: remove(); break;
      case 9: rename(); break;
      case 10: offeredPut(); break;
      case 11: plainPut(); break;
      case 12: plainGet(); break;
      default: anything(); break;
    }
    if (peer_->ended() || peer_->closed()) reconnect();
  }

  std::string name() { return kNames.at(input_.pick(kNames.size())); }
  std::string content() {
    const std::size_t size = input_.pick(4) == 0 ? input_.number() % 40'000 : input_.byte() % 64;
    std::string bytes = input_.text(std::min<std::size_t>(size, 16));
    bytes.resize(size, 'x');
    return bytes;
  }
  // In one piece, or torn at some byte.
  void send(const std::string& bytes) {
    const std::size_t cut = input_.coin() ? input_.number() % (bytes.size() + 1) : bytes.size();
    peer_->send(std::string_view(bytes).substr(0, cut));
    if (cut < bytes.size()) peer_->send(std::string_view(bytes).substr(cut));
    peer_->run();
  }
  Header ask(const std::string& message) {
    send(message);
    Header reply = peer_->reply();
    require(!reply.error || *reply.error != "internal");
    return reply;
  }
  bool accepted(const std::string& message) { return ask(message).ok.value_or(false); }
  static std::string request(const std::string& cmd, const std::string& name, const std::string& more = "") {
    return testing::frame(R"({"v":1,"cmd":")" + cmd + R"(","filename":")" + name + "\"" + more + "}");
  }
  void reconnect() {
    peer_ = std::make_unique<SessionPeer>(storage_);
    peer_->crowd();
  }

  void put() {
    const std::string to = name(), bytes = content();
    const bool replace = input_.pick(4) != 0, honest = input_.pick(8) != 0;
    std::string more = replace ? "" : R"(,"replace":false)";
    if (!honest || input_.coin()) more += R"(,"md5":")" + testing::md5Of(honest ? bytes : bytes + "!") + "\"";
    const bool ok = accepted(testing::frame(testing::putJson(to, bytes.size(), more)) + bytes);
    require(ok == (honest && model_.canPut(to, replace)));
    if (ok) model_.put(to, bytes);
  }
  void chunkedPut() {
    const std::string to = name();
    std::string body,
        wire = testing::frame(R"({"v":1,"cmd":"put","filename":")" + to + R"(","body":"chunks","digest":"xxh128"})");
    for (std::size_t i = input_.pick(4); i > 0; --i) {
      if (input_.coin()) {
        const std::string part = content() + "y";
        body += part;
        wire += testing::chunk(part);
      } else {
        const std::size_t count = input_.byte() + std::size_t{1};
        body.append(count, '\0');
        wire += testing::hole(static_cast<std::int64_t>(count));
      }
    }
    const bool honest = input_.pick(8) != 0, whole = input_.pick(8) != 0;
    wire += testing::hole(0) +
            testing::frame(whole ? R"({"v":1,"cmd":"trailer","ok":true,"filesize":)" + std::to_string(body.size()) +
                                       R"(,"xxh128":")" + testing::xxhOf(honest ? body : body + "!") + "\"}"
                                 : R"({"v":1,"cmd":"trailer","ok":false,"error":"changed","message":"m"})");
    const bool ok = accepted(wire);
    require(ok == (honest && whole && model_.canPut(to, true)));
    if (ok) model_.put(to, body);
  }
  void offeredPut() {
    const std::string to = name(), bytes = content();
    const std::string same = R"(,"filesize":)" + std::to_string(bytes.size()) + R"(,"mtime_ns":77,"digest":"xxh128")";
    const Header offer = ask(request("offer", to, same));
    require(offer.ok.value_or(false) == model_.canPut(to, true));
    if (!offer.ok.value_or(false)) return;
    if (offer.action == "have") return;
    require(offer.action == "send" && offer.offset.value_or(0) <= bytes.size());
    // A part of the same name, size and time may hold other bytes: the digest tells, and the put begins anew.
    const std::size_t there = offer.offset.value_or(0);
    const DigestValue* prefix = offer.findDigest(DigestAlgorithm::Xxh128);
    const bool fits = there > 0 && prefix != nullptr && prefix->hex == testing::xxhOf(bytes.substr(0, there));
    const std::size_t from = fits ? there : 0;
    const std::string header = request(
        "put", to, same + R"(,"offset":)" + std::to_string(from) + R"(,"xxh128":")" + testing::xxhOf(bytes) + "\"");
    if (input_.pick(3) == 0) {  // cut: kept for later, and not visible
      const std::string all = header + bytes.substr(from);
      peer_->send(std::string_view(all).substr(0, header.size() + input_.number() % (bytes.size() - from + 1)));
      if (peer_->nothingMore()) return reconnect();
    } else {
      send(header + bytes.substr(from));
    }
    require(peer_->reply().ok.value_or(false));
    model_.put(to, bytes);
  }
  void get() {
    const std::string from = name();
    const Header reply = ask(request("get", from));
    require(reply.ok.value_or(false) == model_.canGet(from));
    if (!reply.ok.value_or(false)) return;
    const std::string& bytes = model_.files().at(from);
    require(reply.filesize == bytes.size() && peer_->take(bytes.size()) == bytes);
    require(reply.findDigest(DigestAlgorithm::Md5)->hex == testing::md5Of(bytes));
  }
  void chunkedGet() {
    const std::string from = name();
    const std::size_t offset = input_.byte(), length = input_.number();
    const Header reply = ask(
        request("get", from,
                R"(,"digest":"xxh128","offset":)" + std::to_string(offset) + R"(,"length":)" + std::to_string(length)));
    const bool there = model_.canGet(from) && offset <= model_.files().at(from).size();
    require(reply.ok.value_or(false) == there);
    if (!there) return;
    const std::string range = model_.files().at(from).substr(offset, length);
    require(reply.length == range.size() && peer_->take(range.size()) == range);
    require(reply.findDigest(DigestAlgorithm::Xxh128)->hex == testing::xxhOf(range));
  }
  void list() {
    const std::string folder = input_.coin() ? "" : name();
    const Header reply = ask(request("list", folder));
    require(reply.ok.value_or(false) == (folder.empty() || model_.folders().contains(folder)));
    if (reply.ok.value_or(false)) require(reply.entries && reply.entries->size() == model_.entries(folder));
  }
  void stat() {
    const std::string of = name();
    const Header reply = ask(request("stat", of));
    require(reply.ok.value_or(false) == model_.canStat(of));
    if (model_.canGet(of)) require(reply.filesize == model_.files().at(of).size());
  }
  void makeFolder() {
    const std::string folder = name();
    const bool parents = input_.coin();
    const bool ok = accepted(request("mkdir", folder, parents ? R"(,"parents":true)" : ""));
    require(ok == model_.canMakeFolder(folder, parents));
    if (ok) model_.makeFolder(folder);
  }
  void remove() {
    const std::string what = name();
    const bool recursive = input_.coin();
    const bool ok = accepted(request("remove", what, recursive ? R"(,"recursive":true)" : ""));
    require(ok == model_.canRemove(what, recursive));
    if (ok) model_.remove(what);
  }
  void rename() {
    const std::string from = name(), to = name();
    const bool replace = input_.coin();
    const bool ok =
        accepted(request("rename", from, R"(,"to":")" + to + "\"" + (replace ? "" : R"(,"replace":false)")));
    require(ok == model_.canRename(from, to, replace));
    if (ok) model_.rename(from, to);
  }
  void plainPut() {
    const std::string to = name(), bytes = content();
    const bool honest = input_.pick(8) != 0;
    send(testing::frame(R"({"cmd":"put","filename":")" + to + R"(","filesize":)" + std::to_string(bytes.size()) +
                        R"(,"md5":")" + testing::md5Of(honest ? bytes : bytes + "!") + "\"}") +
         bytes);
    require(peer_->nothingMore());
    const bool stored = honest && model_.canPut(to, true);
    require((peer_->ended() || peer_->closed()) == !stored);
    if (stored) model_.put(to, bytes);
  }
  void plainGet() {
    const std::string from = name();
    send(testing::frame(R"({"cmd":"get","filename":")" + from + "\"}"));
    const Header reply = peer_->reply();
    require(reply.error.has_value() != model_.canGet(from));
    if (model_.canGet(from)) require(peer_->take(*reply.filesize) == model_.files().at(from));
  }
  // A header, or bytes without one, as the fuzzer likes. What it did is then read from the storage.
  void anything() {
    const std::string bytes = input_.text(input_.byte());
    peer_->send(input_.coin() ? testing::frame(bytes) : bytes);
    reconnect();
    model_ = {};
    readFolder("");
  }
  void readFolder(const std::string& folder) {
    for (const FolderEntry& entry : storage_.list(FileName::parseFolder(folder), "", {100'000, 100'000'000}).entries) {
      const std::string path = folder.empty() ? entry.name : folder + "/" + entry.name;
      if (entry.info.type == FileType::Folder) {
        model_.makeFolder(path);
        readFolder(path);
      } else {
        model_.put(path, storage_.content(path).value());
      }
    }
  }

  void settle() { peer_->closeSending(); }
  void compare() {
    const SessionModel expected = model_;
    model_ = {};
    readFolder("");
    require(model_.files() == expected.files() && model_.folders() == expected.folders());
  }

  using SessionModel = fuzz::SessionModel;
  Input input_;
  testing::MemoryStorage storage_;
  SessionModel model_;
  std::unique_ptr<SessionPeer> peer_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Run(Input(data, size)).all();
  return 0;
}
