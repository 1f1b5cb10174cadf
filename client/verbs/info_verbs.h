#pragma once
// The verbs that move no file: ls, stat, sum, mkdir, rm, mv, ping.

namespace ft {

struct Shell;

void runLs(const Shell& shell);
void runStat(const Shell& shell);
void runSum(const Shell& shell);
void runMkdir(const Shell& shell);
void runRm(const Shell& shell);
void runMv(const Shell& shell);
void runPing(const Shell& shell);

}  // namespace ft
