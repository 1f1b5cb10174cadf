#pragma once
// The place in the file system at which a Unix socket is to listen.

#include <optional>
#include <string>

namespace ft {

// Makes room for bind(2): removes a socket at `path` that nobody serves, which is what a killed process leaves behind.
// Returns why nothing can listen there all the same, as words for a message: another process serves it, something else
// is there, the path is too long.
std::optional<std::string> clearSocketPath(const std::string& path);

}  // namespace ft
