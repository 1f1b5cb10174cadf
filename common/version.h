#pragma once
// The version of all programs, as --version, hello and the log tell it. CMakeLists.txt reads it from here.

#include <string_view>

namespace ft {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace ft
