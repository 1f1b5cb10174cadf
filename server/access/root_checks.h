#pragma once
// What a configuration says about the folders that are served, held against the disk.

#include "server/config/config.h"

namespace ft {

// Throws ConfigError, one line for each, when something that nobody may fetch or replace lies inside a root, also by a
// link on the way to it: the users file, the state folder, keys and certificates, the configuration file, the audit
// log, the socket of ftpd-exec. A root's own .ftpd, which no name reaches, is a good place. Looks at the disk, and
// follows what cannot be looked at by its name alone.
void checkPrivatePlaces(const EffectiveConfig& effective);

}  // namespace ft
