// A Resolver for tests: answers from zone text, without sockets or waiting.
#pragma once

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
//
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
  Awaitable<void> Stop() override;

  // How often ResolveMx was called.
  int lookups() const { return lookups_; }

 private:
  struct Mx {
    int preference;
    std::string host;  // empty: null MX
  };
  struct Node {
    std::vector<Mx> mx;
    std::vector<asio::ip::address> addresses;
    std::string cname;
    bool servfail = false;
    bool timeout = false;
  };

  explicit ZoneResolver(uint64_t seed) : random_(seed) {}
  const Node* Find(std::string name) const;  // follows CNAME; nullptr: no such name
  absl::StatusOr<MxHosts> Answer(const std::string& domain);

  std::map<std::string, Node, std::less<>> nodes_;
  std::mt19937_64 random_;
  int lookups_ = 0;
  bool stopped_ = false;
  std::set<asio::steady_timer*> waiting_;  // lookups of TIMEOUT names
};

}  // namespace wavepost
