#pragma once
// How a gate's storage speaks of names: refusals in words, and the disk's messages with the names that the user knows.

#include <string_view>

#include "common/error.h"
#include "common/file_name.h"
#include "server/access/gate.h"
#include "server/storage/storage.h"

namespace ft {

// What a denial says. `action` is as in diskFailure(), whose words for a missing name it uses where the name must not
// be told.
Failure refusal(const Decision& decision, std::string_view action, const FileName& name);

// The failure with the user's name in the place of the disk's.
Failure retold(const Failure& failure, const FileName& inner, const FileName& name);

// Runs `action`; its failure is thrown as `retell` tells it, which takes a Failure and returns one. NotYet is no
// answer.
template <typename Retell, typename Action>
auto retelling(const Retell& retell, const Action& action) {
  try {
    return action();
  } catch (const NotYet&) {
    throw;
  } catch (const Failure& failure) {
    throw retell(failure);
  }
}

// Runs `action`, and has its failure speak of the name that the user knows.
template <typename Action>
auto told(const FileName& inner, const FileName& name, const Action& action) {
  return retelling([&](const Failure& failure) { return retold(failure, inner, name); }, action);
}

}  // namespace ft
