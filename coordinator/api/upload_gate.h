// Bounds the memory of uploads: so many at once, so many that wait for their turn. One thread only.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <set>
#include <utility>

namespace wavepost {

class UploadGate {
 public:
  static constexpr size_t kUploadsMax = 8;
  static constexpr size_t kWaitingMax = 32;

  // Runs `go` at once, or when it is `who`'s turn, unless it has left by then. False: too many wait already.
  [[nodiscard]] bool Enter(const void* who, std::function<void()> go);
  // Ends an upload, or its waiting. Once more is harmless, as for somebody who never entered.
  void Leave(const void* who);

 private:
  std::set<const void*> inside_;
  std::deque<std::pair<const void*, std::function<void()>>> waiting_;
};

}  // namespace wavepost
