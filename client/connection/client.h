#pragma once
// One method for each command without a body: sends it, reads its reply, checks it. Prints nothing. Throws Failure with
// the server's code and text (escaped) for a refusal, TransportError and ProtocolError for the line and the peer.

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "client/connection/connection.h"
#include "client/failures.h"
#include "common/file_name.h"

namespace ft {

enum class RemoteType { File, Folder, Link, Other };

struct RemoteInfo {
  RemoteType type = RemoteType::File;
  std::uint64_t size = 0;
  std::optional<std::int64_t> mtimeNs{};  // nullopt: the server does not tell
  std::uint32_t mode = 0;
};

struct RemoteEntry {
  std::string name;  // one part, checked
  RemoteInfo info;
};

struct RemotePage {
  std::vector<RemoteEntry> entries;
  std::string next;              // "" on the last page
  std::uint64_t skipped = 0;     // names that the server could not send
  std::vector<std::string> bad;  // names that no honest server sends, escaped; left out of entries
};

// Follows the pages of one folder.
class PageWatch {
 public:
  // Throws ProtocolError when so many pages in a row had nothing on them that the list is without an end.
  void look(const RemotePage& page);

 private:
  std::size_t empty_ = 0;
};

// The sentence about `count` names that servers could not send.
std::string skippedText(std::uint64_t count);

struct ServerInfo {
  std::string server;                  // escaped
  std::string sandbox;                 // the same; "" when it does not tell
  std::vector<HelloService> services;  // as they came: not escaped
};

// What `check` asks of one entry.
struct CheckEntry {
  std::string name;
  std::uint64_t size = 0;
  std::int64_t mtimeNs = 0;
  std::uint32_t mode = 0;
};

// Whether `check` also compares permission bits.
enum class CheckBits { Ignore, Compare };

// A folder for `mkdir` to make, below another one.
struct NewFolder {
  std::string name;
  std::optional<std::uint32_t> mode;      // its permission bits; nullopt: the server's own for folders
  std::optional<std::int64_t> mtimeNs{};  // also of one that is there; nullopt: as it comes
};

class Client {
 public:
  explicit Client(Connection& connection) : connection_(connection) {}

  void ping();
  ServerInfo hello();
  RemoteInfo stat(const FileName& name);
  RemotePage list(const FileName& folder, const std::string& after);
  // list() in two halves, for several lists at once; the answers come in the order of the requests.
  void requestList(const FileName& folder, const std::string& after);
  RemotePage readList(const FileName& folder, const std::string& after);
  DigestValue sum(const FileName& name, DigestAlgorithm algorithm);
  void mkdir(const FileName& name, bool parents, std::optional<std::uint32_t> mode = std::nullopt);
  // Queues one mkdir for as many of `made`, at least one, as fit into it, in their order and with their parents, and
  // returns how many. A name that is "" is that of `folder` itself, for its time. The answer is the caller's to read.
  std::size_t requestMkdir(const FileName& folder, std::span<const NewFolder> made);
  // All of `made` below `folder`, and their parents, in their order and in a few pipelined requests. Returns the parts
  // of `made` that were refused as a whole, though some of them may be made.
  std::vector<std::span<const NewFolder>> mkdirAll(const FileName& folder, std::span<const NewFolder> made);
  struct Refusal {
    std::size_t index;  // of the folder
    ServerFailure failure;
  };
  // The same with a request for each, which are pipelined. Returns what was refused; the others are made.
  std::vector<Refusal> mkdirEach(const FileName& folder, std::span<const NewFolder> made);
  void remove(const FileName& name, bool recursive);
  void rename(const FileName& from, const FileName& to, bool replace);
  // Gives the stored file of that size and time other permission bits.
  struct StoredFile {
    FileName name = FileName::root();
    std::uint64_t size = 0;
    std::int64_t mtimeNs = 0;
  };
  void chmod(const StoredFile& file, std::uint32_t mode);
  // The indexes of the entries that the server does not have with that size and time, and the bits that it would give
  // them; the requests are pipelined.
  std::vector<std::size_t> check(const FileName& folder, std::span<const CheckEntry> entries,
                                 CheckBits bits = CheckBits::Compare);

 private:
  Header ask(const Header& request);
  // The reply to a mkdir of `name`, when it refuses and asking again is of no use.
  std::optional<ServerFailure> readRefusal(const FileName& name);

  Connection& connection_;
};

}  // namespace ft
