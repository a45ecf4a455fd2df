// Everything that is decided about one site from one egress IP: who may open a connection, which message goes next on
// it, and what a result teaches. The composition of shaper, warm-up, greylist book and fair queues. Pure: the sender's
// shard and the simulation both drive it.
//
// A site has groups: the sets of MX hosts behind it. Most sites are one group; a provider whose customers have MX names
// of their own (Microsoft 365, Mimecast) has many. Limits hold for the site; a connection serves one group, since only
// domains with the same hosts can share it; greylisting is remembered per group.
//
// Life of a connection: Opening -> OnConnecting -> [Next -> OnSent | PutBack]* -> OnClosed.
// Not thread-safe: belongs to the thread of its egress IP.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "sender/engine/ceilings.h"
#include "sender/fairness/fair_queue.h"
#include "sender/shaping/greylist_book.h"
#include "sender/shaping/shaper.h"
#include "sender/shaping/warm_up.h"
#include "sender/sites/provider_book.h"
#include "wavepost/cluster/v1/sender_records.pb.h"

namespace wavepost {

class PathGroup;
struct PathClaim;

// A run of ready messages of one recipient domain and one flow. The driver owns it, often as part of something larger;
// it must not move while it is offered.
struct ReadyLane {
  FlowKey flow;
  PathGroup* group = nullptr;  // set by the driver before the first offer
  PathClaim* claim = nullptr;  // the path's
  int64_t ready = 0;           // offered and not taken
};

class SitePath {
 public:
  struct Options {
    double scale = 1;                           // divides the policy's durations
    std::shared_ptr<const WarmUpPlan> warm_up;  // null: the address is warm
    Ceilings* ceilings = nullptr;               // null: none; outlives the path
  };

  // state: as State() gave it before the last stop; default: nothing is known.
  SitePath(std::string egress_ip, ProviderBook::Site site, const Options& options, const cluster::v1::PathState& state,
           absl::Time now);
  ~SitePath();
  SitePath(const SitePath&) = delete;
  SitePath& operator=(const SitePath&) = delete;

  const std::string& egress_ip() const { return egress_ip_; }
  const ProviderBook::Site& site() const { return site_; }
  Shaper& shaper() { return shaper_; }
  const Shaper& shaper() const { return shaper_; }
  const WarmUpMeter* warm_up() const { return warm_up_ ? &*warm_up_ : nullptr; }
  cluster::v1::PathState State(absl::Time now) const;
  // Other starting values: the provider data was reloaded.
  void SetSite(ProviderBook::Site site, absl::Time now);

  // --- groups
  PathGroup* FindGroup(const std::string& mx_set) const;
  // `state` counts only if the group is new.
  PathGroup* FindOrAddGroup(const std::string& mx_set, const cluster::v1::GreylistState& state);

  // --- lanes
  // Ties a lane to a group: the group stays as long as lanes are tied to it.
  void Attach(ReadyLane* lane, PathGroup* group);
  // Withdraws it and unties it; a group without lanes and connections is forgotten (save its greylist state before).
  void Detach(ReadyLane* lane);
  void Offer(ReadyLane* lane, int64_t count);
  // Takes back what was offered and not taken (a hold, a change of MX).
  void Withdraw(ReadyLane* lane);

  // --- connections
  struct Opening {
    PathGroup* group = nullptr;                      // null: nobody may, or wants to, open one now
    absl::Time look_again = absl::InfiniteFuture();  // when that may change by time alone
  };
  // The group whose turn it is to get a connection more. Idle connections of the group come first: the driver wakes
  // them when it offers work.
  Opening NextOpening(absl::Time now);
  // True if urgent mail waits for a connection.
  bool urgent_waits() const { return urgent_claims_ > 0; }
  // True if NextOpening is worth a call: somebody wants a connection and one more is allowed.
  bool MayOpenMore(absl::Time now) const;
  void OnConnecting(PathGroup* group, absl::Time now);
  void OnClosed(PathGroup* group);

  // --- messages
  struct Turn {
    ReadyLane* lane = nullptr;                       // one message of it is taken; null: none now
    bool probe = false;                              // the first message ever: others wait for its reply
    absl::Time wait_until = absl::InfiniteFuture();  // without lane: when to ask again on this connection
    bool close = false;  // give the connection up: paused, over the limit, or another group's urgent mail needs it
  };
  Turn Next(PathGroup* group, absl::Time now);
  // The message that Next gave was not tried.
  void PutBack(ReadyLane* lane, const Turn& turn, absl::Time now);
  // Its transaction starts.
  void OnSending(const ReadyLane& lane, absl::Time now);

