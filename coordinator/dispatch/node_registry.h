// What the coordinator sees of its nodes right now: who is attached, and what each said last. For status pages.
//
// Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "wavepost/cluster/v1/dispatch_service.pb.h"

namespace wavepost {

struct NodeView {
  bool attached = false;
  absl::Time last_seen;
  std::string version;
  cluster::v1::NodeStatus status;
};

class NodeRegistry {
 public:
  void Set(std::string_view node_id, NodeView view) {
    const std::lock_guard lock(mutex_);
    nodes_.insert_or_assign(std::string(node_id), std::move(view));
  }

  void Detach(std::string_view node_id) {
    const std::lock_guard lock(mutex_);
    const auto found = nodes_.find(node_id);
    if (found == nodes_.end()) return;
    found->second.attached = false;
    found->second.status.set_credit(0);
    found->second.status.set_connections(0);
  }

  // Nothing: not seen since the coordinator started.
  std::optional<NodeView> Get(std::string_view node_id) const {
    const std::lock_guard lock(mutex_);
    const auto found = nodes_.find(node_id);
    if (found == nodes_.end()) return std::nullopt;
    return found->second;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, NodeView, std::less<>> nodes_;  // guarded by mutex_; at most one per node that ever attached
};

}  // namespace wavepost
