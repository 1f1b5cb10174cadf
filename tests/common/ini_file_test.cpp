#include "common/ini_file.h"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/error.h"
#include "common/unique_fd.h"

using namespace ft;

namespace {

// The message of the error in `text`, or "" when there is none.
std::string errorOf(std::string_view text) {
  try {
    parseIni(text, "f.conf");
    return "";
  } catch (const ConfigError& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("a byte order mark at the beginning is no part of the first line") {
  CHECK(parseIni("\xef\xbb\xbf[a]\nb = c\n", "f.conf").at(0).section == "a");
  CHECK(errorOf("[a]\n\xef\xbb\xbf[b]\n").starts_with("f.conf:2: "));
}

TEST_CASE("a section may be a kind and a name with one blank between them, and the name a star") {
  const auto entries = parseIni("[user anna-2]\na = 1\n[root pub.x]\nb = 2\n[ user * ]\nc = 3\n", "f.conf");
  REQUIRE(entries.size() == 3);
  CHECK(entries[0].section == "user anna-2");
  CHECK(entries[1].section == "root pub.x");
  CHECK(entries[2].section == "user *");
  for (const char* const bad : {"[a  b]\n", "[a b c]\n", "[a\tb]\n", "[* a]\n", "[*]\n", "[a **]\n", "[a B]\n"}) {
    CAPTURE(bad);
    CHECK(errorOf(bad).starts_with("f.conf:1: "));
  }
}

TEST_CASE("sections, keys and values are read with the lines that they stand on") {
  const std::vector<IniEntry> entries = parseIni(
      "# a comment\n; another\n\nfirst = 1\n[server]\nlisten=127.0.0.1:7021, [::1]:7021\n  workers  =  4  "
      "\r\n[storage]\n"
      "root = /srv/a b # no comment\nempty =",
      "f.conf");
  REQUIRE(entries.size() == 5);
  CHECK(entries[0].section == "");
  CHECK(entries[0].key == "first");
  CHECK(entries[0].line == 4);
  CHECK(entries[1].section == "server");
  CHECK(entries[1].value == "127.0.0.1:7021, [::1]:7021");
  CHECK(entries[2].key == "workers");
  CHECK(entries[2].value == "4");
  CHECK(entries[2].line == 7);
  CHECK(entries[3].section == "storage");
  CHECK(entries[3].value == "/srv/a b # no comment");
  CHECK(entries[4].value == "");
  CHECK(entries[4].line == 10);
}

TEST_CASE("quotation marks keep white space and are removed") {
  const std::vector<IniEntry> entries = parseIni("a = \"  x  \"\nb = \"\"\nc = say \"hi\"\nd = \"a\"b\"\n", "f.conf");
  REQUIRE(entries.size() == 4);
  CHECK(entries[0].value == "  x  ");
  CHECK(entries[1].value == "");
  CHECK(entries[2].value == "say \"hi\"");
  CHECK(entries[3].value == "a\"b");
}

TEST_CASE("a line that is not INI is refused with the file and its line") {
  CHECK(errorOf("[a]\nx = 1\nnonsense\n") == "f.conf:3: expected 'key = value', '[section]' or a comment");
  CHECK(errorOf("[server\n") == "f.conf:1: a section is written [name]");
  CHECK(errorOf("\n[]\n").starts_with("f.conf:2: "));
  CHECK(errorOf("[A B]").starts_with("f.conf:1: 'A B'"));
  CHECK(errorOf("= 1").starts_with("f.conf:1: "));
  CHECK(errorOf("Key = 1").starts_with("f.conf:1: 'Key'"));
  CHECK(errorOf("a = \"open\n").starts_with("f.conf:1: "));
  CHECK(errorOf("a = \"\n").starts_with("f.conf:1: "));
}

TEST_CASE("bytes that are not text are refused, and shown escaped") {
  CHECK(errorOf("a = \xff\n") == "f.conf:1: the line is not UTF-8 text");
  CHECK(errorOf(std::string_view("a = \0\n", 6)) == "f.conf:1: the line is not UTF-8 text");
  CHECK(errorOf("a\x1b = 1") == "f.conf:1: 'a\\x1b' is no name of a key (a-z 0-9 _ - .)");
}

TEST_CASE("an empty text has no entries") {
  const std::vector<IniEntry> both = parseIni("[a]\n\n[b]\nk = v\n", "f.conf", IniSections::Keep);
  REQUIRE(both.size() == 3);
  CHECK((both[0].section == "a" && both[0].key.empty() && both[0].line == 1));
  CHECK((both[1].section == "b" && both[1].key.empty() && both[1].line == 3));
  CHECK((both[2].section == "b" && both[2].key == "k" && both[2].line == 4));
  CHECK(parseIni("", "f.conf").empty());
  CHECK(parseIni("\n\n", "f.conf").empty());
}

TEST_CASE("a file that cannot be read is an error that names it and says why") {
  CHECK_THROWS_WITH_AS(readIniFile("/nonexistent/ftpd.conf"),
                       "/nonexistent/ftpd.conf: cannot be read: No such file or directory", ConfigError);
  CHECK_THROWS_WITH_AS(readIniFile("/"), "/: cannot be read: Is a directory", ConfigError);
  CHECK_THROWS_WITH_AS(readIniFile("/dev/zero"), "/dev/zero: is larger than 1 MiB", ConfigError);
}

TEST_CASE("a file is read like its text") {
  std::string path = "/tmp/ini-file-test-XXXXXX";
  const UniqueFd fd(::mkstemp(path.data()));
  REQUIRE(::write(fd.get(), "[a]\nb = c\n", 10) == 10);
  const std::vector<IniEntry> entries = readIniFile(path);
  ::unlink(path.c_str());
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].section == "a");
  CHECK(entries[0].value == "c");
}
