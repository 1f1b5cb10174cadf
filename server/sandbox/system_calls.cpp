#include "server/sandbox/system_calls.h"

#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "common/error.h"

namespace ft {
namespace {

// By name, because not every machine has every call, and libseccomp knows them all. Grouped by what needs them.
constexpr std::array kCalls{
    // Files.
    "open", "openat", "openat2", "creat", "close", "close_range", "read", "pread64", "readv", "preadv", "preadv2",
    "write", "pwrite64", "writev", "pwritev", "pwritev2", "lseek", "_llseek", "stat", "lstat", "fstat", "newfstatat",
    "fstatat64", "fstat64", "stat64", "lstat64", "statx", "statfs", "statfs64", "fstatfs", "fstatfs64", "access",
    "faccessat", "faccessat2", "readlink", "readlinkat", "getdents", "getdents64", "getcwd", "mkdir", "mkdirat",
    "rmdir", "unlink", "unlinkat", "rename", "renameat", "renameat2", "link", "linkat", "truncate", "ftruncate",
    "truncate64", "ftruncate64", "fallocate", "fsync", "fdatasync", "sync_file_range", "sync_file_range2", "syncfs",
    "fadvise64", "fadvise64_64", "readahead", "copy_file_range", "sendfile", "sendfile64", "splice", "tee", "vmsplice",
    "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "fchownat", "lchown", "utimensat",
    "utimensat_time64", "futimesat", "utimes", "umask", "flock", "fcntl", "fcntl64", "dup", "dup2", "dup3", "pipe",
    "pipe2", "fgetxattr", "flistxattr", "fsetxattr", "fremovexattr", "inotify_init1", "inotify_add_watch",
    "inotify_rm_watch",
    // Connections that are there, and those that come.
    "accept", "accept4", "recv", "recvfrom", "recvmsg", "recvmmsg", "recvmmsg_time64", "send", "sendto", "sendmsg",
    "sendmmsg", "shutdown", "getsockname", "getpeername", "getsockopt", "setsockopt", "socketpair", "connect", "poll",
    "ppoll", "ppoll_time64", "select", "_newselect", "pselect6", "pselect6_time64", "epoll_create", "epoll_create1",
    "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd", "eventfd2",
    // Time.
    "clock_gettime", "clock_gettime64", "clock_getres", "clock_getres_time64", "clock_nanosleep",
    "clock_nanosleep_time64", "nanosleep", "gettimeofday", "time", "timerfd_create", "timerfd_settime",
    "timerfd_settime64", "timerfd_gettime", "timerfd_gettime64", "times",
    // Memory.
    "brk", "munmap", "mremap", "madvise", "mlock", "mlock2", "munlock", "mincore", "memfd_create", "membarrier",
    // Threads and signals. clone3 is missing: its flags cannot be looked at, and the C library then takes clone.
    "futex", "futex_time64", "futex_waitv", "set_robust_list", "get_robust_list", "set_tid_address", "rseq", "exit",
    "exit_group", "gettid", "getpid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid",
    "getgroups", "sched_yield", "sched_getaffinity", "sched_setaffinity", "sched_getparam", "sched_getscheduler",
    "sched_get_priority_max", "sched_get_priority_min", "getcpu", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
    "rt_sigtimedwait", "rt_sigtimedwait_time64", "rt_sigpending", "rt_sigsuspend", "sigreturn", "sigaltstack", "tgkill",
    "kill", "wait4", "waitid", "restart_syscall", "getrlimit", "ugetrlimit", "getrusage", "sysinfo", "uname",
    "getrandom", "arch_prctl", "set_thread_area", "get_thread_area", "capget", "getpriority"};

struct Release {
  void operator()(void* filter) const { ::seccomp_release(filter); }
};
using Filter = std::unique_ptr<std::remove_pointer_t<scmp_filter_ctx>, Release>;

void check(int result, const std::string& what) {
  if (result != 0) throw std::runtime_error(what + ": " + errorText(-result));
}

class Calls {
 public:
  // ENOSYS: libraries that meet a call of a newer kernel then take the older one.
  Calls() : filter_(::seccomp_init(SCMP_ACT_ERRNO(ENOSYS))) {
    if (!filter_) throw std::runtime_error("libseccomp does not know this machine");
    check(::seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_TSYNC, 1), "a filter for all threads");
  }

  void allow(const char* name) const {
    const int number = ::seccomp_syscall_resolve_name(name);
    // Negative: a call that this machine or this libseccomp does not have.
    if (number >= 0) check(::seccomp_rule_add_array(filter_.get(), SCMP_ACT_ALLOW, number, 0, nullptr), name);
  }

  void allowWhen(const char* name, const scmp_arg_cmp& condition) const {
    const int number = ::seccomp_syscall_resolve_name(name);
    if (number >= 0) check(::seccomp_rule_add_array(filter_.get(), SCMP_ACT_ALLOW, number, 1, &condition), name);
  }

  void load() const { check(::seccomp_load(filter_.get()), "seccomp"); }

 private:
  Filter filter_;
};

constexpr scmp_arg_cmp equals(unsigned argument, std::uint64_t value) { return {argument, SCMP_CMP_EQ, value, 0}; }
constexpr scmp_arg_cmp masked(unsigned argument, std::uint64_t mask, std::uint64_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}

}  // namespace

void closeSystemCalls(bool seesInterfaces) {
  const Calls calls;
  for (const char* const name : kCalls) calls.allow(name);
  constexpr auto kThread = static_cast<std::uint64_t>(CLONE_THREAD);
  calls.allowWhen("clone", masked(0, kThread, kThread));
  // For the service supervisor and ftpd-exec.
  calls.allowWhen("socket", equals(0, AF_UNIX));
  if (seesInterfaces) {
    calls.allowWhen("socket", equals(0, AF_NETLINK));
    calls.allow("bind");
  }
  // Memory is never both written and executed, and nothing that was written becomes code.
  constexpr std::uint64_t kWrite = PROT_WRITE;
  constexpr std::uint64_t kExecute = PROT_EXEC;
  for (const char* const name : {"mmap", "mmap2"}) {
    for (const std::uint64_t kind : {std::uint64_t{0}, kWrite, kExecute}) {
      calls.allowWhen(name, masked(2, kWrite | kExecute, kind));
    }
  }
  calls.allowWhen("mprotect", masked(2, kExecute, 0));
  for (const int option : {PR_SET_NAME, PR_GET_NAME, PR_SET_DUMPABLE, PR_GET_DUMPABLE}) {
    calls.allowWhen("prctl", equals(0, static_cast<std::uint64_t>(option)));
  }
  for (const int request : {FIONREAD, FIONBIO, TCGETS, TIOCGWINSZ}) {
    calls.allowWhen("ioctl", equals(1, static_cast<std::uint64_t>(request)));
  }
  // Of this process, and of the calling thread, only.
  calls.allowWhen("prlimit64", equals(0, 0));
  calls.allowWhen("sched_setscheduler", equals(0, 0));
  calls.load();
}

}  // namespace ft
