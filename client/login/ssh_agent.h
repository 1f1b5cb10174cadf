#pragma once
// ssh-agent: keys that are in its keeping, and what it signs with them. Ed25519 only.

#include <optional>
#include <string>
#include <vector>

#include "client/stop_request.h"
#include "common/ed25519.h"
#include "common/unique_fd.h"

namespace ft {

class SshAgent {
 public:
  // nullopt when nobody answers there. Borrows `stop`.
  static std::optional<SshAgent> connect(const std::string& socket, const StopRequest& stop);

  // Both wait for an answer, and throw Interrupted. Empty also when the agent does not answer as it should.
  std::vector<PublicKey> keys();
  std::optional<std::string> sign(const PublicKey& key, std::string_view message);

 private:
  SshAgent(UniqueFd fd, const StopRequest& stop) : fd_(std::move(fd)), stop_(&stop) {}
  std::optional<std::string> ask(const std::string& request);
  bool receive(std::string& into);

  UniqueFd fd_;
  const StopRequest* stop_;
};

}  // namespace ft
