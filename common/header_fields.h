#pragma once
// The keys of a header, one row each: what is read and what is written both come from this table. A new key is a member
// of Header and a row here. Internal to the codec of headers.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/header.h"

namespace ft {

// Where a row applies: VersionOne needs "v"; PlainAlias is another spelling that is read in the plain form and never
// written.
enum class HeaderForm : std::uint8_t { Both, VersionOne, PlainAlias };

// Keys that are more than one member.
struct VersionKey {};
struct IdKey {};
// Whole seconds, written beside mtimeNs in replies; read for its type only.
struct MtimeKey {};

// The type of the member is the type of the value; std::optional<uint32_t> is permission bits.
using HeaderTarget = std::variant<
    VersionKey, IdKey, MtimeKey, DigestAlgorithm, std::string Header::*, std::optional<std::string> Header::*,
    std::optional<bool> Header::*, std::optional<std::uint64_t> Header::*, std::optional<std::int64_t> Header::*,
    std::optional<std::uint32_t> Header::*, std::optional<std::vector<std::string>> Header::*,
    std::optional<std::vector<std::uint64_t>> Header::*, std::optional<std::vector<std::int64_t>> Header::*,
    std::optional<std::vector<std::uint32_t>> Header::*, std::optional<std::vector<ListEntry>> Header::*,
    std::optional<HelloLimits> Header::*, std::optional<std::vector<HelloService>> Header::*>;

struct HeaderField {
  std::string_view key;
  HeaderForm form;
  HeaderTarget target;
};

// In the order of writing.
inline constexpr std::array kHeaderFields{
    HeaderField{"v", HeaderForm::VersionOne, VersionKey{}},
    HeaderField{"cmd", HeaderForm::Both, &Header::cmd},
    HeaderField{"id", HeaderForm::Both, IdKey{}},
    HeaderField{"ok", HeaderForm::Both, &Header::ok},
    HeaderField{"filename", HeaderForm::Both, &Header::filename},
    HeaderField{"file_name", HeaderForm::PlainAlias, &Header::filename},
    HeaderField{"type", HeaderForm::VersionOne, &Header::type},
    HeaderField{"filesize", HeaderForm::Both, &Header::filesize},
    HeaderField{"file_size", HeaderForm::PlainAlias, &Header::filesize},
    HeaderField{"total_size", HeaderForm::PlainAlias, &Header::filesize},
    HeaderField{"data_size", HeaderForm::PlainAlias, &Header::filesize},
    HeaderField{"xxh128", HeaderForm::Both, DigestAlgorithm::Xxh128},
    HeaderField{"md5", HeaderForm::Both, DigestAlgorithm::Md5},
    HeaderField{"sha256", HeaderForm::Both, DigestAlgorithm::Sha256},
    HeaderField{"digest", HeaderForm::Both, &Header::digest},
    HeaderField{"mtime", HeaderForm::Both, MtimeKey{}},
    HeaderField{"mtime_ns", HeaderForm::Both, &Header::mtimeNs},
    HeaderField{"mode", HeaderForm::Both, &Header::mode},
    HeaderField{"error", HeaderForm::Both, &Header::error},
    HeaderField{"message", HeaderForm::Both, &Header::message},
    HeaderField{"body", HeaderForm::VersionOne, &Header::body},
    HeaderField{"offset", HeaderForm::VersionOne, &Header::offset},
    HeaderField{"length", HeaderForm::VersionOne, &Header::length},
    HeaderField{"have", HeaderForm::VersionOne, &Header::have},
    HeaderField{"data_size", HeaderForm::VersionOne, &Header::dataSize},
    HeaderField{"replace", HeaderForm::VersionOne, &Header::replace},
    HeaderField{"parents", HeaderForm::VersionOne, &Header::parents},
    HeaderField{"recursive", HeaderForm::VersionOne, &Header::recursive},
    HeaderField{"to", HeaderForm::VersionOne, &Header::to},
    HeaderField{"limit", HeaderForm::VersionOne, &Header::limit},
    HeaderField{"after", HeaderForm::VersionOne, &Header::after},
    HeaderField{"segments", HeaderForm::VersionOne, &Header::segments},
    HeaderField{"upload", HeaderForm::VersionOne, &Header::upload},
    HeaderField{"names", HeaderForm::VersionOne, &Header::names},
    HeaderField{"sizes", HeaderForm::VersionOne, &Header::sizes},
    HeaderField{"mtimes_ns", HeaderForm::VersionOne, &Header::mtimesNs},
    HeaderField{"modes", HeaderForm::VersionOne, &Header::modes},
    HeaderField{"name", HeaderForm::VersionOne, &Header::name},
    HeaderField{"args", HeaderForm::VersionOne, &Header::args},
    HeaderField{"shell", HeaderForm::VersionOne, &Header::shell},
    HeaderField{"input", HeaderForm::VersionOne, &Header::input},
    HeaderField{"terminal", HeaderForm::VersionOne, &Header::terminal},
    HeaderField{"rows", HeaderForm::VersionOne, &Header::rows},
    HeaderField{"columns", HeaderForm::VersionOne, &Header::columns},
    HeaderField{"stream", HeaderForm::VersionOne, &Header::stream},
    HeaderField{"code", HeaderForm::VersionOne, &Header::code},
    HeaderField{"signal", HeaderForm::VersionOne, &Header::signal},
    HeaderField{"encoding", HeaderForm::VersionOne, &Header::encoding},
    HeaderField{"user", HeaderForm::VersionOne, &Header::user},
    HeaderField{"password", HeaderForm::VersionOne, &Header::password},
    HeaderField{"token", HeaderForm::VersionOne, &Header::token},
    HeaderField{"key", HeaderForm::VersionOne, &Header::key},
    HeaderField{"signature", HeaderForm::VersionOne, &Header::signature},
    HeaderField{"nonce", HeaderForm::VersionOne, &Header::nonce},
    HeaderField{"action", HeaderForm::VersionOne, &Header::action},
    HeaderField{"entries", HeaderForm::VersionOne, &Header::entries},
    HeaderField{"next", HeaderForm::VersionOne, &Header::next},
    HeaderField{"skipped", HeaderForm::VersionOne, &Header::skipped},
    HeaderField{"need", HeaderForm::VersionOne, &Header::need},
    HeaderField{"server", HeaderForm::VersionOne, &Header::server},
    HeaderField{"sandbox", HeaderForm::VersionOne, &Header::sandbox},
    HeaderField{"versions", HeaderForm::VersionOne, &Header::versions},
    HeaderField{"digests", HeaderForm::VersionOne, &Header::digestNames},
    HeaderField{"commands", HeaderForm::VersionOne, &Header::commands},
    HeaderField{"limits", HeaderForm::VersionOne, &Header::limits},
    HeaderField{"services", HeaderForm::VersionOne, &Header::services},
};
static_assert(kHeaderFields.size() <= 255, "the reader keeps the numbers of rows in bytes");

}  // namespace ft
