#pragma once
// Roots on temporary folders with a configuration, and the verbs of an identity's view that keep a test to a few lines.

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "server/access/tenancy.h"
#include "tests/server/disk_fixture.h"
#include "tests/support/stored_files.h"

namespace ft::testing {

inline Identity userNamed(const std::string& name) { return {Identity::Kind::User, name, "password", nullptr}; }
inline const Identity kLocalUser{Identity::Kind::Local, "", "loopback", nullptr};
inline const Identity kAnonymousUser{Identity::Kind::Anonymous, "anonymous", "", nullptr};

// A storage as its user handles it.
struct Hand {
  std::shared_ptr<Storage> storage;

  static FileName name(std::string_view text) { return FileName::parseFolder(text); }
  std::optional<Failure> store(std::unique_ptr<Upload> upload) const {
    return testing::storeUpload(*storage, std::move(upload));
  }
  void put(std::string_view text, std::string_view content, bool replace = true) const {
    PutSpec spec = Disk::spec(text, content.size());
    spec.naming.replace = replace;
    testing::putContent(*storage, spec, content);
  }
  std::string get(std::string_view text) const { return testing::storedContent(*storage, name(text)); }
  std::set<std::string> list(std::string_view text) const { return testing::storedNames(*storage, name(text)); }
  FileType type(std::string_view text) const { return storage->stat(name(text)).type; }
  void mkdir(std::string_view text, bool parents = false) const { storage->makeFolder({name(text)}, parents); }
  void remove(std::string_view text, bool recursive = false) const { storage->remove(name(text), recursive, kNoHurry); }
  void rename(std::string_view from, std::string_view to, bool replace = true) const {
    storage->rename(name(from), name(to), replace);
  }
};

// "$" in the rules stands for the temporary folder.
struct Tenants {
  explicit Tenants(const std::string& rules) {
    config = configOf(rules);
    tenancy = std::make_unique<Tenancy>(config, log);
  }

  ServerConfig configOf(std::string rules) const {
    for (std::size_t at = rules.find('$'); at != std::string::npos; at = rules.find('$')) {
      rules.replace(at, 1, folder.path().string());
    }
    std::vector<ConfigSetting> settings{{"storage", "root", (folder.path() / "root").string(), "test"},
                                        {"storage", "durability", "none", "test"}};
    for (const IniEntry& entry : parseIni(rules, "f.conf")) {
      settings.push_back({entry.section, entry.key, entry.value, "f.conf:" + std::to_string(entry.line)});
    }
    return buildConfig(settings, {{"HOME", "/nowhere"}}).config;
  }
  void reload(const std::string& rules) { tenancy->reload(configOf(rules)); }

  Hand as(const Identity& identity) const { return {tenancy->view(identity)}; }
  Hand as(const std::string& user) const { return as(userNamed(user)); }
  fs::path at(std::string_view name) const { return folder.path() / "root" / name; }

  TempFolder folder;
  Log log{LogLevel::Error, LogFormat::Text};
  ServerConfig config;
  std::unique_ptr<Tenancy> tenancy;
};

inline std::uint64_t bytesBelow(const fs::path& folder) {
  std::uint64_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  return bytes;
}

inline std::size_t entriesBelow(const fs::path& folder) {
  return static_cast<std::size_t>(
      std::distance(fs::recursive_directory_iterator(folder), fs::recursive_directory_iterator()));
}

}  // namespace ft::testing
