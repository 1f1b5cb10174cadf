#include <simdjson.h>
#include <string.h>

#include <algorithm>
#include <bitset>
#include <new>

#include "common/escape.h"
#include "common/header.h"
#include "common/header_fields.h"
#include "common/header_values.h"
#include "common/protocol.h"

namespace ft {
namespace {

namespace dom = simdjson::dom;

// The rows sorted by the length of their key, so that a lookup compares few.
class FieldIndex {
 public:
  constexpr FieldIndex() {
    std::size_t count = 0;
    for (std::size_t length = 0; length < first_.size(); ++length) {
      first_[length] = static_cast<std::uint8_t>(count);
      for (std::size_t i = 0; i < kHeaderFields.size(); ++i) {
        if (kHeaderFields[i].key.size() == length) rows_[count++] = static_cast<std::uint8_t>(i);
      }
    }
  }

  // The number of the row, or -1.
  int find(std::string_view key, bool plain) const {
    if (key.size() + 1 >= first_.size()) return -1;
    const HeaderForm other = plain ? HeaderForm::VersionOne : HeaderForm::PlainAlias;
    for (std::size_t i = first_[key.size()]; i < first_[key.size() + 1]; ++i) {
      const HeaderField& field = kHeaderFields[rows_[i]];
      if (field.key == key && field.form != other) return rows_[i];
    }
    return -1;
  }

 private:
  static constexpr std::size_t kLongestKey = 10;
  std::array<std::uint8_t, kLongestKey + 2> first_{};
  std::array<std::uint8_t, kHeaderFields.size()> rows_{};
};

constexpr FieldIndex kFieldIndex;
static_assert(std::all_of(kHeaderFields.begin(), kHeaderFields.end(),
                          [](const HeaderField& field) { return field.key.size() <= 10; }));

// What the grammar of JSON allows and PROTOCOL.md 2 does not: finds the first such fault in a document.
class StrictRules {
 public:
  // `escapes`: the text has a backslash. Without one no string can hold a NUL or half a surrogate pair.
  StrictRules(std::vector<std::string_view>& scratch, bool escapes) : keys_(scratch), escapes_(escapes) {
    keys_.clear();
  }

  // Empty: no fault.
  const std::string& fault() const { return fault_; }

  void checkString(std::string_view text) {
    if (!escapes_) return;
    if (text.find('\0') != std::string_view::npos) setFault("a string has U+0000");
    if (!isUtf8(text)) setFault("a string has half a surrogate pair");
  }

  void checkValue(const dom::element& value, int depth) {
    switch (value.type()) {
      case dom::element_type::STRING: checkString(value.get_string().value_unsafe()); return;
      case dom::element_type::ARRAY: checkArray(value.get_array().value_unsafe(), depth + 1); return;
      case dom::element_type::OBJECT: checkObject(value.get_object().value_unsafe(), depth + 1); return;
      default: return;
    }
  }

  void noteKey(std::string_view key) {
    checkString(key);
    keys_.push_back(key);
  }

  // No two of the keys noted since there were `begin` of them are the same. Forgets them.
  void endKeys(std::size_t begin) {
    const auto first = keys_.begin() + static_cast<std::ptrdiff_t>(begin);
    std::sort(first, keys_.end());
    const auto twice = std::adjacent_find(first, keys_.end());
    if (twice != keys_.end()) setFault("the key '" + escapeText(*twice, 64) + "' is there twice");
    keys_.resize(begin);
  }

  void setFault(std::string reason) {
    if (fault_.empty()) fault_ = std::move(reason);
  }

 private:
  void checkArray(const dom::array& array, int depth) {
    if (depth > kMaxJsonDepth) return setFault(kTooDeep);
    for (const dom::element value : array) checkValue(value, depth);
  }

  void checkObject(const dom::object& object, int depth) {
    if (depth > kMaxJsonDepth) return setFault(kTooDeep);
    const std::size_t begin = keys_.size();
    for (const dom::key_value_pair member : object) {
      noteKey(member.key);
      checkValue(member.value, depth);
    }
    endKeys(begin);
  }

  static constexpr const char* kTooDeep = "it is nested more than 8 levels deep";
  static_assert(kMaxJsonDepth == 8);

