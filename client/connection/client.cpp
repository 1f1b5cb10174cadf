#include "client/connection/client.h"

#include <algorithm>
#include <deque>

#include "client/connection/reply.h"
#include "common/escape.h"
#include "common/protocol.h"

namespace ft {
namespace {

constexpr std::size_t kShownName = 300;
// An array of names in one header leaves room for the other keys and for the escaping of quotes.
constexpr std::size_t kNamesBytes = 48 * 1024;
// Pages in a row without a name that can be used. An honest server has such where very many names are of no use.
constexpr std::size_t kMostEmptyPages = 10'000;
// Requests on their way at once: with many names each, and with one.
constexpr std::size_t kMkdirFlight = 4;
constexpr std::size_t kMkdirEachFlight = 256;
// Digits, commas and quotes of one entry of `check` beside its name.
constexpr std::size_t kCheckEntryCost = 48;
// Digits and comma of permission bits, and of a time.
constexpr std::size_t kModeCost = 4;
constexpr std::size_t kTimeCost = 21;
// The server replies when all is gone, and how much that is nobody knows: millions of files on a slow disk.
constexpr std::chrono::hours kRemoveTime{1};

RemoteType typeFromName(std::string_view name) {
  if (name == "file") return RemoteType::File;
  if (name == "dir") return RemoteType::Folder;
  return name == "link" ? RemoteType::Link : RemoteType::Other;
}

std::size_t nameCost(std::string_view name) {
  return name.size() + static_cast<std::size_t>(std::count(name.begin(), name.end(), '"')) + 4;
}

bool isEntryName(const std::string& name) {
  try {
    // Below another folder, for the daemon's own folder is reserved in the root only.
    return FileName::parse("folder").child(name).parts().size() == 2;
  } catch (const Failure&) {
    return false;
  }
}

// Requests of `check` for parts of a list that each fit into one header, and where each part begins.
struct CheckRequest {
  std::size_t begin = 0;
  std::size_t count = 0;
};

std::vector<CheckRequest> cutForCheck(std::span<const CheckEntry> entries) {
  std::vector<CheckRequest> requests;
  std::size_t bytes = kNamesBytes;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::size_t cost = nameCost(entries[i].name) + kCheckEntryCost;
    if (requests.empty() || bytes + cost > kNamesBytes || requests.back().count == kMaxCheckEntries) {
      requests.push_back({i, 0});
      bytes = 0;
    }
    bytes += cost;
    ++requests.back().count;
  }
  return requests;
}

// Do they say the same kinds of things? In one request, either all do or none does.
bool alike(const NewFolder& one, const NewFolder& other) {
  return one.mode.has_value() == other.mode.has_value() && one.mtimeNs.has_value() == other.mtimeNs.has_value();
}

// How many of `made`, at least one, fit into one request.
std::size_t countForMkdir(std::span<const NewFolder> made) {
  const std::size_t most = std::min(made.size(), kMaxCheckEntries);
  const auto costOf = [](const NewFolder& folder) {
    return nameCost(folder.name) + (folder.mode ? kModeCost : 0) + (folder.mtimeNs ? kTimeCost : 0);
  };
  std::size_t bytes = costOf(made.front());
  std::size_t count = 1;
  while (count < most && alike(made[count], made.front()) && (bytes += costOf(made[count])) <= kNamesBytes) ++count;
  return count;
}

Header mkdirRequest(const FileName& folder, std::span<const NewFolder> made) {
  Header request = makeRequest("mkdir", folder);
  request.parents = true;
  request.names.emplace();
  if (made.front().mode) request.modes.emplace();
  if (made.front().mtimeNs) request.mtimesNs.emplace();
  for (const NewFolder& each : made) {
    if (each.name.empty()) {
      request.mtimeNs = each.mtimeNs;
      continue;
    }
    request.names->push_back(each.name);
    if (each.mode) request.modes->push_back(*each.mode);
    if (each.mtimeNs) request.mtimesNs->push_back(*each.mtimeNs);
  }
  return request;
}

Header checkRequest(const FileName& folder, std::span<const CheckEntry> entries, CheckBits bits) {
  Header request = makeRequest("check", folder);
  request.names.emplace();
  request.sizes.emplace();
  request.mtimesNs.emplace();
  if (bits == CheckBits::Compare) request.modes.emplace();
  for (const CheckEntry& entry : entries) {
    request.names->push_back(entry.name);
    request.sizes->push_back(entry.size);
    request.mtimesNs->push_back(entry.mtimeNs);
    if (request.modes) request.modes->push_back(entry.mode);
  }
  return request;
}

}  // namespace

void PageWatch::look(const RemotePage& page) {
  empty_ = page.entries.empty() ? empty_ + 1 : 0;
  if (empty_ > kMostEmptyPages) throw ProtocolError("a list does not end");
}

std::string skippedText(std::uint64_t count) {
  return std::to_string(count) +
         " names that no client can use (not UTF-8, or with a backslash or control characters) are left out";
}

Header Client::ask(const Header& request) {
  connection_.queue(request);
  Header reply = connection_.readHeader();
  requireAnswer(reply, request.cmd, FileName::parseFolder(request.filename.value_or("")));
  return reply;
}

void Client::ping() { ask(makeRequest("ping", FileName::root())); }

ServerInfo Client::hello() {
  const Header reply = ask(makeRequest("hello", FileName::root()));
  return {escapeText(reply.server.value_or("unknown"), 100), escapeText(reply.sandbox.value_or(""), 200),
          reply.services.value_or(std::vector<HelloService>{})};
}

