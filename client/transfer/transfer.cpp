#include "client/transfer/transfer.h"

namespace ft {

FileOutcome failedOutcome(const std::string& name, const std::exception& error, std::uint64_t size) {
  FileOutcome outcome;
  outcome.state = FileOutcome::State::Failed;
  outcome.name = name;
  outcome.size = size;
  outcome.problem = problemOf(error);
  return outcome;
}

FileOutcome unchangedOutcome(const std::string& name, std::uint64_t size) {
  FileOutcome outcome;
  outcome.state = FileOutcome::State::Unchanged;
  outcome.name = name;
  outcome.size = size;
  return outcome;
}

}  // namespace ft
