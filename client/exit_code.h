#pragma once
// The failures that only the client has, and what any failure means to its user: a code, a text and an exit code.

#include <exception>
#include <optional>
#include <stdexcept>
#include <string>

#include "common/error.h"

namespace ft {

// The exit codes of ftpc. Each has one meaning, and it never changes.
enum class ExitCode {
  Done = 0,
  Other = 1,
  Usage = 2,
  NotFound = 4,
  Network = 5,        // or a time-out: trying again is useful
  SomeFailed = 6,     // the others are done
  NotPermitted = 11,  // or not logged in
  Integrity = 12,
  Exists = 13,
  NoSpace = 14,  // or quota, or too large
  SourceChanged = 15,
  Identity = 16,
  Protocol = 17,
  NameInvalid = 18,
};

// The command line or the configuration is wrong. what() is for a person.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The server is not shown to be the one that the user means, or no encrypted line to it can be had. what() is for a
// person.
class IdentityError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The server does not let the user in. This ends the whole run, not only one of its files. what() is for a person.
class LoginError : public std::runtime_error {
 public:
  LoginError(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

// The user asked to stop. Exit code: 128 + signal().
class Interrupted : public std::runtime_error {
 public:
  explicit Interrupted(int signal) : std::runtime_error("interrupted"), signal_(signal) {}
  int signal() const { return signal_; }

 private:
  int signal_;
};

// A Failure that the server sent.
class ServerFailure : public Failure {
 public:
  using Failure::Failure;
};

// A failure in the form in which it is shown: `code` is a word for programs (the wire's codes, and "usage", "network",
// "identity", "protocol", "interrupted"), `message` a sentence that is safe to print.
struct Problem {
  std::string code;
  std::string message;
  int exit = 1;
  bool fromServer = false;
};

// For any exception that the library throws.
Problem problemOf(const std::exception& error);
ExitCode exitCodeOf(ErrorCode code);

// True when the same request may succeed later: the connection broke, or the server is busy or stopping.
bool mayPass(const std::exception& error);

// The exit code for several files: 0, the one code that all failures share when nothing was done, or 6.
class Tally {
 public:
  void done() { ++done_; }
  void failed(int exit);
  int exit() const;

 private:
  long done_ = 0;
  long failed_ = 0;
  std::optional<int> exit_;  // nullopt when the failures differ
};

}  // namespace ft
