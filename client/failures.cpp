#include "client/failures.h"

namespace ft {

bool mayPass(ErrorCode code) {
  return code == ErrorCode::Busy || code == ErrorCode::Timeout || code == ErrorCode::RateLimited ||
         code == ErrorCode::ShuttingDown;
}

bool mayPass(const std::exception& error) {
  if (dynamic_cast<const TransportError*>(&error) != nullptr) return true;
  // A source that has failed too often is not let in sooner because it asks again.
  const auto* login = dynamic_cast<const LoginError*>(&error);
  if (login != nullptr) return login->code() == ErrorCode::Busy || login->code() == ErrorCode::ShuttingDown;
  const auto* failure = dynamic_cast<const Failure*>(&error);
  return failure != nullptr && mayPass(failure->code());
}

}  // namespace ft
