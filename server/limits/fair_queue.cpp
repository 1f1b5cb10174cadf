#include "server/limits/fair_queue.h"

#include <pthread.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace ft {

FairQueue::FairQueue(Limits limits) : limits_(limits) {}

FairQueue::~FairQueue() { stop(); }

std::list<FairQueue::Source>::iterator FairQueue::find(const std::string& name) {
  return std::find_if(sources_.begin(), sources_.end(), [&](const Source& source) { return source.name == name; });
}

bool FairQueue::add(const std::string& source, Task task) {
  // Made before anything is changed, as memory may run out.
  std::list<Source> fresh(1);
  fresh.back().name = source;
  Task gone;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_ || !startThreads()) return false;
    auto own = find(source);
    if (own != sources_.end() && (own->tasks.size() >= limits_.waitingOfOne || waiting_ >= limits_.waiting))
      return false;
    auto& tasks = own != sources_.end() ? own->tasks : fresh.back().tasks;
    tasks.push_back(std::move(task));
    if (waiting_ >= limits_.waiting) {
      auto most = std::max_element(sources_.begin(), sources_.end(),
                                   [](const Source& a, const Source& b) { return a.tasks.size() < b.tasks.size(); });
      if (most->tasks.size() < 2) {
        most = std::next(sources_.begin(), static_cast<std::ptrdiff_t>(random_() % sources_.size()));
      }
      gone = std::move(most->tasks.back());
      most->tasks.pop_back();
      if (most->tasks.empty()) sources_.erase(most);
      --waiting_;
    }
    if (own == sources_.end()) sources_.splice(sources_.end(), fresh);
    ++waiting_;
  }
  filled_.notify_one();
  if (gone.dropped) gone.dropped();
  return true;
}

// False when there is not even one; fewer than there should be are made up for by later calls. Under mutex_.
bool FairQueue::startThreads() {
  try {
    while (threads_.size() < limits_.threads) threads_.emplace_back([this] { work(); });
  } catch (const std::exception&) {
    return !threads_.empty();
  }
  return true;
}

void FairQueue::work() {
  ::pthread_setname_np(::pthread_self(), "ftpd-login");
  std::unique_lock lock(mutex_);
  for (;;) {
    filled_.wait(lock, [this] { return stopped_ || waiting_ > 0; });
    if (stopped_) return;
    Source& first = sources_.front();
    {
      Task task = std::move(first.tasks.front());
      first.tasks.pop_front();
      --waiting_;
      if (first.tasks.empty()) {
        sources_.pop_front();
      } else {
        sources_.splice(sources_.end(), sources_, sources_.begin());
      }
      lock.unlock();
      try {
        task.run();
      } catch (const std::exception&) {
        // Whoever waits for it has to be told by the task itself; the next ones are not to wait in vain.
      }
    }
    lock.lock();
  }
}

void FairQueue::stop() {
  std::list<Source> left;
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    left.swap(sources_);
    threads.swap(threads_);
    waiting_ = 0;
  }
  filled_.notify_all();
  for (std::thread& thread : threads) thread.join();
  for (Source& source : left) {
    for (Task& task : source.tasks) {
      if (task.dropped) task.dropped();
    }
  }
}

}  // namespace ft
