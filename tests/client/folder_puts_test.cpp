// Folders that are made on the server: over several connections, with bits of their own, and refused ones.

#include "client/transfer/folder_puts.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <mutex>
#include <set>

#include "tests/client/parallel_server.h"

namespace ft {
namespace {

// A server of folders: refuses a request that has one of the names in `bad`, and closes after `breakAfter` requests on
// one connection.
struct FolderStore {
  std::mutex mutex;
  std::set<std::string> made;
  std::set<std::string> bad;
  std::vector<std::string> asked;  // below "base", with their bits
  int breakAfter = -1;
};

ScriptedServer::Script folderServer(FolderStore& store) {
  return [&store](ServerEnd& end) {
    for (int served = 0; store.breakAfter < 0 || served < store.breakAfter; ++served) {
      const Header request = end.readHeader();
      std::vector<std::string> names;
      if (request.names) {
        for (const std::string& name : *request.names) names.push_back(*request.filename + "/" + name);
      } else {
        names.push_back(*request.filename);
      }
      const std::lock_guard lock(store.mutex);
      for (std::size_t i = 0; i < names.size(); ++i) {
        const auto mode = request.modes ? std::optional(request.modes->at(i)) : request.mode;
        store.asked.push_back(names[i].substr(names[i].find('/') + 1) + (mode ? " " + std::to_string(*mode) : ""));
      }
      const bool refused =
          std::any_of(names.begin(), names.end(), [&](const auto& n) { return store.bad.contains(n); });
      if (!refused) store.made.insert(names.begin(), names.end());
      end.send(refused ? refusal("mkdir", ErrorCode::NotDirectory) : okReply("mkdir"));
    }
  };
}

std::vector<NewFolder> folderNames(int count) {
  std::vector<NewFolder> names;
  for (int i = 0; i < count; ++i)
    names.push_back({"group" + std::to_string(i / 100) + "/" + std::to_string(i), std::nullopt});
  return names;
}

}  // namespace

TEST_CASE("many folders are made over several connections, and only those that are refused are missing") {
  FolderStore store;
  store.bad = {"base/group3/345", "base/group19/1999"};
  Server server(std::vector<ScriptedServer::Script>(4, folderServer(store)));
  Link link = server.link();
  SideLinks sides(link, 4);
  const std::vector<NewFolder> names = folderNames(20'000);
  const auto refused = FolderPuts(link, sides).make(FileName::parse("base"), names);
  CHECK(server.scripted.connections() == 4);
  REQUIRE(refused.size() == 2);
  CHECK(refused[0].name == "group3/345");
  CHECK(refused[1].name == "group19/1999");
  CHECK(refused[0].failure.code() == ErrorCode::NotDirectory);
  CHECK(store.made.size() == names.size() - 2);
}

TEST_CASE("folders with bits of their own are made first, in their order and over one connection") {
  FolderStore store;
  store.bad = {"base/b/c"};
  Server server({folderServer(store)});
  Link link = server.link();
  SideLinks sides(link, 4);
  const auto refused =
      FolderPuts(link, sides)
          .make(FileName::parse("base"),
                {{"x/y", std::nullopt}, {"b", 0700}, {"z", std::nullopt}, {"b/c", 0750}, {"b/d", 0711}});
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].name == "b/c");
  const std::vector<std::string> asked{"b 448", "b/c 488", "b/d 457"};
  REQUIRE(store.asked.size() == 8);
  CHECK(std::equal(asked.begin(), asked.end(), store.asked.begin()));
  CHECK(std::equal(asked.begin(), asked.end(), store.asked.begin() + 3));  // again, one by one
  CHECK(store.asked[6] == "x/y");
  CHECK(store.asked[7] == "z");
}

TEST_CASE("folders of a connection that breaks, or cannot be made, are made by the first one") {
  FolderStore store;
  FolderStore broken;
  broken.breakAfter = 1;
  Server server({folderServer(store), folderServer(broken)});
  Link link = server.link();
  link.connection();
  SideLinks sides(link, 4);
  const std::vector<NewFolder> names = folderNames(20'000);
  CHECK(FolderPuts(link, sides).make(FileName::parse("base"), names).empty());
  CHECK(store.made.size() == names.size());
}

}  // namespace ft
