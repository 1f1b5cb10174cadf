#pragma once
// Appends JSON text (RFC 8259) to a string, in one pass and without a tree. The caller keeps the order of calls
// meaningful.

#include <cstdint>
#include <string>
#include <string_view>

namespace ft {

class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  void beginObject() { open('{'); }
  void endObject() { close('}'); }
  void beginArray() { open('['); }
  void endArray() { close(']'); }
  // The key of the next value. `name` needs no escapes: it is one of ours.
  void key(std::string_view name);

  // Bytes that are not UTF-8 are written as U+FFFD, so that the text is valid whatever comes.
  void value(std::string_view text);
  void value(const char* text) { value(std::string_view(text)); }
  void value(bool flag);
  void value(std::int64_t number);
  void value(std::uint64_t number);
  // Text that is JSON already.
  void raw(std::string_view json);

  // A key with its value.
  void field(std::string_view name, const auto& content) {
    key(name);
    value(content);
  }

 private:
  void open(char bracket);
  void close(char bracket);
  void separate();

  std::string& out_;
  bool needsComma_ = false;
};

// `text` as a JSON string with its quotation marks, appended to `out`.
void appendJsonString(std::string& out, std::string_view text);

}  // namespace ft
