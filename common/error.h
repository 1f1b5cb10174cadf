#pragma once
// The kinds of failure, never mixed. Failure: a request fails; it is answered, and the session goes on. ProtocolError:
// the peer breaks the protocol; its connection ends. TransportError: the line broke; the connection has ended already.
// ConfigError: the program cannot run with what it was given; it ends with a message and exit code 2.

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ft {

// The codes of PROTOCOL.md 7. New ones are appended; a code never changes its meaning.
enum class ErrorCode {
  BadRequest,
  Unsupported,
  Unauthenticated,
  Forbidden,
  NotFound,
  Exists,
  IsDirectory,
  NotDirectory,
  NameInvalid,
  TooLarge,
  Quota,
  NoSpace,
  Integrity,
  Changed,
  Busy,
  Timeout,
  RateLimited,
  ShuttingDown,
  IoError,
  Internal,
};

// The code as it stands on the wire, e.g. "not_found".
std::string_view errorName(ErrorCode code);
// nullopt for a name that this version does not know.
std::optional<ErrorCode> errorFromName(std::string_view name);

// A request failed. what() is a sentence for a person: it names the thing, the reason and, where there is one, the
// setting to change.
class Failure : public std::runtime_error {
 public:
  // A name of the storage that what() tells, and where it does, for who has to tell it by another name.
  struct Mention {
    std::string name;  // as FileName::text()
    std::size_t begin = 0;
    std::size_t size = 0;
  };

  Failure(ErrorCode code, const std::string& message, std::string rule = {}, std::vector<Mention> mentions = {})
      : std::runtime_error(message), code_(code), rule_(std::move(rule)), mentions_(std::move(mentions)) {}
  ErrorCode code() const { return code_; }
  // What of the configuration has decided it, for the daemon's own records: the message may have to keep it to itself.
  // Mostly empty.
  const std::string& rule() const { return rule_; }
  // In their order. Names that are not told so are in the words of whoever asked.
  const std::vector<Mention>& mentions() const { return mentions_; }

 private:
  ErrorCode code_;
  std::string rule_;
  std::vector<Mention> mentions_;
};

// The system's words for an errno. Any thread.
std::string errorText(int error);

// Maps an errno of a file operation to a Failure that names `what` (already safe to print), e.g. ENOSPC to NoSpace.
Failure failureFromErrno(int error, const std::string& what);

// The peer sent what no correct peer sends. The connection ends.
class ProtocolError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The line broke: closed, reset, unreachable, or too slow.
class TransportError : public std::runtime_error {
 public:
  enum class Kind { Closed, Reset, Timeout, Unreachable, Other };
  TransportError(Kind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

// What the program was given cannot be used. what() names it: the file and its line, the setting, or the option.
class ConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace ft
