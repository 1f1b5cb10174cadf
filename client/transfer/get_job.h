#pragma once
// One file to be fetched: what is asked of the server, and what of its answer is believed.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/local/part_file.h"
#include "client/local/target_folder.h"
#include "client/transfer/transfer.h"
#include "common/file_name.h"
#include "common/header.h"

namespace ft {

struct GetJob {
  FileName remote = FileName::root();
  FileName folder = FileName::root();  // the remote folder whose local one it goes into
  std::string leaf;                    // local name, one part
  std::optional<std::uint64_t> size;   // as listed; nullopt when the server was not asked before
  bool free = false;                   // it was seen that the local name is free, or a file that may be replaced
  bool inNewFolder = false;            // its folder was made by this process
  std::string shown;                   // for messages and outcomes
  Advance advance;
  int tries = 0;
  bool planned = false;  // the observer was told of the size, which was not listed
};

// The answer to a get, checked against what was asked.
struct GetReply {
  std::uint64_t size = 0;    // of the whole file
  std::uint64_t offset = 0;  // where the body begins: 0, or what we have
  bool chunks = false;
  std::optional<DigestValue> digest;  // of the whole file
  std::vector<DigestValue> stated;    // all that the reply states of it
  std::optional<std::uint32_t> mode;
  std::optional<std::int64_t> mtimeNs;
};

// `have`: the digest of the first `haveSize` bytes that are here already.
struct GetRequest {
  DigestAlgorithm algorithm = DigestAlgorithm::Xxh128;
  bool chunks = true;
  std::uint64_t haveSize = 0;
  std::optional<DigestValue> have;
};

Header getHeader(const FileName& name, const GetRequest& request);
// Throws Failure for a refusal and ProtocolError for an answer that does not fit the request or speaks of another name.
GetReply checkGetReply(const Header& reply, const FileName& name, const GetRequest& request);
// Throws Failure(Integrity) where reply and trailer state two digests of one algorithm.
void requireAgreement(const std::vector<DigestValue>& stated, const Header& trailer);

FileOutcome failedOutcome(const GetJob& job, const std::exception& error);

// Throws Failure(Integrity) unless `ours` equals what the server says of the whole file.
void requireSameDigest(const DigestValue& theirs, const DigestValue& ours);

}  // namespace ft
