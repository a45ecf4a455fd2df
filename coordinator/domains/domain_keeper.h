// Looks after sending domains: looks at their records daily, moves their keys on, raises events, pauses what lost its
// domain; tells of certificates that end.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "coordinator/config/coordinator_config.h"
#include "coordinator/domains/setup.h"
#include "coordinator/store/store.h"
#include "wavepost/v1/domains_service.pb.h"

namespace wavepost {

class Clock;
class DnsClient;
class Sealer;

// One thread of its own, from Start to Stop. What it needs outlives it.
class DomainKeeper {
 public:
  struct Needs {
    Store* store = nullptr;
    DnsClient* dns = nullptr;
    const Clock* clock = nullptr;
    const Sealer* sealer = nullptr;
    OurNames ours;
    DomainPolicy policy;
  };

  static constexpr int kVerifiesMax = 8;          // at once, of all callers
  static constexpr int kVerifiesOfTenantMax = 3;  // of them
  static constexpr int kLooksAtOnceMax = 4;       // of the thread's own

  explicit DomainKeeper(Needs needs);
  ~DomainKeeper();

  void Start();
  // Waits for looks that are under way; stopping the DnsClient before ends those at once. Idempotent.
  void Stop();

  // A look now, stored; also what the thread does when one is due. Any thread; blocks for DNS, at most 30 s.
  // Errors: kNotFound, kResourceExhausted (kVerifiesMax are under way), kCancelled.
  absl::StatusOr<v1::SendingDomain> Verify(std::string_view domain_name);

  // Makes a new pair of keys for the domain, sealed, and stores them as CREATED; a request id that was answered makes
  // none. Any thread; takes a tenth of a second. Errors: kNotFound, kFailedPrecondition (a rotation is under way; or,
  // in CNAME mode, the pair before the last is still needed).
  absl::StatusOr<v1::SendingDomain> Rotate(std::string_view domain_name, const RequestKey& request);

  // One round of what the thread does every minute: looks at the domains that are due, and tells of certificates that
  // end. Any thread, one at a time; blocks for DNS. Errors: of the store, and kCancelled; what is due stays due.
  absl::Status RunRound();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wavepost
