#include "client/verbs/listing.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <utility>

#include "common/escape.h"
#include "common/protocol.h"
#include "common/units.h"

namespace ft {
namespace {

// More entries than this are shown page by page, in the server's order.
constexpr std::size_t kMostSorted = 50'000;
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::size_t kSizeColumns = 14;
constexpr std::size_t kShortSizeColumns = 10;  // "1023.9 KiB"

}  // namespace

std::string_view typeText(RemoteType type) {
  switch (type) {
    case RemoteType::File: return "file";
    case RemoteType::Folder: return "dir";
    case RemoteType::Link: return "link";
    case RemoteType::Other: break;
  }
  return "other";
}

std::string modeText(const RemoteInfo& info) {
  constexpr std::string_view kBits = "rwxrwxrwx";
  std::string text(1, info.type == RemoteType::File     ? '-'
                      : info.type == RemoteType::Folder ? 'd'
                      : info.type == RemoteType::Link   ? 'l'
                                                        : '?');
  for (std::size_t i = 0; i < kBits.size(); ++i) {
    text += ((info.mode >> (kBits.size() - 1 - i)) & 1U) != 0 ? kBits[i] : '-';
  }
  return text;
}

std::string timeText(std::int64_t mtimeNs, bool exact) {
  // Rounded down without a detour, for the smallest number has no smaller one.
  const std::int64_t rest = (mtimeNs % kSecond + kSecond) % kSecond;
  const std::time_t seconds = mtimeNs / kSecond - (mtimeNs % kSecond < 0 ? 1 : 0);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
  std::string result(text.data(), size);
  if (!exact) return result;
  std::array<char, 16> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%09lld", static_cast<long long>(rest));
  return result + fraction.data();
}

void describe(JsonWriter& json, const std::string& name, const RemoteInfo& info) {
  json.key("name");
  json.value(name);
  json.key("kind");
  json.value(typeText(info.type));
  json.key("size");
  json.value(info.size);
  json.key("mtime_ns");
  json.value(info.mtimeNs.value_or(0));
  json.key("mode");
  json.value(std::uint64_t{info.mode});
}

void Listing::show(const FileName& name) {
  try {
    showFolder(name);
  } catch (const Failure& failure) {
    if (failure.code() != ErrorCode::NotDirectory) throw;
    showEntry(name.text(), call_.link.persist([&] { return call_.link.client().stat(name); }));
  }
}

void Listing::showFolder(const FileName& top) {
  folders_ = {top};
  while (!folders_.empty()) {
    const FileName folder = std::move(folders_.back());
    folders_.pop_back();
    showPages(top, folder);
  }
  if (skipped_ > 0) call_.output.warned(skippedText(std::exchange(skipped_, 0)));
}

std::string Listing::prefixOf(const FileName& top, const FileName& folder) const {
  if (folder.isRoot() || (folder == top && !whole_)) return "";
  const bool cut = !whole_ && !top.isRoot();
  return folder.text().substr(cut ? top.text().size() + 1 : 0) + "/";
}

void Listing::showPages(const FileName& top, const FileName& folder) {
  const std::string prefix = prefixOf(top, folder);
  const std::size_t waiting = folders_.size();
  std::vector<RemoteEntry> entries;
  std::string after;
  PageWatch watch;
  do {
    RemotePage page = call_.link.persist([&] { return call_.link.client().list(folder, after); });
    watch.look(page);
    after = std::move(page.next);
    for (const std::string& bad : page.bad) call_.output.warned("the server lists the name '" + bad + "'; left out");
    skipped_ += page.skipped;
    for (RemoteEntry& entry : page.entries) {
      if (call_.options.recursive && entry.info.type == RemoteType::Folder)
        folders_.push_back(folder.child(entry.name));
      entries.push_back(std::move(entry));
    }
    if (entries.size() > kMostSorted) showEntries(entries, prefix);
  } while (!after.empty());
  showEntries(entries, prefix);
  // The last one is listed next.
  std::sort(folders_.begin() + static_cast<std::ptrdiff_t>(waiting), folders_.end(), std::greater<>());
}

void Listing::showEntries(std::vector<RemoteEntry>& entries, const std::string& prefix) {
  const auto byName = [](const RemoteEntry& a, const RemoteEntry& b) { return a.name < b.name; };
  std::sort(entries.begin(), entries.end(), byName);
  for (const RemoteEntry& entry : entries) showEntry(prefix + entry.name, entry.info);
  entries.clear();
}

void Listing::showEntry(const std::string& name, const RemoteInfo& info) {
  if (call_.output.json()) {
    call_.output.object("entry", [&](JsonWriter& json) { describe(json, name, info); });
    return;
  }
  const std::string shown = escapeText(name, 4 * kMaxNameSize);
  if (!call_.options.longList) {
    call_.output.line(shown);
    return;
  }
  const bool forPeople = call_.options.sizesForPeople;
  const std::size_t columns = forPeople ? kShortSizeColumns : kSizeColumns;
  std::string size = forPeople ? formatSize(info.size) : std::to_string(info.size);
  if (size.size() < columns) size.insert(0, columns - size.size(), ' ');
  call_.output.line(modeText(info) + " " + size + " " + timeText(info.mtimeNs.value_or(0), false) + " " + shown);
}

}  // namespace ft
