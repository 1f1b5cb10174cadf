#include "common/header.h"

#include <algorithm>

namespace ft {
namespace {

std::size_t rankOf(DigestAlgorithm algorithm) {
  return static_cast<std::size_t>(std::find(kDigestAlgorithms.begin(), kDigestAlgorithms.end(), algorithm) -
                                  kDigestAlgorithms.begin());
}

}  // namespace

const DigestValue* Header::findDigest(DigestAlgorithm algorithm) const {
  for (const DigestValue& value : digests) {
    if (value.algorithm == algorithm) return &value;
  }
  return nullptr;
}

void Header::setDigest(DigestValue value) {
  const auto place = std::find_if(digests.begin(), digests.end(), [&](const DigestValue& other) {
    return rankOf(other.algorithm) >= rankOf(value.algorithm);
  });
  if (place != digests.end() && place->algorithm == value.algorithm) {
    *place = std::move(value);
  } else {
    digests.insert(place, std::move(value));
  }
}

}  // namespace ft
