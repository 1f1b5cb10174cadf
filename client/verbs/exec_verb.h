#pragma once
// The verb exec: runs a command on the server's side as if it were here, with its outputs, its input, its terminal and
// its exit code.

namespace ft {

struct VerbCall;

void runExec(const VerbCall& call);

}  // namespace ft