  // --- what the other side said about a message
  // It was accepted, or refused for a reason of its own.
  void OnAnswered(PathGroup* group, bool accepted, const Turn& turn, std::optional<absl::Time> first_greylisted,
                  absl::Time now);
  // When the recipient is due again. See GreylistBook::OnDeferred.
  absl::Time OnGreylisted(PathGroup* group, const Turn& turn, absl::Time first_greylisted, int step, bool after_rcpt,
                          std::optional<absl::Duration> hint, absl::Time now, double jitter);
  void OnThrottled(PathGroup* group, const Turn& turn, Throttle kind, std::optional<absl::Duration> hint,
                   absl::Time now, double jitter);
  // The attempt ended without an answer that teaches anything (connection lost, our own failure).
  void OnUnanswered(PathGroup* group, const Turn& turn, bool lost, absl::Time now, double jitter);
  // No session came about.
  void OnUnreachable(v1::Reason reason, std::optional<absl::Duration> hint, absl::Time now, double jitter);

  int connections() const { return connections_; }
  // Stops everything on this path (an IP that cannot be used, a hold); what is under way goes on.
  void StopUntil(absl::Time until, std::string reason);
  absl::Time stopped_until() const { return stopped_until_; }
  const std::string& stopped_reason() const { return stopped_reason_; }

 private:
  static PathClaim* ClaimOf(ReadyLane* lane);
  void Enter(PathClaim* claim);
  void Leave(PathClaim* claim);
  // After anything that may have opened or closed the gate of a group, or freed a connection.
  void Regate(PathGroup* group, absl::Time now);
  void OpenGates(absl::Time now);
  // When bulk may leave, as far as rates, warm-up and the node's ceiling go; and what may go at `now`.
  absl::Time BulkAt(absl::Time now) const;
  FairQueue::Wanted WantedAt(absl::Time now, absl::Time bulk_at);
  void DropIfIdle(PathGroup* group);
  void Took(ReadyLane* lane);

  const std::string egress_ip_;
  ProviderBook::Site site_;
  const Options options_;
  Shaper shaper_;
  std::optional<WarmUpMeter> warm_up_;
  absl::flat_hash_map<std::string, std::unique_ptr<PathGroup>> groups_;
  FairQueue claims_;
  std::set<std::pair<absl::Time, PathGroup*>> gated_;  // groups whose newcomers wait, by when to look again
  int connections_ = 0;
  int urgent_claims_ = 0;  // of those in claims_
  int yielding_ = 0;       // connections that were asked to make room for them
  absl::Time stopped_until_ = absl::InfinitePast();
  std::string stopped_reason_;
};

// A group's wish for a connection, on behalf of one tenant and kind.
struct PathClaim {
  PathGroup* group = nullptr;
  FlowKey flow;       // wave 0: one claim for all waves of the tenant
  int64_t ready = 0;  // messages behind it
};

// A set of MX hosts behind a site.
class PathGroup {
 public:
  PathGroup(std::string mx_set, double scale, const cluster::v1::GreylistState& state)
      : mx_set_(std::move(mx_set)), greylist_(scale, state) {}

  const std::string& mx_set() const { return mx_set_; }
  const GreylistBook& greylist() const { return greylist_; }
  int connections() const { return connections_; }
  int64_t ready() const { return urgent_ + retries_ + newcomers_; }
  int64_t urgent() const { return urgent_; }

  int64_t saved_ms = 0;  // the driver's: when it stored the greylist state last

 private:
  friend class SitePath;
  // Ready messages that may go now.
  int64_t Wanted(absl::Time now) const;
  bool WantsConnection(absl::Time now) const;
  int64_t* CounterOf(const FlowKey& flow) { return flow.urgent ? &urgent_ : flow.retry ? &retries_ : &newcomers_; }

  const std::string mx_set_;
  GreylistBook greylist_;
  FairQueue queue_;
  std::vector<std::unique_ptr<PathClaim>> claims_;
  int64_t urgent_ = 0, retries_ = 0, newcomers_ = 0;  // ready messages by kind
  int connections_ = 0;
  int lanes_ = 0;                          // attached
  std::optional<absl::Time> gated_until_;  // as it stands in SitePath::gated_
};

}  // namespace wavepost
