#include "common/error.h"

#include <array>
#include <cerrno>
#include <cstring>

namespace ft {
namespace {

struct ErrorNameRow {
  ErrorCode code;
  std::string_view name;
};

constexpr std::array kErrorNames{
    ErrorNameRow{ErrorCode::BadRequest, "bad_request"},
    ErrorNameRow{ErrorCode::Unsupported, "unsupported"},
    ErrorNameRow{ErrorCode::Unauthenticated, "unauthenticated"},
    ErrorNameRow{ErrorCode::Forbidden, "forbidden"},
    ErrorNameRow{ErrorCode::NotFound, "not_found"},
    ErrorNameRow{ErrorCode::Exists, "exists"},
    ErrorNameRow{ErrorCode::IsDirectory, "is_directory"},
    ErrorNameRow{ErrorCode::NotDirectory, "not_directory"},
    ErrorNameRow{ErrorCode::NameInvalid, "name_invalid"},
    ErrorNameRow{ErrorCode::TooLarge, "too_large"},
    ErrorNameRow{ErrorCode::Quota, "quota"},
    ErrorNameRow{ErrorCode::NoSpace, "no_space"},
    ErrorNameRow{ErrorCode::Integrity, "integrity"},
    ErrorNameRow{ErrorCode::Changed, "changed"},
    ErrorNameRow{ErrorCode::Busy, "busy"},
    ErrorNameRow{ErrorCode::Timeout, "timeout"},
    ErrorNameRow{ErrorCode::RateLimited, "rate_limited"},
    ErrorNameRow{ErrorCode::ShuttingDown, "shutting_down"},
    ErrorNameRow{ErrorCode::IoError, "io_error"},
    ErrorNameRow{ErrorCode::Internal, "internal"},
};

ErrorCode codeFromErrno(int error) {
  switch (error) {
    case ENOENT: return ErrorCode::NotFound;
    case EEXIST: return ErrorCode::Exists;
    case EISDIR:
    case ENOTEMPTY: return ErrorCode::IsDirectory;
    case ENOTDIR: return ErrorCode::NotDirectory;
    case EACCES:
    case EPERM:
    case EROFS:
    case ELOOP:
    case EXDEV: return ErrorCode::Forbidden;
    case ENAMETOOLONG:
    case EILSEQ: return ErrorCode::NameInvalid;
    case EFBIG: return ErrorCode::TooLarge;
    case ENOSPC: return ErrorCode::NoSpace;
    case EDQUOT: return ErrorCode::Quota;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
    case EBUSY: return ErrorCode::Busy;
    default: return ErrorCode::IoError;
  }
}

}  // namespace

std::string_view errorName(ErrorCode code) {
  for (const ErrorNameRow& row : kErrorNames) {
    if (row.code == code) return row.name;
  }
  return "internal";
}

std::optional<ErrorCode> errorFromName(std::string_view name) {
  for (const ErrorNameRow& row : kErrorNames) {
    if (row.name == name) return row.code;
  }
  return std::nullopt;
}

std::string errorText(int error) {
  std::array<char, 128> buffer{};
  return ::strerror_r(error, buffer.data(), buffer.size());
}

Failure failureFromErrno(int error, const std::string& what) {
  return {codeFromErrno(error), what + ": " + errorText(error)};
}

}  // namespace ft
