#pragma once
// Bytes that nobody can guess.

#include <cstddef>
#include <string>

namespace ft {

// From the kernel, which has waited until it had good ones. Throws std::system_error. Any thread.
std::string randomBytes(std::size_t count);

}  // namespace ft
