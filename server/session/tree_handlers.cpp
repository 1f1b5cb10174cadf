#include "server/session/tree_handlers.h"

#include <algorithm>

#include "common/protocol.h"

namespace ft {
namespace {

// A page must fit into one header: about 150 bytes an entry beside its name, and a name may double when it is escaped.
constexpr std::size_t kEntriesPerPage = 300;
constexpr std::size_t kNameBytesPerPage = 9'500;

// Of the whole names of folders that are made at once. Those of one request may be 16 MiB long, and the storage keeps
// them more than once; as a rule a request is less than a slice.
constexpr std::size_t kSliceBytes = 256 * 1024;

// Of a removal, so that sessions take turns.
constexpr std::chrono::milliseconds kRemoveStep{3};

std::string typeName(FileType type) {
  switch (type) {
    case FileType::File: return "file";
    case FileType::Folder: return "dir";
    case FileType::Link: return "link";
    case FileType::Other: break;
  }
  return "other";
}

FileName folderName(const Header& request) { return FileName::parseFolder(request.filename.value_or("")); }

template <typename T>
void requireSameLength(const Header& request, const std::optional<std::vector<T>>& values, const std::string& key) {
  if (!values || (request.names && values->size() == request.names->size())) return;
  throw Failure(ErrorCode::BadRequest, "'names' and '" + key + "' must be arrays of the same length");
}

// A mkdir of many makes the folder above them, they themselves, and gives it its time, which what is made in it would
// change.
void makeFolders(const Header& request, Storage& storage) {
  const FileName above = folderName(request);
  if (above.isRoot() && request.mtimeNs) throw Failure(ErrorCode::BadRequest, "the root is given no time");
  // Nothing is made when a name is wrong.
  for (const std::string& name : *request.names) static_cast<void>(above.child(name));
  std::vector<FolderToMake> slice{{above, request.mode}};
  std::size_t bytes = 0;
  std::optional<Failure> untimed;
  const auto makeSlice = [&] {
    auto failure = storage.makeFolders(slice);
    if (!untimed) untimed = std::move(failure);
    slice.clear();
    bytes = 0;
  };
  for (std::size_t i = 0; i < request.names->size(); ++i) {
    FolderToMake folder{above.child((*request.names)[i])};
    if (request.modes) folder.mode = (*request.modes)[i];
    if (request.mtimesNs) folder.mtimeNs = (*request.mtimesNs)[i];
    bytes += folder.name.text().size();
    slice.push_back(std::move(folder));
    if (bytes >= kSliceBytes) makeSlice();
  }
  if (request.mtimeNs) slice.push_back({above, std::nullopt, request.mtimeNs});
  if (!slice.empty()) makeSlice();
  if (untimed) throw std::move(*untimed);
}

// Calls a function until it has an outcome.
class RepeatedWork : public Work {
 public:
  explicit RepeatedWork(std::function<std::optional<Outcome>()> action) : action_(std::move(action)) {}
  std::optional<Outcome> step() override { return action_(); }

