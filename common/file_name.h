#pragma once
// A name relative to the root that has been checked (PROTOCOL.md 2.1). The only way to make one is FileName::parse, so
// a name that came over the wire and was not checked cannot reach the storage by accident. Both ends use it: the client
// for what the server sends.

#include <compare>
#include <string>
#include <string_view>
#include <vector>

namespace ft {

class FileName {
 public:
  // Throws Failure(NameInvalid) that says which rule the name breaks; the message shows the name escaped and cut.
  static FileName parse(std::string_view text);
  // The root folder itself, written "".
  static FileName root() { return FileName(); }
  // As parse(), and "" is the root.
  static FileName parseFolder(std::string_view text);

  bool isRoot() const { return text_.empty(); }
  const std::string& text() const { return text_; }
  std::vector<std::string_view> parts() const;
  // The last part; "" for the root.
  std::string_view leaf() const;
  // All but the last part; the root for a name of one part.
  FileName parent() const;
  // This folder's child of that name; `leaf` is checked, and may have several parts.
  FileName child(std::string_view leaf) const;
  // Would child() take that?
  bool canHold(std::string_view leaf) const;

  auto operator<=>(const FileName&) const = default;

 private:
  FileName() = default;
  explicit FileName(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// Is a thing of that name, both relative to the root, inside of the folder ("": the root)?
bool isBelow(std::string_view name, std::string_view folder);

// As people write folders in settings: "/", "/pub/" and "pub" mean "", "pub" and "pub".
std::string_view withoutOuterSlashes(std::string_view text);

}  // namespace ft