RemoteInfo Client::stat(const FileName& name) {
  const Header reply = ask(makeRequest("stat", name));
  return {typeFromName(reply.type.value_or("file")), reply.filesize.value_or(0), reply.mtimeNs, reply.mode.value_or(0)};
}

RemotePage Client::list(const FileName& folder, const std::string& after) {
  requestList(folder, after);
  return readList(folder, after);
}

void Client::requestList(const FileName& folder, const std::string& after) {
  Header request = makeRequest("list", folder);
  if (!after.empty()) request.after = after;
  connection_.queue(request);
}

RemotePage Client::readList(const FileName& folder, const std::string& after) {
  Header reply = connection_.readHeader();
  requireAnswer(reply, "list", folder);
  if (!reply.entries) throw ProtocolError("a list came without entries");
  RemotePage page;
  page.next = reply.next.value_or("");
  if (!page.next.empty() && page.next == after) throw ProtocolError("a list does not end");
  page.skipped = reply.skipped.value_or(0);
  page.entries.reserve(reply.entries->size());
  for (ListEntry& entry : *reply.entries) {
    if (!isEntryName(entry.name)) {
      page.bad.push_back(escapeText(entry.name, kShownName));
      continue;
    }
    page.entries.push_back(
        {std::move(entry.name), {typeFromName(entry.type), entry.size, entry.mtimeNs, entry.mode & kModeMask}});
  }
  return page;
}

DigestValue Client::sum(const FileName& name, DigestAlgorithm algorithm) {
  const RemoteInfo info = stat(name);
  connection_.allowForDisk(info.size);
  Header request = makeRequest("sum", name);
  request.digest = digestName(algorithm);
  const Header reply = ask(request);
  const DigestValue* digest = reply.findDigest(algorithm);
  if (digest == nullptr) throw ProtocolError("a sum came without the digest that was asked for");
  return *digest;
}

void Client::mkdir(const FileName& name, bool parents, std::optional<std::uint32_t> mode) {
  Header request = makeRequest("mkdir", name);
  request.parents = parents;
  request.mode = mode;
  ask(request);
}

std::optional<ServerFailure> Client::readRefusal(const FileName& name) {
  const Header reply = connection_.readHeader();
  try {
    requireAnswer(reply, "mkdir", name);
    return std::nullopt;
  } catch (const ServerFailure& failure) {
    if (mayPass(failure)) throw;
    return failure;
  }
}

std::size_t Client::requestMkdir(const FileName& folder, std::span<const NewFolder> made) {
  const std::size_t count = countForMkdir(made);
  connection_.queue(mkdirRequest(folder, made.first(count)));
  return count;
}

std::vector<std::span<const NewFolder>> Client::mkdirAll(const FileName& folder, std::span<const NewFolder> made) {
  std::vector<std::span<const NewFolder>> refused;
  std::deque<std::span<const NewFolder>> flight;
  while (!made.empty() || !flight.empty()) {
    while (!made.empty() && flight.size() < kMkdirFlight) {
      flight.push_back(made.first(requestMkdir(folder, made)));
      made = made.subspan(flight.back().size());
    }
    if (readRefusal(folder)) refused.push_back(flight.front());
    flight.pop_front();
  }
  return refused;
}

std::vector<Client::Refusal> Client::mkdirEach(const FileName& folder, std::span<const NewFolder> made) {
  std::vector<Refusal> refused;
  std::size_t asked = 0;
  for (std::size_t i = 0; i < made.size(); ++i) {
    for (; asked < made.size() && asked - i < kMkdirEachFlight; ++asked) {
      Header request = makeRequest("mkdir", folder.child(made[asked].name));
      request.parents = true;
      request.mode = made[asked].mode;
      request.mtimeNs = made[asked].mtimeNs;
      connection_.queue(request);
    }
    if (auto failure = readRefusal(folder.child(made[i].name))) refused.push_back({i, std::move(*failure)});
  }
  return refused;
}

void Client::remove(const FileName& name, bool recursive) {
  Header request = makeRequest("remove", name);
  request.recursive = recursive;
  connection_.allow(kRemoveTime);
  ask(request);
}

void Client::rename(const FileName& from, const FileName& to, bool replace) {
  Header request = makeRequest("rename", from);
  request.to = to.text();
  request.replace = replace;
  ask(request);
}

void Client::chmod(const StoredFile& file, std::uint32_t mode) {
  Header request = makeRequest("chmod", file.name);
  request.mode = mode;
  request.filesize = file.size;
  request.mtimeNs = file.mtimeNs;
  connection_.allowForDisk(file.size);
  ask(request);
}

std::vector<std::size_t> Client::check(const FileName& folder, std::span<const CheckEntry> entries, CheckBits bits) {
  const std::vector<CheckRequest> requests = cutForCheck(entries);
  for (const CheckRequest& part : requests) {
    connection_.queue(checkRequest(folder, entries.subspan(part.begin, part.count), bits));
  }
  std::vector<std::size_t> needed;
  for (const CheckRequest& part : requests) {
    const Header reply = connection_.readHeader();
    requireAnswer(reply, "check", folder);
    if (!reply.need) throw ProtocolError("the reply to a check does not say what is needed");
    for (const std::uint64_t index : *reply.need) {
      if (index >= part.count) throw ProtocolError("the reply to a check names an entry that was not asked for");
      needed.push_back(part.begin + static_cast<std::size_t>(index));
    }
  }
  return needed;
}

}  // namespace ft
