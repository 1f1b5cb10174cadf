#include "client/exit_code.h"

#include <doctest/doctest.h>

#include <array>
#include <new>
#include <utility>

#include "client/failures.h"
#include "common/error.h"

using namespace ft;

TEST_CASE("each code of the wire has the exit code that the contract gives it") {
  constexpr std::array kTable{std::pair{ErrorCode::NotFound, 4},         std::pair{ErrorCode::Busy, 5},
                              std::pair{ErrorCode::Timeout, 5},          std::pair{ErrorCode::RateLimited, 5},
                              std::pair{ErrorCode::ShuttingDown, 5},     std::pair{ErrorCode::Forbidden, 11},
                              std::pair{ErrorCode::Unauthenticated, 11}, std::pair{ErrorCode::Integrity, 12},
                              std::pair{ErrorCode::Exists, 13},          std::pair{ErrorCode::NoSpace, 14},
                              std::pair{ErrorCode::Quota, 14},           std::pair{ErrorCode::TooLarge, 14},
                              std::pair{ErrorCode::Changed, 15},         std::pair{ErrorCode::BadRequest, 17},
                              std::pair{ErrorCode::Unsupported, 17},     std::pair{ErrorCode::NameInvalid, 18},
                              std::pair{ErrorCode::IsDirectory, 1},      std::pair{ErrorCode::NotDirectory, 1},
                              std::pair{ErrorCode::IoError, 1},          std::pair{ErrorCode::Internal, 1}};
  for (const auto& row : kTable) {
    const ErrorCode code = row.first;
    CAPTURE(errorName(code));
    const Problem problem = problemOf(Failure(code, "text"));
    CHECK(problem.exit == row.second);
    CHECK(problem.code == errorName(code));
    CHECK(problem.message == "text");
    CHECK(mayPass(code) == (problem.exit == 5));
  }
}

TEST_CASE("failures of the line, the peer, the user and the command line have codes of their own") {
  CHECK(problemOf(TransportError(TransportError::Kind::Reset, "x")).exit == 5);
  CHECK(problemOf(ProtocolError("x")).exit == 17);
  CHECK(problemOf(UsageError("x")).exit == 2);
  CHECK(problemOf(ConfigError("x")).exit == 2);
  CHECK(problemOf(Interrupted(2)).exit == 130);
  CHECK(problemOf(Interrupted(15)).exit == 143);
  CHECK(problemOf(std::bad_alloc()).exit == 1);
  CHECK(problemOf(std::runtime_error("a\nb")).message == "a\\x0ab");
}

TEST_CASE("only what may pass is worth another try") {
  CHECK(mayPass(TransportError(TransportError::Kind::Closed, "x")));
  CHECK(mayPass(Failure(ErrorCode::Busy, "x")));
  CHECK(mayPass(Failure(ErrorCode::ShuttingDown, "x")));
  for (const ErrorCode code : {ErrorCode::NotFound, ErrorCode::Integrity, ErrorCode::NoSpace, ErrorCode::NameInvalid}) {
    CHECK_FALSE(mayPass(Failure(code, "x")));
  }
  CHECK_FALSE(mayPass(ProtocolError("x")));
  CHECK_FALSE(mayPass(Interrupted(2)));
}

TEST_CASE("several files end with 6 when some are done, and with their common code when none is") {
  Tally tally;
  CHECK(tally.exit() == 0);
  tally.failed(4);
  tally.failed(4);
  CHECK(tally.exit() == 4);
  SUBCASE("one done makes it 6") {
    tally.done();
    CHECK(tally.exit() == 6);
  }
  SUBCASE("two reasons make it 1, whatever follows") {
    tally.failed(13);
    CHECK(tally.exit() == 1);
    tally.failed(13);
    CHECK(tally.exit() == 1);
  }
}
