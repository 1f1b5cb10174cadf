#pragma once
// What a session holds only while a body moves; kept apart so that an idle session is small. For session*.cpp alone.

#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

#include "server/authenticator.h"
#include "server/session.h"

namespace ft {

struct Session::Working {
  Header request;
  const Command& command;
  std::unique_ptr<Work> work;
};

struct Session::LoggingIn {
  LoggingIn(Header header, std::shared_ptr<LoginAttempt> begun)
      : request(std::move(header)), attempt(std::move(begun)) {}
  ~LoggingIn() { attempt->cancel(); }
  LoggingIn(const LoggingIn&) = delete;
  LoggingIn& operator=(const LoggingIn&) = delete;
  Header request;
  std::shared_ptr<LoginAttempt> attempt;
};

struct Session::Receiving {
  Receiving(Header header, ReceiveFile file, BodyReceiver receiver, TimePoint now)
      : request(std::move(header)),
        upload(std::move(file.upload)),
        deliver(std::move(file.deliver)),
        body(receiver),
        begun(now) {}
  Header request;
  std::unique_ptr<Upload> upload;  // null while a refused body is thrown away
  std::function<void(std::unique_ptr<Upload>)> deliver;
  BodyReceiver body;
  TimePoint begun;
};

struct Session::Sending {
  Sending(SendFile send, std::string file, TimePoint now) : name(std::move(file)), body(std::move(send)), begun(now) {}
  std::string name;
  BodySender body;
  TimePoint begun;
};

}  // namespace ft
