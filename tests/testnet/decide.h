// What a receiving site does to a client: the scenario's profiles and the state that they need. Pure: time comes in,
// randomness is a hash of the scenario's seed, so that a re-run of the same dialogue gives the same answers.
//
// Order at RCPT: greylist, then the address's fate: fate files, obedient local part, shares of the profile, shares of
// the scenario, else taken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "tests/testnet/fate.h"
#include "tests/testnet/greylist.h"
#include "tests/testnet/limits.h"
#include "tests/testnet/scenario.h"

namespace wavepost::testnet {

struct Action {
  enum class Kind { kProceed, kReply, kReplyAndClose };
  Kind kind = Kind::kProceed;
  int code = 0;
  std::string text;  // with the enhanced status code in front
};

// Not thread-safe. The scenario must outlive it.
class Decider {
 public:
  explicit Decider(const Scenario* scenario);

  // A new connection. After kProceed OnClose must follow once.
  Action OnConnect(size_t site, uint32_t client_ip, absl::Time now);
  void OnClose(size_t site, uint32_t client_ip) { limits_.Close(site, client_ip); }

  // messages_before: MAIL commands that this connection had already.
  Action OnMail(size_t site, uint32_t client_ip, int messages_before, absl::Time now);

  struct Recipient {
    size_t site = 0;  // of the recipient's domain
    uint32_t client_ip = 0;
    std::string_view mail_from;
    std::string_view address;  // lower case
  };
  // *fate is what is to come after the message, if the recipient is taken here: accept, a reply after the dot, a DSN.
  Action OnRcpt(const Recipient& recipient, absl::Time now, Fate* fate);

  // A message is complete and one of its recipients has this fate.
  static Action OnDot(const Fate& fate);

  // True if the profile cuts the connection here. Each call counts as reaching the phase once more.
  bool Disconnects(size_t site, Phase phase);

  // The address's fate by scenario, before attempts are counted.
  Fate FateOf(size_t site, std::string_view address) const;

  struct Counts {
    uint64_t greylisted = 0;        // deferrals in all
    uint64_t greylisted_early = 0;  // of these, retries before the delay was over
    uint64_t limited = 0;           // 421 by a limit
  };
  const Counts& counts() const { return counts_; }

  static constexpr size_t kAttemptsMax = 2'000'000;  // addresses counted for `times=`; beyond, they count anew

 private:
  const Profile& ProfileOf(size_t site) const { return scenario_.profiles[scenario_.sites[site].profile]; }
  Action Limited(std::string text);

  const Scenario& scenario_;
  Greylist greylist_;
  LimitBook limits_;
  absl::flat_hash_map<uint64_t, int> attempts_;  // by hash of the address, where a fate has `times`
  std::vector<std::vector<uint64_t>> reached_;   // per profile, per disconnect rule
  Counts counts_;
};

}  // namespace wavepost::testnet
