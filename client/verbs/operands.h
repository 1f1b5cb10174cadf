#pragma once
// Which file becomes which: the rules for names on the command line. Pure, but for looking at what exists locally.

#include <optional>
#include <string>
#include <vector>

#include "client/options/options.h"
#include "client/verbs/verb.h"
#include "common/file_name.h"

namespace ft {

// Takes HOST:PATH arguments out of the operands that may be such: sets options.server and leaves the paths (of the last
// operand as options.target). Throws UsageError, e.g. for two servers in one command, or two targets.
void takeServer(const Verb& verb, Options& options);
// Remote names as people write local ones: "./a" becomes "a", and "." the root, "/". After takeServer().
void takeDotsOff(const Verb& verb, Options& options);

// Throws UsageError when there is none.
void requireOperands(const Options& options);

bool isLocalFolder(const std::string& path);

// The last part of a local path, for a file or folder that is stored under its own name; "." and ".." are resolved
// first. Throws UsageError for "/".
std::string baseName(const std::string& path);

// Where a local file or folder goes. `target`: what -t said; nullopt or "" is the root; a trailing '/' (or more than
// one operand) makes it a folder. Throws UsageError and Failure(NameInvalid).
FileName putName(const std::string& local, const std::optional<std::string>& target, bool several);
// The name for standard input, which has none of its own.
FileName streamName(const std::optional<std::string>& target);

// A remote operand: a trailing '/' is allowed and means a folder, "" and "/" are the root.
FileName remoteName(const std::string& text);

// Where a fetched file or folder goes: the name of what it becomes.
struct LocalTarget {
  std::string folder;  // "." or as the user wrote it
  std::string leaf;    // "" when the content of a folder goes straight into `folder`
};
// For a file. `output`: what -o said; it goes into a folder that exists. Throws UsageError.
LocalTarget localTarget(const FileName& remote, const std::optional<std::string>& output, bool several);
// The same for a folder: the only one is what -o names, be it there or not, so that the same command goes on with it.
LocalTarget localFolder(const FileName& remote, const std::optional<std::string>& output, bool several);

}  // namespace ft
