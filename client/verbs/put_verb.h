#pragma once
// The verb put: stores files, folders and standard input.

namespace ft {

struct VerbCall;

void runPut(const VerbCall& call);

}  // namespace ft
