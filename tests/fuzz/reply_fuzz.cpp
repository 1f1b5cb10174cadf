// The client's reader of replies: whatever a server sends, each call ends with an answer or with one of the known
// failures, text that is shown is safe to print, and no name leads out of its folder.

#include <sys/socket.h>

#include <array>
#include <functional>

#include "client/connection/client.h"
#include "client/stop_request.h"
#include "client/transfer/get_job.h"
#include "common/error.h"
#include "tests/fuzz/input.h"
#include "tests/support/socket_pair.h"

namespace {

using namespace ft;
using fuzz::require;

// A terminal acts on these.
bool printable(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  }
  return true;
}

// The far end has sent all it will.
std::unique_ptr<Transport> lineWith(std::string_view bytes) {
  testing::SocketPair pair;
  const UniqueFd far = std::move(pair.theirs);
  require(::send(far.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
  ::shutdown(far.get(), SHUT_WR);
  // Requests go nowhere, but must not fail: only what is read is of interest.
  static_cast<void>(::shutdown(far.get(), SHUT_RD));
  return makePlainTransport(std::move(pair.ours));
}

void checkPage(const RemotePage& page) {
  for (const RemoteEntry& entry : page.entries) {
    require(!entry.name.empty() && entry.name != "." && entry.name != ".." &&
            entry.name.find('/') == std::string::npos);
  }
  for (const std::string& name : page.bad) require(printable(name));
}

void talk(Client& client, std::uint8_t what) {
  const FileName name = FileName::parse("a");
  switch (what % 6) {
    case 0: require(printable(client.hello().server)); break;
    case 1: client.stat(name); break;
    case 2: checkPage(client.readList(FileName::root(), "")); break;
    case 3: client.sum(name, DigestAlgorithm::Md5); break;
    case 4: {
      const std::array<CheckEntry, 2> entries{CheckEntry{"a", 1, 1}, CheckEntry{"b", 2, 2}};
      for (const std::size_t index : client.check(name, entries)) require(index < entries.size());
      break;
    }
    default: client.ping(); break;
  }
}

void readReplies(Connection& connection, std::uint8_t what) {
  if (what < 128) {
    Client client(connection);
    for (;;) talk(client, what);
  }
  const GetRequest request{DigestAlgorithm::Xxh128, (what & 1) != 0, std::uint64_t{what} % 5, DigestValue{}};
  for (;;) {
    const GetReply reply = checkGetReply(connection.readHeader(), FileName::parse("a"), request);
    require(reply.offset == 0 || reply.offset == request.haveSize);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 100'000) return 0;
  const StopRequest never;
  Connection connection(lineWith(fuzz::textOf(data + 1, size - 1)), never, std::chrono::seconds(5), "peer");
  try {
    readReplies(connection, data[0]);
  } catch (const Failure& failure) {
    require(printable(failure.what()));
  } catch (const ProtocolError& error) {
    require(printable(error.what()));
  } catch (const TransportError& error) {
    require(printable(error.what()));
  }
  return 0;
}
