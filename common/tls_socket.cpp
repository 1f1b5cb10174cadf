#include "common/tls_socket.h"

#include <openssl/bio.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <memory>

#include "common/tls_error.h"

namespace ft {
namespace {

// More than one write's records gather only when a peer makes us answer (key updates) and does not read the answers.
// Bytes.
constexpr std::size_t kMostOut = 256 * 1024;
// Kept between two writes; more is given back as soon as it is empty. Bytes.
constexpr std::size_t kKeptOut = 1024;

// What one write makes at most: several records with what surrounds them. Bytes.
constexpr std::size_t kUsualOut = 66 * 1024;

constexpr int kWait = -1;
constexpr int kFailed = -2;

TlsSocket& socketOf(BIO* bio) { return *static_cast<TlsSocket*>(BIO_get_data(bio)); }

int bioWrite(BIO* bio, const char* bytes, std::size_t size, std::size_t* written) {
  BIO_clear_retry_flags(bio);
  const int taken = socketOf(bio).take(bytes, size);
  if (taken == kWait) BIO_set_retry_write(bio);
  if (taken <= 0) return 0;
  *written = static_cast<std::size_t>(taken);
  return 1;
}

int bioRead(BIO* bio, char* into, std::size_t size, std::size_t* got) {
  BIO_clear_retry_flags(bio);
  const int received = socketOf(bio).receive(into, size);
  if (received == kWait) BIO_set_retry_read(bio);
  if (received <= 0) return 0;
  *got = static_cast<std::size_t>(received);
  return 1;
}

long bioControl(BIO* bio, int command, long, void*) {
  TlsSocket& socket = socketOf(bio);
  if (command == BIO_CTRL_EOF) return socket.atEnd() ? 1 : 0;
  if (command != BIO_CTRL_FLUSH) return 0;
  BIO_clear_retry_flags(bio);
  if (socket.flush()) return 1;
  if (socket.error() == 0) BIO_set_retry_write(bio);
  return -1;
}

struct FreeMethod {
  void operator()(BIO_METHOD* method) const { BIO_meth_free(method); }
};
using Method = std::unique_ptr<BIO_METHOD, FreeMethod>;

Method makeMethod() {
  Method method(BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "ftpd socket"));
  if (!method) return method;
  BIO_meth_set_write_ex(method.get(), bioWrite);
  BIO_meth_set_read_ex(method.get(), bioRead);
  BIO_meth_set_ctrl(method.get(), bioControl);
  return method;
}

}  // namespace

bio_st* TlsSocket::makeBio() {
  static const Method kMethod = makeMethod();
  BIO* const bio = kMethod ? BIO_new(kMethod.get()) : nullptr;
  if (bio == nullptr) throw TlsError("TLS cannot be used: " + takeTlsReason());
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  return bio;
}

bool TlsSocket::flush() {
  while (sent_ < out_.size() && error_ == 0) {
    const ssize_t n = ::send(fd_.get(), out_.data() + sent_, out_.size() - sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) {
      sent_ += static_cast<std::size_t>(n);
      sentInAll_ += static_cast<std::size_t>(n);
    } else if (errno == EAGAIN) {
      return false;
    } else if (errno != EINTR) {
      error_ = errno;
    }
  }
  out_.clear();
  sent_ = 0;
  if (out_.capacity() > kKeptOut) out_.shrink_to_fit();
  return error_ == 0;
}

int TlsSocket::take(const char* bytes, std::size_t size) {
  if (error_ != 0) return kFailed;
  if (out_.size() - sent_ > kMostOut) return kWait;
  const std::size_t count = std::min<std::size_t>(size, INT_MAX);
  if (out_.empty() && count > kKeptOut) out_.reserve(kUsualOut);
  out_.append(bytes, count);
  return static_cast<int>(count);
}

int TlsSocket::receive(char* into, std::size_t size) {
  for (;;) {
    const ssize_t n = ::recv(fd_.get(), into, std::min<std::size_t>(size, INT_MAX), MSG_DONTWAIT);
    if (n > 0) {
      if (!begun_) first_.assign(into, std::min(static_cast<std::size_t>(n), kMostFirst));
      begun_ = true;
      return static_cast<int>(n);
    }
    if (n == 0) {
      end_ = true;
      return kFailed;
    }
    if (errno == EAGAIN) return kWait;
    if (errno == EINTR) continue;
    error_ = errno;
    return kFailed;
  }
}

}  // namespace ft