  std::vector<std::string_view>& keys_;
  const bool escapes_;
  std::string fault_;
};

// Fills a Header from the members of an object, row by row.
class HeaderReader {
 public:
  HeaderReader(const dom::object& object, StrictRules& rules) : object_(object), rules_(rules) {}

  Header read() {
    header_.plain = object_.at_key("v").error() != simdjson::SUCCESS;
    std::bitset<kHeaderFields.size()> seen;
    for (const dom::key_value_pair member : object_) {
      rules_.checkValue(member.value, 1);
      const int row = kFieldIndex.find(member.key, header_.plain);
      if (row < 0) {
        rules_.noteKey(member.key);
        continue;
      }
      const auto place = static_cast<std::size_t>(row);
      if (seen[place]) {
        rules_.setFault("the key '" + std::string(member.key) + "' is there twice");
        continue;
      }
      seen[place] = true;
      readField(kHeaderFields[place], member.value);
    }
    rules_.endKeys(0);
    if (version_ == Version::Other) fail(ErrorCode::Unsupported, "the version of the protocol is not 1 ('v')");
    if (!rules_.fault().empty()) fail(ErrorCode::BadRequest, "the header is refused: " + rules_.fault());
    if (!wrongValue_.empty()) fail(ErrorCode::BadRequest, "the header is refused: " + wrongValue_);
    return std::move(header_);
  }

 private:
  using Told = HeaderError::Told;
  enum class Version { None, One, Other };

  [[noreturn]] void fail(ErrorCode code, const std::string& message) {
    if (version_ == Version::Other || !rules_.fault().empty()) told_ = Told::Nothing;
    if (told_ == Told::Body) throw HeaderError(code, message, std::move(header_), told_);
    Header understood;
    understood.plain = header_.plain;
    understood.cmd = header_.cmd;
    understood.id = header_.id;
    throw HeaderError(code, message, std::move(understood), told_);
  }

  void readField(const HeaderField& field, const dom::element& value) {
    // Clients of the plain form have never heard of the other keys, and may mean something else by them.
    if (header_.plain && isTarget(field, &Header::digest)) return;
    if (header_.plain && !isPlainKey(field, value)) {
      std::visit([&](auto target) { return read(target, value); }, field.target);
      return;
    }
    const std::string_view expected = std::visit([&](auto target) { return read(target, value); }, field.target);
    if (expected.empty()) return;
    if (wrongValue_.empty()) wrongValue_ = "'" + std::string(field.key) + "' must be " + std::string(expected);
    told_ = std::min(told_, left(field));
  }

  // An empty digest is none.
  static bool isPlainKey(const HeaderField& field, const dom::element& value) {
    std::string_view text;
    if (field.key == "md5")
      return !value.is_null() && (value.get_string().get(text) != simdjson::SUCCESS || !text.empty());
    return field.key == "cmd" || isTarget(field, &Header::filename) || isTarget(field, &Header::filesize);
  }

  // What is told when this field is wrong.
  static Told left(const HeaderField& field) {
    if (field.key == "cmd") return Told::Nothing;
    const bool body = field.key == "length" || isTarget(field, &Header::filesize) || isTarget(field, &Header::body);
    return body ? Told::Command : Told::Body;
  }

  template <typename T>
  static bool isTarget(const HeaderField& field, T Header::*member) {
    const auto* const target = std::get_if<T Header::*>(&field.target);
    return target != nullptr && *target == member;
  }

  std::string_view read(VersionKey, const dom::element& value) {
    std::int64_t version = 0;
    const bool one = readValue(value, version).empty() && version == kProtocolVersion;
    version_ = one ? Version::One : Version::Other;
    return {};
  }

  std::string_view read(IdKey, const dom::element& value) { return readId(value, header_.id); }

  std::string_view read(MtimeKey, const dom::element& value) {
    std::int64_t seconds = 0;
    return readValue(value, seconds);
  }

  std::string_view read(DigestAlgorithm algorithm, const dom::element& value) {
    DigestValue digest{algorithm, {}};
    const std::string_view expected = readHex(value, digest);
    if (expected.empty()) header_.setDigest(std::move(digest));
    return expected;
  }

