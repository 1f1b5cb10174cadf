#pragma once
// For tests of what happens when the kernel refuses a call that nearly always works.

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

namespace ft::testing {

struct RefusedCall {
  int number;  // SYS_…
  int error;
};

// Runs `action` to its end on a thread of its own, on which these calls fail. Whether that could be arranged.
inline bool withRefused(const std::vector<RefusedCall>& calls, const std::function<void()>& action) {
  std::vector<sock_filter> filter{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (const RefusedCall& call : calls) {
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call.number), 0, 1));
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(call.error)));
  }
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  bool refused = false;
  std::thread thread([&] {
    refused = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
              ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
    if (refused) action();
  });
  thread.join();
  return refused;
}

}  // namespace ft::testing
