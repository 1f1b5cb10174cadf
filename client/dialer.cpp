#include "client/dialer.h"

#include "client/connection/connector.h"
#include "client/terminal/terminal_question.h"

namespace ft {

std::unique_ptr<Transport> Dialer::dial() {
  UniqueFd socket = connectTo(options_.server, options_.timeout, stop_);
  const bool unixSocket = !options_.server.path.empty();
  if (unixSocket || !options_.trust.tls.value_or(!staysHere(socket.get())))
    return makePlainTransport(std::move(socket));
  return tls().secure(std::move(socket), options_.timeout, stop_);
}

TlsClient& Dialer::tls() {
  const std::lock_guard lock(mutex_);
  if (!tls_) {
    TlsClient::Ask ask = [this](const std::string& question) -> std::optional<std::string> {
      return options_.json ? std::nullopt : askOnTerminal(question, stop_);
    };
    tls_ = std::make_unique<TlsClient>(options_.server, options_.trust, std::move(ask), stop_);
  }
  return *tls_;
}

}  // namespace ft
