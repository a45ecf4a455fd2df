// What the live configuration says about a tenant's mail: the facts of the allow-list sheet, and nothing else.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/domains/setup.h"

namespace wavepost {

class Store;

inline constexpr int kCampaignsRead = 2000;        // of a tenant; what more use is not looked at
inline constexpr size_t kSheetAddressesMax = 200;  // From addresses shown; their domains are all there
inline constexpr size_t kSheetIpsMax = 1000;

struct AllowListFacts {
  struct Ip {
    std::string address;
    std::string ehlo_name;
    std::string pool;
    std::string region;
  };
  struct Dkim {
    std::string domain;    // d=
    std::string selector;  // s=
    std::string algorithm;
  };
  std::string tenant;                       // display name, or the id where there is none
  std::vector<Ip> ips;                      // by address; of the pools that the tenant's campaigns use, else all
  std::vector<std::string> blocks;          // the same as CIDR, exactly
  std::vector<std::string> from_domains;    // of the tenant, VERIFIED
  std::vector<std::string> from_addresses;  // of campaigns, and the fallback; sorted; of these domains
  std::vector<std::string> return_paths;    // domains, the cluster's own and those below the From domains
  std::vector<Dkim> dkim;                   // keys that sign: the From domains', then ours
  std::string spf_name;                     // "_spf.mail.example"; empty: no identity domain
  std::string unsubscribe_url;              // start of the links; empty: by mail only
  absl::Time made;
};

// Errors: kNotFound (tenant); of the store. Blocks for the disk.
absl::StatusOr<AllowListFacts> LoadAllowListFacts(Store* store, std::string_view tenant, const OurNames& ours,
                                                  std::string_view unsubscribe_url, absl::Time now);

}  // namespace wavepost
