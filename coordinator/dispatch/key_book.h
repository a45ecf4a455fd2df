// Which key sets a node has, and which of them have to be looked at again because keys have changed. Pure.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "wavepost/cluster/v1/dispatch_service.pb.h"

namespace wavepost {

// Whose mail a key set signs.
struct KeySetName {
  std::string tenant;  // "tenants/{tenant}"
  std::string domain;  // From domain

  friend auto operator<=>(const KeySetName&, const KeySetName&) = default;
};

class KeyBook {
 public:
  static constexpr int kKeySetsMax = 10'000;  // of a node; beyond, those that batches bring are sent once too often

  // What the node says that it has, up to kKeySetsMax.
  explicit KeyBook(const cluster::v1::Hello& hello);

  // Store::KeysGeneration: where it has risen, everything that the node has is to be looked at.
  void OnGeneration(int64_t generation);
  // The next one to be read from the store, one at a time; nothing: none, or one is being read.
  std::optional<KeySetName> NextToCheck();
  // The asked one as it is now, or one that a batch needs. True: the node has another one, and is taken to have this
  // from now on.
  bool OnChecked(const cluster::v1::KeySet& keys);
  // The asked one cannot be read: it is left as the node has it, until the next change.
  void OnUnreadable() { checking_ = false; }
  // generation: of the store when it was read; if that has risen since, it is looked at once more.
  bool OnBatch(const cluster::v1::KeySet& keys, int64_t generation);

 private:
  bool Note(const KeySetName& name, const cluster::v1::KeySet& keys);

  std::map<KeySetName, std::string> known_;  // version
  std::set<KeySetName> to_check_;
  bool checking_ = false;
  int64_t generation_ = -1;
};

}  // namespace wavepost
