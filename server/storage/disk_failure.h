#pragma once
// How failed calls of the disk are told to a client: one mapping from errno, and one way to show a name.

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/error.h"
#include "common/file_name.h"

namespace ft {

class RootedFolder;

// 'd/a.txt', escaped and in quotes; "the root" for the root.
std::string shownName(const FileName& name);

// A part of a sentence: text as it is, or a name, which is shown.
using Piece = std::variant<std::string, FileName>;

// A Failure with that sentence, which mentions its names (Failure::mentions()).
Failure failureAbout(ErrorCode code, const std::vector<Piece>& sentence);

// "cannot <action> '<name>': <reason>" with the code that fits `error` where a path was looked up or changed: a link, a
// special file or another file system in the way is Forbidden, a missing part NotFound, one that comes and goes
// (EAGAIN) Busy, and so on.
Failure diskFailure(int error, std::string_view action, const FileName& name);

// The same where `name` was to be a folder: says whether it is none itself, or a part of it.
Failure folderFailure(const RootedFolder& root, int error, std::string_view action, const FileName& name);

// For files in .ftpd: that one cannot be made because the folder is gone is no matter of the name that was asked for.
Failure ownFolderFailure(int error, const std::string& what);

}  // namespace ft
