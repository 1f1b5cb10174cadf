#include "common/error.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <set>
#include <sstream>

using namespace ft;

namespace {

std::set<std::string> allNames() {
  std::set<std::string> names;
  for (int code = 0; code <= static_cast<int>(ErrorCode::Internal); ++code) {
    names.emplace(errorName(static_cast<ErrorCode>(code)));
  }
  return names;
}

std::string readText(const std::string& path) {
  std::ifstream file(path);
  REQUIRE(file.good());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The codes in the table of the section "Error codes": a cell that is nothing but `code`.
std::set<std::string> documentedNames() {
  const std::string document = readText(FT_SOURCE_DIR "/PROTOCOL.md");
  const std::size_t begin = document.find("## 7. Error codes");
  REQUIRE(begin != std::string::npos);
  std::istringstream section(document.substr(begin, document.find("\n## 8.") - begin));
  std::set<std::string> names;
  for (std::string cell; std::getline(section, cell, '|');) {
    if (cell.size() > 4 && cell.starts_with(" `") && cell.ends_with("` "))
      names.insert(cell.substr(2, cell.size() - 4));
  }
  return names;
}

}  // namespace

TEST_CASE("every error code has a name of its own, and the name leads back to it") {
  CHECK(allNames().size() == static_cast<std::size_t>(ErrorCode::Internal) + 1);
  for (int i = 0; i <= static_cast<int>(ErrorCode::Internal); ++i) {
    const auto code = static_cast<ErrorCode>(i);
    CHECK(errorFromName(errorName(code)) == code);
  }
}

TEST_CASE("a name that is not in the list has no code") {
  for (const char* const name : {"", "NotFound", "not_found ", "not-found", "ok"})
    CHECK_FALSE(errorFromName(name).has_value());
}

TEST_CASE("the protocol's document lists exactly the codes of the program") { CHECK(documentedNames() == allNames()); }

TEST_CASE("errors of file operations become the code that a client can act on") {
  CHECK(failureFromErrno(ENOENT, "x").code() == ErrorCode::NotFound);
  CHECK(failureFromErrno(EEXIST, "x").code() == ErrorCode::Exists);
  CHECK(failureFromErrno(ENOTEMPTY, "x").code() == ErrorCode::IsDirectory);
  CHECK(failureFromErrno(EISDIR, "x").code() == ErrorCode::IsDirectory);
  CHECK(failureFromErrno(ENOTDIR, "x").code() == ErrorCode::NotDirectory);
  CHECK(failureFromErrno(EACCES, "x").code() == ErrorCode::Forbidden);
  CHECK(failureFromErrno(ELOOP, "x").code() == ErrorCode::Forbidden);
  CHECK(failureFromErrno(ENAMETOOLONG, "x").code() == ErrorCode::NameInvalid);
  CHECK(failureFromErrno(ENOSPC, "x").code() == ErrorCode::NoSpace);
  CHECK(failureFromErrno(EDQUOT, "x").code() == ErrorCode::Quota);
  CHECK(failureFromErrno(EFBIG, "x").code() == ErrorCode::TooLarge);
  CHECK(failureFromErrno(EMFILE, "x").code() == ErrorCode::Busy);
  CHECK(failureFromErrno(EIO, "x").code() == ErrorCode::IoError);
}

TEST_CASE("the message names the thing and the reason") {
  CHECK(std::string(failureFromErrno(ENOENT, "d/a.txt").what()) == "d/a.txt: No such file or directory");
}

TEST_CASE("the system's words for an errno come back for every number, also for one that it does not know") {
  CHECK(errorText(ENOENT) == "No such file or directory");
  CHECK(errorText(0) == "Success");
  CHECK_FALSE(errorText(123'456).empty());
  CHECK_FALSE(errorText(-1).empty());
}
