#pragma once
// Secret keys in files, as OpenSSH keeps them (openssh-key-v1), Ed25519 and without a passphrase.

#include <optional>
#include <string>

#include "common/ed25519.h"
#include "common/secret_input.h"

namespace ft {

// Throws UsageError that names the file: it cannot be read, others may read it, it is of another kind, or it has a
// passphrase. Waits for what is no file by `wait`.
SecretKey readKeyFile(const std::string& path, const InputWait& wait = waitForInput);
// The same for a key in one of the usual places, which nobody has named: nullopt when it is missing, is no file, or
// cannot be used without asking for a passphrase.
std::optional<SecretKey> readUsualKey(const std::string& path);
// The public key that a file like id_ed25519.pub holds; nullopt for any other file.
std::optional<PublicKey> readPublicKeyFile(const std::string& path);
// Writes `path` (mode 0600) and `path`.pub; makes the folder. Throws UsageError when one of them is there.
void writeKeyFiles(const std::string& path, const SecretKey& key, const std::string& comment);

}  // namespace ft
