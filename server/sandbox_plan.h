#pragma once
// What the configuration leaves to the daemon in its sandbox. A part of the daemon that opens files while it runs adds
// them here.

#include "server/config/config.h"
#include "server/sandbox/sandbox.h"

namespace ft {

// `startsPrograms`: ftpd-exec was started by this process, which is to end it.
SandboxPlan sandboxPlan(const ServerConfig& config, bool startsPrograms);

}  // namespace ft
