#include "client/transfer/folder_puts.h"

#include <algorithm>
#include <iterator>

namespace ft {

std::vector<FolderPuts::Refused> FolderPuts::make(const FileName& base, std::vector<NewFolder> folders) {
  const auto plain = std::stable_partition(folders.begin(), folders.end(),
                                           [](const NewFolder& folder) { return folder.mode.has_value(); });
  const auto ordered = static_cast<std::size_t>(plain - folders.begin());
  Share first;
  first.folders = std::span(folders).first(ordered);
  if (ordered > 0) link_.persist([&] { makeShare(link_, base, first); });
  const std::span<const NewFolder> others = std::span(folders).subspan(ordered);
  std::uint64_t bytes = 0;
  for (const NewFolder& folder : others) bytes += folder.name.size();
  const std::size_t width = others.empty() ? 0 : sides_.widthFor(others.size(), bytes);
  std::vector<Share> shares(width);
  // Neighbours stay together, for they are mostly in one folder.
  for (std::size_t i = 0; i < width; ++i) {
    const std::size_t begin = others.size() * i / width;
    shares[i].folders = others.subspan(begin, others.size() * (i + 1) / width - begin);
  }
  if (width > 1) {
    sides_.run(width,
               [&](Link& link, std::size_t number) { link.persist([&] { makeShare(link, base, shares[number]); }); });
  }
  std::vector<Refused> refused = std::move(first.refused);
  for (Share& share : shares) {
    if (!share.done) link_.persist([&] { makeShare(link_, base, share); });
    std::move(share.refused.begin(), share.refused.end(), std::back_inserter(refused));
  }
  return refused;
}

void FolderPuts::makeShare(Link& link, const FileName& base, Share& share) {
  share.refused.clear();
  for (const std::span<const NewFolder> group : link.client().mkdirAll(base, share.folders)) {
    // Which of them it was tells each of them.
    std::vector<NewFolder> untimed;
    for (Client::Refusal& refusal : link.client().mkdirEach(base, group)) {
      const NewFolder& folder = group[refusal.index];
      if (folder.mtimeNs) {
        untimed.push_back({folder.name, folder.mode});
      } else {
        share.refused.push_back({folder.name, std::move(refusal.failure)});
      }
    }
    // Perhaps it was only the time.
    for (Client::Refusal& refusal : link.client().mkdirEach(base, untimed)) {
      share.refused.push_back({untimed[refusal.index].name, std::move(refusal.failure)});
    }
  }
  share.done = true;
  link.progressed();
}

}  // namespace ft