 private:
  const std::function<std::optional<Outcome>()> action_;
};

bool same(const FileInfo& info, std::uint64_t size, std::int64_t mtimeNs) {
  return info.type == FileType::File && info.size == size && info.mtimeNs == mtimeNs;
}

}  // namespace

FileName requiredName(const Header& request) {
  if (!request.filename) throw Failure(ErrorCode::BadRequest, "'filename' is missing");
  return FileName::parse(*request.filename);
}

void describe(const FileInfo& info, Header& reply) {
  reply.filesize = info.size;
  reply.mtimeNs = info.mtimeNs;
  reply.mode = info.mode;
}

Outcome handleList(const Header& request, CommandContext& context) {
  const FileName folder = folderName(request);
  const std::size_t wanted = std::min<std::uint64_t>(request.limit.value_or(kEntriesPerPage), kEntriesPerPage);
  if (wanted == 0) throw Failure(ErrorCode::BadRequest, "'limit' must be at least 1");
  FolderPage page = context.storage.list(folder, request.after.value_or(""), {wanted, kNameBytesPerPage});
  Header reply = okReply(request);
  reply.filename = folder.text();
  reply.entries.emplace();
  reply.entries->reserve(page.entries.size());
  for (FolderEntry& entry : page.entries) {
    reply.entries->push_back(ListEntry{std::move(entry.name), typeName(entry.info.type), entry.info.size,
                                       entry.info.mtimeNs, entry.info.mode});
  }
  if (!page.next.empty()) reply.next = std::move(page.next);
  if (page.skipped > 0) reply.skipped = page.skipped;
  return reply;
}

Outcome handleStat(const Header& request, CommandContext& context) {
  const FileName name = folderName(request);
  const FileInfo info = context.storage.stat(name);
  Header reply = okReply(request);
  reply.filename = name.text();
  reply.type = typeName(info.type);
  describe(info, reply);
  return reply;
}

Outcome handleCheck(const Header& request, CommandContext& context) {
  const FileName folder = folderName(request);
  if (!request.names || !request.sizes || !request.mtimesNs || request.sizes->size() != request.names->size() ||
      request.mtimesNs->size() != request.names->size()) {
    throw Failure(ErrorCode::BadRequest, "'names', 'sizes' and 'mtimes_ns' must be arrays of the same length");
  }
  if (request.names->size() > kMaxCheckEntries) {
    throw Failure(ErrorCode::BadRequest, "at most " + std::to_string(kMaxCheckEntries) + " names fit one check");
  }
  requireSameLength(request, request.modes, "modes");
  const auto infos = context.storage.statMany(folder, *request.names);
  const auto differs = [&](std::size_t i) {
    if (!request.modes) return false;
    const auto stored = context.storage.storedMode(folder.child((*request.names)[i]), (*request.modes)[i]);
    return stored && *stored != infos[i]->mode;
  };
  Header reply = okReply(request);
  reply.need.emplace();
  for (std::size_t i = 0; i < infos.size(); ++i) {
    if (!infos[i] || !same(*infos[i], (*request.sizes)[i], (*request.mtimesNs)[i]) || differs(i)) {
      reply.need->push_back(i);
    }
  }
  return reply;
}

Outcome handleMkdir(const Header& request, CommandContext& context) {
  Header reply = okReply(request);
  requireSameLength(request, request.modes, "modes");
  requireSameLength(request, request.mtimesNs, "mtimes_ns");
  if (request.names) {
    if (request.names->size() > kMaxCheckEntries) {
      throw Failure(ErrorCode::BadRequest, "at most " + std::to_string(kMaxCheckEntries) + " names fit one mkdir");
    }
    makeFolders(request, context.storage);
    return reply;
  }
  const FileName name = requiredName(request);
  context.storage.makeFolder({name, request.mode, request.mtimeNs}, request.parents.value_or(false));
  reply.filename = name.text();
  return reply;
}

Outcome handleRemove(const Header& request, CommandContext& context) {
  const FileName name = requiredName(request);
  const bool recursive = request.recursive.value_or(false);
  Header reply = okReply(request);
  reply.filename = name.text();
  if (context.storage.remove(name, recursive, kRemoveStep)) return reply;
  return std::make_unique<RepeatedWork>([&storage = context.storage, name, reply]() -> std::optional<Outcome> {
    try {
      if (!storage.remove(name, true, kRemoveStep)) return std::nullopt;
    } catch (const Failure& failure) {
      // Somebody else has removed the rest.
      if (failure.code() != ErrorCode::NotFound) throw;
    }
    return reply;
  });
}

Outcome handleRename(const Header& request, CommandContext& context) {
  const FileName from = requiredName(request);
  if (!request.to) throw Failure(ErrorCode::BadRequest, "'to' is missing");
  const FileName to = FileName::parse(*request.to);
  context.storage.rename(from, to, request.replace.value_or(true));
  Header reply = okReply(request);
  reply.filename = from.text();
  reply.to = to.text();
  return reply;
}

Outcome handleChmod(const Header& request, CommandContext& context) {
  ModeChange change;
  change.name = requiredName(request);
  if (!request.mode) throw Failure(ErrorCode::BadRequest, "'mode' is missing");
  change.mode = *request.mode;
  change.size = request.filesize;
  change.mtimeNs = request.mtimeNs;
  Header reply = okReply(request);
  reply.filename = change.name.text();
  reply.mode = context.storage.setMode(change);
  return reply;
}

}  // namespace ft
