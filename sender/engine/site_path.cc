#include "sender/engine/site_path.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"

namespace wavepost {
namespace {

// A connection more for every so many messages that wait: a handful is not worth a second one.
constexpr int64_t kReadyPerConnection = 4;
// Claims looked at in one call of NextOpening; the others have their turn in the next.
constexpr int kClaimsPerLook = 64;

}  // namespace

// ---------------------------------------------------------------------------------------------------------- PathGroup

int64_t PathGroup::Wanted(absl::Time now) const {
  const int64_t others = urgent_ + retries_;
  if (newcomers_ == 0) return others;
  switch (greylist_.GateAt(now)) {
    case GreylistBook::Gate::kOpen:
    case GreylistBook::Gate::kRegister:
      return others + newcomers_;
    case GreylistBook::Gate::kProbe:
      return others + 1;
    case GreylistBook::Gate::kWait:
      return others;
  }
  return others;
}

bool PathGroup::WantsConnection(absl::Time now) const {
  const int64_t wanted = Wanted(now);
  return connections_ < (wanted + kReadyPerConnection - 1) / kReadyPerConnection;
}

// ----------------------------------------------------------------------------------------------------------- SitePath

SitePath::SitePath(std::string egress_ip, ProviderBook::Site site, const Options& options,
                   const cluster::v1::PathState& state, absl::Time now)
    : egress_ip_(std::move(egress_ip)),
      site_(std::move(site)),
      options_(options),
      shaper_(Shaper::Restore(site_.limits, options.scale, state.shaper(), now)) {
  if (options_.warm_up != nullptr) warm_up_.emplace(options_.warm_up, state.warm_up());
}

SitePath::~SitePath() = default;

cluster::v1::PathState SitePath::State(absl::Time now) const {
  cluster::v1::PathState state;
  *state.mutable_shaper() = shaper_.State(now);
  if (warm_up_.has_value()) *state.mutable_warm_up() = warm_up_->State(now);
  state.set_change_ms(absl::ToUnixMillis(now));
  return state;
}

void SitePath::SetSite(ProviderBook::Site site, absl::Time now) {
  shaper_.SetLimits(site.limits, now);
  site_ = std::move(site);
}

PathGroup* SitePath::FindGroup(const std::string& mx_set) const {
  const auto found = groups_.find(mx_set);
  return found == groups_.end() ? nullptr : found->second.get();
}

PathGroup* SitePath::FindOrAddGroup(const std::string& mx_set, const cluster::v1::GreylistState& state) {
  std::unique_ptr<PathGroup>& slot = groups_[mx_set];
  if (slot == nullptr) slot = std::make_unique<PathGroup>(mx_set, options_.scale, state);
  return slot.get();
}

void SitePath::DropIfIdle(PathGroup* group) {
  if (group->lanes_ > 0 || group->connections_ > 0) return;
  for (const auto& claim : group->claims_) Leave(claim.get());
  if (group->gated_until_.has_value()) gated_.erase({*group->gated_until_, group});
  groups_.erase(std::string(group->mx_set()));
}

// -------------------------------------------------------------------------------------------------------------- lanes

PathClaim* SitePath::ClaimOf(ReadyLane* lane) {
  if (lane->claim != nullptr) return lane->claim;
  for (const auto& claim : lane->group->claims_) {
    const FlowKey& flow = claim->flow;
    if (flow.tenant == lane->flow.tenant && flow.urgent == lane->flow.urgent && flow.retry == lane->flow.retry) {
      return lane->claim = claim.get();
    }
  }
  FlowKey flow = lane->flow;
  flow.wave = 0;
  lane->group->claims_.push_back(std::make_unique<PathClaim>(PathClaim{lane->group, flow, 0}));
  return lane->claim = lane->group->claims_.back().get();
}

void SitePath::Enter(PathClaim* claim) {
  if (claim->ready == 0 || claims_.Contains(claim)) return;
  claims_.Add(claim, claim->flow);
  if (claim->flow.urgent) ++urgent_claims_;
}

void SitePath::Leave(PathClaim* claim) {
  if (!claims_.Contains(claim)) return;
  claims_.Remove(claim);
  if (claim->flow.urgent) --urgent_claims_;
}

void SitePath::Attach(ReadyLane* lane, PathGroup* group) {
  lane->group = group;
  lane->claim = nullptr;
  ++group->lanes_;
}

void SitePath::Detach(ReadyLane* lane) {
  if (lane->group == nullptr) return;
  Withdraw(lane);
  PathGroup* group = std::exchange(lane->group, nullptr);
  lane->claim = nullptr;
  --group->lanes_;
  DropIfIdle(group);
}

void SitePath::Offer(ReadyLane* lane, int64_t count) {
  if (count <= 0) return;
  PathClaim* claim = ClaimOf(lane);
  if (lane->ready == 0) lane->group->queue_.Add(lane, lane->flow);
  lane->ready += count;
  claim->ready += count;
  *lane->group->CounterOf(lane->flow) += count;
  Enter(claim);
}

void SitePath::Withdraw(ReadyLane* lane) {
  if (lane->ready == 0) return;
  lane->claim->ready -= lane->ready;
  *lane->group->CounterOf(lane->flow) -= lane->ready;
  lane->ready = 0;
  lane->group->queue_.Remove(lane);
  if (lane->claim->ready == 0) Leave(lane->claim);
}

void SitePath::Took(ReadyLane* lane) {
  --*lane->group->CounterOf(lane->flow);
  if (--lane->ready == 0) lane->group->queue_.Remove(lane);
  if (--lane->claim->ready == 0) Leave(lane->claim);
}

void SitePath::PutBack(ReadyLane* lane, const Turn& turn, absl::Time now) {
  lane->group->queue_.Refund(lane->flow);
  if (turn.probe) lane->group->greylist_.OnProbeLost();
  Offer(lane, 1);
  if (turn.probe) Regate(lane->group, now);
}

// -------------------------------------------------------------------------------------------------------- connections

SitePath::Opening SitePath::NextOpening(absl::Time now) {
  Opening opening;
  OpenGates(now);
  if (!gated_.empty()) opening.look_again = gated_.begin()->first;
  // Tenants at their ceiling come back by time.
  for (int i = 0; i < kClaimsPerLook; ++i) {
    if (claims_.size() == 0) return opening;
    const absl::Time at = std::max(stopped_until_, shaper_.NextConnection(now));
    if (at > now) {
      opening.look_again = std::min(opening.look_again, at);
      return opening;
    }
    // A connection that would have to wait for its first message is opened when it need not.
    const absl::Time message_at = shaper_.NextMessage(now);
    if (message_at > now) {
      opening.look_again = std::min(opening.look_again, message_at);
      return opening;
    }
    if (connections_ >= shaper_.ConnectionsAllowed(now)) return opening;  // one that closes makes the driver ask again
    const absl::Time bulk_at = BulkAt(now);
    const FairQueue::Wanted wanted = WantedAt(now, bulk_at);
    auto* claim = static_cast<PathClaim*>(claims_.Next(wanted));
    if (claim == nullptr) {
      if (!wanted.bulk) opening.look_again = std::min(opening.look_again, bulk_at);
      if (wanted.stopped_tenants != nullptr) {
        opening.look_again = std::min(opening.look_again, options_.ceilings->FirstAgain(now));
      }
      return opening;
    }
    if (claim->group->WantsConnection(now)) {
      opening.group = claim->group;
      return opening;
    }
    // Its connections will do, or its newcomers wait; it claims again when that has changed.
    Leave(claim);
    Regate(claim->group, now);
  }
  opening.look_again = now;
  return opening;
}

bool SitePath::MayOpenMore(absl::Time now) const {
  return claims_.size() > 0 && connections_ < shaper_.ConnectionsAllowed(now);
}

void SitePath::OnConnecting(PathGroup* group, absl::Time now) {
  ++connections_;
  ++group->connections_;
  shaper_.OnConnecting(now);
}

void SitePath::OnClosed(PathGroup* group) {
  --connections_;
  --group->connections_;
  if (yielding_ > 0) --yielding_;
  for (const auto& claim : group->claims_) Enter(claim.get());
  DropIfIdle(group);
}

// ----------------------------------------------------------------------------------------------------------- messages

absl::Time SitePath::BulkAt(absl::Time now) const {
  absl::Time at = shaper_.NextMessage(now);
  if (warm_up_.has_value()) at = std::max(at, warm_up_->NextMessage(now));
  if (options_.ceilings != nullptr) at = std::max(at, options_.ceilings->Next(now));
  return at;
}

FairQueue::Wanted SitePath::WantedAt(absl::Time now, absl::Time bulk_at) {
  FairQueue::Wanted wanted;
  wanted.bulk = bulk_at <= now;
  if (options_.ceilings != nullptr) wanted.stopped_tenants = options_.ceilings->Stopped(now);
  return wanted;
}

SitePath::Turn SitePath::Next(PathGroup* group, absl::Time now) {
  Turn turn;
  if (std::max(stopped_until_, shaper_.paused_until()) > now || connections_ > shaper_.ConnectionsAllowed(now)) {
    turn.close = true;
    return turn;
  }
  const absl::Time bulk_at = BulkAt(now);
  FairQueue::Wanted wanted = WantedAt(now, bulk_at);
  const bool full = connections_ >= shaper_.ConnectionsAllowed(now);
  if (group->urgent_ == 0 && urgent_claims_ > yielding_ && full) {
    // Only for urgent mail that may go: a tenant at its ceiling would be given a connection for nothing.
    FairQueue::Wanted urgent_only = wanted;
    urgent_only.bulk = false;
    if (claims_.Has(urgent_only)) {
      ++yielding_;
      turn.close = true;
      return turn;
    }
  }
  if (group->Wanted(now) == 0) {
    // Another group can use it: an idle connection counts among the few that the site allows.
    turn.close = claims_.size() > 0 && connections_ >= shaper_.ConnectionsAllowed(now);
    return turn;
  }

  // A person waits for an urgent message: it does not wait for the day's spread, only for what the site tolerates.
  const absl::Time at = group->urgent_ == 0 ? bulk_at : shaper_.NextMessage(now);
  if (at > now) {
    turn.wait_until = at;
    return turn;
  }
  const GreylistBook::Gate gate = group->newcomers_ > 0 ? group->greylist_.GateAt(now) : GreylistBook::Gate::kOpen;
  wanted.newcomers = gate != GreylistBook::Gate::kWait;
  auto* lane = static_cast<ReadyLane*>(group->queue_.Next(wanted));
  if (lane == nullptr) {
    if (!wanted.bulk) turn.wait_until = bulk_at;
    if (wanted.stopped_tenants != nullptr)
      turn.wait_until = std::min(turn.wait_until, options_.ceilings->FirstAgain(now));
    return turn;
  }
  turn.lane = lane;
  if (gate == GreylistBook::Gate::kProbe && !lane->flow.retry && !lane->flow.urgent) {
    turn.probe = true;
    group->greylist_.OnProbing(now);
  }
  Took(lane);
  return turn;
}

void SitePath::OnSending(const ReadyLane& lane, absl::Time now) {
  shaper_.OnSending(now);
  if (warm_up_.has_value()) warm_up_->OnSending(now);
  if (options_.ceilings != nullptr) options_.ceilings->OnSending(lane.flow.tenant, now);
}

// ------------------------------------------------------------------------------------------------------------ results

void SitePath::OnAnswered(PathGroup* group, bool accepted, const Turn& turn, std::optional<absl::Time> first_greylisted,
                          absl::Time now) {
  if (accepted) {
    shaper_.OnSuccess(now, connections_);
    group->greylist_.OnPassed(now, first_greylisted);
  } else {
    shaper_.OnOtherAnswer(now);
  }
  if (!accepted && turn.probe) {
    // Refused for a reason of its own: many hosts look at the recipient before they look at the greylist.
    group->greylist_.OnProbeLost();
  }
  if (group->newcomers_ > 0 && (turn.probe || group->gated_until_.has_value())) Regate(group, now);
}

absl::Time SitePath::OnGreylisted(PathGroup* group, const Turn& turn, absl::Time first_greylisted, int step,
                                  bool after_rcpt, std::optional<absl::Duration> hint, absl::Time now, double jitter) {
  shaper_.OnOtherAnswer(now);
  const absl::Time due = group->greylist_.OnDeferred(now, first_greylisted, step, after_rcpt, hint, jitter);
  if (turn.probe || group->newcomers_ > 0) Regate(group, now);
  return due;
}

void SitePath::OnThrottled(PathGroup* group, const Turn& turn, Throttle kind, std::optional<absl::Duration> hint,
                           absl::Time now, double jitter) {
  shaper_.OnThrottled(now, kind, hint, connections_, jitter);
  if (!turn.probe) return;
  group->greylist_.OnProbeLost();
  Regate(group, now);
}

void SitePath::OnUnanswered(PathGroup* group, const Turn& turn, bool lost, absl::Time now, double jitter) {
  if (lost) shaper_.OnLost(now, jitter);
  if (!turn.probe) return;
  group->greylist_.OnProbeLost();
  Regate(group, now);
}

void SitePath::OnUnreachable(v1::Reason reason, std::optional<absl::Duration> hint, absl::Time now, double jitter) {
  shaper_.OnUnreachable(now, reason, hint, jitter);
}

void SitePath::StopUntil(absl::Time until, std::string reason) {
  stopped_until_ = until;
  stopped_reason_ = std::move(reason);
}

// --------------------------------------------------------------------------------------------------------------- gates

void SitePath::Regate(PathGroup* group, absl::Time now) {
  if (group->gated_until_.has_value()) {
    gated_.erase({*group->gated_until_, group});
    group->gated_until_.reset();
  }
  const bool waits = group->newcomers_ > 0 && group->greylist_.GateAt(now) == GreylistBook::Gate::kWait;
  if (waits) {
    group->gated_until_ = group->greylist_.WaitUntil();
    gated_.insert({*group->gated_until_, group});
  }
  if (!group->WantsConnection(now)) return;
  for (const auto& claim : group->claims_) {
    if (!waits || claim->flow.retry || claim->flow.urgent) Enter(claim.get());
  }
}

void SitePath::OpenGates(absl::Time now) {
  for (int i = 0; i < kClaimsPerLook && !gated_.empty() && gated_.begin()->first <= now; ++i) {
    Regate(gated_.begin()->second, now);
  }
}

}  // namespace wavepost
