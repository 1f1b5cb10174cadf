#pragma once
// Fetches one large file over several connections: ranges that are each verified, all of a file of the same size and
// time, into one part file. Only an attempt: whatever goes wrong, what has come in one piece from the beginning is left
// to be gone on with over one connection.

#include <cstdint>
#include <mutex>
#include <optional>

#include "client/transfer/get_job.h"
#include "client/transfer/pieces.h"
#include "client/transfer/side_links.h"

namespace ft {

class RangeGet {
 public:
  RangeGet(Link& link, SideLinks& sides, const TransferOptions& options, TransferObserver& observer)
      : link_(link), sides_(sides), options_(options), observer_(observer) {}

  // False when the file has to be fetched in another way; else its end was told. `job.size` must be known. Throws only
  // Interrupted.
  bool get(GetJob& job, TargetFolder& target, std::size_t width);

 private:
  // Which version of the file the first answer was about; all others must be about the same one.
  struct AgreedVersion {
    std::mutex mutex;
    bool known = false;
    bool changed = false;  // an answer was about another version
    std::optional<std::int64_t> mtimeNs;
    std::optional<std::uint32_t> mode;
  };
  struct Whole {
    const GetJob& job;
    int fd;
    Pieces& pieces;
    AgreedVersion& agreed;
  };
  bool attempt(GetJob& job, TargetFolder& target, std::size_t width);
  bool fetch(GetJob& job, PartFile& part, std::size_t width, FileOutcome& outcome);
  void receiveRanges(Link& link, const Whole& whole) const;
  void receive(Connection& connection, const Whole& whole, const Piece& piece) const;
  static void noteChange(AgreedVersion& agreed);
  static void requireUnchanged(AgreedVersion& agreed);
  static void requireSame(const Header& reply, const Whole& whole, const Piece& piece);

  Link& link_;
  SideLinks& sides_;
  const TransferOptions& options_;
  TransferObserver& observer_;
};

}  // namespace ft
