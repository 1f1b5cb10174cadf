#pragma once
// The verb ping: whether the server answers, and how fast; or its echo services do (ping_echo.h).

namespace ft {

struct VerbCall;

void runPing(const VerbCall& call);

}  // namespace ft
