// Looks after our own identity: our DKIM keys, the records of our domain, reverse names and block lists of every egress
// IP. Each change is an event, a metric and a line in the log.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/domains/setup.h"
#include "coordinator/identity/dnsbl_zones.h"
#include "wavepost/v1/identity_service.pb.h"

namespace wavepost {

class Clock;
class DnsClient;
class Sealer;
class Store;

// One thread of its own, from Start to Stop. What it needs outlives it.
class IdentityKeeper {
 public:
  struct Needs {
    Store* store = nullptr;
    DnsClient* dns = nullptr;
    const Clock* clock = nullptr;
    const Sealer* sealer = nullptr;
    OurNames ours;
    DnsblZones zones;
    absl::Duration recheck = absl::Hours(1);
  };

  explicit IdentityKeeper(Needs needs);
  ~IdentityKeeper();

  // Makes our own keys if there are none, then checks every `recheck`. Errors: of the store.
  absl::Status Start();
  void Stop();

  // What is to be published now, with the last check. kFailedPrecondition: no identity domain.
  absl::StatusOr<v1::Identity> Get() const;
  // A check now. Any thread; blocks for DNS, at most a minute. kResourceExhausted: one is under way; kCancelled.
  absl::StatusOr<v1::Identity> Check();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wavepost
