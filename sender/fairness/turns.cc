#include "sender/fairness/turns.h"

#include <algorithm>
#include <limits>

#include "common/base/check.h"

namespace wavepost {

Turns::Slot Turns::Find(uint32_t id) const {
  const auto it =
      std::lower_bound(index_.begin(), index_.end(), id,
                       [](const std::pair<uint32_t, Slot>& entry, uint32_t key) { return entry.first < key; });
  return it != index_.end() && it->first == id ? it->second : kNone;
}

Turns::Slot Turns::Open(uint32_t id, double weight) {
  // NaN becomes the least.
  const double interval = 1 / (weight > kWeightMin ? std::min(weight, kWeightMax) : kWeightMin);
  Slot slot = Find(id);
  if (slot == kNone) {
    if (free_.empty() && participants_.size() == leaves_) {
      ForgetIdle();
      if (free_.empty()) Grow();
    }
    if (free_.empty()) {
      slot = static_cast<Slot>(participants_.size());
      participants_.emplace_back();
    } else {
      slot = free_.back();
      free_.pop_back();
    }
    participants_[slot] = {.start = virtual_time_, .interval = interval, .id = id};
    index_.insert(std::lower_bound(index_.begin(), index_.end(), std::pair<uint32_t, Slot>(id, 0)), {id, slot});
    return slot;
  }
  Participant& p = participants_[slot];
  if (p.interval != interval) {
    if (p.ready) weights_ += 1 / interval - 1 / p.interval;
    p.interval = interval;
    if (p.ready) Update(p.begun, slot);
  }
  return slot;
}

void Turns::SetReady(Slot slot, bool any, bool retries) {
  Participant& p = participants_[slot];
  if (any && !p.ready) {
    p.ready = true;
    p.retries = retries;
    p.start = std::max(p.start, virtual_time_);
    ++ready_;
    weights_ += 1 / p.interval;
    p.begun = p.start <= virtual_time_;
    Update(p.begun, slot);
  } else if (any && p.retries != retries) {
    p.retries = retries;
    Update(p.begun, slot);
  } else if (!any && p.ready) {
    p.ready = p.retries = false;
    --ready_;
    weights_ -= 1 / p.interval;
    Update(p.begun, slot);
    if (ready_ == 0) {
      // Nobody is there to whom turns could be owed.
      weights_ = 0;
      virtual_time_ = 0;
      for (Participant& other : participants_) other.start = 0;
    }
  }
}

Turns::Slot Turns::Peek(bool retries_only, const absl::flat_hash_set<uint32_t>* skip) const {
  if (ready_ == 0) return kNone;
  if (skip != nullptr && skip->empty()) skip = nullptr;
  const Slot begun = Best(true, retries_only, 1, skip);
  return begun != kNone ? begun : Best(false, retries_only, 1, skip);
}

void Turns::Charge(Slot slot) {
  Participant& p = participants_[slot];
  WP_CHECK(p.ready);
  // Nobody else wanted has begun: time moves on to where it has.
  virtual_time_ = std::max(virtual_time_, p.start);
  p.start = std::max(p.start, virtual_time_ - kOwedMax * p.interval) + p.interval;
  virtual_time_ += 1 / weights_;
  Place(slot, p.start <= virtual_time_);
  Promote();
}

void Turns::Refund(Slot slot) {
  Participant& p = participants_[slot];
  if (!p.ready) {
    p.start -= p.interval;
    return;
  }
  virtual_time_ = std::max(0.0, virtual_time_ - 1 / weights_);
  p.start = std::max(p.start - p.interval, virtual_time_ - kOwedMax * p.interval);
  Place(slot, p.start <= virtual_time_);
}

void Turns::Update(bool begun, Slot slot) {
  const Participant& p = participants_[slot];
  const bool here = p.ready && p.begun == begun;
  if (here) keys_[slot + 1] = begun ? p.start + p.interval : p.start;
  for (const bool retries : {false, true}) {
    uint32_t* tree = &tree_[Index(begun, retries, 0)];
    size_t node = leaves_ + slot;
    const uint32_t leaf = here && (!retries || p.retries) ? slot + 1 : 0;
    if (leaf == 0 && tree[node] == 0) continue;
    tree[node] = leaf;
    for (node /= 2; node >= 1; node /= 2) {
      const uint32_t left = tree[2 * node];
      const uint32_t right = tree[2 * node + 1];
      const uint32_t winner = keys_[right] < keys_[left] ? right : left;
      // The same winner with the same key: nothing changes above.
      if (winner == tree[node] && winner != slot + 1) break;
      tree[node] = winner;
    }
  }
}

void Turns::Place(Slot slot, bool begun) {
  Participant& p = participants_[slot];
  const bool before = p.begun;
  p.begun = begun;
  if (before != begun) Update(before, slot);
  Update(begun, slot);
}

void Turns::Promote() {
  for (;;) {
    const Slot next = Winner(false, false, 1);
    if (next == kNone || participants_[next].start > virtual_time_) return;
    Place(next, true);
  }
}

void Turns::Grow() {
  leaves_ = leaves_ == 0 ? 1 : 2 * leaves_;
  tree_.assign(4 * 2 * leaves_, 0);
  keys_.resize(leaves_ + 1);
  keys_[0] = std::numeric_limits<double>::infinity();
  for (Slot slot = 0; slot < participants_.size(); ++slot) {
    if (participants_[slot].ready) Update(participants_[slot].begun, slot);
  }
}

void Turns::ForgetIdle() {
  std::erase_if(index_, [this](const std::pair<uint32_t, Slot>& entry) {
    const Participant& p = participants_[entry.second];
    // One that ran ahead must not come back as a stranger.
    if (p.ready || p.start > virtual_time_) return false;
    free_.push_back(entry.second);
    return true;
  });
}

Turns::Slot Turns::Best(bool begun, bool retries, size_t node, const absl::flat_hash_set<uint32_t>* skip) const {
  const Slot winner = Winner(begun, retries, node);
  if (winner == kNone || skip == nullptr || !skip->contains(participants_[winner].id)) return winner;
  if (node >= leaves_) return kNone;
  const Slot left = Best(begun, retries, 2 * node, skip);
  const Slot right = Best(begun, retries, 2 * node + 1, skip);
  return keys_[right + 1] < keys_[left + 1] ? right : left;
}

}  // namespace wavepost
