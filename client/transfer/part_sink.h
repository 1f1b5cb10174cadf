#pragma once
// The body of a get on its way into a part file, with its digest. Short bodies are hashed in memory; long ones go round
// memory where the connection allows it, and are hashed from the file.

#include <optional>

#include "client/connection/link.h"
#include "client/local/file_digest.h"
#include "client/local/part_file.h"
#include "client/transfer/get_body.h"
#include "client/transfer/transfer.h"

namespace ft {

// The failure that the local side caused while a body was coming: the connection has bytes in it that nobody wants.
class LocalFailure : public Failure {
 public:
  explicit LocalFailure(const Failure& failure) : Failure(failure.code(), failure.what()) {}
};

class PartSink final : public BodySink {
 public:
  struct Listeners {
    Link& link;
    Advance& advance;
    TransferObserver& observer;
  };

  // What is to come. With `sync` the disk begins to write while it still comes.
  struct Body {
    std::uint64_t size = 0;
    bool sync = false;
  };

  // `digest` is of what the part holds.
  PartSink(PartFile& part, Digest digest, Body body, Listeners listeners);

  // All throw LocalFailure.
  void expect(std::uint64_t bytes) override;
  void data(std::span<const std::byte> bytes) override;
  void hole(std::uint64_t count) override;
  std::optional<std::size_t> splice(SpliceMover& mover, int socket, std::size_t most) override;
  // The digest of all that the part holds. To be called once. Throws Failure.
  DigestValue finish();

 private:
  template <typename Action>
  auto keep(Action action);
  void grown();

  PartFile& part_;
  bool sync_;
  Listeners listeners_;
  std::optional<Digest> digest_;    // of a short body
  std::optional<FileDigest> file_;  // of a long one
  std::uint64_t writtenBack_ = 0;
};

}  // namespace ft
