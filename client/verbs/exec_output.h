#pragma once
// Passes on what a remote command writes to this program's standard output and standard error: as it is, converted to
// UTF-8, or as JSON objects.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "client/terminal/output.h"
#include "common/header.h"

namespace ft {

class ExecOutput {
 public:
  // `encoding`: what the command writes, to be converted to UTF-8. Throws UsageError for one that is not known.
  ExecOutput(Output& output, const std::optional<std::string>& encoding);
  ~ExecOutput();

  // Bytes of the command's standard error (`errors`) or standard output. Throws Failure when they cannot be written.
  void add(bool errors, std::span<const std::byte> bytes);
  // The command has ended with this reply.
  void finish(const Header& reply);

 private:
  class Converter;

  void write(bool errors, std::string_view text);

  Output& output_;
  // Of standard output and of standard error; null without an encoding.
  std::array<std::unique_ptr<Converter>, 2> converters_;
  std::uint64_t bytes_ = 0;
};

}  // namespace ft
