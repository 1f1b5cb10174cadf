#include "client/verbs/exec_output.h"

#include <iconv.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "client/failures.h"
#include "common/base64.h"
#include "common/escape.h"
#include "common/whole_file.h"

namespace ft {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

}  // namespace

// One stream's bytes to UTF-8; a character that is cut between two pieces waits for its rest.
class ExecOutput::Converter {
 public:
  explicit Converter(const std::string& encoding) : handle_(::iconv_open("UTF-8", encoding.c_str())) {
    // iconv's own mark of failure is the pointer -1.
    if (handle_ == reinterpret_cast<iconv_t>(std::intptr_t{-1})) {
      throw UsageError("encoding '" + escapeText(encoding, 64) + "' is not known");
    }
  }
  ~Converter() { ::iconv_close(handle_); }
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;

  std::string convert(std::string_view bytes) {
    std::string input = std::exchange(rest_, {}).append(bytes);
    std::string text;
    char* from = input.data();
    std::size_t left = input.size();
    std::array<char, 4096> room{};
    while (left > 0) {
      char* to = room.data();
      std::size_t free = room.size();
      const std::size_t result = ::iconv(handle_, &from, &left, &to, &free);
      const int error = errno;
      text.append(room.data(), room.size() - free);
      if (result != static_cast<std::size_t>(-1) || error == E2BIG) continue;
      if (error == EINVAL) break;
      text += kReplacement;
      ++from;
      --left;
    }
    rest_.assign(from, left);
    return text;
  }

  // What is left when nothing more comes: half a character.
  std::string finish() { return std::exchange(rest_, {}).empty() ? "" : std::string(kReplacement); }

 private:
  iconv_t handle_;
  std::string rest_;
};

ExecOutput::ExecOutput(Output& output, const std::optional<std::string>& encoding) : output_(output) {
  if (!encoding) return;
  for (auto& converter : converters_) converter = std::make_unique<Converter>(*encoding);
}

ExecOutput::~ExecOutput() = default;

void ExecOutput::add(bool errors, std::span<const std::byte> bytes) {
  bytes_ += bytes.size();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto& converter = converters_[errors ? 1 : 0];
  write(errors, converter ? converter->convert(text) : text);
}

void ExecOutput::write(bool errors, std::string_view text) {
  if (text.empty()) return;
  if (!output_.json()) {
    const int error = writeAll(errors ? STDERR_FILENO : STDOUT_FILENO, text);
    if (error != 0) throw failureFromErrno(error, errors ? "standard error" : "standard output");
    return;
  }
  output_.object("output", [&](JsonWriter& json) {
    json.key("stream");
    json.value(errors ? "stderr" : "stdout");
    json.key("base64");
    json.value(base64(text));
  });
}

void ExecOutput::finish(const Header& reply) {
  for (const bool errors : {false, true}) {
    const auto& converter = converters_[errors ? 1 : 0];
    if (converter) write(errors, converter->finish());
  }
  if (output_.json()) {
    output_.object("exec", [&](JsonWriter& json) {
      json.key("code");
      json.value(reply.code.value_or(-1));
      json.key("bytes");
      json.value(bytes_);
      for (const auto& [key, value] : {std::pair{"signal", reply.signal}, std::pair{"encoding", reply.encoding}}) {
        if (!value) continue;
        json.key(key);
        json.value(*value);
      }
    });
    return;
  }
  if (!reply.ok.value_or(false)) return;
  if (reply.signal) output_.warned("the command was ended by signal " + escapeText(*reply.signal, 20));
  if (bytes_ == 0 && ::isatty(STDERR_FILENO) == 1) output_.warned("the command has written nothing");
}

}  // namespace ft
