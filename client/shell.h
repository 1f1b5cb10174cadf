#pragma once
// Runs one command line: makes the link to the server, calls the verb, turns failures into text and an exit code.

#include <string>
#include <vector>

#include "client/options/client_config.h"
#include "client/stop_request.h"
#include "client/terminal/output.h"

namespace ft {

// The whole of ftpc but for the process around it. Returns the exit code. `arguments` are without the program's name.
int runShell(const std::vector<std::string>& arguments, const Console& console, const Environment& environment,
             const StopRequest& stop);

}  // namespace ft
