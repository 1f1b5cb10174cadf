#include "server/services/services.h"

#include <array>
#include <deque>
#include <functional>

#include "server/services/discovery.h"
#include "server/services/echo_service.h"
#include "server/services/plain_exec_service.h"
#include "server/services/side_thread.h"

namespace ft {
namespace {

std::unique_ptr<Service> echoTcp(const ServiceContext& context) {
  return context.config.echo.tcp.empty() ? nullptr : makeEchoTcp(context.config.echo, context.log);
}

std::unique_ptr<Service> echoUdp(const ServiceContext& context) {
  return context.config.echo.udp.empty() ? nullptr : makeEchoUdp(context.config.echo, context.log);
}

std::unique_ptr<Service> plainExec(const ServiceContext& context) {
  if (context.config.plainExec.listen.empty() || context.link == nullptr) return nullptr;
  return makePlainExec(context.config.plainExec, *context.link, context.log);
}

std::unique_ptr<Service> discovery(const ServiceContext& context) {
  return makeDiscovery(context.config.discovery, context.listeners, context.fingerprint, context.log);
}

constexpr std::array kServices{
    ServiceRow{"echo-tcp", echoTcp, /*announced=*/true},
    ServiceRow{"echo-udp", echoUdp, /*announced=*/true},
    ServiceRow{"plain-exec", plainExec},
    ServiceRow{"discovery", discovery},
};

}  // namespace

std::span<const ServiceRow> serviceTable() { return kServices; }

Services::Services(std::span<const ServiceRow> table, const ServiceContext& context) {
  for (const ServiceRow& row : table) {
    if (auto service = row.make(context)) services_.push_back({row, std::move(service)});
  }
}

Services::~Services() = default;

void Services::start() {
  for (const Running& running : services_) running.service->start();
}

std::vector<HelloService> Services::announced() const {
  std::vector<HelloService> told;
  for (const Running& running : services_) {
    if (running.row.announced) told.push_back({std::string(running.row.name), running.service->address()});
  }
  return told;
}

std::vector<std::string> Services::readyLines() const {
  std::vector<std::string> lines;
  for (const Running& running : services_) {
    const std::string address = running.service->address();
    if (!address.empty()) lines.push_back("ftpd: " + std::string(running.row.name) + " listening on " + address);
  }
  return lines;
}

void Services::stop(const Patience& patience) {
  // At the same time, so that the limit is one for all.
  std::deque<SideThread<std::function<void()>>> stopping;
  for (const Running& running : services_) stopping.emplace_back([&] { running.service->stop(patience); });
  for (auto& each : stopping) each.join();
}

}  // namespace ft
