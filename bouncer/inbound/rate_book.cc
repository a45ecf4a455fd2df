#include "bouncer/inbound/rate_book.h"

#include <algorithm>
#include <bit>

namespace wavepost {

RateBook::RateBook(int64_t count, absl::Duration window, size_t entries, uint64_t seed)
    : window_(absl::ToChronoNanoseconds(window)), seed_(seed) {
  if (count <= 0) return;
  step_ = std::max(window_ / count, std::chrono::nanoseconds(1));
  entries_.resize(std::bit_ceil(std::max(entries, kWays)));
}

size_t RateBook::SetOf(uint64_t key) const {
  // The finalizer of splitmix64: every bit of the key reaches every bit of the index.
  uint64_t x = key ^ seed_;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  x ^= x >> 31;
  return (x % (entries_.size() / kWays)) * kWays;
}

bool RateBook::Fits(Time full, Time now) const {
  return std::max(full, now) + step_ - now <= window_;
}

bool RateBook::Has(uint64_t key, Time now) const {
  if (step_.count() == 0) return true;
  const size_t begin = SetOf(key);
  for (size_t i = begin; i < begin + kWays; ++i) {
    if (entries_[i].key == key) return Fits(entries_[i].full, now);
  }
  return true;
}

bool RateBook::Take(uint64_t key, Time now) {
  if (step_.count() == 0) return true;
  const size_t begin = SetOf(key);
  size_t place = begin;
  for (size_t i = begin; i < begin + kWays; ++i) {
    if (entries_[i].key == key) {
      if (!Fits(entries_[i].full, now)) return false;
      entries_[i].full = std::max(entries_[i].full, now) + step_;
      return true;
    }
    if (entries_[i].full < entries_[place].full) place = i;
  }
  entries_[place] = {key, now + step_};
  return true;
}

}  // namespace wavepost
