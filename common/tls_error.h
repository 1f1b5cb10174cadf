#pragma once
// What goes wrong inside TLS, apart from lines that break.

#include <string>

#include "common/error.h"

namespace ft {

// The two ends could not agree, or one of them broke the rules of TLS. The line is of no more use.
class TlsError : public TransportError {
 public:
  explicit TlsError(const std::string& message) : TransportError(Kind::Other, message) {}
};

// Takes the calling thread's oldest error of OpenSSL, in words for a person ("no shared cipher"), and forgets the
// others.
std::string takeTlsReason();

}  // namespace ft
