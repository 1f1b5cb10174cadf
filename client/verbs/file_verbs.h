#pragma once
// put and get.

namespace ft {

struct VerbCall;

void runPut(const VerbCall& call);
void runGet(const VerbCall& call);

}  // namespace ft
