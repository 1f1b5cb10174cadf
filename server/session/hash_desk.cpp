#include "server/session/hash_desk.h"

namespace ft {

HashDesk::Hold& HashDesk::Hold::operator=(Hold&& other) noexcept {
  if (this == &other) return *this;
  reset();
  desk_ = std::exchange(other.desk_, nullptr);
  name_ = other.name_;
  return *this;
}

void HashDesk::Hold::reset() noexcept {
  HashDesk* const desk = std::exchange(desk_, nullptr);
  if (desk == nullptr) return;
  const std::lock_guard lock(desk->mutex_);
  if (name_) {
    desk->claimed_.erase(*name_);
  } else {
    --desk->taken_;
  }
}

HashDesk::Hold HashDesk::takePlace() {
  const std::lock_guard lock(mutex_);
  if (taken_ >= places_) {
    wanted_ = true;
    return {};
  }
  ++taken_;
  wanted_ = false;
  return {*this, std::nullopt};
}

HashDesk::Hold HashDesk::claim(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto [entry, fresh] = claimed_.insert(name);
  if (!fresh) return {};
  return {*this, entry};
}

}  // namespace ft
