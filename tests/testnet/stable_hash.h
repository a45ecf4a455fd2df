// A hash that is the same on every run and machine: a share of addresses picked by it is the same share tomorrow.
#pragma once

#include <cstdint>
#include <string_view>

namespace wavepost::testnet {

// FNV-1a with a final mix, so that all bits depend on all bytes. Not for hostile keys.
inline uint64_t StableHash(uint64_t seed, std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325u ^ (seed * 0x9e3779b97f4a7c15u);
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccdu;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53u;
  return hash ^ (hash >> 33);
}

// The hash as a number in [0, 1).
inline double UnitOf(uint64_t hash) {
  return static_cast<double>(hash >> 11) * 0x1.0p-53;
}

}  // namespace wavepost::testnet
