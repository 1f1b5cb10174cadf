#pragma once
// The commands that speak of names and folders: list, stat, check, mkdir, remove, rename, chmod (PROTOCOL.md 5.4 to
// 5.7).

#include "server/session/commands.h"

namespace ft {

Outcome handleList(const Header& request, CommandContext& context);
Outcome handleStat(const Header& request, CommandContext& context);
Outcome handleCheck(const Header& request, CommandContext& context);
Outcome handleMkdir(const Header& request, CommandContext& context);
Outcome handleRemove(const Header& request, CommandContext& context);
Outcome handleRename(const Header& request, CommandContext& context);
Outcome handleChmod(const Header& request, CommandContext& context);

// The name that a request must have. Throws Failure(BadRequest or NameInvalid).
FileName requiredName(const Header& request);
// Puts size, times and mode of a file into a reply.
void describe(const FileInfo& info, Header& reply);

}  // namespace ft
