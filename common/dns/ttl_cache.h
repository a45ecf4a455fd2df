// A bounded map whose entries die: by their time to live, or as the least recently used when it is full.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "common/base/strings.h"

namespace wavepost {

// Every operation is O(1). Time comes in as an argument. Not thread-safe.
template <class Value>
class TtlCache {
 public:
  explicit TtlCache(size_t entries_max) : entries_max_(entries_max) {}

  // The value, or nullptr when there is none or its time is over. Valid until the next call of Put.
  const Value* Find(std::string_view key, absl::Time now) {
    const auto it = index_.find(Av(key));
    if (it == index_.end()) return nullptr;
    if (it->second->expires <= now) {
      entries_.erase(it->second);
      index_.erase(it);
      return nullptr;
    }
    entries_.splice(entries_.begin(), entries_, it->second);
    return &it->second->value;
  }

  // Replaces what was there. Without effect when `ttl` is not positive or the cache may hold nothing.
  void Put(std::string key, Value value, absl::Time now, absl::Duration ttl) {
    if (ttl <= absl::ZeroDuration() || entries_max_ == 0) return;
    if (const auto it = index_.find(key); it != index_.end()) {
      it->second->value = std::move(value);
      it->second->expires = now + ttl;
      entries_.splice(entries_.begin(), entries_, it->second);
      return;
    }
    if (entries_.size() >= entries_max_) {
      index_.erase(entries_.back().key);
      entries_.pop_back();
    }
    entries_.push_front({key, std::move(value), now + ttl});
    index_.emplace(std::move(key), entries_.begin());
  }

  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string key;
    Value value;
    absl::Time expires;
  };

  const size_t entries_max_;
  std::list<Entry> entries_;  // most recently used first
  absl::flat_hash_map<std::string, typename std::list<Entry>::iterator> index_;
};

}  // namespace wavepost
