#pragma once
// ASCII letters in lower case, whatever the locale; all other bytes stay as they are.

#include <string>
#include <string_view>

namespace ft {

inline std::string lowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

}  // namespace ft
