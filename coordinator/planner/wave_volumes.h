// How many recipients each domain has in one wave: decides over how many IPs a domain is spread. Pure.
//
// Counted over the whole wave before its first page is planned. A started wave takes no more recipients, so that the
// same counts come out after a restart in the middle of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"

namespace wavepost {

class WaveVolumes {
 public:
  // Domains beyond this are not counted, which makes them small: each of them has few recipients in a wave that has so
  // many domains, or they came late. About 10 MB.
  static constexpr size_t kDomainsMax = 100'000;

  // The part behind the last @, empty if there is none.
  static std::string_view DomainOf(std::string_view address);

  // Recipients in store order; the order matters only beyond kDomainsMax.
  void Add(std::string_view address);

  int64_t VolumeOf(std::string_view domain) const;

 private:
  absl::flat_hash_map<std::string, int64_t> counts_;
};

}  // namespace wavepost
