#include "common/nearest_word.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace ft {
namespace {

constexpr std::size_t kLeastPrefix = 3;

// The distance of Levenshtein: insertions, deletions and replacements.
std::size_t editDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string_view nearestWord(std::string_view word, const std::vector<std::string_view>& candidates) {
  // A third of the letters may differ: more is another word and not a slip.
  std::size_t best = std::max<std::size_t>(word.size() / 3, 1) + 1;
  std::string_view nearest;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = editDistance(word, candidate);
    if (distance >= best) continue;
    best = distance;
    nearest = candidate;
  }
  if (!nearest.empty() || word.size() < kLeastPrefix) return nearest;
  const auto whole = std::find_if(candidates.begin(), candidates.end(),
                                  [&](std::string_view candidate) { return candidate.starts_with(word); });
  return whole == candidates.end() ? "" : *whole;
}

std::string didYouMean(std::string_view word, const std::vector<std::string_view>& candidates) {
  const std::string_view near = nearestWord(word, candidates);
  return near.empty() ? "" : "; did you mean '" + std::string(near) + "'?";
}

}  // namespace ft
