#include "client/exit_code.h"

#include <new>

#include "client/failures.h"
#include "common/error.h"
#include "common/escape.h"

namespace ft {
namespace {

constexpr int kSignalBase = 128;

int number(ExitCode code) { return static_cast<int>(code); }

}  // namespace

ExitCode exitCodeOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::NotFound: return ExitCode::NotFound;
    case ErrorCode::Busy:
    case ErrorCode::Timeout:
    case ErrorCode::RateLimited:
    case ErrorCode::ShuttingDown: return ExitCode::Network;  // as mayPass() says
    case ErrorCode::Unauthenticated:
    case ErrorCode::Forbidden: return ExitCode::NotPermitted;
    case ErrorCode::Integrity: return ExitCode::Integrity;
    case ErrorCode::Exists: return ExitCode::Exists;
    case ErrorCode::NoSpace:
    case ErrorCode::Quota:
    case ErrorCode::TooLarge: return ExitCode::NoSpace;
    case ErrorCode::Changed: return ExitCode::SourceChanged;
    case ErrorCode::BadRequest:
    case ErrorCode::Unsupported: return ExitCode::Protocol;
    case ErrorCode::NameInvalid: return ExitCode::NameInvalid;
    case ErrorCode::IsDirectory:
    case ErrorCode::NotDirectory:
    case ErrorCode::IoError:
    case ErrorCode::Internal: break;
  }
  return ExitCode::Other;
}

Problem problemOf(const std::exception& error) {
  const std::string message = error.what();
  if (const auto* failure = dynamic_cast<const Failure*>(&error)) {
    return {std::string(errorName(failure->code())), message, number(exitCodeOf(failure->code())),
            dynamic_cast<const ServerFailure*>(failure) != nullptr};
  }
  if (const auto* login = dynamic_cast<const LoginError*>(&error)) {
    return {std::string(errorName(login->code())), message, number(exitCodeOf(login->code())), true};
  }
  if (dynamic_cast<const TransportError*>(&error) != nullptr) return {"network", message, number(ExitCode::Network)};
  if (dynamic_cast<const ProtocolError*>(&error) != nullptr) return {"protocol", message, number(ExitCode::Protocol)};
  if (dynamic_cast<const IdentityError*>(&error) != nullptr) return {"identity", message, number(ExitCode::Identity)};
  if (dynamic_cast<const UsageError*>(&error) != nullptr) return {"usage", message, number(ExitCode::Usage)};
  if (dynamic_cast<const ConfigError*>(&error) != nullptr) {
    return {"usage", escapeText(message), number(ExitCode::Usage)};
  }
  if (const auto* interrupted = dynamic_cast<const Interrupted*>(&error)) {
    return {"interrupted", message, kSignalBase + interrupted->signal()};
  }
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return {"internal", "out of memory", 1};
  return {"internal", escapeText(message), number(ExitCode::Other)};
}

void Tally::failed(int exit) {
  exit_ = failed_ == 0 || exit_ == exit ? std::optional<int>(exit) : std::nullopt;
  ++failed_;
}

int Tally::exit() const {
  if (failed_ == 0) return number(ExitCode::Done);
  if (done_ > 0) return number(ExitCode::SomeFailed);
  return exit_.value_or(number(ExitCode::Other));
}

}  // namespace ft
