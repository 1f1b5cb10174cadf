#pragma once
// All that the daemon serves beside files, from one table (services.cpp): a new service is a file with its handler and
// a row there.

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/header.h"
#include "server/config/services_config.h"
#include "server/log/log.h"
#include "server/services/exec_link.h"
#include "server/services/service.h"

namespace ft {

// What a service may use. All of it outlives the services.
struct ServiceContext {
  const ServicesConfig& config;
  Log& log;
  const ExecLink* link = nullptr;        // null when no commands are configured
  std::vector<std::string> listeners{};  // HOST:PORT of the transfer service
  std::string fingerprint{};             // of its certificate, "SHA256:…"; empty without TLS
};

struct ServiceRow {
  std::string_view name;  // in the ready line: "ftpd: NAME listening on ADDRESS"
  // Null when it is not configured. Throws ConfigError when it cannot be had.
  std::unique_ptr<Service> (*make)(const ServiceContext& context) = nullptr;
  bool announced = false;  // by `hello`
};

std::span<const ServiceRow> serviceTable();

class Services {
 public:
  // Makes each service of `table` that is configured; nothing is served yet.
  Services(std::span<const ServiceRow> table, const ServiceContext& context);
  ~Services();

  void start();
  // What clients are told of them by `hello`.
  std::vector<HelloService> announced() const;
  // One line for each service.
  std::vector<std::string> readyLines() const;
  // Ends all.
  void stop(const Patience& patience);

 private:
  struct Running {
    const ServiceRow& row;
    std::unique_ptr<Service> service;
  };
  std::vector<Running> services_;
};

}  // namespace ft
