#include "client/login/key_file.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "client/failures.h"
#include "common/base64.h"
#include "common/error.h"
#include "common/escape.h"
#include "common/private_folder.h"
#include "common/secret.h"
#include "common/ssh_wire.h"
#include "common/unique_fd.h"
#include "common/whole_file.h"

namespace ft {
namespace {

constexpr std::string_view kBegin = "-----BEGIN OPENSSH PRIVATE KEY-----";
constexpr std::string_view kEnd = "-----END OPENSSH PRIVATE KEY-----";
constexpr std::string_view kMagic("openssh-key-v1\0", 15);
constexpr std::string_view kKeyType = "ssh-ed25519";
constexpr std::size_t kMostBytes = 64 * 1024;
constexpr std::size_t kSeedSize = 32;
constexpr std::size_t kBlock = 8;  // what an unencrypted key is padded to
constexpr std::size_t kLineSize = 70;

[[noreturn]] void fail(const std::string& path, const std::string& reason) {
  throw UsageError(escapeText(path) + ": " + reason);
}

[[noreturn]] void failErrno(const std::string& path, const char* what, int error) {
  fail(path, std::string(what) + ": " + errorText(error));
}

std::string readSecretText(const std::string& path, const InputWait& wait) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) failErrno(path, "cannot be read", errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) failErrno(path, "cannot be read", errno);
  if (S_ISREG(status.st_mode) && (status.st_mode & 077) != 0) {
    fail(path, "others than its owner may use it, and it is a secret key: chmod 600 " + escapeText(path));
  }
  std::string text(kMostBytes, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    wait(fd.get());
    const ssize_t n = ::read(fd.get(), text.data() + size, text.size() - size);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) failErrno(path, "cannot be read", errno);
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
  }
  text.resize(size);
  return text;
}

std::string unarmoured(const std::string& text, const std::string& path) {
  const std::size_t begin = text.find(kBegin);
  const std::size_t end = text.find(kEnd);
  if (begin == std::string::npos || end == std::string::npos || end < begin) {
    fail(path, "is no secret key of OpenSSH; ftpc keygen makes one");
  }
  std::string digits;
  for (const char c : text.substr(begin + kBegin.size(), end - begin - kBegin.size())) {
    if (c != '\n' && c != '\r') digits += c;
  }
  auto bytes = fromBase64(digits);
  wipe(digits);
  if (!bytes || !bytes->starts_with(kMagic)) fail(path, "is no secret key of OpenSSH, or it is broken");
  return std::move(*bytes);
}

// The seed of the one key in the file.
std::string seedOf(const std::string& bytes, const std::string& path) {
  SshReader reader(std::string_view(bytes).substr(kMagic.size()));
  const std::string_view cipher = reader.string();
  reader.string();
  reader.string();
  const std::uint32_t count = reader.number();
  reader.string();
  SshReader secret(reader.string());
  if (reader.failed() || count != 1) fail(path, "is broken, or holds more than one key");
  if (cipher != "none") fail(path, "has a passphrase: add it to ssh-agent, or make one with ftpc keygen");
  const std::uint32_t check = secret.number();
  const bool whole = check == secret.number();
  const std::string_view type = secret.string();
  if (!secret.failed() && type != kKeyType) fail(path, "is not an Ed25519 key; ftpc keygen makes one");
  secret.string();
  const std::string_view both = secret.string();
  if (!whole || secret.failed() || both.size() != 2 * kSeedSize) fail(path, "is broken");
  return std::string(both.substr(0, kSeedSize));
}

void writeNew(const std::string& path, mode_t mode, std::string_view text) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!fd && errno == EEXIST) fail(path, "is there already; it is not replaced");
  if (!fd) failErrno(path, "cannot be made", errno);
  int error = writeAll(fd.get(), text);
  if (error == 0 && ::fsync(fd.get()) != 0) error = errno;
  if (error == 0) return;
  ::unlink(path.c_str());
  failErrno(path, "cannot be written", error);
}

std::string armoured(const SecretKey& key, const std::string& comment) {
  std::uint32_t check = 0;
  if (::getrandom(&check, sizeof check, 0) != sizeof check) throw UsageError("the system has no random numbers");
  const std::string publicBlob = keyBlob(key.publicKey());
  std::string secret = sshNumber(check) + sshNumber(check) + publicBlob +
                       sshString(std::string(key.seed()) + key.publicKey().bytes) + sshString(comment);
  for (char pad = 1; secret.size() % kBlock != 0; ++pad) secret += pad;
  std::string bytes = std::string(kMagic) + sshString("none") + sshString("none") + sshString("") + sshNumber(1) +
                      sshString(publicBlob) + sshString(secret);
  std::string digits = base64(bytes);
  std::string text = std::string(kBegin) + "\n";
  for (std::size_t at = 0; at < digits.size(); at += kLineSize) text += digits.substr(at, kLineSize) + "\n";
  text += std::string(kEnd) + "\n";
  for (std::string* part : {&secret, &bytes, &digits}) wipe(*part);
  return text;
}

}  // namespace

SecretKey readKeyFile(const std::string& path, const InputWait& wait) {
  std::string text = readSecretText(path, wait);
  std::string bytes = unarmoured(text, path);
  wipe(text);
  std::string seed = seedOf(bytes, path);
  wipe(bytes);
  SecretKey key(seed);
  wipe(seed);
  return key;
}

std::optional<SecretKey> readUsualKey(const std::string& path) {
  if (std::error_code ignored; !std::filesystem::is_regular_file(path, ignored)) return std::nullopt;
  try {
    return readKeyFile(path);
  } catch (const UsageError&) {
    return std::nullopt;
  }
}

std::optional<PublicKey> readPublicKeyFile(const std::string& path) {
  // A pipe can be read once only.
  if (std::error_code ignored; !std::filesystem::is_regular_file(path, ignored)) return std::nullopt;
  std::ifstream file(path);
  std::string line(kMostBytes, '\0');
  file.getline(line.data(), static_cast<std::streamsize>(line.size()));
  line.resize(std::min(line.size(), static_cast<std::size_t>(file.gcount())));
  while (!line.empty() && (line.back() == '\0' || line.back() == '\r')) line.pop_back();
  return readPublicKey(line);
}

void writeKeyFiles(const std::string& path, const SecretKey& key, const std::string& comment) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) {
    if (const std::error_code failed = makePrivateFolder(folder)) fail(folder, failed.message());
  }
  const std::string publicPath = path + ".pub";
  if (std::filesystem::exists(publicPath)) fail(publicPath, "is there already; it is not replaced");
  std::string text = armoured(key, comment);
  writeNew(path, 0600, text);
  wipe(text);
  writeNew(publicPath, 0644, writePublicKey(key.publicKey()) + " " + comment + "\n");
}

}  // namespace ft
