#pragma once
// What a storage holds, read through its interface as a session would.

#include <set>
#include <span>
#include <string>
#include <vector>

#include "server/storage/storage.h"

namespace ft::testing {

inline std::string storedContent(Storage& storage, const FileName& name) {
  const auto download = storage.open(name);
  std::string content(download->info().size, '\0');
  return content.substr(0, download->read(0, std::as_writable_bytes(std::span(content))));
}

// The entries of a folder, over as many pages as they take.
inline std::set<std::string> storedNames(Storage& storage, const FileName& folder) {
  std::set<std::string> names;
  std::string after;
  do {
    FolderPage page = storage.list(folder, after, {7, 1 << 20});
    for (const FolderEntry& entry : page.entries) names.insert(entry.name);
    after = page.next;
  } while (!after.empty());
  return names;
}

// Folders below `folder`, in this order; `modes` is empty, or has as many.
inline std::vector<FolderToMake> foldersBelow(const FileName& folder, std::span<const std::string> names,
                                              std::span<const std::uint32_t> modes = {}) {
  std::vector<FolderToMake> folders;
  for (std::size_t i = 0; i < names.size(); ++i) {
    folders.push_back({folder.child(names[i]), modes.empty() ? std::nullopt : std::optional(modes[i])});
  }
  return folders;
}

}  // namespace ft::testing
