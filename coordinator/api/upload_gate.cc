#include "coordinator/api/upload_gate.h"

#include <algorithm>

namespace wavepost {

bool UploadGate::Enter(const void* who, std::function<void()> go) {
  if (inside_.size() < kUploadsMax) {
    inside_.insert(who);
    go();
    return true;
  }
  if (waiting_.size() >= kWaitingMax) return false;
  waiting_.emplace_back(who, std::move(go));
  return true;
}

void UploadGate::Leave(const void* who) {
  waiting_.erase(
      std::remove_if(waiting_.begin(), waiting_.end(), [who](const auto& entry) { return entry.first == who; }),
      waiting_.end());
  inside_.erase(who);
  while (!waiting_.empty() && inside_.size() < kUploadsMax) {
    const auto [next, go] = std::move(waiting_.front());
    waiting_.pop_front();
    inside_.insert(next);
    go();
  }
}

}  // namespace wavepost
