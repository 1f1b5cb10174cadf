#pragma once
// Where the users file is: the configuration's, or the one of the daemon that was installed as a service.

#include <string>

#include "server/config/config.h"

namespace ft {

// The users file that the configuration means; "" when there is no place for one.
std::string usersFile(const ServerConfig& config);

// Makes the folder of the daemon's own files, for its owner only. What cannot be made is not there.
void makeStateFolder(const ServerConfig& config) noexcept;

// Throws ConfigError when the daemon would listen where others can reach it, and nobody could log in, nor needs to;
// a host that cannot be resolved is told as such.
void checkExposure(const EffectiveConfig& effective);

// Where the service of the system has its configuration and its state (systemd/ftpd.service).
struct SystemService {
  std::string config = "/etc/ftpd/ftpd.conf";
  std::string state = "/var/lib/ftpd";
  bool mayBeMeant = false;  // an administrator asks, who would not keep files of his own
};
SystemService systemService();

// The environment for the configuration in `file`: the service gets its state folder from systemd, so where an
// administrator asks about the service, it is the same one.
Environment environmentFor(const std::string& file, const Environment& environment, const SystemService& service);

// The configuration file of the daemon that is asked about: `file`; else the one that FTPD_CONFIG names; else, where it
// is there and may be meant, the service's; else none.
std::string configFileMeant(const std::string& file, const Environment& environment, const SystemService& service);

// The configuration that `ftpd user` goes by: of the file that is meant, and the environment. Throws ConfigError.
ServerConfig configOfUsers(const std::string& file, const Environment& environment, const SystemService& service);

}  // namespace ft
