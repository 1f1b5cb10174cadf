#include "client/login/ssh_agent.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <chrono>

#include "common/base64.h"
#include "common/ssh_wire.h"

namespace ft {
namespace {

// draft-miller-ssh-agent, section 5.1
constexpr char kRequestIdentities = 11;
constexpr char kIdentitiesAnswer = 12;
constexpr char kSignRequest = 13;
constexpr char kSignResponse = 14;
constexpr std::uint32_t kMostAnswer = 256 * 1024;
constexpr std::uint32_t kMostKeys = 64;
constexpr std::string_view kKeyType = "ssh-ed25519";
// A person may be asked before it signs.
constexpr std::chrono::seconds kPatience{60};

}  // namespace

std::optional<SshAgent> SshAgent::connect(const std::string& socket, const StopRequest& stop) {
  sockaddr_un address{};
  if (socket.empty() || socket.size() >= sizeof address.sun_path) return std::nullopt;
  address.sun_family = AF_UNIX;
  std::copy(socket.begin(), socket.end(), address.sun_path);
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return std::nullopt;
  return SshAgent(std::move(fd), stop);
}

bool SshAgent::receive(std::string& into) {
  std::size_t done = 0;
  while (done < into.size()) {
    if (!stop_->awaitUntil(fd_.get(), POLLIN, std::chrono::steady_clock::now() + kPatience)) return false;
    const ssize_t n = ::recv(fd_.get(), into.data() + done, into.size() - done, MSG_DONTWAIT);
    if (n <= 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

std::optional<std::string> SshAgent::ask(const std::string& request) {
  const std::string message = sshString(request);
  if (::send(fd_.get(), message.data(), message.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(message.size())) {
    return std::nullopt;
  }
  std::string prefix(4, '\0');
  if (!receive(prefix)) return std::nullopt;
  const std::uint32_t size = SshReader(prefix).number();
  if (size == 0 || size > kMostAnswer) return std::nullopt;
  std::string answer(size, '\0');
  if (!receive(answer)) return std::nullopt;
  return answer;
}

std::vector<PublicKey> SshAgent::keys() {
  std::vector<PublicKey> keys;
  const auto answer = ask(std::string(1, kRequestIdentities));
  if (!answer || answer->front() != kIdentitiesAnswer) return keys;
  SshReader reader(std::string_view(*answer).substr(1));
  const std::uint32_t count = std::min(reader.number(), kMostKeys);
  for (std::uint32_t i = 0; i < count && !reader.failed(); ++i) {
    const auto key = readPublicKey(std::string(kKeyType) + " " + base64(reader.string()));
    reader.string();
    if (key) keys.push_back(*key);
  }
  return keys;
}

std::optional<std::string> SshAgent::sign(const PublicKey& key, std::string_view message) {
  const auto answer = ask(std::string(1, kSignRequest) + sshString(keyBlob(key)) + sshString(message) + sshNumber(0));
  if (!answer || answer->front() != kSignResponse) return std::nullopt;
  SshReader outer(std::string_view(*answer).substr(1));
  SshReader inner(outer.string());
  const std::string_view type = inner.string();
  const std::string_view signature = inner.string();
  if (inner.failed() || type != kKeyType || !isSignatureGood(key, message, signature)) return std::nullopt;
  return std::string(signature);
}

}  // namespace ft
