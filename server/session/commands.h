#pragma once
// The one table of commands: dispatch, --list-commands, access rules and the check against PROTOCOL.md all read it. A
// handler gets a request and the storage, and knows neither sockets nor JSON. Adding a command is one row, one handler
// and one section in PROTOCOL.md.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/digest.h"
#include "common/header.h"
#include "server/config/access_rules.h"
#include "server/log/log.h"
#include "server/session/offers.h"
#include "server/session/segments.h"
#include "server/storage/storage.h"

namespace ft {

class HashDesk;

// What a command touches, for the questions of the session; which files a user may touch is for the gate. List is told
// apart because a name that is not there is a normal answer to it.
enum class Access { None, List, Files, Exec };
enum class BodyRule { None, FromClient };
// Does the plain form of the protocol have the command, too?
enum class PlainForm { No, Yes };

// A put was accepted: the session fills the upload, checks the digests and commits it.
struct ReceiveFile {
  std::unique_ptr<Upload> upload;
  // Where there is one, it takes the finished upload instead of the storage's commit, in steps of a few milliseconds:
  // false means that it is to be called again. It may throw Failure.
  std::function<bool(std::unique_ptr<Upload>&)> deliver;
};

// A get was accepted: the session sends the reply, then bytes [begin, end) of the download.
struct SendFile {
  Header reply;
  std::shared_ptr<Download> download;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  bool chunks = false;
  // The whole body, when it was small enough to be read at once; `download` is not read again then.
  std::optional<std::vector<std::byte>> content;
  // Chunked bodies only. What the trailer will say: known already, or taken while sending from this state (which covers
  // [0, begin) of a resumed get).
  std::optional<DigestValue> known;
  std::optional<Digest> running;
  bool wholeFile = true;  // the digest will be of the whole file, and worth remembering
};

class Work;
// An exec was accepted: the connection leaves its session, together with the request.
struct HandOver {};

// A login whose fields are in order: who is there is the session's to find out.
struct LogIn {};

using Outcome = std::variant<Header, ReceiveFile, SendFile, std::unique_ptr<Work>, HandOver, LogIn>;

// What takes long (hashing a large file), cut into steps of a few milliseconds, so that sessions take turns.
class Work {
 public:
  virtual ~Work() = default;
  // nullopt: there is more to do. Throws Failure.
  virtual std::optional<Outcome> step() = 0;
  // After that: how long the next step has to wait for others, so that no thread need try before; mostly 0.
  virtual std::chrono::milliseconds pause() const { return {}; }
  // The peer takes none of its replies, and until it does nothing goes on: lets go of what others wait for.
  virtual void rest() {}
};

// What a handler may use. Lives as long as the session; one thread at a time.
struct CommandContext {
  Storage& storage;
  Offers& offers;
  Segments& segments;
  HashDesk& hashes;
  bool commands = false;                                // are commands of the system configured?
  std::string_view sandbox = "off";                     // what holds of it (Sandbox::text)
  const std::vector<HelloService>* services = nullptr;  // for `hello`; may be null
  // What a log-in by key on this connection has to sign, as hex digits; "" where the line's own binding is signed.
  // Whoever asks for it has it from then on.
  std::function<std::string()> loginNonce;
};

struct Command {
  std::string_view name;
  Access access = Access::None;
  BodyRule body = BodyRule::None;
  // Throws Failure when the request cannot be done.
  Outcome (*handle)(const Header& request, CommandContext& context) = nullptr;
  // What a user must be allowed to do with the file that is named; more is asked where the gate decides.
  std::optional<Verb> verb{};
  // At which level the audit log has it when it is answered without a body. Info: it changes something.
  LogLevel level = LogLevel::Debug;
  PlainForm plain = PlainForm::No;
};

std::span<const Command> commandTable();
// nullptr when there is none of that name.
const Command* findCommand(std::string_view name);

// A reply that says ok and answers `request`.
Header okReply(const Header& request);
// A reply (or, to a plain get, the frame) that says no.
Header errorReply(const Header& request, ErrorCode code, const std::string& message);

}  // namespace ft
