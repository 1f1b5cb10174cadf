#pragma once
// Which key each server showed when the user first trusted it: lines `HOST:PORT SHA256:…` in a file that people may
// edit. Any number of programs may use it at the same time.

#include <optional>
#include <string>
#include <string_view>

namespace ft {

class KnownHosts {
 public:
  struct Entry {
    std::string fingerprint;
    std::size_t line;
  };

  // A missing file is an empty one.
  explicit KnownHosts(std::string path) : path_(std::move(path)) {}

  // `server` is HOST:PORT as ServerAddress::text() writes it. Throws ConfigError that names file and line.
  std::optional<Entry> find(std::string_view server) const;
  // Writes the file anew with one more line, atomically. Does nothing when the line is there; throws IdentityError when
  // another key has been written for the server meanwhile, ConfigError when the file cannot be written.
  void add(std::string_view server, std::string_view fingerprint) const;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace ft
