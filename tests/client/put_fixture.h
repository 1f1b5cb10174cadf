#pragma once
// What the tests of put share: a folder with files, jobs for them, and the moves of an honest server.

#include "client/transfer/link_puts.h"
#include "tests/client/scripted_server.h"
#include "tests/client/transfer_fixture.h"

namespace ft {

inline constexpr DigestAlgorithm kXxh = DigestAlgorithm::Xxh128;
inline const std::string kLarge = noise(6'000'000);

struct PutTest {
  TestFolder folder;
  RecordingObserver observer;
  TransferOptions options;

  PutJob job(const std::string& name, DigestAlgorithm digest = kXxh) const {
    PutJob job;
    job.path = folder.path(name);
    job.remote = FileName::parse(name);
    job.size = std::filesystem::exists(job.path) ? std::filesystem::file_size(job.path) : 0;
    job.digest = digest;
    return job;
  }
  void put(Link link, std::deque<PutJob> jobs) { LinkPuts(link, options, observer).put(std::move(jobs)); }
};

// Answers as an honest server does: reads one put with a raw body.
inline std::string takeSmall(ServerEnd& end, Header& request) {
  request = end.readHeader();
  return end.readBytes(*request.filesize);
}

inline Header acceptOffer(ServerEnd& end, std::uint64_t offset = 0,
                          const std::optional<DigestValue>& digest = std::nullopt) {
  Header offer = end.readHeader();
  Header reply = okReply("offer");
  reply.action = "send";
  reply.offset = offset;
  if (digest) reply.setDigest(*digest);
  end.send(reply);
  return offer;
}

inline void serveLarge(ServerEnd& end, std::string& got) {
  acceptOffer(end);
  end.readHeader();
  got = end.readChunks();
  end.readHeader();
  end.send(storedReply(got, kXxh));
}

}  // namespace ft
