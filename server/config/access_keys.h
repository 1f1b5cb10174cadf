#pragma once
// The keys of [root NAME] and [user NAME], one by one. For access_rules.cpp alone.

#include <string>

#include "server/config/access_rules.h"

namespace ft {

// "" when the name is fine, or what is wrong with it.
std::string rootNameFault(const std::string& name);
std::string userNameFault(const std::string& name);

// Stores what the entry says. Returns "" or what is wrong.
std::string applyRootKey(RootRules& root, const IniEntry& entry, const std::string& origin);
std::string applyUserKey(UserRules& user, const IniEntry& entry, const std::string& origin);

}  // namespace ft
