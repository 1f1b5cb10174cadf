#pragma once
// `ftpc keygen`: a pair of keys to log in with.

namespace ft {

struct VerbCall;

void runKeygen(const VerbCall& call);

}  // namespace ft
