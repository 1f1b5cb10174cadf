#pragma once
// The verbs that move no file: ls, stat, sum, mkdir, rm, mv.

namespace ft {

struct VerbCall;

void runLs(const VerbCall& call);
void runStat(const VerbCall& call);
void runSum(const VerbCall& call);
void runMkdir(const VerbCall& call);
void runRm(const VerbCall& call);
void runMv(const VerbCall& call);

}  // namespace ft
