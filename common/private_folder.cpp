#include "common/private_folder.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

namespace ft {

std::error_code makePrivateFolder(const std::string& path) {
  std::error_code failed;
  const auto parent = std::filesystem::absolute(path, failed).lexically_normal().parent_path();
  // What stands in its way is told by the next call.
  if (!failed) std::filesystem::create_directories(parent, failed);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return {errno, std::generic_category()};
  return {};
}

}  // namespace ft
