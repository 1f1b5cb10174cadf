#include "exec/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "common/unique_fd.h"

namespace ft {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kStep{2};
constexpr milliseconds kKillTime{2000};

// The names in a folder that are numbers.
std::vector<pid_t> numbersIn(const std::string& folder) {
  std::vector<pid_t> numbers;
  DIR* const dir = ::opendir(folder.c_str());
  if (dir == nullptr) return numbers;
  while (const dirent* entry = ::readdir(dir)) {
    const char* const end = entry->d_name + std::strlen(entry->d_name);
    pid_t number = 0;
    const auto [next, error] = std::from_chars(entry->d_name, end, number);
    if (error == std::errc() && next == end && number > 0) numbers.push_back(number);
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

}  // namespace

// Children are listed at the thread that made them (proc(5), /proc/PID/task/TID/children).
std::vector<pid_t> ProcessTable::childrenOf(pid_t pid) const {
  std::vector<pid_t> children;
  const std::string tasks = folder_ + "/" + std::to_string(pid) + "/task/";
  for (const pid_t task : numbersIn(tasks)) {
    const std::string text = readAll(tasks + std::to_string(task) + "/children");
    const char* const end = text.data() + text.size();
    for (const char* at = text.data(); at != end;) {
      pid_t child = 0;
      const auto [next, error] = std::from_chars(at, end, child);
      if (error == std::errc()) children.push_back(child);
      at = error == std::errc() ? next : at + 1;
    }
  }
  return children;
}

std::size_t ProcessTable::countDescendants(pid_t pid, std::size_t most) const {
  std::vector<pid_t> found = childrenOf(pid);
  for (std::size_t i = 0; i < found.size() && found.size() < most; ++i) {
    const std::vector<pid_t> below = childrenOf(found[i]);
    found.insert(found.end(), below.begin(), below.end());
  }
  return std::min(found.size(), most);
}

std::size_t ProcessTable::countTasksOfUser(uid_t user) const {
  std::size_t tasks = 0;
  for (const pid_t pid : numbersIn(folder_)) {
    const std::string process = folder_ + "/" + std::to_string(pid);
    struct stat status {};
    if (::stat(process.c_str(), &status) != 0 || status.st_uid != user) continue;
    tasks += numbersIn(process + "/task").size();
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
  for (const pid_t child : ProcessTable().childrenOf(::getpid())) {
    if (keep == nullptr || !keep(child, context)) ::kill(child, SIGKILL);
  }
}

bool endDescendants(pid_t group, milliseconds grace, std::optional<int>& status) {
  // Once its first process is reaped, and none of the group is left, the number could be another's: the group is only
  // addressed while there is something below this process, and killing goes by what is found there.
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
