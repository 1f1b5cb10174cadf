#pragma once
// The part of the sandbox that says which system calls this process may make (seccomp). Only system_calls.cpp includes
// libseccomp.

namespace ft {

// From now on, for all threads, for good: every other call fails with ENOSYS, as if the kernel did not have it. There
// is no way to start a program, to make a process, to open a network socket, to trace, to mount or to make code. Throws
// std::runtime_error when it cannot be had.
// `seesInterfaces`: the network's interfaces may be asked for (netlink).
void closeSystemCalls(bool seesInterfaces = false);

}  // namespace ft
