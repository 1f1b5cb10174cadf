#pragma once
// The JSON header of a frame as a typed struct, and the way between the two (PROTOCOL.md 2 to 5 and 8). Requests,
// replies and trailers share one struct, since they share most keys. Only header_parser.cpp and header_values.* include
// the JSON library.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/digest.h"
#include "common/error.h"

namespace ft {

// One entry of a `list` reply.
struct ListEntry {
  std::string name;
  std::string type;  // "file", "dir", "link", "other"
  std::uint64_t size = 0;
  std::optional<std::int64_t> mtimeNs{};  // of a folder that may not be looked at there is none
  std::uint32_t mode = 0;
  bool operator==(const ListEntry&) const = default;
};

// What `hello` tells of the limits.
struct HelloLimits {
  std::uint64_t header = 0;
  std::uint64_t chunk = 0;
  std::uint64_t pipeline = 0;
  bool operator==(const HelloLimits&) const = default;
};

// A service beside files, as `hello` tells of it.
struct HelloService {
  std::string name;     // "echo-tcp"
  std::string address;  // HOST:PORT that it listens on
  bool operator==(const HelloService&) const = default;
};

// A key that is absent is an empty optional or vector. Keys have the meaning of the tables in PROTOCOL.md.
struct Header {
  bool plain = false;  // no "v": the plain form (PROTOCOL.md 8)
  std::string cmd;
  std::optional<std::string> id;  // the JSON text of it: 7, "x", [1,null]
  std::optional<std::string> filename;
  std::optional<std::uint64_t> filesize;
  std::vector<DigestValue> digests;  // md5, sha256, xxh128 in the order of kDigestAlgorithms
  std::optional<std::string> digest;
  std::optional<std::string> body;
  std::optional<std::uint64_t> offset, length, have, dataSize, limit;
  std::optional<std::int64_t> mtimeNs;
  std::optional<std::uint32_t> mode;
  std::optional<bool> replace, parents, recursive, segments;
  std::optional<std::string> to, after, upload;
  std::optional<std::vector<std::string>> names;
  std::optional<std::vector<std::uint64_t>> sizes;
  std::optional<std::vector<std::int64_t>> mtimesNs;
  std::optional<std::vector<std::uint32_t>> modes;
  // Commands of the system (exec and the frames that belong to it).
  std::optional<std::string> name, shell, stream, encoding, signal;
  std::optional<std::vector<std::string>> args;
  std::optional<bool> input, terminal;
  std::optional<std::uint64_t> rows, columns;
  std::optional<std::int64_t> code;
  // Log-in.
  std::optional<std::string> user, password, token, key, signature, nonce;
  // Replies and trailers.
  std::optional<bool> ok;
  std::optional<std::string> error, message;
  std::optional<std::string> type, action, next;
  std::optional<std::vector<ListEntry>> entries;
  std::optional<std::uint64_t> skipped;
  std::optional<std::vector<std::uint64_t>> need;
  std::optional<std::string> server, sandbox;
  std::optional<std::vector<std::uint64_t>> versions;
  std::optional<std::vector<std::string>> digestNames, commands;  // the key "digests" of hello
  std::optional<HelloLimits> limits;
  std::optional<std::vector<HelloService>> services;

  // The digest of that algorithm, or nullptr.
  const DigestValue* findDigest(DigestAlgorithm algorithm) const;
  void setDigest(DigestValue value);
};

// The header's text is not what PROTOCOL.md 2 asks for.
class HeaderError : public Failure {
 public:
  // What can be relied on all the same: nothing; which command it is; also where the body ends.
  enum class Told { Nothing, Command, Body };

  HeaderError(ErrorCode code, const std::string& message, Header header, Told told)
      : Failure(code, message), header_(std::move(header)), told_(told) {}
  // What was understood: cmd, id and plain for the reply, and the keys of the body where they are told.
  const Header& header() const { return header_; }
  Told told() const { return told_; }

 private:
  Header header_;
  Told told_;
};

// Parses one header of either form, and of either direction. Throws HeaderError (BadRequest, or Unsupported for another
// version). Not thread-safe: one parser to a connection; it keeps its buffers from header to header.
class HeaderParser {
 public:
  HeaderParser();
  ~HeaderParser();
  HeaderParser(HeaderParser&&) noexcept;
  HeaderParser& operator=(HeaderParser&&) noexcept;
  Header parse(std::string_view json);
  // Overwrites what is left of the last header: it held a secret.
  void forget() noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The JSON text. A list's entries carry mtime beside mtime_ns; so does any header with `ok` and mtimeNs.
std::string writeHeader(const Header& header);
// Length prefix and JSON text, appended to `out`. Throws std::length_error over kMaxHeaderSize: a bug of the caller.
void appendFrame(std::string& out, const Header& header);

}  // namespace ft
