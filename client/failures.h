#pragma once
// The failures that only the client has, and which of all may pass.

#include <exception>
#include <stdexcept>
#include <string>

#include "common/error.h"

namespace ft {

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

// True when the same request may succeed later: the connection broke, or the server is busy or stopping.
bool mayPass(const std::exception& error);
bool mayPass(ErrorCode code);

}  // namespace ft
