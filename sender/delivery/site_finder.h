// Finds the site that a recipient domain belongs to, and what TLS must be like there. Remembers for a while.
//
// Owner: a shard; one thread. Lookups that overlap share their queries in the resolver.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/deadline.h"
#include "common/async/tokens.h"
#include "common/base/clock.h"
#include "common/dns/resolver.h"
#include "sender/delivery/options.h"
#include "sender/sites/provider_book.h"
#include "sender/tls/policy_book.h"

namespace wavepost {

// Where mail for a domain goes.
struct DomainRoute {
  ProviderBook::Site site;
  std::string group;  // names who can share a connection: the MX set, and the TLS policy where it is not opportunistic
  absl::Status dns;   // not OK: no hosts; `site` then stands for the domain alone
  MxHosts hosts;
  std::vector<HostPlan> plans;  // parallel to hosts
  std::string tls_policy;       // for people
};

class SiteFinder {
 public:
  static constexpr size_t kRoutesMax = 100'000;
  static constexpr absl::Duration kKeep = absl::Minutes(5);
  static constexpr absl::Duration kKeepFailure = absl::Seconds(30);

  // All outlive the finder; policies may be null: opportunistic everywhere.
  SiteFinder(const DeliveryOptions* options, Resolver* resolver, PolicyBook* policies, const Clock* clock)
      : options_(options), resolver_(resolver), policies_(policies), clock_(clock) {}

  void SetBook(std::shared_ptr<const ProviderBook> book);
  const std::shared_ptr<const ProviderBook>& book() const { return book_; }

  // Never fails: a domain that cannot be looked up is a site of its own, and `dns` says why.
  Awaitable<std::shared_ptr<const DomainRoute>> Find(std::string domain);
  // What is remembered; null: nothing.
  std::shared_ptr<const DomainRoute> Known(const std::string& domain) const;

 private:
  struct Kept {
    std::shared_ptr<const DomainRoute> route;
    absl::Time until;
  };
  Awaitable<std::shared_ptr<const DomainRoute>> LookUp(std::string domain);
  ProviderBook::Site SiteOf(const MxHosts& hosts) const;

  const DeliveryOptions* options_;
  Resolver* resolver_;
  PolicyBook* policies_;
  const Clock* clock_;
  std::shared_ptr<const ProviderBook> book_;
  absl::flat_hash_map<std::string, Kept> kept_;
};

}  // namespace wavepost
