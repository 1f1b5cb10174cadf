#include "exec/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <string>
#include <thread>
#include <vector>

#include "common/unique_fd.h"

namespace ft {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kStep{2};
constexpr milliseconds kKillTime{2000};

// The names in a folder of /proc that are numbers.
std::vector<pid_t> numbersIn(const std::string& folder) {
  std::vector<pid_t> numbers;
  DIR* const dir = ::opendir(folder.c_str());
  if (dir == nullptr) return numbers;
  while (const dirent* entry = ::readdir(dir)) {
    const std::string name = entry->d_name;
    pid_t number = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), number).ec == std::errc()) numbers.push_back(number);
  }
  ::closedir(dir);
  return numbers;
}

std::string readAll(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  std::array<char, 4096> buffer{};
  ssize_t n = 0;
  while (fd && (n = ::read(fd.get(), buffer.data(), buffer.size())) > 0)
    text.append(buffer.data(), static_cast<std::size_t>(n));
  return text;
}

// Children are listed at the thread that made them (proc(5), /proc/PID/task/TID/children).
std::vector<pid_t> childrenOf(pid_t pid) {
  std::vector<pid_t> children;
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task/";
  for (const pid_t task : numbersIn(tasks)) {
    const std::string text = readAll(tasks + std::to_string(task) + "/children");
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at < end) {
      pid_t child = 0;
      const auto [next, error] = std::from_chars(at, end, child);
      if (error == std::errc()) children.push_back(child);
      at = next + 1;
    }
  }
  return children;
}

}  // namespace

std::size_t countDescendants(std::size_t most) {
  std::vector<pid_t> found = childrenOf(::getpid());
  for (std::size_t i = 0; i < found.size() && found.size() < most; ++i) {
    const std::vector<pid_t> below = childrenOf(found[i]);
    found.insert(found.end(), below.begin(), below.end());
  }
  return std::min(found.size(), most);
}

std::size_t countTasksOfUser(uid_t user) {
  std::size_t tasks = 0;
  for (const pid_t pid : numbersIn("/proc")) {
    const std::string folder = "/proc/" + std::to_string(pid);
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0 || status.st_uid != user) continue;
    tasks += numbersIn(folder + "/task").size();
  }
  return tasks;
}

bool reapDescendants(pid_t group, std::optional<int>& status) {
  for (;;) {
    int ended = 0;
    const pid_t pid = ::waitpid(-1, &ended, WNOHANG);
    if (pid == 0) return false;
    if (pid < 0 && errno == ECHILD) return true;
    if (pid == group) status = ended;
  }
}

void killChildren(bool (*keep)(pid_t, const void*), const void* context) {
  for (const pid_t child : childrenOf(::getpid())) {
    if (keep == nullptr || !keep(child, context)) ::kill(child, SIGKILL);
  }
}

bool endDescendants(pid_t group, milliseconds grace, std::optional<int>& status) {
  // Once its first process is reaped, and none of the group is left, the number could be another's: the group is only addressed while
  // there is something below this process, and killing goes by what is found there.
  if (reapDescendants(group, status)) return true;
  if (grace.count() > 0) {
    ::kill(-group, SIGTERM);
    ::kill(-group, SIGCONT);
  }
  auto end = std::chrono::steady_clock::now() + grace;
  while (grace.count() > 0 && std::chrono::steady_clock::now() < end) {
    if (reapDescendants(group, status)) return true;
    std::this_thread::sleep_for(kStep);
  }
  end = std::chrono::steady_clock::now() + kKillTime;
  while (std::chrono::steady_clock::now() < end) {
    ::kill(-group, SIGKILL);
    killChildren(nullptr, nullptr);
    if (reapDescendants(group, status)) return true;
    std::this_thread::sleep_for(kStep);
  }
  return false;
}

}  // namespace ft
