#pragma once
// The rows of [limits] and [audit] in the table of keys.

#include <span>

#include "server/config/config.h"

namespace ft {

std::span<const ConfigKey> guardKeys();

}  // namespace ft
