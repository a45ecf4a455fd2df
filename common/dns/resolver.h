// Finds the hosts that take mail for a domain, what DNS says of their TLS, and what stands at a name. Knows DNS, knows
// nothing of SMTP or queues.
#pragma once

#include <asio/ip/address.hpp>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/deadline.h"
#include "common/async/tokens.h"
#include "common/dns/records.h"

namespace wavepost {

inline constexpr size_t kMxHostsMax = 32;           // of a domain; the least preferred beyond it are dropped
inline constexpr size_t kAddressesPerHostMax = 16;  // of each family

struct MxHost {
  std::string name;    // A-labels, lower case, no final dot
  int preference = 0;  // 0 for an implicit MX
  std::vector<asio::ip::address>
      addresses;  // never empty; IPv6 first where both are wanted, each in the server's order
  // The MX RRset (or its absence) and the addresses were both validated with DNSSEC by a trusted resolver.
  bool authentic = false;
  std::string canonical;  // what `name` is an alias of (CNAME); empty: it is none

  friend bool operator==(const MxHost&, const MxHost&) = default;
};
using MxHosts = std::vector<MxHost>;

struct HostAddresses {
  std::vector<asio::ip::address> addresses;
  bool authentic = false;
  std::string canonical;  // see MxHost
  absl::Duration ttl;
};

// Owner:    lives on the io_context given to the constructor; call from its thread only.
// Lifetime: co_await Stop() before destruction; it cancels and awaits running lookups.
// Versions: CaresResolver (production), ZoneResolver (tests, reads zone text).
class Resolver {
 public:
  virtual ~Resolver() = default;

  // Returns MX hosts with their addresses, most preferred first, equal preferences shuffled by the injected generator.
  //
  // domain:   A-labels; any case, a final dot is dropped. By value: it must outlive suspension.
  // deadline: absolute; covers retries and CNAME steps together. When it passes the lookup goes on for others.
  // On OK:    never empty. A domain without MX but with an address is its own host (RFC 5321 section 5.1). Hosts
  // without
  //           an address are left out.
  // Errors:   kNotFound            no such domain, or neither MX nor address    permanent, 5.1.2
  //           kFailedPrecondition  null MX (RFC 7505)                           permanent, 5.1.10
  //           kInvalidArgument     not a domain name                            permanent, 5.1.2
  //           kUnavailable         server failure, no answer, or MX hosts none of which has an address temporary, 4.4.3
  //           kDeadlineExceeded, kCancelled (Stop or the caller's cancellation)  temporary
  // Limits:   kMxHostsMax, kAddressesPerHostMax; cached for the record TTL, capped by dns.cache_ttl_max.
  virtual Awaitable<absl::StatusOr<MxHosts>> ResolveMx(std::string domain, Deadline deadline) = 0;

  // Returns the addresses of one host, IPv6 first where both are wanted; MX records are not looked at.
  //
  // Errors: kNotFound: no such name, or no address; others as for ResolveMx.
  virtual Awaitable<absl::StatusOr<HostAddresses>> ResolveHost(std::string name, Deadline deadline) = 0;

  // Returns the TXT or TLSA records of `name`, CNAMEs followed.
  //
  // On OK:  empty when there is no such name or no such record: `authentic` then says whether that was proved.
  // Errors: kInvalidArgument; kUnavailable: server failure, also a bogus answer (DNSSEC); kDeadlineExceeded,
  // kCancelled.
  // Limits: records.h; cached as ResolveMx is.
  virtual Awaitable<absl::StatusOr<TxtAnswer>> ResolveTxt(std::string name, Deadline deadline) = 0;
  virtual Awaitable<absl::StatusOr<TlsaAnswer>> ResolveTlsa(std::string name, Deadline deadline) = 0;

  // Returns the MX records of `name` as they stand, CNAMEs followed: no address is looked up, a null MX is an entry
  // with an empty host, and the order is the server's. For those who judge a zone; who sends mail wants ResolveMx.
  //
  // On OK:  at most kMxHostsMax; empty when there is no such name or no MX there.
  // Errors: as ResolveTxt.
  virtual Awaitable<absl::StatusOr<std::vector<MxRecord>>> ResolveMxRecords(std::string name, Deadline deadline) = 0;

  // Returns the canonical name that `name` is an alias of: its own CNAME record, not followed further.
  //
  // On OK:  A-labels, lower case, no final dot; empty when the name has no CNAME, or is not there.
  // Errors: as ResolveTxt.
  virtual Awaitable<absl::StatusOr<std::string>> ResolveCname(std::string name, Deadline deadline) = 0;

  // Returns the names that an address has (PTR), at most kPtrNamesMax, A-labels, lower case.
  //
  // On OK:  empty when there is none.
  // Errors: as ResolveTxt.
  virtual Awaitable<absl::StatusOr<std::vector<std::string>>> ResolvePtr(asio::ip::address address,
                                                                         Deadline deadline) = 0;

  // Cancels what is running (it ends with kCancelled), refuses newcomers and returns when the last one has left.
  virtual Awaitable<void> Stop() = 0;
};

}  // namespace wavepost
