// The production Resolver: c-ares on an io_context, with a cache that keeps to the records' TTLs.
#pragma once

#include <asio/ip/address.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/deadline.h"
#include "common/async/tokens.h"
#include "common/base/clock.h"
#include "common/dns/resolver.h"

namespace asio {
class io_context;
}

namespace wavepost {

// Answers too long for UDP are asked again over TCP. Concurrent lookups of the same name share one query. Names are
// never completed with a search domain and never read from a hosts file.
class CaresResolver final : public Resolver {
 public:
  struct Options {
    std::vector<std::string> servers;                 // "ip:port", "ip", "[ip6]:port"; empty: the system's servers
    absl::Duration timeout = absl::Seconds(5);        // of the first try; c-ares waits longer at each further one
    int tries = 3;                                    // per server
    absl::Duration cache_ttl_max = absl::Hours(1);    // a longer TTL counts as this
    absl::Duration negative_ttl = absl::Seconds(60);  // longest memory of "no such domain", null MX, no address
    absl::Duration failure_ttl = absl::Seconds(5);    // memory of a server failure; 0: none
    size_t cache_entries_max = 100'000;  // of domains, and again of hosts; the least recently used goes first
    size_t lookups_max = 4096;           // domains looked up at once; beyond it: kUnavailable
    bool ipv4 = true;                    // look for A
    bool ipv6 = true;                    // look for AAAA
    uint64_t seed = 1;                   // of the shuffle among equal preferences
    // Whether the servers' word on DNSSEC (AD) counts. Unset: if every server has a loopback address. Set it only for a
    // validating resolver behind a network that nobody else can write to.
    std::optional<bool> trust_ad;
  };

  struct Stats {
    uint64_t queries = 0;     // sent to c-ares
    uint64_t cache_hits = 0;  // ResolveMx answered from memory
    uint64_t coalesced = 0;   // ResolveMx that joined a running lookup
  };

  // kInvalidArgument: a server that is no address, or neither family wanted. `io` and `clock` must outlive the
  // resolver.
  static absl::StatusOr<std::unique_ptr<CaresResolver>> Create(asio::io_context& io, const Clock& clock,
                                                               Options options);
  ~CaresResolver() override;

  Awaitable<absl::StatusOr<MxHosts>> ResolveMx(std::string domain, Deadline deadline) override;
  Awaitable<absl::StatusOr<HostAddresses>> ResolveHost(std::string name, Deadline deadline) override;
  Awaitable<absl::StatusOr<TxtAnswer>> ResolveTxt(std::string name, Deadline deadline) override;
  Awaitable<absl::StatusOr<TlsaAnswer>> ResolveTlsa(std::string name, Deadline deadline) override;
  Awaitable<absl::StatusOr<std::vector<MxRecord>>> ResolveMxRecords(std::string name, Deadline deadline) override;
  Awaitable<absl::StatusOr<std::string>> ResolveCname(std::string name, Deadline deadline) override;
  Awaitable<absl::StatusOr<std::vector<std::string>>> ResolvePtr(asio::ip::address address, Deadline deadline) override;
  Awaitable<void> Stop() override;

  Stats stats() const;

 private:
  class Impl;
  explicit CaresResolver(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace wavepost
