#pragma once
// What a configuration says about the folders that are served, held against the disk.

#include <cstdint>
#include <optional>
#include <string>

#include "server/config/config.h"

namespace ft {

// Where nobody has said where the daemon's own data is to be, the default lies inside a root (as with `ftpd --root ~`),
// and nothing is there yet, it goes into that root's .ftpd, which no name reaches. Said in the warnings.
void keepStateOutOfReach(EffectiveConfig& effective);

// Throws ConfigError, one line for each, when something that nobody may fetch or replace lies inside a root, also by a
// link on the way to it: the users file, the state folder, keys and certificates, the configuration file, the audit
// log, the socket of ftpd-exec. A root's own .ftpd, which no name reaches, is a good place. Looks at the disk, and
// follows what cannot be looked at by its name alone.
void checkPrivatePlaces(const EffectiveConfig& effective);

// Throws ConfigError for what the start would find wrong with the roots: those that are no folders, owners and groups
// that the system does not know.
void checkRoots(const EffectiveConfig& effective);

// Adds to the warnings what has no effect where it stands.
void noteIdleSettings(EffectiveConfig& effective);

// The number of a root's owner or group (`kind`); nullopt where none is given. Throws ConfigError when the system did
// not know it as the configuration was read.
std::optional<std::uint32_t> numberOfOwner(const Placed<SystemId>& id, const std::string& kind);

}  // namespace ft
