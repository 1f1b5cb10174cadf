#include "server/log/log.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "common/header.h"

using namespace ft;
using std::chrono::milliseconds;

namespace {

// A log into memory, at a time that the test sets.
struct Recorder {
  std::vector<std::string> lines;
  std::chrono::system_clock::time_point now{milliseconds(1'795'233'600'123)};
  LogOutput output() {
    return {[this](std::string_view line) { lines.emplace_back(line); }, [this] { return now; }};
  }
};

std::string onlyLine(const Recorder& recorder) {
  REQUIRE(recorder.lines.size() == 1);
  return recorder.lines[0];
}

}  // namespace

TEST_CASE("a text line has the time, the level, the event and its fields in order") {
  Recorder recorder;
  Log log(LogLevel::Info, LogFormat::Text, recorder.output());
  log.event(LogLevel::Info, "put",
            {{"peer", "127.0.0.1:1234"},
             {"filename", "d/a.txt"},
             {"bytes", 12},
             {"seconds", 0.25},
             {"ok", true},
             {"mtime", -1}});
  CHECK(onlyLine(recorder) ==
        "2026-11-21T04:00:00.123Z INFO put peer=127.0.0.1:1234 filename=\"d/a.txt\" bytes=12 seconds=0.25 ok=true "
        "mtime=-1");
}

TEST_CASE("a JSON line is one object with the same") {
  Recorder recorder;
  Log log(LogLevel::Info, LogFormat::Json, recorder.output());
  log.event(LogLevel::Warn, "put",
            {{"peer", "[::1]:1"},
             {"filename", "a\"b"},
             {"bytes", std::numeric_limits<std::uint64_t>::max()},
             {"rate", 1.5},
             {"ok", false}});
  CHECK(onlyLine(recorder) ==
        R"({"time":"2026-11-21T04:00:00.123Z","level":"warn","event":"put","peer":"[::1]:1","filename":"a\"b",)"
        R"("bytes":18446744073709551615,"rate":1.5,"ok":false})");
}

TEST_CASE("text from outside cannot break out of its line or its quotation marks") {
  const std::string evil = "x\" level=ERROR \\ \n2026 \x1b[2J \xff \xe2\x80\xae";
  Recorder text;
  Log textLog(LogLevel::Info, LogFormat::Text, text.output());
  textLog.event(LogLevel::Info, "put", {{"filename", evil}});
  CHECK(onlyLine(text) ==
        R"(2026-11-21T04:00:00.123Z INFO put filename="x\" level=ERROR \\ \x0a2026 \x1b[2J \xff \xe2\x80\xae")");
  Recorder json;
  Log jsonLog(LogLevel::Info, LogFormat::Json, json.output());
  jsonLog.event(LogLevel::Info, "put", {{"filename", evil}});
  CHECK(onlyLine(json).ends_with(R"("filename":"x\" level=ERROR \\\\ \\x0a2026 \\x1b[2J \\xff \\xe2\\x80\\xae"})"));
  HeaderParser parser;
  CHECK(parser.parse(onlyLine(json)).filename.value_or("").starts_with("x\" level=ERROR"));
}

TEST_CASE("empty text is quoted, and long text is cut") {
  Recorder recorder;
  Log log(LogLevel::Info, LogFormat::Text, recorder.output());
  log.event(LogLevel::Info, "e", {{"a", ""}, {"b", std::string(100'000, 'x')}});
  CHECK(onlyLine(recorder).find(" a=\"\" ") != std::string::npos);
  CHECK(onlyLine(recorder).size() < 1200);
}

TEST_CASE("a number that JSON does not know is null") {
  Recorder recorder;
  Log log(LogLevel::Info, LogFormat::Json, recorder.output());
  log.event(LogLevel::Info, "e", {{"a", std::numeric_limits<double>::infinity()}});
  CHECK(onlyLine(recorder).ends_with(R"("a":null})"));
}

TEST_CASE("events below the level are not written") {
  Recorder recorder;
  Log log(LogLevel::Warn, LogFormat::Text, recorder.output());
  for (const LogLevel level : {LogLevel::Trace, LogLevel::Debug, LogLevel::Info}) {
    CHECK_FALSE(log.enabled(level));
    log.event(level, "quiet", {});
  }
  CHECK(recorder.lines.empty());
  CHECK(log.enabled(LogLevel::Warn));
  log.event(LogLevel::Error, "loud", {});
  CHECK(onlyLine(recorder) == "2026-11-21T04:00:00.123Z ERROR loud");
}

TEST_CASE("a flood of one event is cut to 200 lines a second, and what was left out is told") {
  Recorder recorder;
  Log log(LogLevel::Info, LogFormat::Text, recorder.output());
  for (int i = 0; i < 1000; ++i) log.event(LogLevel::Warn, "refused", {{"n", i}});
  CHECK(recorder.lines.size() == 200);
  recorder.now += milliseconds(1000);
  log.event(LogLevel::Warn, "other", {});
  REQUIRE(recorder.lines.size() == 202);
  CHECK(recorder.lines[200].ends_with("WARN suppressed name=refused count=800"));
  for (int i = 0; i < 1000; ++i) log.event(LogLevel::Warn, "refused", {{"n", i}});
  CHECK(recorder.lines.size() == 402);
}

TEST_CASE("a flood of one event does not silence another") {
  Recorder recorder;
  Log log(LogLevel::Info, LogFormat::Text, recorder.output());
  for (int i = 0; i < 1000; ++i) log.event(LogLevel::Warn, "refused", {});
  log.event(LogLevel::Warn, "disk", {});
  CHECK(recorder.lines.back().ends_with("WARN disk"));
}

TEST_CASE("what was left out is told at the end at the latest") {
  Recorder recorder;
  {
    Log log(LogLevel::Info, LogFormat::Json, recorder.output());
    for (int i = 0; i < 201; ++i) log.event(LogLevel::Error, "broken", {});
  }
  REQUIRE(recorder.lines.size() == 201);
  CHECK(recorder.lines.back().ends_with(R"("level":"warn","event":"suppressed","name":"broken","count":1})"));
}

TEST_CASE("a clock that is set back stops nothing for good") {
  Recorder recorder;
  Log log(LogLevel::Info, LogFormat::Text, recorder.output());
  for (int i = 0; i < 300; ++i) log.event(LogLevel::Warn, "refused", {});
  recorder.now -= std::chrono::hours(24);
  log.event(LogLevel::Warn, "refused", {});
  recorder.now += milliseconds(500);
  log.event(LogLevel::Warn, "refused", {});
  CHECK(recorder.lines.back().ends_with("WARN refused"));
}

TEST_CASE("many threads may log at once, and every line is whole") {
  Recorder recorder;
  {
    Log log(LogLevel::Info, LogFormat::Text, recorder.output());
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&log, t] {
        for (int i = 0; i < 500; ++i) log.event(LogLevel::Info, "put", {{"thread", t}, {"n", i}});
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  CHECK(recorder.lines.size() == 2000);
  for (const std::string& line : recorder.lines) CHECK(line.starts_with("2026-11-21T04:00:00.123Z INFO put thread="));
}

TEST_CASE("levels and formats have names that lead back to them") {
  for (const LogLevel level : {LogLevel::Trace, LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error}) {
    CHECK(logLevelFromName(logLevelName(level)) == level);
  }
  for (const LogFormat format : {LogFormat::Text, LogFormat::Json})
    CHECK(logFormatFromName(logFormatName(format)) == format);
  CHECK_FALSE(logLevelFromName("INFO").has_value());
  CHECK_FALSE(logFormatFromName("xml").has_value());
}
