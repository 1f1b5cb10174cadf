#pragma once
// A question to the person at the terminal, whatever standard input and output are.

#include <optional>
#include <string>

#include "client/stop_request.h"

namespace ft {

// The answer's line without blanks around it; nullopt when the program has no terminal. Throws Interrupted when `stop`
// comes first.
std::optional<std::string> askOnTerminal(const std::string& question, const StopRequest& stop);

}  // namespace ft