  std::string_view read(std::string Header::*member, const dom::element& value) {
    return readValue(value, header_.*member);
  }

  template <typename T>
  std::string_view read(std::optional<T> Header::*member, const dom::element& value) {
    T read{};
    const std::string_view expected = readValue(value, read);
    if (!expected.empty()) return expected;
    std::optional<T>& target = header_.*member;
    if (target && *target != read) return "the same as its other spelling in this header";
    target = std::move(read);
    return {};
  }

  const dom::object& object_;
  StrictRules& rules_;
  Header header_;
  Version version_ = Version::None;
  std::string wrongValue_;  // the first that is not what its key asks for
  Told told_ = Told::Body;
};

// Is the sign at `at` that of an exponent, as in 1e-05?
bool isExponent(std::string_view json, std::size_t at) { return at > 0 && (json[at - 1] | 0x20) == 'e'; }

// "-0" as a number, which the parser reads as 0: a text that has it is searched outside its strings.
bool hasMinusZero(std::string_view json) {
  if (json.find("-0") == std::string_view::npos) return false;
  bool inString = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (inString && c == '\\') {
      ++i;
    } else if (c == '"') {
      inString = !inString;
    } else if (!inString && c == '-' && json.substr(i + 1, 1) == "0" && !isExponent(json, i)) {
      const std::string_view next = json.substr(i + 2, 1);
      if (next != "." && next != "e" && next != "E") return true;
    }
  }
  return false;
}

[[noreturn]] void refuseText(const std::string& reason) {
  throw HeaderError(ErrorCode::BadRequest, "the header is not what PROTOCOL.md 2 asks for: " + reason, Header{},
                    HeaderError::Told::Nothing);
}

}  // namespace

struct HeaderParser::Impl {
  // Throws HeaderError when the text is not one JSON object. The result lives until the next call.
  dom::object parseObject(std::string_view json);

  dom::parser parser;
  std::string padded;  // the parser reads some bytes behind the text
  std::vector<std::string_view> keys;
};

dom::object HeaderParser::Impl::parseObject(std::string_view json) {
  if (json.size() > kMaxHeaderSize) refuseText("it is longer than " + std::to_string(kMaxHeaderSize) + " bytes");
  if (json.starts_with("\xef\xbb\xbf")) refuseText("it begins with a byte order mark");
  padded.reserve(json.size() + simdjson::SIMDJSON_PADDING);
  padded.assign(json);
  dom::element root;
  const simdjson::error_code error = parser.parse(padded.data(), padded.size(), false).get(root);
  if (error == simdjson::MEMALLOC) throw std::bad_alloc();  // which says nothing about the text
  if (error == simdjson::DEPTH_ERROR) refuseText("it is nested too deep");
  if (error != simdjson::SUCCESS) refuseText(simdjson::error_message(error));
  dom::object object;
  if (root.get_object().get(object) != simdjson::SUCCESS) refuseText("it is not an object");
  return object;
}

HeaderParser::HeaderParser() : impl_(std::make_unique<Impl>()) {}
HeaderParser::~HeaderParser() = default;
HeaderParser::HeaderParser(HeaderParser&&) noexcept = default;
HeaderParser& HeaderParser::operator=(HeaderParser&&) noexcept = default;

void HeaderParser::forget() noexcept {
  // The parser unescapes strings into a buffer of its own, with their lengths between them.
  const std::size_t written =
      std::min(impl_->padded.size() * 5 / 3 + simdjson::SIMDJSON_PADDING, impl_->parser.capacity());
  if (impl_->parser.doc.string_buf) ::explicit_bzero(impl_->parser.doc.string_buf.get(), written);
  impl_->padded.resize(impl_->padded.capacity());
  ::explicit_bzero(impl_->padded.data(), impl_->padded.size());
  impl_->padded.clear();
}

Header HeaderParser::parse(std::string_view json) {
  const dom::object object = impl_->parseObject(json);
  StrictRules rules(impl_->keys, json.find('\\') != std::string_view::npos);
  if (hasMinusZero(json)) rules.setFault("an integer is written -0");
  return HeaderReader(object, rules).read();
}

}  // namespace ft
