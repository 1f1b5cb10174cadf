#pragma once
// The verb get: fetches files and folders, or a file to standard output.

namespace ft {

struct VerbCall;

void runGet(const VerbCall& call);

}  // namespace ft
