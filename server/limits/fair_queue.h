#pragma once
// Expensive work that strangers can ask for (password hashing), on few threads of its own. The queue is bounded, and
// sources take turns, so that one that asks for much waits for itself and not before the others. Any thread may call.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace ft {

class FairQueue {
 public:
  struct Limits {
    std::size_t threads = 1;
    std::size_t waiting = 64;
    std::size_t waitingOfOne = 8;
  };
  struct Task {
    std::function<void()> run;      // what it throws ends it, and nothing else
    std::function<void()> dropped;  // called instead when the task had to make room, or the queue has stopped
  };

  explicit FairQueue(Limits limits);
  ~FairQueue();

  // False when there is no room for this source, or no thread can be started; the task is then destroyed, and nothing
  // of it called. A source with nothing in the queue always finds room: the source that has most gives it, or where
  // none has two, one at random, so that nobody keeps all others out.
  bool add(const std::string& source, Task task);
  // Drops what waits, and returns when what runs has ended. add() returns false from then on.
  void stop();

 private:
  struct Source {
    std::string name;
    std::deque<Task> tasks;
  };

  bool startThreads();
  void work();
  std::list<Source>::iterator find(const std::string& name);

  const Limits limits_;
  std::mutex mutex_;
  std::condition_variable filled_;
  std::list<Source> sources_;  // the first is next
  std::size_t waiting_ = 0;
  bool stopped_ = false;
  std::minstd_rand random_{std::random_device{}()};
  std::vector<std::thread> threads_;  // started with the first task
};

}  // namespace ft
