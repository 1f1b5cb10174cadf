#pragma once
// What is done with secrets in memory.

#include <string>

namespace ft {

// Overwrites what the string holds, in a way that is not optimised away, and empties it.
void wipe(std::string& secret) noexcept;

// No core is written and no other process of this user may look into this one, from now on: it holds secrets.
void hideMemory() noexcept;

}  // namespace ft
