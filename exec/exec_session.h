#pragma once
// One session of ftpd-exec, in a process of its own: runs one command after the other, remembers the folder between
// them, and leaves nothing behind when its peer goes.

#include "common/exec_settings.h"
#include "exec/command_line.h"
#include "exec/command_run.h"
#include "exec/peer.h"

namespace ft {

class ExecSession {
 public:
  // The process is a subreaper, has become `user`, and `signals` is a signalfd for SIGCHLD and SIGTERM, which are
  // blocked.
  ExecSession(const ExecSettings& settings, const ExecUser& user, UniqueFd socket, int signals);

  // Until the peer goes, breaks the rules, or SIGTERM.
  void run();

 private:
  // These are false when there will be no more: the peer is gone, or it is SIGTERM.
  bool awaitPeer();
  bool awaitRequest();
  bool passBody(std::uint64_t left);
  bool serve(const Header& request);
  bool answer(const Header& reply);

  const ExecSettings& settings_;
  const ExecUser& user_;
  ExecPeer peer_;
  const int signals_;
};

}  // namespace ft
