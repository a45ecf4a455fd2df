// Looks after sending domains: looks at their records daily, moves their keys on, raises events, pauses what lost its
// domain.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "coordinator/config/coordinator_config.h"
#include "coordinator/domains/setup.h"
#include "wavepost/v1/domains_service.pb.h"

namespace wavepost {

class Clock;
class DnsClient;
class Sealer;
class Store;

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

  static constexpr int kVerifiesMax = 8;  // at once, of all callers

  explicit DomainKeeper(Needs needs);
  ~DomainKeeper();

  void Start();
  // Ends a check that is under way. Idempotent.
  void Stop();

  // A look now, stored; also what the thread does when one is due. Any thread; blocks for DNS, at most 30 s.
  // Errors: kNotFound, kResourceExhausted (kVerifiesMax are under way), kCancelled.
  absl::StatusOr<v1::SendingDomain> Verify(std::string_view domain_name);

  // Makes a new pair of keys for the domain, sealed, and stores them as CREATED. Errors: kNotFound,
  // kFailedPrecondition (a rotation is under way).
  absl::StatusOr<v1::SendingDomain> Rotate(std::string_view domain_name);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wavepost
