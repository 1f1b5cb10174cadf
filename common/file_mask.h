#pragma once
// The process's file mode creation mask (umask), read without changing it, so that files which other threads make
// meanwhile keep their modes.

#include <sys/types.h>

namespace ft {

// 077 where it cannot be read. Any thread may call.
mode_t fileCreationMask();

}  // namespace ft
