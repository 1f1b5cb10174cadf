#include "client/verbs/keygen_verb.h"

#include <unistd.h>

#include <array>

#include "client/failures.h"
#include "client/login/key_file.h"
#include "client/verbs/verb.h"
#include "common/escape.h"
#include "common/json_writer.h"
#include "common/secret.h"
#include "common/system_account.h"

namespace ft {
namespace {

// Who made it, and where: what tells keys apart in a list.
std::string commentOfHere() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  const auto account = ownAccount();
  return escapeText((account ? account->name : "ftpc") + "@" + host.data(), 200);
}

}  // namespace

void runKeygen(const VerbCall& call) {
  const Options& options = call.options;
  if (options.operands.size() > 1) throw UsageError("keygen takes one file; try: ftpc keygen --help");
  if (options.operands.empty() && options.login.usualKeys.empty()) {
    throw UsageError("there is no home folder to keep the key in; name a file: ftpc keygen FILE");
  }
  const std::string path = options.operands.empty() ? options.login.usualKeys.front() : options.operands.front();
  hideMemory();
  const SecretKey key = makeSecretKey();
  writeKeyFiles(path, key, commentOfHere());
  if (call.options.json) {
    call.output.object("keygen", [&](JsonWriter& json) {
      json.key("key");
      json.value(path);
      json.key("public");
      json.value(writePublicKey(key.publicKey()));
      json.key("fingerprint");
      json.value(keyFingerprint(key.publicKey()));
    });
    return;
  }
  call.output.line(escapeText(path) + ".pub: " + keyFingerprint(key.publicKey()));
  call.output.line("on the server: ftpd user key add NAME '" + writePublicKey(key.publicKey()) + " " + commentOfHere() +
                   "'");
}

}  // namespace ft
