#pragma once
// Descriptors 0, 1 and 2 of a process that was started with some of them closed.

namespace ft {

// Occupies those that are closed, so that no file or socket of the program is taken for one of them: what uses one
// fails with EBADF, as it would have. To be called first in main().
void occupyStandardStreams() noexcept;

}  // namespace ft
