#pragma once
// How a secret gets into a program without being seen: from the terminal, a file or a descriptor; never from the
// arguments.

#include <functional>
#include <optional>
#include <string>

namespace ft {

// Returns when the descriptor has something to read, or has ended. What it throws ends the reading.
using InputWait = std::function<void(int fd)>;
void waitForInput(int fd);

// Asks on the terminal of this process, without showing what is typed. nullopt where there is no terminal. Throws
// ConfigError when the line is longer than any secret, or the terminal goes away. Ctrl-C: the terminal is put in order,
// then SIGINT raised, and should the program live on, ConfigError thrown; the same when SIGTERM or SIGHUP comes while
// nothing is typed.
std::optional<std::string> askSecret(const std::string& question);
// The first line of the file. Throws ConfigError when it cannot be read, when it is empty, or when others than its
// owner may read it. Waits, also for the other end of a pipe, by `wait`.
std::string secretFromFile(const std::string& path, const InputWait& wait = waitForInput);
// The first line that the descriptor gives. Throws ConfigError.
std::string secretFromDescriptor(int fd, const InputWait& wait = waitForInput);

}  // namespace ft
