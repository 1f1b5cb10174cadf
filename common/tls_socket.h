#pragma once
// The socket below TLS, for tls_transport.cpp alone: what OpenSSL writes gathers here and leaves in large pieces,
// without SIGPIPE.

#include <cstddef>
#include <string>

#include "common/unique_fd.h"

struct bio_st;

namespace ft {

class TlsSocket {
 public:
  explicit TlsSocket(UniqueFd socket) : fd_(std::move(socket)) {}

  int fd() const { return fd_.get(); }
  // A new BIO on this object, which must outlive it. Throws TlsError.
  bio_st* makeBio();
  // Sends what has gathered, as far as the line takes it; true when nothing is left. On a failure error() is set and
  // the rest is dropped.
  bool flush();
  // Bytes that have left since this object was made, and those that were given to it.
  std::size_t sent() const { return sentInAll_; }
  std::size_t given() const { return sentInAll_ + out_.size() - sent_; }
  // What came first, as far as kMostFirst bytes: it tells what the other side speaks when it is not TLS.
  const std::string& first() const { return first_; }
  void forgetFirst() { first_ = {}; }
  // The errno of the last failure, or 0.
  int error() const { return error_; }

  // For the BIO.
  int take(const char* bytes, std::size_t size);
  int receive(char* into, std::size_t size);
  bool atEnd() const { return end_; }

 private:
  static constexpr std::size_t kMostFirst = 4096;

  UniqueFd fd_;
  std::string first_;
  bool begun_ = false;
  std::string out_;
  std::size_t sent_ = 0;
  std::size_t sentInAll_ = 0;
  int error_ = 0;
  bool end_ = false;
};

}  // namespace ft
