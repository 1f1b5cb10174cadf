#pragma once
// Folders of a program's own.

#include <string>
#include <system_error>

namespace ft {

// Makes the folder for its owner only (0700), and those above it as the umask has them. No error when it is there
// already, with whatever mode. Any thread.
std::error_code makePrivateFolder(const std::string& path);

}  // namespace ft
