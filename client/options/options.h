#pragma once
// What ftpc is asked for, as data.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "client/connection/address.h"
#include "client/connection/tls_client.h"
#include "client/login/login.h"
#include "client/transfer/transfer.h"

namespace ft {

struct Options {
  std::string verb;
  std::vector<std::string> operands;
  ServerAddress server;
  bool serverNamed = false;  // by -s: then no operand of get names another one
  bool portNamed = false;    // by -s: then ping --tcp and --udp go to that port themselves
  int retry = 5;
  bool retryNamed = false;  // by the user: then the first connect is tried again, too
  std::chrono::milliseconds timeout{60'000};
  TransferOptions transfer;
  std::string sourceDigests;  // the file of SourceDigests; "": none
  TrustOptions trust;
  LoginOptions login;
  bool quiet = false;
  bool verbose = false;
  bool json = false;
  std::optional<std::string> target;  // put -t
  std::optional<std::string> output;  // get -o
  bool longList = false;
  bool sizesForPeople = false;  // ls -h
  bool recursive = false;
  bool parents = false;
  bool execTerminal = false;
  bool execShell = false;
  bool execNoInput = false;
  std::optional<std::string> execEncoding;
  bool pingTcp = false;
  bool pingUdp = false;
  std::optional<std::size_t> pingCount;
  std::chrono::milliseconds discoverWait{1000};
};

}  // namespace ft
