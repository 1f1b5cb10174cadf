#pragma once
// Makes folders on the server, over as many connections as their number is worth: where there are many, several of the
// server's threads make them at once.

#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "client/connection/client.h"
#include "client/transfer/side_links.h"

namespace ft {

class FolderPuts {
 public:
  // Both must outlive this.
  FolderPuts(Link& link, SideLinks& sides) : link_(link), sides_(sides) {}

  struct Refused {
    std::string name;
    Failure failure;
  };
  // Makes all of `folders` below `base`, and their parents; folders that are there are fine. Those with bits of their
  // own are made first, over one connection and in their order, so that a parent that comes before its children gets
  // its bits. Returns those that the server refused; the others are made. Throws as Link::persist().
  std::vector<Refused> make(const FileName& base, std::vector<NewFolder> folders);

 private:
  // What one connection makes.
  struct Share {
    std::span<const NewFolder> folders;
    std::vector<Refused> refused;
    bool done = false;
  };
  static void makeShare(Link& link, const FileName& base, Share& share);

  Link& link_;
  SideLinks& sides_;
};

}  // namespace ft
