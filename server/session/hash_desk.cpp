#include "server/session/hash_desk.h"

namespace ft {

HashDesk::Hold HashDesk::takePlace() {
  const std::lock_guard lock(mutex_);
  if (taken_ >= places_) {
    wanted_ = true;
    return nullptr;
  }
  Hold place(this, [this](void*) {
    const std::lock_guard giving(mutex_);
    --taken_;
  });
  ++taken_;
  wanted_ = false;
  return place;
}

HashDesk::Hold HashDesk::claim(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto [entry, fresh] = claimed_.insert(name);
  if (!fresh) return nullptr;
  return Hold(this, [this, entry = entry](void*) {
    const std::lock_guard giving(mutex_);
    claimed_.erase(entry);
  });
}

}  // namespace ft
