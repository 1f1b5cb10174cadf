// Telling through the Avahi daemon of this machine, by its client library: it owns the port, knows the interfaces, and
// resolves names that are taken. When it ends, it is told everything again once it is back.

#include <avahi-client/client.h>
#include <avahi-client/publish.h>
#include <avahi-common/alternative.h>
#include <avahi-common/error.h>
#include <avahi-common/malloc.h>
#include <avahi-common/strlst.h>
#include <avahi-common/thread-watch.h>
#include <net/if.h>

#include <algorithm>
#include <utility>

#include "server/services/discovery.h"

namespace ft {
namespace {

struct FreePoll {
  void operator()(AvahiThreadedPoll* poll) const { ::avahi_threaded_poll_free(poll); }
};
struct FreeTexts {
  void operator()(AvahiStringList* list) const { ::avahi_string_list_free(list); }
};
struct FreeText {
  void operator()(char* text) const { ::avahi_free(text); }
};

// The one that was configured, or the only one on which is listened; else all.
AvahiIfIndex interfaceFor(const DiscoveryFacts& facts, const std::string& configured) {
  if (!configured.empty()) return static_cast<AvahiIfIndex>(::if_nametoindex(configured.c_str()));
  AvahiIfIndex found = AVAHI_IF_UNSPEC;
  for (const NetworkInterface& interface : networkInterfaces()) {
    const bool listens = std::any_of(facts.only.begin(), facts.only.end(),
                                     [&](const std::string& address) { return interface.has(address); });
    if (!listens) continue;
    if (found != AVAHI_IF_UNSPEC) return AVAHI_IF_UNSPEC;
    found = static_cast<AvahiIfIndex>(interface.index);
  }
  return found;
}

class AvahiPublisher : public DiscoveryPublisher {
 public:
  AvahiPublisher(const DiscoveryFacts& facts, const std::string& interface, Log& log)
      : facts_(facts),
        interface_(interfaceFor(facts, interface)),
        log_(log),
        name_(facts.name),
        poll_(::avahi_threaded_poll_new()) {}
  ~AvahiPublisher() override { stop(); }

  // False when there is no Avahi daemon.
  bool connect() {
    if (!poll_) return false;
    newClient(AvahiClientFlags{});
    return client_ != nullptr;
  }
  void start() override { started_ = ::avahi_threaded_poll_start(poll_.get()) == 0; }
  void stop() override {
    if (std::exchange(started_, false)) ::avahi_threaded_poll_stop(poll_.get());
    // Avahi takes back what its client has told.
    freeClient();
  }

 private:
  void newClient(AvahiClientFlags flags) {
    int error = 0;
    AvahiClient* const made =
        ::avahi_client_new(::avahi_threaded_poll_get(poll_.get()), flags, clientChanged, this, &error);
    if (made != nullptr || flags == 0) client_ = made;
    if (made == nullptr && flags != 0) lost(error);
  }

  void freeClient() {
    group_ = nullptr;  // freed with its client
    if (client_ != nullptr) ::avahi_client_free(std::exchange(client_, nullptr));
  }

  // Called by Avahi: first within avahi_client_new(), then on its thread.
  static void clientChanged(AvahiClient* client, AvahiClientState state, void* self) {
    auto& publisher = *static_cast<AvahiPublisher*>(self);
    publisher.client_ = client;
    switch (state) {
      case AVAHI_CLIENT_S_RUNNING: publisher.publish(); break;
      case AVAHI_CLIENT_FAILURE:
        publisher.lost(::avahi_client_errno(client));
        publisher.freeClient();
        publisher.newClient(AVAHI_CLIENT_NO_FAIL);
        break;
      case AVAHI_CLIENT_S_COLLISION:
      case AVAHI_CLIENT_S_REGISTERING:
        if (publisher.group_ != nullptr) ::avahi_entry_group_reset(publisher.group_);
        break;
      case AVAHI_CLIENT_CONNECTING: break;
    }
  }

  static void groupChanged(AvahiEntryGroup* group, AvahiEntryGroupState state, void* self) {
    auto& publisher = *static_cast<AvahiPublisher*>(self);
    publisher.group_ = group;
    if (state == AVAHI_ENTRY_GROUP_COLLISION) {
      publisher.takeNextName();
      publisher.publish();
    } else if (state == AVAHI_ENTRY_GROUP_ESTABLISHED) {
      publisher.log_.event(LogLevel::Info, "discovery",
                           {{"by", "Avahi"}, {"name", publisher.name_}, {"port", publisher.facts_.port}});
    } else if (state == AVAHI_ENTRY_GROUP_FAILURE) {
      publisher.lost(::avahi_client_errno(publisher.client_));
    }
  }

  void publish() {
    if (group_ == nullptr) group_ = ::avahi_entry_group_new(client_, groupChanged, this);
    if (group_ == nullptr) return lost(::avahi_client_errno(client_));
    ::avahi_entry_group_reset(group_);
    AvahiStringList* texts = nullptr;
    for (const std::string& text : facts_.texts) texts = ::avahi_string_list_add(texts, text.c_str());
    texts = ::avahi_string_list_reverse(texts);
    const std::unique_ptr<AvahiStringList, FreeTexts> owner(texts);
    const AvahiProtocol protocol = facts_.v4 == facts_.v6 ? AVAHI_PROTO_UNSPEC
                                   : facts_.v4            ? AVAHI_PROTO_INET
                                                          : AVAHI_PROTO_INET6;
    int error = AVAHI_ERR_COLLISION;
    while (error == AVAHI_ERR_COLLISION) {
      error = ::avahi_entry_group_add_service_strlst(group_, interface_, protocol, AvahiPublishFlags{}, name_.c_str(),
                                                     "_ftpc._tcp", nullptr, nullptr, facts_.port, texts);
      if (error == AVAHI_ERR_COLLISION) takeNextName();
    }
    if (error == 0) error = ::avahi_entry_group_commit(group_);
    if (error != 0) lost(error);
  }

  void takeNextName() {
    const std::unique_ptr<char, FreeText> next(::avahi_alternative_service_name(name_.c_str()));
    if (next) name_ = next.get();
  }

  void lost(int error) {
    log_.event(LogLevel::Warn, "discovery-lost", {{"by", "Avahi"}, {"reason", ::avahi_strerror(error)}});
  }

  const DiscoveryFacts facts_;
  const AvahiIfIndex interface_;
  Log& log_;
  std::string name_;
  std::unique_ptr<AvahiThreadedPoll, FreePoll> poll_;
  bool started_ = false;
  // Avahi's, and its thread's own from start() to stop().
  AvahiClient* client_ = nullptr;
  AvahiEntryGroup* group_ = nullptr;
};

}  // namespace

std::unique_ptr<DiscoveryPublisher> makeAvahiPublisher(const DiscoveryFacts& facts, const std::string& interface,
                                                       Log& log) {
  auto publisher = std::make_unique<AvahiPublisher>(facts, interface, log);
  if (!publisher->connect()) return nullptr;
  return publisher;
}

}  // namespace ft
