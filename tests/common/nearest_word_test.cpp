#include "common/nearest_word.h"

#include <doctest/doctest.h>

using namespace ft;

TEST_CASE("the nearest word is offered when it is near, and none when it is not") {
  const std::vector<std::string_view> words{"listen", "workers", "idle_timeout", "header_timeout"};
  CHECK(nearestWord("lissten", words) == "listen");
  CHECK(nearestWord("worker", words) == "workers");
  CHECK(nearestWord("idletimeout", words) == "idle_timeout");
  CHECK(nearestWord("listen", words) == "listen");
  CHECK(nearestWord("banana", words) == "");
  CHECK(nearestWord("", words) == "");
  CHECK(didYouMean("lissten", words) == "; did you mean 'listen'?");
  CHECK(didYouMean("banana", words) == "");
  CHECK(nearestWord("x", {}) == "");
}

TEST_CASE("a word that was cut short is near, from three letters on") {
  const std::vector<std::string_view> words{"max_per_address", "max_connections"};
  CHECK(nearestWord("max_conn", words) == "max_connections");
  CHECK(nearestWord("max", words) == "max_per_address");
  CHECK(nearestWord("ma", words) == "");
}
