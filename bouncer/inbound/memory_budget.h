// Bytes that all connections of a server together may hold.
#pragma once

#include <cstddef>

namespace wavepost {

// One thread.
class MemoryBudget {
 public:
  explicit MemoryBudget(size_t bytes_max) : left_(bytes_max) {}

  // All or nothing; false: there is not so much left, or less than `reserve` would be.
  bool Take(size_t bytes, size_t reserve = 0) {
    if (bytes > left_ || left_ - bytes < reserve) return false;
    left_ -= bytes;
    return true;
  }
  void GiveBack(size_t bytes) { left_ += bytes; }
  size_t left() const { return left_; }

 private:
  size_t left_;
};

}  // namespace wavepost
