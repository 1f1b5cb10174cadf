#include "client/verbs/operands.h"

#include <sys/stat.h>

#include <cstdlib>
#include <memory>

#include "client/failures.h"
#include "common/escape.h"
#include "common/lower_case.h"

namespace ft {
namespace {

struct Free {
  void operator()(char* text) const { std::free(text); }
};

bool existsLocally(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

std::string withoutSlashes(std::string text) {
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

// The port of the server that is configured counts for its host; another host is asked at the default port.
ServerAddress addressOf(const RemoteArgument& argument, const ServerAddress& configured) {
  ServerAddress address;
  address.host = argument.host;
  const bool same = lowerCase(argument.host) == lowerCase(configured.host);
  address.port = argument.port.value_or(same ? configured.port : kDefaultPort);
  return address;
}

bool isSame(const ServerAddress& a, const ServerAddress& b) {
  return lowerCase(a.host) == lowerCase(b.host) && a.port == b.port && a.path == b.path;
}

void takeFromLast(Options& options) {
  if (options.operands.size() < 2) return;
  const std::string& last = options.operands.back();
  const auto remote = splitRemote(last);
  if (!remote || existsLocally(last)) return;
  const std::string shown = "'" + escapeText(last) + "'";
  if (options.target) {
    throw UsageError(shown + " is no file here; as HOST:DEST it says where to store, and so does -t '" +
                     escapeText(*options.target) + "': give one of them");
  }
  const ServerAddress address = addressOf(*remote, options.server);
  if (options.serverNamed && !isSame(address, options.server)) {
    throw UsageError("one command talks to one server; -s names " + escapeText(options.server.text()) + ", and " +
                     shown + " names " + escapeText(address.text()));
  }
  if (!options.serverNamed) options.server = address;
  options.target = remote->path;
  options.operands.pop_back();
}

void takeFromAny(Options& options) {
  if (options.serverNamed) return;
  std::optional<ServerAddress> server;
  for (std::string& operand : options.operands) {
    const auto remote = splitRemote(operand);
    const bool elsewhere = remote && looksLikeHost(*remote);
    const ServerAddress address = elsewhere ? addressOf(*remote, options.server) : options.server;
    if (server && *server != address) throw UsageError("one command talks to one server; the operands name two");
    server = address;
    if (elsewhere) operand = remote->path;
  }
  if (server) options.server = *server;
}

std::string withoutDots(std::string name) {
  if (name != "." && !name.starts_with("./")) return name;
  while (name.starts_with("./")) name.erase(0, 2);
  return name.empty() || name == "." ? "/" : name;
}

// The last part of what -o said, when it is the name of something. "d/", "." and ".." are folders to put it into.
std::optional<std::string> leafOf(const std::string& output) {
  std::string leaf = output.substr(output.rfind('/') + 1);
  return leaf.empty() || leaf == "." || leaf == ".." ? std::nullopt : std::optional(std::move(leaf));
}

LocalTarget targetAt(const std::string& path, const std::string& leaf) {
  const std::size_t slash = path.rfind('/');
  return {slash == std::string::npos ? "." : path.substr(0, slash == 0 ? 1 : slash), leaf};
}

}  // namespace

void takeServer(const Verb& verb, Options& options) {
  if (verb.kind == Operands::Sources) takeFromLast(options);
  if (verb.kind == Operands::Anywhere) takeFromAny(options);
}

void takeDotsOff(const Verb& verb, Options& options) {
  if (options.target) options.target = withoutDots(*options.target);
  if (verb.kind != Operands::Names && verb.kind != Operands::Anywhere) return;
  for (std::string& operand : options.operands) operand = withoutDots(operand);
}

void requireOperands(const Options& options) {
  if (options.operands.empty()) throw UsageError(options.verb + " needs a name");
}

bool isLocalFolder(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::string baseName(const std::string& path) {
  std::string text = withoutSlashes(path);
  std::string leaf = text.substr(text.rfind('/') + 1);
  if (leaf == "." || leaf == "..") {
    const std::unique_ptr<char, Free> real(::realpath(text.c_str(), nullptr));
    if (real) text = real.get();
    leaf = text.substr(text.rfind('/') + 1);
  }
  if (leaf.empty() || leaf == "." || leaf == "..") {
    throw UsageError("'" + escapeText(path) + "' has no name to be stored under; give one with -t");
  }
  return leaf;
}

FileName putName(const std::string& local, const std::optional<std::string>& target, bool several) {
  const std::string remote = target.value_or("");
  const bool folder = remote.empty() || remote.ends_with('/');
  if (several && !folder) {
    throw UsageError("several files need a folder: write -t '" + escapeText(remote) + "/'");
  }
  return folder ? remoteName(remote).child(baseName(local)) : FileName::parse(remote);
}

FileName streamName(const std::optional<std::string>& target) {
  if (!target || target->empty() || target->ends_with('/')) {
    throw UsageError("standard input has no name: write -t NAME");
  }
  return FileName::parse(*target);
}

FileName remoteName(const std::string& text) {
  if (text == "/") return FileName::root();
  return FileName::parseFolder(text.ends_with('/') ? text.substr(0, text.size() - 1) : text);
}

LocalTarget localTarget(const FileName& remote, const std::optional<std::string>& output, bool several) {
  const std::string leaf(remote.leaf());
  if (!output) return {".", leaf};
  if (output->empty()) throw UsageError("-o needs a name");
  if (output->ends_with('/') || isLocalFolder(*output)) return {withoutSlashes(*output), leaf};
  if (several) throw UsageError("several files need a folder: write -o '" + escapeText(*output) + "/'");
  const auto name = leafOf(*output);
  return name ? targetAt(*output, *name) : LocalTarget{*output, leaf};
}

LocalTarget localFolder(const FileName& remote, const std::optional<std::string>& output, bool several) {
  const auto name = output && !several ? leafOf(*output) : std::nullopt;
  return name ? targetAt(*output, *name) : localTarget(remote, output, several);
}

}  // namespace ft
