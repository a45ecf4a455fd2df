#include "coordinator/dispatch/key_book.h"

#include <algorithm>

namespace wavepost {

KeyBook::KeyBook(const cluster::v1::Hello& hello) {
  const int count = std::min(hello.key_sets_size(), kKeySetsMax);
  for (int i = 0; i < count; ++i) {
    known_[{hello.key_sets(i).tenant(), hello.key_sets(i).domain()}] = hello.key_sets(i).version();
  }
}

void KeyBook::OnGeneration(int64_t generation) {
  if (generation == generation_) return;
  generation_ = generation;
  for (const auto& [name, version] : known_) to_check_.insert(name);
}

std::optional<KeySetName> KeyBook::NextToCheck() {
  if (checking_ || to_check_.empty()) return std::nullopt;
  checking_ = true;
  return to_check_.extract(to_check_.begin()).value();
}

bool KeyBook::OnChecked(const cluster::v1::KeySet& keys) {
  checking_ = false;
  return Note({keys.tenant(), keys.domain()}, keys);
}

bool KeyBook::OnBatch(const cluster::v1::KeySet& keys, int64_t generation) {
  const KeySetName name{keys.tenant(), keys.domain()};
  if (generation < generation_) to_check_.insert(name);
  return Note(name, keys);
}

bool KeyBook::Note(const KeySetName& name, const cluster::v1::KeySet& keys) {
  const auto found = known_.find(name);
  if (found != known_.end() && found->second == keys.version()) return false;
  if (found == known_.end() && known_.size() >= static_cast<size_t>(kKeySetsMax)) known_.erase(known_.begin());
  known_[name] = keys.version();
  return true;
}

}  // namespace wavepost
