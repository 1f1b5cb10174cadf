#pragma once
// The rows of the configuration's table for what is served beside files.

#include <span>

#include "server/config/config.h"

namespace ft {

std::span<const ConfigKey> servicesKeys();

}  // namespace ft
