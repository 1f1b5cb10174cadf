#pragma once
// Fetches a remote folder with all that is in it. Files that are here already, by size and time, are not fetched again.

#include <deque>
#include <string>
#include <vector>

#include "client/file_gets.h"

namespace ft {

class TreeGet {
 public:
  TreeGet(Link& link, const TransferOptions& options, TransferObserver& observer)
      : link_(link), options_(options), observer_(observer) {}

  // The content of the remote folder `remote` comes into the local folder `local`, which is made when missing. Throws when
  // the line stays broken, the user stops, or `local` cannot be made.
  void run(const FileName& remote, const std::string& local);

 private:
  // A page of a folder that is still to be listed.
  struct Page {
    FileName remote;
    std::string after;
  };

  void listSome(TargetFolder& target, std::deque<GetJob>& jobs);
  // Syncs the folders in which folders were made, when they are `most` or more.
  void settleFolders(TargetFolder& target, std::size_t most);
  void take(const Page& page, const RemoteEntry& entry, TargetFolder& target, std::deque<GetJob>& jobs);
  bool isHere(GetJob& job, const RemoteInfo& info, TargetFolder& target);
  bool sameContent(const GetJob& job, TargetFolder& target);
  // Of the files that seem to be here, fetches those whose digests differ.
  void compareDoubtful(TargetFolder& target, std::deque<GetJob>& jobs);
  void unchanged(const GetJob& job);
  void failed(const std::string& name, const std::exception& error);

  Link& link_;
  const TransferOptions& options_;
  TransferObserver& observer_;
  std::deque<Page> pages_;
  std::vector<GetJob> doubtful_;
};

}  // namespace ft
