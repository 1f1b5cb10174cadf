#pragma once
// Upper-case echo over TCP and over UDP: ASCII letters come back in upper case, every other byte as it was.

#include <cstddef>
#include <memory>
#include <span>

#include "server/config/services_config.h"
#include "server/log/log.h"
#include "server/services/service.h"

namespace ft {

// a-z to A-Z, in place.
void upperCase(std::span<std::byte> bytes);

// Both throw ConfigError when the address cannot be had. `log` must outlive the service.
std::unique_ptr<Service> makeEchoTcp(const EchoConfig& config, Log& log);
std::unique_ptr<Service> makeEchoUdp(const EchoConfig& config, Log& log);

}  // namespace ft
