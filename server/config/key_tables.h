#pragma once
// The parts of configKeys() that stand in files of their own. For config_keys.cpp alone.

#include <span>

#include "server/config/config.h"

namespace ft {

std::span<const ConfigKey> guardKeys();     // [limits] and [audit]
std::span<const ConfigKey> tlsKeys();       // [tls]
std::span<const ConfigKey> loginKeys();     // [access]
std::span<const ConfigKey> servicesKeys();  // [echo], [discovery] and [plain-exec]

}  // namespace ft
