#include "tests/fuzz/session_model.h"

#include <algorithm>

namespace ft::fuzz {
namespace {

bool below(const std::string& name, const std::string& folder) {
  return folder.empty() || name.starts_with(folder + "/");
}

std::string parentOf(const std::string& name) {
  const auto slash = name.rfind('/');
  return slash == std::string::npos ? "" : name.substr(0, slash);
}

}  // namespace

bool validName(std::string_view name) {
  if (name.empty() || name.front() == '/' || name.back() == '/' || name.starts_with(".ftpd")) return false;
  return name.find("..") == std::string_view::npos && name.find("//") == std::string_view::npos &&
         name.find('\\') == std::string_view::npos;
}

bool SessionModel::fileAbove(const std::string& name) const {
  for (std::string folder = parentOf(name); !folder.empty(); folder = parentOf(folder)) {
    if (files_.contains(folder)) return true;
  }
  return false;
}

bool SessionModel::emptyFolder(const std::string& name) const { return entries(name) == 0; }

std::size_t SessionModel::entries(const std::string& folder) const {
  const auto child = [&](const std::string& name) { return parentOf(name) == folder; };
  return static_cast<std::size_t>(
      std::count_if(folders_.begin(), folders_.end(), child) +
      std::count_if(files_.begin(), files_.end(), [&](const auto& file) { return child(file.first); }));
}

bool SessionModel::canPut(const std::string& name, bool replace) const {
  return validName(name) && !folders_.contains(name) && !fileAbove(name) && (replace || !files_.contains(name));
}

bool SessionModel::canMakeFolder(const std::string& name, bool parents) const {
  if (!validName(name) || files_.contains(name) || fileAbove(name)) return false;
  if (parents) return true;
  return !folders_.contains(name) && (parentOf(name).empty() || folders_.contains(parentOf(name)));
}

bool SessionModel::canRemove(const std::string& name, bool recursive) const {
  return files_.contains(name) || (folders_.contains(name) && (recursive || emptyFolder(name)));
}

bool SessionModel::canRename(const std::string& from, const std::string& to, bool replace) const {
  if (!validName(to) || from == to || below(to, from) || fileAbove(to) || folders_.contains(to)) return false;
  if (files_.contains(from)) return replace || !files_.contains(to);
  return folders_.contains(from) && !files_.contains(to);
}

void SessionModel::addFoldersAbove(const std::string& name) {
  for (std::string folder = parentOf(name); !folder.empty(); folder = parentOf(folder)) folders_.insert(folder);
}

void SessionModel::put(const std::string& name, std::string content) {
  addFoldersAbove(name);
  files_[name] = std::move(content);
}

void SessionModel::makeFolder(const std::string& name) {
  addFoldersAbove(name);
  folders_.insert(name);
}

void SessionModel::remove(const std::string& name) {
  std::erase_if(files_, [&](const auto& file) { return file.first == name || below(file.first, name); });
  std::erase_if(folders_, [&](const auto& folder) { return folder == name || below(folder, name); });
}

void SessionModel::rename(const std::string& from, const std::string& to) {
  addFoldersAbove(to);
  const auto moved = [&](const std::string& name) {
    return name == from || below(name, from) ? to + name.substr(from.size()) : name;
  };
  std::map<std::string, std::string> files;
  for (auto& [name, content] : files_) {
    if (name != to || name == from) files[moved(name)] = content;
  }
  std::set<std::string> folders;
  for (const std::string& name : folders_) folders.insert(moved(name));
  files_ = std::move(files);
  folders_ = std::move(folders);
}

}  // namespace ft::fuzz
