// The sharder's hash: fixed for ever, because who gets mail from which IP depends on it.
//
// HashText is FNV-1a (64 bits: offset basis 14695981039346656037, prime 1099511628211) over the bytes, then Mix64.
// Mix64 is the finalizer of MurmurHash3 (shifts of 33, multipliers below): each input bit reaches each output bit.
// Any change moves recipients to other IPs and must come with a migration; golden values in sharder_test.cc watch it.
#pragma once

#include <cstdint>
#include <string_view>

namespace wavepost {

constexpr uint64_t Mix64(uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdULL;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ULL;
  x ^= x >> 33;
  return x;
}

constexpr uint64_t HashText(std::string_view text) {
  uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1099511628211ULL;
  }
  return Mix64(hash);
}

// Not symmetric: which of the two is the key matters.
constexpr uint64_t HashPair(uint64_t key, uint64_t candidate) {
  return Mix64(key * 0x9e3779b97f4a7c15ULL ^ candidate);
}

}  // namespace wavepost
