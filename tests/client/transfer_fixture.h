#pragma once
// A folder of its own and an observer that remembers, for tests of put and get.

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "client/transfer/transfer.h"
#include "tests/support/temp_folder.h"

namespace ft {

class TestFolder {
 public:
  std::string path(const std::string& name = "") const { return name.empty() ? path_ : path_ + "/" + name; }
  void write(const std::string& name, std::string_view content) const {
    std::ofstream(path(name), std::ios::binary) << content;
  }
  std::string read(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  bool has(const std::string& name) const {
    return std::filesystem::exists(std::filesystem::symlink_status(path(name)));
  }
  // How many names are in the folder, hidden ones too.
  std::size_t count() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

 private:
  const testing::TempFolder temp_;
  const std::string path_ = temp_.path().string();
};

class RecordingObserver final : public TransferObserver {
 public:
  void planned(std::uint64_t, std::uint64_t bytes) override { plannedBytes += bytes; }
  void advanced(std::uint64_t bytes) override {
    advancedBytes += bytes;
    if (onAdvance) onAdvance(advancedBytes);
  }
  void ended(const FileOutcome& outcome) override { outcomes.push_back(outcome); }
  void warned(const std::string& text) override { warnings.push_back(text); }

  // The exit code of the only file, or -1 when there is not exactly one.
  int onlyExit() const {
    if (outcomes.size() != 1) return -1;
    return outcomes[0].state == FileOutcome::State::Failed ? outcomes[0].problem.exit : 0;
  }

  std::vector<FileOutcome> outcomes;
  std::vector<std::string> warnings;
  std::uint64_t plannedBytes = 0;
  std::uint64_t advancedBytes = 0;
  std::function<void(std::uint64_t)> onAdvance;
};

// Bytes that no compression and no short cut makes fewer, the same for the same size.
inline std::string noise(std::size_t size) {
  std::string text(size, '\0');
  std::uint64_t state = 88172645463325252U;
  for (char& c : text) {
    state ^= state << 13U;
    state ^= state >> 7U;
    state ^= state << 17U;
    c = static_cast<char>(state & 0xffU);
  }
  return text;
}

}  // namespace ft
