// The internet that the simulation sends to: domains with their share of the audience, the sites behind them, and how
// each site treats us.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/sim/receiver.h"
#include "sender/sites/provider_book.h"

namespace wavepost::sim {

struct SiteSpec {
  ProviderBook::Site site;       // as the real provider book resolves its MX hosts
  const ReceiverSpec* receiver;  // never null
  uint32_t kind = 0;             // position in World::kinds
};

struct DomainSpec {
  std::string name;
  std::string mx_set;  // names the group
  uint32_t site = 0;   // position in World::sites
  int64_t volume = 0;  // bulk recipients there
};

struct World {
  std::shared_ptr<const ProviderBook> book;
  std::vector<std::string> kinds;  // what is reported together: "google", ..., "company domains"
  std::vector<std::unique_ptr<ReceiverSpec>> receivers;
  std::vector<SiteSpec> sites;
  std::vector<DomainSpec> domains;
};

struct WorldOptions {
  int64_t recipients = 10'000'000;
  double greylisted_tail = 0;       // share of the tail's own mail hosts that greylist
  std::string halved;               // this provider halves its tolerance ...
  double halved_at_s = 0;           // ... then
  bool big_providers_only = false;  // warm-up: a few sites are enough
  uint64_t seed = 1;
};

World MakeWorld(const WorldOptions& options);

}  // namespace wavepost::sim
