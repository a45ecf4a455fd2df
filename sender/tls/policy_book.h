// Decides, before a connection is opened, what TLS must be like at each MX host of a domain: DANE (RFC 7672) first,
// then MTA-STS (RFC 8461), then what is configured. The one place where TLS policy lives; sender/smtp carries it out.
//
// How to drive it, per connection:
//   MxHosts hosts = co_await resolver.ResolveMx(domain, deadline);
//   TlsDecision decision = co_await book.DecideFor(domain, hosts, wish, deadline);
//   for each i: if decision.hosts[i].allowed, open a session with decision.hosts[i].demand; else say hosts[i].refusal.
//   None allowed: defer the recipient (AttemptResult::Failure::kTls), never bounce it.
//   After each try at a host, also for a refused one: reporter.Count(SessionOf(decision.hosts[i], ...))
//   (tls_reporter.h).
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/async/deadline.h"
#include "common/async/tokens.h"
#include "common/base/clock.h"
#include "common/dns/resolver.h"
#include "sender/tls/mta_sts_cache.h"
#include "sender/tls/reported_policy.h"
#include "sender/tls/tls_demand.h"
#include "wavepost/cluster/v1/sender_records.pb.h"

namespace asio {
class io_context;
}

namespace wavepost {

class MtaStsFetcher;

// The lasting half of the MTA-STS cache. Called on the book's thread; may block for as long as a point read or a queued
// write takes. Several books may share one.
class MtaStsStore {
 public:
  virtual ~MtaStsStore() = default;
  virtual std::optional<cluster::v1::MtaStsState> Load(const std::string& domain) = 0;
  virtual void Save(const std::string& domain, const cluster::v1::MtaStsState& state) = 0;
};

struct HostPlan {
  bool allowed = true;
  TlsDemand demand;  // if allowed
  // If not allowed; always temporary. For people, and of RFC 8460 section 4.3.
  std::string refusal;
  std::string refusal_type;
  std::shared_ptr<const ReportedPolicy> policy;  // never null
};

struct TlsDecision {
  std::vector<HostPlan> hosts;  // one for each MX host, in the same order

  bool AnyAllowed() const {
    for (const HostPlan& host : hosts) {
      if (host.allowed) return true;
    }
    return false;
  }
};

// Owner:    lives on one io_context; call from its thread only.
// Lifetime: stop the fetcher and the resolver, then co_await Stop(), then destroy.
class PolicyBook {
 public:
  struct Options {
    bool dane = true;  // works only where the resolver's answers are authentic (see CaresResolver::Options::trust_ad)
    bool mta_sts = true;
    int smtp_port = 25;                                 // of the TLSA names
    absl::Duration record_timeout = absl::Seconds(20);  // of the lookup of an MTA-STS record
    absl::Duration fetch_timeout = absl::Seconds(60);   // of a policy file
    size_t lookups_max = 1024;  // domains whose MTA-STS policy is looked for at once; others go by what is known
    MtaStsCache::Options cache;
  };

  // fetcher: may be null: policy files are not fetched, stored ones still hold. store: may be null: nothing outlives
  // us. All must outlive the book.
  PolicyBook(asio::io_context& io, const Clock& clock, Resolver& resolver, MtaStsFetcher* fetcher, MtaStsStore* store,
             Options options);
  ~PolicyBook();

  // domain: of the recipient, A-labels, lower case. hosts: as ResolveMx gave them.
  // wish:   what is configured for the domain or its provider; the least that holds where no policy asks for more.
  //         kNever: TLS is off, policies are not looked for. kDane counts as kEncrypted.
  // The first decision for a domain waits for its MTA-STS policy, but not beyond the deadline: then it is made without
  // (RFC 8461 section 3.3), and the search goes on for the next one. A TLSA lookup that ends badly, or not in time,
  // refuses the host: that is what a downgrade attack looks like.
  Awaitable<TlsDecision> DecideFor(std::string domain, MxHosts hosts, TlsDemand::Level wish, Deadline deadline);

  Awaitable<void> Stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wavepost
