#pragma once
// put and get.

namespace ft {

struct Shell;

void runPut(const Shell& shell);
void runGet(const Shell& shell);

}  // namespace ft
