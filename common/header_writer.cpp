#include <exception>
#include <stdexcept>

#include "common/frame.h"
#include "common/header.h"
#include "common/header_fields.h"
#include "common/json_writer.h"
#include "common/protocol.h"

namespace ft {
namespace {

constexpr std::int64_t kNanosecondsInSecond = 1'000'000'000;

std::int64_t wholeSeconds(std::int64_t ns) {
  const std::int64_t seconds = ns / kNanosecondsInSecond;
  return ns % kNanosecondsInSecond < 0 ? seconds - 1 : seconds;
}

void writeValue(JsonWriter& json, const std::string& text) { json.value(text); }
void writeValue(JsonWriter& json, bool flag) { json.value(flag); }
void writeValue(JsonWriter& json, std::int64_t number) { json.value(number); }
void writeValue(JsonWriter& json, std::uint64_t number) { json.value(number); }
void writeValue(JsonWriter& json, std::uint32_t number) { json.value(std::uint64_t{number}); }

void writeValue(JsonWriter& json, const ListEntry& entry) {
  json.beginObject();
  json.field("name", entry.name);
  json.field("type", entry.type);
  json.field("size", entry.size);
  json.field("mtime", wholeSeconds(entry.mtimeNs.value_or(0)));
  if (entry.mtimeNs) json.field("mtime_ns", *entry.mtimeNs);
  json.field("mode", std::uint64_t{entry.mode});
  json.endObject();
}

void writeValue(JsonWriter& json, const HelloLimits& limits) {
  json.beginObject();
  json.field("header", limits.header);
  json.field("chunk", limits.chunk);
  json.field("pipeline", limits.pipeline);
  json.endObject();
}

void writeValue(JsonWriter& json, const HelloService& service) {
  json.beginObject();
  json.field("name", service.name);
  json.field("address", service.address);
  json.endObject();
}

template <typename T>
void writeValue(JsonWriter& json, const std::vector<T>& values) {
  json.beginArray();
  for (const T& value : values) writeValue(json, value);
  json.endArray();
}

// Writes one row of the table, if the header has it.
class FieldWriter {
 public:
  FieldWriter(JsonWriter& json, const Header& header) : json_(json), header_(header) {}

  void write(const HeaderField& field) {
    if (field.form == HeaderForm::PlainAlias) return;
    if (header_.plain && field.form == HeaderForm::VersionOne) return;
    std::visit([&](auto target) { write(field.key, target); }, field.target);
  }

 private:
  void write(std::string_view key, VersionKey) { json_.field(key, std::int64_t{kProtocolVersion}); }

  void write(std::string_view key, IdKey) {
    if (!header_.id) return;
    json_.key(key);
    json_.raw(*header_.id);
  }

  void write(std::string_view key, MtimeKey) {
    if (!header_.ok || !header_.mtimeNs) return;
    json_.field(key, wholeSeconds(*header_.mtimeNs));
  }

  void write(std::string_view key, DigestAlgorithm algorithm) {
    const DigestValue* const digest = header_.findDigest(algorithm);
    if (digest == nullptr) return;
    json_.field(key, digest->hex);
  }

  void write(std::string_view key, std::string Header::*member) {
    if ((header_.*member).empty()) return;
    json_.field(key, header_.*member);
  }

  template <typename T>
  void write(std::string_view key, std::optional<T> Header::*member) {
    if (!(header_.*member)) return;
    json_.key(key);
    writeValue(json_, *(header_.*member));
  }

  JsonWriter& json_;
  const Header& header_;
};

void appendHeader(std::string& out, const Header& header) {
  JsonWriter json(out);
  json.beginObject();
  FieldWriter writer(json, header);
  for (const HeaderField& field : kHeaderFields) writer.write(field);
  json.endObject();
}

}  // namespace

std::string writeHeader(const Header& header) {
  std::string out;
  out.reserve(256);
  appendHeader(out, header);
  return out;
}

void appendFrame(std::string& out, const Header& header) {
  const std::size_t begin = out.size();
  std::size_t size = 0;
  try {
    out.append(kLengthPrefixSize, '\0');
    appendHeader(out, header);
    size = out.size() - begin - kLengthPrefixSize;
    if (size > kMaxHeaderSize) {
      throw std::length_error("a header of " + std::to_string(size) + " bytes was to be sent");
    }
  } catch (const std::exception&) {
    out.resize(begin);  // others follow on the same line
    throw;
  }
  const std::array<char, kLengthPrefixSize> prefix = encodeLength(size);
  out.replace(begin, prefix.size(), prefix.data(), prefix.size());
}

}  // namespace ft
