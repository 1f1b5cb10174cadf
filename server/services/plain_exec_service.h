#pragma once
// The plain command line, for the teaching clients: a bare command in, a length, a header and the output back. It has
// no log-in, so it listens on loopback only.

#include <memory>

#include "server/config/services_config.h"
#include "server/log/log.h"
#include "server/services/exec_link.h"
#include "server/services/service.h"

namespace ft {

// Throws ConfigError when the address is not loopback or cannot be had. `link` and `log` must outlive the service.
std::unique_ptr<Service> makePlainExec(const PlainExecConfig& config, const ExecLink& link, Log& log);

// The answer in the form with a JSON header: int32 little-endian length, the header, and the output.
std::string plainExecAnswer(const std::string& output);

}  // namespace ft
