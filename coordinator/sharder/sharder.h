// Decides which egress IP a recipient goes out of. Pure: same pool, same volume, same address give the same IP, on
// every machine and for ever.
//
// Rendezvous hashing (highest random weight): each IP scores -weight / ln(h), h in (0, 1) being a hash of key and IP;
// the highest score wins, with a chance in proportion to its weight. Two steps:
//   1. The domain ranks the IPs; its set is the first k of them, k = SpreadOf(volume). So sets of growing k are nested.
//   2. Within the set the address ranks, and the best IP is the recipient's.
// With k = all (a big provider) or k = 1 (a company), an IP added to n others takes about 1/(n+1) of the recipients and
// moves no other. In between, an IP that enters a domain's set pushes another one out, whose recipients spread over the
// set; all other recipients of the domain stay where they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wavepost {

// A company stays on one or two IPs: no reputation grows from a handful of messages, and greylisting rewards faces that
// are known. From the third IP on, less per IP is enough: middling domains on few IPs each would load some IPs of the
// pool a good deal more than others (5 % where chance alone makes 2 %), and the fullest decides when a wave is through.
inline constexpr int64_t kDomainVolumePerIp = 250;      // for the first two
inline constexpr int64_t kDomainVolumePerMoreIp = 100;  // for each further one

struct PoolIp {
  std::string address;
  std::string node;     // who owns it; plays no part in the decision
  double weight = 1.0;  // share of traffic against the others; 0 or less: takes nothing while another IP can
  // Warm-up: messages per domain that it may send today; less than 0: it is warm. Plays no part in the decision here.
  int64_t cap = -1;
  bool overflow = false;  // what is over the cap goes to warm addresses
};

// How many of `ips` IPs a domain with `volume` recipients in the wave is spread over: 1 to `ips`.
size_t SpreadOf(int64_t volume, size_t ips);

// One pool at one time. Immutable after construction; all members may be called from any thread.
class Sharder {
 public:
  // The order of `ips` does not matter. Must not be empty; addresses differ.
  explicit Sharder(std::vector<PoolIp> ips);

  const std::vector<PoolIp>& ips() const { return ips_; }

  // The domain's set: positions in ips(), best first. `k` from 1 to ips().size().
  std::vector<uint32_t> DomainSet(std::string_view domain, size_t k) const;

  // The position in ips() for an address, out of a domain's set.
  uint32_t Choose(const std::vector<uint32_t>& set, std::string_view address) const;

 private:
  double Score(uint64_t key, size_t ip) const;

  std::vector<PoolIp> ips_;       // by address
  std::vector<uint64_t> hashes_;  // of the addresses, parallel to ips_
};

}  // namespace wavepost
