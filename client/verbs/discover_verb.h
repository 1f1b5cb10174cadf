#pragma once
// The verb discover: the daemons that tell of themselves on the local network.

namespace ft {

struct VerbCall;

// One line, or JSON object, for each. Throws Failure(NotFound) when there is none.
void runDiscover(const VerbCall& call);

}  // namespace ft
