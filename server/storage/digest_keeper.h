#pragma once
// Keeps the digests of what was stored: it writes them down, and takes the MD5 that a get will state, long after the
// put was answered and when nothing else is to be done. A thread of its own, behind all others; what it cannot do, for
// want of memory, say, is left.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "common/file_name.h"
#include "server/storage/digest_cache.h"
#include "server/storage/digest_index.h"
#include "server/storage/rooted_folder.h"

namespace ft {

class DigestKeeper {
 public:
  struct Options {
    bool md5 = true;                        // take the MD5 of files that came with another digest
    bool writeDown = true;                  // keep digests beyond the end of the daemon
    std::chrono::milliseconds quiet{3000};  // without a put before anything is done
  };

  // Tells the cache what earlier runs have written down. All that is given is borrowed; `state` is the daemon's own
  // folder.
  DigestKeeper(const RootedFolder& root, int state, DigestCache& cache, Options options);
  // Writes down what waits; takes no more digests.
  ~DigestKeeper();
  DigestKeeper(const DigestKeeper&) = delete;
  DigestKeeper& operator=(const DigestKeeper&) = delete;

  // What somebody should know of the digests that earlier runs have written down; mostly "".
  const std::string& notice() const { return notice_; }
  // A file was stored, and is on the disk as far as the durability asks. Any thread may call; costs nothing for short
  // files.
  void stored(const FileName& name, const FileVersion& version, const std::vector<DigestValue>& digests);

 private:
  struct Stored {
    FileName name;
    FileVersion version;
    std::vector<DigestValue> digests;
  };
  void run();
  template <typename Action>
  static void attempt(const Action& action);
  void writeDown(const std::vector<Stored>& files);
  void takeMd5(const Stored& file);
  bool stopping();

  const RootedFolder& root_;
  DigestCache& cache_;
  const Options options_;
  DigestIndex index_;
  std::string notice_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Stored> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace ft
