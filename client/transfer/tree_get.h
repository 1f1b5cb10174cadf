#pragma once
// Fetches a remote folder with all that is in it. Files that are here already, by size and time, are not fetched again,
// but get the permission bits of the server's. Folders that are made get theirs, too, and all folders get their times.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "client/transfer/file_gets.h"

namespace ft {

class TreeGet {
 public:
  TreeGet(Link& link, const TransferOptions& options, TransferObserver& observer)
      : link_(link), options_(options), observer_(observer) {}

  // The content of the remote folder `remote` comes into the local folder `local`, which is made when missing. Throws
  // when the line stays broken, the user stops, `local` cannot be made, or the server refuses to tell of `remote`.
  // `info`: what is known of `remote`.
  void run(const FileName& remote, const std::string& local, std::optional<RemoteInfo> info = std::nullopt);
  // Files of `remote` that have the names of parts here: they would be taken for those of other files. Told by the
  // caller.
  std::uint64_t partsLeftOut() const { return partsLeftOut_; }

 private:
  // A page of a folder that is still to be listed.
  struct Page {
    FileName remote;
    std::string after;
    std::optional<std::int64_t> mtimeNs;  // of the folder
    PageWatch watch{};
  };
  struct FolderTime {
    FileName remote;
    std::int64_t mtimeNs;
  };

  void listSome(TargetFolder& target, std::deque<GetJob>& jobs);
  // Syncs the folders in which folders were made, when they are `most` or more.
  void settleFolders(TargetFolder& target, std::size_t most);
  void take(const Page& page, const RemoteEntry& entry, TargetFolder& target, std::deque<GetJob>& jobs);
  // A file that is here, as it seems, and its permission bits there and here.
  struct Here {
    GetJob job;
    std::uint32_t theirs;
    std::uint32_t ours;
  };

  TargetFolder openTarget(const FileName& remote, const std::string& local);
  // A folder of which all pages are here, or no more of them will come.
  void folderListed(const Page& page);
  // To the folders whose files are all here, or will not come.
  void setTimes(TargetFolder& target);
  // The permission bits of the local file, when it is the same by size and time.
  std::optional<std::uint32_t> modeHere(GetJob& job, const RemoteInfo& info, TargetFolder& target);
  bool sameContent(const GetJob& job, TargetFolder& target);
  // Of the files that seem to be here, fetches those whose digests differ.
  void compareDoubtful(TargetFolder& target, std::deque<GetJob>& jobs);
  void unchanged(const Here& file, TargetFolder& target);
  // Gives a file that is here the server's bits. That it cannot be is told as a warning.
  void takeMode(const Here& file, TargetFolder& target);
  void finishModes(TargetFolder& target);
  void failed(const std::string& name, const std::exception& error);

  Link& link_;
  const TransferOptions& options_;
  TransferObserver& observer_;
  std::optional<RemoteInfo> info_;
  std::uint64_t skipped_ = 0;  // names that the server could not send
  std::uint64_t partsLeftOut_ = 0;
  std::deque<Page> pages_;
  std::vector<FolderTime> listed_;
  std::vector<Here> doubtful_;
};

}  // namespace ft
