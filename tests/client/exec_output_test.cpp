#include "client/verbs/exec_output.h"

#include <doctest/doctest.h>

#include <sstream>
#include <string>

#include "client/failures.h"
#include "common/base64.h"

using namespace ft;

namespace {

struct Screen {
  std::ostringstream out, err;
  Output::Settings settings;
  Screen() { settings.json = true; }
};

void add(ExecOutput& output, bool errors, std::string_view bytes) {
  output.add(errors, std::as_bytes(std::span(bytes)));
}

}  // namespace

TEST_CASE("as JSON every piece is an object with its stream, and the end has code, bytes and signal") {
  Screen screen;
  Output output(Console{screen.out, screen.err}, screen.settings);
  ExecOutput exec(output, std::nullopt);
  add(exec, false, "foo");
  add(exec, true, "\xff");
  Header reply;
  reply.ok = true;
  reply.code = 137;
  reply.signal = "KILL";
  exec.finish(reply);
  CHECK(screen.out.str() ==
        "{\"v\":1,\"type\":\"output\",\"stream\":\"stdout\",\"base64\":\"Zm9v\"}\n"
        "{\"v\":1,\"type\":\"output\",\"stream\":\"stderr\",\"base64\":\"/w==\"}\n"
        "{\"v\":1,\"type\":\"exec\",\"code\":137,\"bytes\":4,\"signal\":\"KILL\"}\n");
}

TEST_CASE("an encoding is converted to UTF-8 though its characters are cut between pieces, and bad bytes are marked") {
  Screen screen;
  Output output(Console{screen.out, screen.err}, screen.settings);
  ExecOutput exec(output, "GBK");
  for (const char byte : std::string("\xd6\xd0\xce\xc4")) add(exec, false, std::string(1, byte));
  add(exec, false,
      "\xff"
      "a");
  add(exec, true, "\xd6");
  Header reply;
  reply.ok = true;
  exec.finish(reply);
  const std::string text = screen.out.str();
  CHECK(text.find(base64("\xe4\xb8\xad")) != std::string::npos);
  CHECK(text.find(base64("\xe6\x96\x87")) != std::string::npos);
  CHECK(text.find(base64("\xef\xbf\xbd"
                         "a")) != std::string::npos);
  CHECK(text.find("\"stderr\",\"base64\":\"" + base64("\xef\xbf\xbd")) != std::string::npos);
  CHECK_THROWS_AS(ExecOutput(output, "no-such-encoding"), UsageError);
}
