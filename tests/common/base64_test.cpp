#include "common/base64.h"

#include <doctest/doctest.h>

using namespace ft;

TEST_CASE("base64 is that of RFC 4648") {
  CHECK(base64("").empty());
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foob") == "Zm9vYg==");
  CHECK(base64("\xff\xfe\xfd") == "//79");
  CHECK(base64Url("\xff\xfe\xfd\xff") == "__79_w");
}

TEST_CASE("what base64 wrote reads back as it was, with its padding or without") {
  std::string bytes;
  for (int i = 0; i < 70; ++i) {
    std::string text = base64(bytes);
    CHECK(fromBase64(text) == bytes);
    while (text.ends_with('=')) text.pop_back();
    CHECK(fromBase64(text) == bytes);
    bytes += static_cast<char>(i * 37);
  }
}

TEST_CASE("text that is not base64 is refused: other characters, one digit too many, bits left over") {
  for (const char* text : {"Zg=a", "Z", "Zg==Zg==", "Zh==", "Zm9=", "Z m9", "Zm9v\n", "-_79", "===="}) {
    CAPTURE(text);
    CHECK_FALSE(fromBase64(text).has_value());
  }
}
