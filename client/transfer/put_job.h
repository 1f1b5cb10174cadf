#pragma once
// One file to be stored: what is sent about it, and what the server must answer.

#include <cstdint>
#include <string>

#include "client/connection/client.h"
#include "client/local/source_digests.h"
#include "client/local/source_file.h"
#include "client/transfer/transfer.h"
#include "common/file_name.h"
#include "common/header.h"

namespace ft {

struct PutJob {
  std::string path;  // local
  FileName remote = FileName::root();
  SourceFile::Links links = SourceFile::Links::Follow;
  std::uint64_t size = 0;  // as planned; the engine takes what it finds
  DigestAlgorithm digest = DigestAlgorithm::Xxh128;
  Advance advance;
  int tries = 0;           // how often it was begun again because the source changed
  std::uint64_t kept = 0;  // what the server had of it when it was last asked
  // A try whose outcome is not known came before: with `replace` false, the name may be our own.
  bool sentBefore = false;
  RecalledDigest recalled{};  // of the source, in the present try
};

// How often a source that changed while it was read is begun again.
inline constexpr int kChangedTries = 1;

// Throws Failure; Changed also where it is gone, for somebody has seen it there.
SourceFile openSource(const PutJob& job);

// The header of a put, without body and digests.
Header putHeader(const PutJob& job, const SourceFile& source, const TransferOptions& options);

// Checks what the server says that it stored: the size and, where the reply has the digest in question, the digest. A
// reply with another algorithm's digest is compared with the file's. Throws Failure(Integrity) or ProtocolError.
void checkStored(const Header& reply, std::uint64_t size, const DigestValue& digest, const SourceFile* source);

// Is the file of that name at the server this one? False also where the server does not let anyone look, as in a drop
// box.
bool isThere(Client client, const PutJob& job, const DigestValue& digest);

FileOutcome storedOutcome(const PutJob& job, std::uint64_t size, DigestValue digest);
FileOutcome failedOutcome(const PutJob& job, const std::exception& error);

}  // namespace ft
