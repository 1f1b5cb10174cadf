#pragma once
// What a storage holds, written and read through its interface as a session would.

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/storage/storage.h"
#include "tests/support/text.h"

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

// finish() and commit(); returns the failure, if there was one.
inline std::optional<Failure> storeUpload(Storage& storage, std::unique_ptr<Upload> upload) {
  std::vector<CommitItem> items(1);
  items[0].digests = upload->finish();
  items[0].upload = std::move(upload);
  storage.commit(items);
  return items[0].failure;
}

// Stores a file with that content. Throws Failure.
inline void putContent(Storage& storage, const PutSpec& spec, std::string_view content) {
  auto upload = storage.begin(spec);
  upload->write(bytesOf(content));
  if (auto failure = storeUpload(storage, std::move(upload))) throw *failure;
}

}  // namespace ft::testing
