#pragma once
// ssh-agent: keys that are in its keeping, and what it signs with them. Ed25519 only.

#include <optional>
#include <string>
#include <vector>

#include "common/ed25519.h"
#include "common/unique_fd.h"

namespace ft {

class SshAgent {
 public:
  // nullopt when nobody answers there.
  static std::optional<SshAgent> connect(const std::string& socket);

  // Empty also when the agent does not answer as it should, here and below.
  std::vector<PublicKey> keys();
  std::optional<std::string> sign(const PublicKey& key, std::string_view message);

 private:
  explicit SshAgent(UniqueFd fd) : fd_(std::move(fd)) {}
  std::optional<std::string> ask(const std::string& request);

  UniqueFd fd_;
};

}  // namespace ft
