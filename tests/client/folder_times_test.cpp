// Times of folders behind puts: what is asked of the server and when, and who is left to ask when a connection breaks.

#include "client/transfer/folder_times.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "client/transfer/folder_puts.h"
#include "client/transfer/parallel_puts.h"
#include "tests/client/parallel_server.h"
#include "tests/client/put_fixture.h"

namespace ft {
namespace {

// What the connections of one server were asked for, in the order of its doing it.
struct Journal {
  std::mutex mutex;
  std::vector<std::string> done;  // "put NAME", "time NAME"
  void add(const std::string& text) {
    const std::lock_guard lock(mutex);
    done.push_back(text);
  }
  // Where it was done last; -1: never.
  std::ptrdiff_t last(const std::string& text) const {
    const auto found = std::find(done.rbegin(), done.rend(), text);
    return found == done.rend() ? -1 : done.rend() - found - 1;
  }
};

// Takes puts, and times; closes after `most` requests on one connection.
ScriptedServer::Script timeServer(Journal& journal, int most = -1, bool isBusy = false) {
  return [&journal, most, isBusy](ServerEnd& end) {
    for (int served = 0; most < 0 || served < most; ++served) {
      const Header request = end.readHeader();
      if (request.cmd == "offer") {
        end.send(okReply("offer"));
        continue;
      }
      if (request.cmd == "put" && request.body == "chunks") {
        const std::string body = end.readChunks();
        end.readHeader();
        if (!isBusy) journal.add("put " + *request.filename);
        end.send(isBusy ? refusal("put", ErrorCode::Busy) : storedReply(body, kXxh));
        continue;
      }
      if (request.cmd == "put") {
        const std::string body = end.readBytes(*request.filesize);
        journal.add("put " + *request.filename);
        end.send(storedReply(body, request.digests.front().algorithm));
        continue;
      }
      REQUIRE(request.cmd == "mkdir");
      const std::string base = request.filename ? *request.filename + "/" : "";
      for (const std::string& name : request.names.value_or(std::vector<std::string>())) {
        journal.add("time " + base + name);
      }
      if (request.mtimeNs) journal.add("time " + *request.filename);
      end.send(okReply("mkdir"));
    }
  };
}

FolderTimes timesBelow(const std::string& base, const std::vector<std::string>& names) {
  std::vector<NewFolder> folders;
  for (const std::string& name : names) folders.push_back({name, std::nullopt, std::ssize(folders)});
  return {FileName::parse(base), std::move(folders)};
}

}  // namespace

TEST_CASE("times of folders go right behind the last put, without waiting for a reply") {
  PutTest test;
  for (const char* name : {"a", "b"}) test.folder.write(name, name);
  ScriptedServer server({[](ServerEnd& end) {
    Header put;
    takeSmall(end, put);
    takeSmall(end, put);
    const Header times = end.readHeader();  // and nothing was answered yet
    CHECK(times.cmd == "mkdir");
    CHECK(times.parents == true);
    CHECK(times.filename == "top");
    CHECK(times.names == std::vector<std::string>{"x/y", "x"});
    CHECK(times.mtimesNs == std::vector<std::int64_t>{0, 1});
    CHECK(times.mtimeNs == 2);
    CHECK_FALSE(times.modes);
    end.send(storedReply("a", kXxh));
    end.send(storedReply("b", kXxh));
    end.send(refusal("mkdir", ErrorCode::Forbidden));
  }});
  LinkPuts(*std::make_unique<Link>(server.link()), test.options, test.observer)
      .put({test.job("a"), test.job("b")}, timesBelow("top", {"x/y", "x", ""}));
  CHECK(test.observer.outcomes.size() == 2);
  CHECK(test.observer.warnings.empty());
}

TEST_CASE("behind a large file they go right behind its trailer") {
  PutTest test;
  test.folder.write("large", kLarge);
  test.folder.write("small", "s");
  ScriptedServer server({[](ServerEnd& end) {
    Header put;
    takeSmall(end, put);
    end.send(storedReply("s", kXxh));
    acceptOffer(end);
    end.readHeader();
    const std::string got = end.readChunks();
    end.readHeader();
    CHECK(end.readHeader().cmd == "mkdir");
    end.send(storedReply(got, kXxh));
    end.send(okReply("mkdir"));
  }});
  Link link = server.link();
  LinkPuts(link, test.options, test.observer).put({test.job("small"), test.job("large")}, timesBelow("top", {"x"}));
  REQUIRE(test.observer.outcomes.size() == 2);
  CHECK(test.observer.outcomes[1].state == FileOutcome::State::Stored);
}

TEST_CASE("a large file that is stored is stored, whatever the server says about the times behind it") {
  PutTest test;
  test.options.replace = false;
  test.folder.write("large", kLarge);
  ScriptedServer server({[](ServerEnd& end) {
                           acceptOffer(end);
                           end.readHeader();
                           const std::string got = end.readChunks();
                           end.readHeader();
                           CHECK(end.readHeader().cmd == "mkdir");
                           end.send(storedReply(got, kXxh));
                           end.send(refusal("mkdir", ErrorCode::ShuttingDown));
                         },
                         [](ServerEnd& end) {
                           CHECK(end.readHeader().cmd == "mkdir");
                           end.send(okReply("mkdir"));
                         }});
  Link link = server.link(1);
  LinkPuts(link, test.options, test.observer).put({test.job("large")}, timesBelow("top", {"x"}));
  CHECK(test.observer.onlyExit() == 0);
}

TEST_CASE("a large file that is there already is followed by the times as well") {
  PutTest test;
  test.folder.write("large", kLarge);
  ScriptedServer server({[](ServerEnd& end) {
    end.readHeader();
    Header have = okReply("offer");
    have.action = "have";
    have.setDigest(digestOfText(kXxh, kLarge));
    end.send(have);
    CHECK(end.readHeader().cmd == "mkdir");
    end.send(refusal("mkdir", ErrorCode::Unsupported));
  }});
  Link link = server.link();
  LinkPuts(link, test.options, test.observer).put({test.job("large")}, timesBelow("top", {"x"}));
  CHECK(test.observer.onlyExit() == 0);
}

TEST_CASE("when the line breaks before the times are answered they are all sent again") {
  PutTest test;
  test.folder.write("a", "a");
  Journal broken, healthy;
  ScriptedServer server({timeServer(broken, 2), timeServer(healthy)});
  std::vector<std::string> names;
  for (int i = 0; i < 9000; ++i) names.push_back("folder" + std::to_string(i));
  Link link = server.link(1);
  LinkPuts(link, test.options, test.observer).put({test.job("a")}, timesBelow("top", names));
  CHECK(test.observer.onlyExit() == 0);
  CHECK(broken.done.size() > 1);
  CHECK(broken.done.size() < 9000);
  CHECK(healthy.done.size() == 9000);
}

TEST_CASE("each connection sets the times of what it has changed after that, and one those of all others") {
  PutTest test;
  std::filesystem::create_directories(test.folder.path("top"));
  std::deque<PutJob> jobs;
  std::vector<std::string> names{"none/in", "none"};
  for (int i = 0; i < 1000; ++i) {
    const std::string folder = "d" + std::to_string(i / 90) + "/s";
    std::filesystem::create_directories(test.folder.path("top/" + folder));
    test.folder.write("top/" + folder + "/f" + std::to_string(i), "content");
    jobs.push_back(test.job("top/" + folder + "/f" + std::to_string(i)));
    if (i % 90 == 0) names.insert(names.end(), {folder, "d" + std::to_string(i / 90)});
  }
  names.emplace_back("");
  const auto check = [&](const Journal& journal, std::size_t most) {
    for (const std::string& name : names) {
      const std::string whole = name.empty() ? "top" : "top/" + name;
      const auto set = journal.last("time " + whole);
      CHECK(set >= 0);
      CHECK(std::none_of(journal.done.begin() + set, journal.done.end(),
                         [&](const std::string& each) { return each.starts_with("put " + whole + "/"); }));
    }
    CHECK(std::count_if(journal.done.begin(), journal.done.end(), [](const std::string& each) {
            return each.starts_with("time ");
          }) <= static_cast<std::ptrdiff_t>(most));
  };
  SUBCASE("all connections live") {
    Journal journal;
    Server server(std::vector<ScriptedServer::Script>(4, timeServer(journal)));
    Link link = server.link();
    test.options.connections = 4;
    ParallelPuts(link, test.options, test.observer).put(jobs, timesBelow("top", names));
    CHECK(server.scripted.connections() == 4);
    check(journal, names.size() + 3 * 4);
  }
  SUBCASE("one is busy when the last file comes, and sets the times all the same") {
    for (const char* const name : {"top/d0/s/l0", "top/d1/s/l1", "top/d2/s/l2", "top/d3/s/l3"}) {
      test.folder.write(name, kLarge);
      jobs.push_back(test.job(name));
    }
    Journal journal;
    Server server({timeServer(journal), timeServer(journal), timeServer(journal, -1, true), timeServer(journal)});
    Link link = server.link();
    link.connection();
    test.options.connections = 4;
    ParallelPuts(link, test.options, test.observer).put(jobs, timesBelow("top", names));
    check(journal, 3 * names.size());
    CHECK(std::count_if(test.observer.outcomes.begin(), test.observer.outcomes.end(),
                        [](const FileOutcome& each) { return each.state == FileOutcome::State::Stored; }) == 1004);
  }
  SUBCASE("some break") {
    Journal journal;
    Server server({timeServer(journal), timeServer(journal, 40), timeServer(journal, 250), timeServer(journal, 100)});
    Link link = server.link();
    link.connection();
    test.options.connections = 4;
    ParallelPuts(link, test.options, test.observer).put(jobs, timesBelow("top", names));
    check(journal, 3 * names.size());
  }
  CHECK(test.observer.outcomes.size() == jobs.size());
}

TEST_CASE("a folder that is refused for its time alone is made without") {
  std::map<std::string, int> asked;
  std::vector<std::string> made;
  Server server({[&](ServerEnd& end) {
    for (;;) {
      const Header request = end.readHeader();
      if (!request.names) ++asked[*request.filename];
      const bool refused =
          request.names || *request.filename == "base/bad" || (*request.filename == "base/box" && request.mtimeNs);
      if (!refused) made.push_back(*request.filename + (request.mtimeNs ? " with time" : ""));
      end.send(refused ? refusal("mkdir", ErrorCode::Forbidden) : okReply("mkdir"));
    }
  }});
  Link link = server.link();
  SideLinks sides(link, 1);
  const auto refused = FolderPuts(link, sides)
                           .make(FileName::parse("base"),
                                 {{"good", std::nullopt, 5}, {"box", std::nullopt, 6}, {"bad", std::nullopt, 7}});
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].name == "bad");
  CHECK(asked == std::map<std::string, int>{{"base/good", 1}, {"base/box", 2}, {"base/bad", 2}});
  CHECK(made == std::vector<std::string>{"base/good with time", "base/box"});
}

}  // namespace ft
