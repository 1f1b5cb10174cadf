#pragma once
// A disk storage on a temporary folder, with verbs that keep a test to a few lines.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "server/storage/disk_storage.h"
#include "tests/support/stored_files.h"
#include "tests/support/temp_folder.h"
#include "tests/support/text.h"

namespace ft::testing {

namespace fs = std::filesystem;

inline struct stat statOf(const fs::path& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) throw std::runtime_error("no " + path.string() + ": " + std::strerror(errno));
  return info;
}

struct Disk {
  explicit Disk(bool useOpenat2 = true) {
    options.root = (folder.path() / "root").string();
    options.durability = DiskStorageOptions::Durability::None;
    options.useOpenat2 = useOpenat2;
    options.leastPart = 1;  // tests cut short files
    start();
  }
  void start() { storage = std::make_unique<DiskStorage>(options); }
  void restart() {
    storage.reset();
    start();
  }

  fs::path at(std::string_view name) const { return fs::path(options.root) / name; }
  static FileName name(std::string_view text) { return FileName::parseFolder(text); }

  static PutSpec spec(std::string_view text, std::optional<std::uint64_t> size) {
    PutSpec spec;
    spec.name = name(text);
    spec.size = size;
    spec.digests = {DigestAlgorithm::Xxh128};
    return spec;
  }
  // A spec that can be resumed.
  static PutSpec partSpec(std::string_view text, std::uint64_t size) {
    PutSpec result = spec(text, size);
    result.mtimeNs = 1'700'000'000'123'456'789;
    return result;
  }

  // An upload that was resumed and has taken up all that is there.
  struct Resumed {
    std::unique_ptr<Upload> upload;
    std::optional<DigestValue> prefix;
  };
  Resumed resume(const PutSpec& what, DigestAlgorithm prefixDigest) const {
    auto upload = storage->resume(what, prefixDigest);
    while (!upload->takeUp()) std::this_thread::yield();
    auto prefix = upload->prefix();
    return {std::move(upload), std::move(prefix)};
  }

  // finish() and commit(); returns the failure, if there was one.
  std::optional<Failure> store(std::unique_ptr<Upload> upload) {
    return testing::storeUpload(*storage, std::move(upload));
  }
  void put(const PutSpec& what, std::string_view content) { testing::putContent(*storage, what, content); }
  void put(std::string_view text, std::string_view content) { put(spec(text, content.size()), content); }

  std::string get(std::string_view text) { return testing::storedContent(*storage, name(text)); }
  std::set<std::string> list(std::string_view text) { return testing::storedNames(*storage, name(text)); }

  static std::size_t count(const fs::path& path) {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), fs::directory_iterator()));
  }
  std::size_t staged() const { return count(at(".ftpd/staging")); }
  std::size_t parts() const { return count(at(".ftpd/parts")); }

  TempFolder folder;
  DiskStorageOptions options;
  std::unique_ptr<DiskStorage> storage;
};

// Runs a test with both ways of looking names up.
inline void onBothLookups(const std::function<void(Disk&)>& test) {
  for (const bool useOpenat2 : {true, false}) {
    CAPTURE(useOpenat2);
    Disk disk(useOpenat2);
    test(disk);
  }
}

}  // namespace ft::testing
