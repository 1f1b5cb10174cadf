#include "client/terminal/output.h"

#include <algorithm>
#include <utility>

#include "common/escape.h"
#include "common/units.h"

namespace ft {
namespace {

using std::chrono::duration;
using std::chrono::milliseconds;

constexpr milliseconds kRedraw{100};
constexpr const char* kEraseRest = "\x1b[K";  // of the line
constexpr std::size_t kDefaultWidth = 80;

std::string plural(std::uint64_t count, const char* thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

std::string verifiedText(const std::vector<DigestValue>& digests, bool withValue) {
  std::string names;
  for (const DigestValue& digest : digests) {
    names += (names.empty() ? ", verified " : " and ") + std::string(digestName(digest.algorithm));
  }
  if (withValue && digests.size() == 1) names += " " + digests.front().hex;
  return names;
}

std::string timeText(double seconds) { return formatDuration(milliseconds(static_cast<std::int64_t>(seconds * 1000))); }

}  // namespace

Output::Output(Console console, Settings settings)
    : console_(console), settings_(std::move(settings)), progress_(begin_) {}

Output::~Output() { eraseProgress(); }

void Output::write(const std::string& text) {
  eraseProgress();
  (dataOnStdout_ ? console_.err : console_.out) << text << '\n' << std::flush;
}

void Output::error(const std::string& text) {
  eraseProgress();
  console_.err << "ftpc: " << text << '\n' << std::flush;
}

void Output::line(const std::string& text) {
  if (!settings_.json) write(text);
}

void Output::report(const std::string& text) {
  if (!settings_.quiet) line(text);
}

void Output::planned(std::uint64_t files, std::uint64_t bytes) { progress_.plan(files, bytes); }

void Output::advanced(std::uint64_t bytes) {
  if (!console_.errIsTerminal || settings_.quiet) return;
  progress_.advance(bytes, Clock::now());
  drawProgress(false);
}

void Output::warned(const std::string& text) {
  if (!settings_.quiet) error(text);
  if (!settings_.json) return;
  object("warning", [&](JsonWriter& json) {
    json.key("message");
    json.value(text);
  });
}

void Output::ended(const FileOutcome& outcome) {
  if (outcome.state == FileOutcome::State::Failed) {
    ++failed_;
    failed(outcome.name, outcome.problem);
    return;
  }
  tally_.done();
  if (outcome.state == FileOutcome::State::Unchanged) {
    ++unchanged_;
  } else {
    progress_.fileEnded();
    ++files_;
    bytes_ += outcome.size;
    moved_ += outcome.moved;
    resumed_ += outcome.resumed;
    const auto known = [&](const DigestValue& d) { return d.algorithm == outcome.digest->algorithm; };
    if (outcome.digest && std::none_of(digests_.begin(), digests_.end(), known)) digests_.push_back(*outcome.digest);
  }
  showFile(outcome);
  drawProgress(false);
}

void Output::showFile(const FileOutcome& outcome) {
  const bool unchanged = outcome.state == FileOutcome::State::Unchanged;
  if (settings_.json) {
    object("file", [&](JsonWriter& json) {
      json.key("name");
      json.value(outcome.name);
      json.key("state");
      json.value(unchanged ? "unchanged" : "done");
      json.key("size");
      json.value(outcome.size);
      json.key("moved");
      json.value(outcome.moved);
      json.key("resumed");
      json.value(outcome.resumed);
      if (!outcome.digest) return;
      json.key("digest");
      json.value(digestName(outcome.digest->algorithm));
      json.key(digestName(outcome.digest->algorithm));
      json.value(outcome.digest->hex);
    });
  } else if (settings_.verbose && !settings_.quiet) {
    const std::string digest =
        outcome.digest ? ", " + std::string(digestName(outcome.digest->algorithm)) + " " + outcome.digest->hex : "";
    error(escapeText(outcome.name) + ": " + (unchanged ? "unchanged" : formatSize(outcome.size)) + digest);
  }
}

void Output::failed(const std::string& name, const Problem& problem) {
  const std::string hint = settings_.hint ? settings_.hint(name, problem, !tally_.hasFailed()) : "";
  tally_.failed(problem.exit);
  const std::string shown = escapeText(name);
  const bool named = name.empty() || problem.message.starts_with(shown + ":");
  const std::string message = (problem.fromServer ? serverText(problem) : problem.message) + hint;
  error(named ? message : shown + ": " + message);
  if (!settings_.json) return;
  object("error", [&](JsonWriter& json) {
    if (!name.empty()) {
      json.key("name");
      json.value(name);
    }
    json.key("code");
    json.value(problem.code);
    json.key("message");
    json.value(problem.message);
    json.key("exit");
    json.value(std::int64_t{problem.exit});
  });
}

std::string Output::serverText(const Problem& problem) const {
  const std::string server = escapeText(settings_.server);
  std::string words = problem.code;
  std::replace(words.begin(), words.end(), '_', ' ');
  const bool place = problem.code == errorName(ErrorCode::NotFound) || problem.code == errorName(ErrorCode::Exists);
  return place ? words + " on " + server + " (" + problem.message + ")"
               : server + " says: " + words + " (" + problem.message + ")";
}

void Output::summary(std::string_view deed, const std::string& label) {
  const double seconds = duration<double>(Clock::now() - begin_).count();
  if (progressShown_) drawProgress(true);
  if (settings_.json) {
    summaryObject(seconds);
  } else if (!settings_.quiet && (files_ + unchanged_ > 0 || failed_ == 0)) {
    write(summaryText(deed, label, seconds));
  }
}

std::string Output::summaryText(std::string_view deed, const std::string& label, double seconds) const {
  std::string text(deed);
  if (!label.empty()) text += " " + escapeText(label) + ":";
  text += " " + plural(files_, "file") + ", " + formatSize(bytes_) + " in " + timeText(seconds) + " (" +
          formatRate(static_cast<double>(moved_) / std::max(seconds, 1e-6)) + ")";
  if (resumed_ > 0) text += ", " + formatSize(resumed_) + " were there already";
  if (unchanged_ > 0) text += ", " + std::to_string(unchanged_) + " unchanged";
  if (failed_ > 0) text += ", " + std::to_string(failed_) + " failed";
  return text + verifiedText(digests_, files_ == 1);
}

void Output::summaryObject(double seconds) {
  object("summary", [&](JsonWriter& json) {
    json.key("verb");
    json.value(settings_.verb);
    const std::array counts{std::pair{"files", files_},   std::pair{"unchanged", unchanged_},
                            std::pair{"failed", failed_}, std::pair{"bytes", bytes_},
                            std::pair{"moved", moved_},   std::pair{"resumed", resumed_}};
    for (const auto& [key, value] : counts) {
      json.key(key);
      json.value(value);
    }
    json.key("seconds");
    json.raw(std::to_string(seconds));
    if (digests_.size() == 1) {
      json.key("digest");
      json.value(digestName(digests_.front().algorithm));
    }
    json.key("exit");
    json.value(std::int64_t{tally_.exit()});
  });
}

void Output::drawProgress(bool force) {
  if (!console_.errIsTerminal || settings_.quiet) return;
  const auto now = Clock::now();
  if (!force && now - drawn_ < kRedraw) return;
  drawn_ = now;
  std::string line = progress_.line(now, columns());
  if (console_.dumb) line.resize(std::max(line.size(), columns()), ' ');
  console_.err << '\r' << line << (console_.dumb ? "" : kEraseRest) << std::flush;
  progressShown_ = true;
}

void Output::eraseProgress() {
  if (!progressShown_) return;
  if (console_.dumb) {
    console_.err << '\r' << std::string(columns(), ' ') << '\r' << std::flush;
  } else {
    console_.err << '\r' << kEraseRest << std::flush;
  }
  progressShown_ = false;
}

std::size_t Output::columns() const {
  const std::size_t width = console_.width != nullptr ? console_.width() : kDefaultWidth;
  return width > 1 ? width - 1 : width;
}

}  // namespace ft
