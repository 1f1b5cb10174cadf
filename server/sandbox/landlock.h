#pragma once
// The part of the sandbox that says which files this thread, and those it starts, may reach, by the kernel's Landlock.
// Any version of it from 2 on (Linux 5.19), as far as the running kernel goes.

#include <string>

#include "server/sandbox/sandbox.h"

namespace ft {

// Confines the calling thread. Returns the version in use; throws std::runtime_error that says why nothing was done.
// The process must have no-new-privileges already.
int confineFiles(const SandboxPlan& plan);

}  // namespace ft
