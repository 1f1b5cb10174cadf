#pragma once
// Makes folders on the server, over as many connections as their number is worth: where there are many, several of the server's threads make
// them at once.

#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "client/lines.h"

namespace ft {

class FolderPuts {
 public:
  // Both must outlive this.
  FolderPuts(Link& link, Lines& lines) : link_(link), lines_(lines) {}

  struct Refused {
    std::string name;
    Failure failure;
  };
  // Makes all of `names` below `base`, and their parents; folders that are there are fine. Returns those that the server refused; the others are
  // made. Throws as Link::persist().
  std::vector<Refused> make(const FileName& base, std::span<const std::string> names);

 private:
  // What one connection makes.
  struct Share {
    std::span<const std::string> names;
    std::vector<Refused> refused;
    bool done = false;
  };
  static void makeShare(Link& line, const FileName& base, Share& share);

  Link& link_;
  Lines& lines_;
};

}  // namespace ft
