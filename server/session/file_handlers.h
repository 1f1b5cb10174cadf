#pragma once
// The commands that carry a file's bytes or speak of its digest: put, get, offer, segment, sum (PROTOCOL.md 5.1 to 5.3,
// 5.5, 5.10).

#include "server/session/commands.h"

namespace ft {

Outcome handlePut(const Header& request, CommandContext& context);
Outcome handleGet(const Header& request, CommandContext& context);
Outcome handleOffer(const Header& request, CommandContext& context);
Outcome handleSegment(const Header& request, CommandContext& context);
Outcome handleSum(const Header& request, CommandContext& context);

}  // namespace ft
