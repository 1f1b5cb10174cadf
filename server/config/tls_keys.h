#pragma once
// The rows of the configuration's table for encryption.

#include <span>

#include "server/config/config.h"

namespace ft {

std::span<const ConfigKey> tlsKeys();

}  // namespace ft
