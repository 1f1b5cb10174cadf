#pragma once
// ls: reads folders page by page and shows them, sorted by name as long as they fit into memory.

#include <string>
#include <vector>

#include "client/verbs/verb.h"

namespace ft {

// "-rw-r--r--"
std::string modeText(const RemoteInfo& info);
// "2026-11-21 04:37:13" in UTC; with nanoseconds when `exact`.
std::string timeText(std::int64_t mtimeNs, bool exact);
std::string_view typeText(RemoteType type);
// The keys of an entry or a stat in JSON.
void describe(JsonWriter& json, const std::string& name, const RemoteInfo& info);

class Listing {
 public:
  // With `whole`, names are shown as they are below the root, and not below what is listed: so that several lists can
  // be told apart.
  explicit Listing(const VerbCall& call, bool whole = false) : call_(call), whole_(whole) {}
  // A folder, or a file by itself. Throws Failure.
  void show(const FileName& name);

 private:
  void showFolder(const FileName& top);
  std::string prefixOf(const FileName& top, const FileName& folder) const;
  // The entries of one folder; those of sub-folders wait in folders_.
  void showPages(const FileName& top, const FileName& folder);
  void showEntries(std::vector<RemoteEntry>& entries, const std::string& prefix);
  void showEntry(const std::string& name, const RemoteInfo& info);

  const VerbCall& call_;
  const bool whole_;
  std::vector<FileName> folders_;
  std::uint64_t skipped_ = 0;  // names that the server could not send, of all that has been listed
};

}  // namespace ft
