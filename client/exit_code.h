#pragma once
// What any failure means to the user: a code, a text and an exit code.

#include <exception>
#include <optional>
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

// The exit code for several files: 0, the one code that all failures share when nothing was done, or 6.
class Tally {
 public:
  void done() { ++done_; }
  void failed(int exit);
  bool hasFailed() const { return failed_ > 0; }
  int exit() const;

 private:
  long done_ = 0;
  long failed_ = 0;
  std::optional<int> exit_;  // nullopt when the failures differ
};

}  // namespace ft
