#pragma once
// `ftpc keygen`: a pair of keys to log in with.

namespace ft {

struct Shell;

void runKeygen(const Shell& shell);

}  // namespace ft
