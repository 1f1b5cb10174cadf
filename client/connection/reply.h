#pragma once
// How a request begins, and what every reply has to say before more of it is believed.

#include <string_view>

#include "client/failures.h"
#include "common/file_name.h"
#include "common/header.h"

namespace ft {

// A request of version 1.
Header makeRequest(std::string_view cmd, const FileName& name);

// A reply that refuses, as a Failure whose text is safe to print; ProtocolError for one without a known form.
ServerFailure failureFromReply(const Header& reply);
// Throws what failureFromReply() makes unless the reply says ok.
void requireOk(const Header& reply);
// Throws ProtocolError unless the reply answers `cmd` (a reply without `cmd` may answer anything). One that says ok
// must be of version 1 and without an id, for no request of ours has one.
void requireCommand(const Header& reply, std::string_view cmd);
// Both, and ProtocolError for a reply that speaks of another name than the request's (one without may be of any).
void requireAnswer(const Header& reply, std::string_view cmd, const FileName& name);

}  // namespace ft
