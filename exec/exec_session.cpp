#include "exec/exec_session.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>

#include "common/error.h"

namespace ft {
namespace {

// A command that a signal ended has the code that a shell gives it.
constexpr int kSignalCode = 128;

Header replyTo(const Header& request, const ExecEnd& end) {
  Header reply;
  reply.cmd = "exec";
  reply.id = request.id;
  reply.ok = !end.fault.has_value();
  if (end.fault) {
    reply.error = std::string(errorName(end.fault->code()));
    reply.message = end.fault->what();
  }
  if (WIFSIGNALED(end.status)) {
    reply.code = kSignalCode + WTERMSIG(end.status);
    const char* const name = ::sigabbrev_np(WTERMSIG(end.status));
    reply.signal = name == nullptr ? std::to_string(WTERMSIG(end.status)) : std::string(name);
  } else {
    reply.code = WEXITSTATUS(end.status);
  }
  return reply;
}

Header refusalOf(const Header& request, const Failure& failure) {
  Header reply;
  reply.cmd = request.cmd;
  reply.id = request.id;
  reply.ok = false;
  reply.error = std::string(errorName(failure.code()));
  reply.message = failure.what();
  return reply;
}

}  // namespace

ExecSession::ExecSession(const ExecSettings& settings, const ExecUser& user, UniqueFd socket, int signals)
    : settings_(settings), user_(user), peer_(std::move(socket)), signals_(signals) {}

void ExecSession::run() {
  try {
    while (awaitRequest()) {
      const Header request = peer_.takeHeader();
      // Input and sizes that were under way when their command ended.
      if (request.cmd == "input") {
        if (!passBody(request.filesize.value_or(0))) return;
      } else if (request.cmd != "resize" && !serve(request)) {
        return;
      }
    }
  } catch (const HeaderError& error) {
    answer(refusalOf(error.header(), error));
  } catch (const ProtocolError&) {
    // There is no way to find the next frame, so there is nothing to say.
  }
}

bool ExecSession::awaitPeer() {
  std::array<pollfd, 2> entries{pollfd{peer_.fd(), POLLIN, 0}, pollfd{signals_, POLLIN, 0}};
  ::poll(entries.data(), entries.size(), -1);
  signalfd_siginfo info{};
  if (entries[1].revents != 0 && ::read(signals_, &info, sizeof info) == sizeof info && info.ssi_signo == SIGTERM)
    return false;
  return entries[0].revents == 0 || peer_.fill();
}

bool ExecSession::awaitRequest() {
  while (peer_.peekHeader() == nullptr) {
    if (!awaitPeer()) return false;
  }
  return true;
}

bool ExecSession::passBody(std::uint64_t left) {
  for (;;) {
    const std::size_t size = peer_.body(left).size();
    peer_.consume(size);
    left -= size;
    if (left == 0) return true;
    if (!awaitPeer()) return false;
  }
}

bool ExecSession::serve(const Header& request) {
  try {
    if (request.cmd != "exec") throw Failure(ErrorCode::Unsupported, "only 'exec' is understood here");
    const ExecPlan plan = planCommand(settings_, user_, request);
    CommandRun command(plan, peer_, signals_);
    const ExecEnd end = command.run();
    if (end.peerGone) return false;
    Header reply = replyTo(request, end);
    if (!plan.encoding.empty()) reply.encoding = plan.encoding;
    // A folder that is gone meanwhile leaves the session where it is.
    const bool moved = !end.folder.empty() && ::chdir(end.folder.c_str()) == 0;
    if (moved) reply.to = end.folder;
    if (!answer(reply) || (end.fault && end.fault->code() == ErrorCode::ShuttingDown)) return false;
    return passBody(end.inputLeft);
  } catch (const Failure& failure) {
    return answer(refusalOf(request, failure));
  }
}

bool ExecSession::answer(const Header& reply) {
  peer_.queue(reply);
  while (peer_.flush()) {
    if (peer_.flushed()) return true;
    pollfd entry{peer_.fd(), POLLOUT, 0};
    ::poll(&entry, 1, -1);
  }
  return false;
}

}  // namespace ft
