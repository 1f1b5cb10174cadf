#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "common/error.h"
#include "server/services/echo_service.h"
#include "server/services/exec_service.h"
#include "server/services/plain_exec_service.h"
#include "server/services/services.h"

using namespace ft;

namespace {

SourceAddress loopback() { return SourceAddress{.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}; }
SourceAddress lan() { return SourceAddress{.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 168, 1, 1}}; }
SourceAddress internet() { return SourceAddress{.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 8, 8, 8, 8}}; }

Header named(const std::string& name) {
  Header header;
  header.cmd = "exec";
  header.name = name;
  return header;
}

bool refused(const ExecSettings& settings, const SourceAddress& source, const Header& request, ErrorCode code) {
  try {
    checkExecRequest(settings, source, request);
  } catch (const Failure& failure) {
    return failure.code() == code;
  }
  return false;
}

}  // namespace

TEST_CASE("an answer is a little-endian length, a header with size and digest, and the output") {
  const std::string header =
      R"({"total_size":3,"data_size":3,"filename":"output","md5":"900150983cd24fb0d6963f7d28e17f72"})";
  const std::string answer = plainExecAnswer("abc");
  CHECK(answer == std::string(1, static_cast<char>(header.size())) + std::string(3, '\0') + header + "abc");
}

TEST_CASE("the plain command line listens on loopback only") {
  Log log(LogLevel::Error, LogFormat::Text);
  ServicesConfig config;
  config.exec.socket = "/nonexistent";
  config.plainExec.listen = "0.0.0.0:0";
  const ExecLink link(config, log);
  CHECK_THROWS_AS(makePlainExec(config.plainExec, link, log), ConfigError);
  config.plainExec.listen = "127.0.0.1:notaport";
  CHECK_THROWS_AS(makePlainExec(config.plainExec, link, log), ConfigError);
}

TEST_CASE("an ftpd-exec that is not there is a failure of the request that tells so") {
  Log log(LogLevel::Error, LogFormat::Text);
  ServicesConfig config;
  config.exec.socket = "/nonexistent/socket";
  const ExecLink link(config, log);
  try {
    link.connect();
    FAIL("connected");
  } catch (const Failure& failure) {
    CHECK(failure.code() == ErrorCode::IoError);
    CHECK(std::string(failure.what()).find("ftpd-exec") != std::string::npos);
  }
}

TEST_CASE("who may ask for a command is told by where it comes from") {
  ExecSettings settings;
  for (const auto& [name, from] : std::vector<std::pair<std::string, ExecPeers>>{
           {"near", ExecPeers::Loopback}, {"lan", ExecPeers::Private}, {"all", ExecPeers::Any}}) {
    ExecCommand command;
    command.name = name;
    command.from = from;
    settings.commands.push_back(command);
  }
  CHECK_NOTHROW(checkExecRequest(settings, loopback(), named("near")));
  CHECK(refused(settings, lan(), named("near"), ErrorCode::Forbidden));
  CHECK_NOTHROW(checkExecRequest(settings, lan(), named("lan")));
  CHECK(refused(settings, internet(), named("lan"), ErrorCode::Forbidden));
  CHECK_NOTHROW(checkExecRequest(settings, internet(), named("all")));
  CHECK(refused(settings, loopback(), named("none"), ErrorCode::NotFound));
  CHECK(refused(settings, loopback(), Header(), ErrorCode::BadRequest));
}

TEST_CASE("free shell commands need the mode and a client on this machine") {
  ExecSettings settings;
  Header shell;
  shell.cmd = "exec";
  shell.shell = "true";
  CHECK(refused(settings, loopback(), shell, ErrorCode::Forbidden));
  settings.shell = true;
  CHECK_NOTHROW(checkExecRequest(settings, loopback(), shell));
  settings.from = ExecPeers::Any;
  CHECK(refused(settings, lan(), shell, ErrorCode::Forbidden));
}

TEST_CASE("echo raises ASCII letters and leaves every other byte") {
  std::vector<std::byte> bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<std::byte>(i));
  upperCase(bytes);
  for (int i = 0; i < 256; ++i) {
    const int expected = i >= 'a' && i <= 'z' ? i - 32 : i;
    CHECK(std::to_integer<int>(bytes[static_cast<std::size_t>(i)]) == expected);
  }
}

TEST_CASE("a service that is not configured is not made") {
  Log log(LogLevel::Error, LogFormat::Text);
  const ServicesConfig config;
  const Services services(serviceTable(), ServiceContext{config, log, nullptr});
  CHECK(services.readyLines().empty());
}
