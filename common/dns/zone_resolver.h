// A Resolver for tests: answers from zone text, without sockets or waiting.
#pragma once

#include <asio/ip/address.hpp>
#include <asio/steady_timer.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/async/deadline.h"
#include "common/async/tokens.h"
#include "common/dns/resolver.h"

namespace wavepost {

// One record per line, '#' or ';' starts a comment:
//
//   example.com      MX     10 mx.example.com
//   mx.example.com   A      127.0.0.1
//   mx.example.com   AAAA   ::1
//   www.example.com  CNAME  example.com
//   nomail.example   MX     0 .                 null MX
//   dead.test        SERVFAIL                   kUnavailable
//   slow.test        TIMEOUT                    waits until the deadline: kDeadlineExceeded
//   _mta-sts.b.test  TXT    "v=STSv1; " "id=1"  the strings are joined; \" \\ \DDD (RFC 1035)
//   _25._tcp.b.test  TLSA   3 1 1 c0ffee        usage, selector, matching, data in hexadecimal digits
//   4.3.2.1.in-addr.arpa  PTR  mx.example.com    IPv6: 32 nibbles before ip6.arpa
//   mx.example.com   AUTHENTIC                  all records of the name, and their absence, are validated (DNSSEC)
//
// Only a name that stands in the zone can be authentic; one that is AUTHENTIC and nothing else proves that it is empty.
//
// A name that is an alias may have TXT and MX records beside its CNAME, as lax servers allow: those are then answered.
// A name that is not in the zone does not exist: kNotFound.
class ZoneResolver final : public Resolver {
 public:
  // kInvalidArgument: a line that cannot be read, with its number.
  static absl::StatusOr<std::unique_ptr<ZoneResolver>> Parse(std::string_view zone, uint64_t seed = 1);

  // Adds records to what is there.
  absl::Status Add(std::string_view zone);
  // Forgets all records of a name.
  void Remove(std::string_view name);

  Awaitable<absl::StatusOr<MxHosts>> ResolveMx(std::string domain, Deadline deadline) override;
  Awaitable<absl::StatusOr<HostAddresses>> ResolveHost(std::string name, Deadline deadline) override;
  Awaitable<absl::StatusOr<TxtAnswer>> ResolveTxt(std::string name, Deadline deadline) override;
  Awaitable<absl::StatusOr<TlsaAnswer>> ResolveTlsa(std::string name, Deadline deadline) override;
  Awaitable<absl::StatusOr<std::vector<MxRecord>>> ResolveMxRecords(std::string name, Deadline deadline) override;
  Awaitable<absl::StatusOr<std::string>> ResolveCname(std::string name, Deadline deadline) override;
  Awaitable<absl::StatusOr<std::vector<std::string>>> ResolvePtr(asio::ip::address address, Deadline deadline) override;
  Awaitable<void> Stop() override;

  // How often ResolveMx, and one of the others, was called.
  int lookups() const { return lookups_; }
  int other_lookups() const { return other_lookups_; }

 private:
  struct Node {
    std::vector<MxRecord> mx;
    std::vector<asio::ip::address> addresses;
    std::vector<std::string> texts;
    std::vector<TlsaRecord> tlsa;
    std::vector<std::string> ptr;
    std::string cname;
    bool authentic = false;
    bool servfail = false;
    bool timeout = false;
  };

  explicit ZoneResolver(uint64_t seed) : random_(seed) {}
  // What a name leads to by its CNAMEs.
  struct Found {
    const Node* node = nullptr;  // nullptr: no such name
    bool authentic = true;
    std::string canonical;  // see MxHost
  };
  Found Find(const std::string& name) const;
  // As Find, but stops at an alias that has records of its own of the kind asked for.
  template <class Records>
  Found FindWith(const std::string& name, Records Node::*records) const;
  const Node* Own(const std::string& name) const;
  static bool AddRecord(std::string_view line, const std::vector<std::string_view>& words, Node* node);
  // Ends in kDeadlineExceeded or kCancelled for a TIMEOUT name; OK for others, at once.
  Awaitable<absl::Status> Linger(const Node* node, Deadline deadline);
  // The normalized name of a lookup that may go on: Linger is over, nothing failed. follow: CNAMEs.
  Awaitable<absl::StatusOr<std::string>> Enter(std::string name, Deadline deadline, bool follow = true);
  absl::StatusOr<MxHosts> Answer(const std::string& domain);

  std::map<std::string, Node, std::less<>> nodes_;
  std::mt19937_64 random_;
  int lookups_ = 0;
  int other_lookups_ = 0;
  bool stopped_ = false;
  std::set<asio::steady_timer*> waiting_;  // lookups of TIMEOUT names
};

}  // namespace wavepost
