#include "client/folder_puts.h"

#include <algorithm>

#include "client/client.h"

namespace ft {

std::vector<FolderPuts::Refused> FolderPuts::make(const FileName& base, std::span<const std::string> names) {
  std::uint64_t bytes = 0;
  for (const std::string& name : names) bytes += name.size();
  const std::size_t width = names.empty() ? 1 : lines_.widthFor(names.size(), bytes);
  std::vector<Share> shares(width);
  // Neighbours stay together, for they are mostly in one folder.
  for (std::size_t i = 0; i < width; ++i) {
    const std::size_t begin = names.size() * i / width;
    shares[i].names = names.subspan(begin, names.size() * (i + 1) / width - begin);
  }
  if (width > 1) {
    lines_.run(width,
               [&](Link& line, std::size_t number) { line.persist([&] { makeShare(line, base, shares[number]); }); });
  }
  std::vector<Refused> refused;
  for (Share& share : shares) {
    if (!share.done) link_.persist([&] { makeShare(link_, base, share); });
    std::move(share.refused.begin(), share.refused.end(), std::back_inserter(refused));
  }
  return refused;
}

void FolderPuts::makeShare(Link& line, const FileName& base, Share& share) {
  share.refused.clear();
  for (const std::span<const std::string> group : line.client().mkdirAll(base, share.names)) {
    // Which of them it was tells each of them.
    for (Client::Refusal& refusal : line.client().mkdirEach(base, group)) {
      share.refused.push_back({group[refusal.index], std::move(refusal.failure)});
    }
  }
  share.done = true;
  line.progressed();
}

}  // namespace ft
