// Paths: made when a lane's site is known, tended when something may have become possible, saved and dropped.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <utility>

#include "common/base/strings.h"
#include "sender/delivery/courier.h"
#include "sender/delivery/shard.h"

namespace wavepost {
namespace {

// When something outside the path forbids starting (lease, disk, too many connections): look again after this.
constexpr absl::Duration kLookAgain = absl::Seconds(1);
constexpr int64_t kSaveEveryMs = 5'000;
constexpr int64_t kSaveGreylistEveryMs = 3'600'000;

}  // namespace

ShardPath* Shard::FindOrAddPath(const EgressAddress* egress, const ProviderBook::Site& site, absl::Time now) {
  std::unique_ptr<ShardPath>& slot = paths_[{egress->address, site.name}];
  if (slot == nullptr) {
    auto state = context_.store->GetPathState(egress->address, site.name);
    if (!state.ok()) state = cluster::v1::PathState();
    const SitePath::Options options{
        .scale = context_.options->clock_scale, .warm_up = egress->warm_up, .ceilings = &ceilings_};
    slot = std::make_unique<ShardPath>(egress, site, options, *state, now);
    const auto stopped = suspended_.find(egress->address);
    if (stopped != suspended_.end() && now < stopped->second.until) {
      slot->path.StopUntil(stopped->second.until, stopped->second.reason);
    }
  } else if (slot->path.site().limits != site.limits) {
    slot->path.SetSite(site, now);
  }
  return slot.get();
}

void Shard::TendPath(ShardPath* state) {
  if (stopping_) return;
  if (state->lanes.empty() && state->path.connections() == 0) return DropPathIfIdle(state);
  SitePath& path = state->path;
  const absl::Time now = context_.clock->Now();
  // Connections that are open already come first.
  for (size_t i = 0; i < state->idle.size();) {
    IdleCourier* idle = state->idle[i];
    if (idle->group->ready() == 0 || (!idle->for_work && idle->group->urgent() == 0)) {
      ++i;
      continue;
    }
    state->idle.erase(state->idle.begin() + static_cast<ptrdiff_t>(i));
    idle->timer->cancel();
  }
  const bool may_start = MayStart(now);
  SitePath::Opening opening;
  while (may_start && MayConnect(path.urgent_waits())) {
    opening = path.NextOpening(now);
    if (opening.group == nullptr) break;
    path.OnConnecting(opening.group, now);
    ++couriers_;
    context_.node_connections->fetch_add(1, std::memory_order_relaxed);
    asio::co_spawn(io_, RunCourier(this, state, opening.group), asio::detached);
    opening = {};
  }
  absl::Time again = opening.look_again;
  if (!may_start || !MayConnect(path.urgent_waits())) again = std::min(again, now + kLookAgain);
  WakeAt(state, again == absl::InfiniteFuture() ? Lane::kNever : absl::ToUnixMillis(again) + 1);
  SavePath(state, now, false);
}

void Shard::DropPathIfIdle(ShardPath* state) {
  if (!state->lanes.empty() || state->path.connections() > 0) return;
  // What it learned is read again when the site is: so it goes only when the disk has had time to take it.
  const absl::Time now = context_.clock->Now();
  const bool stored = !state->changed && absl::ToUnixMillis(now) > state->saved_ms + kSaveEveryMs;
  if (!stored && (!state->path.shaper().fresh() || state->path.warm_up() != nullptr)) {
    SavePath(state, now, true);
    return WakeAt(state, absl::ToUnixMillis(now) + 2 * kSaveEveryMs);
  }
  WakeAt(state, Lane::kNever);
  paths_.erase({state->egress->address, state->path.site().name});
}

void Shard::SavePath(ShardPath* state, absl::Time now, bool now_or_never) {
  const int64_t now_ms = absl::ToUnixMillis(now);
  if (!state->changed || (!now_or_never && now_ms < state->saved_ms + kSaveEveryMs)) return;
  // Nothing learned and never anything stored: not worth a record for each small domain.
  if (state->path.shaper().fresh() && state->path.warm_up() == nullptr && state->saved_ms == 0) return;
  state->changed = false;
  state->saved_ms = now_ms;
  context_.store->PutPathState(state->egress->address, state->path.site().name, state->path.State(now));
}

void Shard::SaveGreylist(ShardPath* state, PathGroup* group, absl::Time now) {
  if (group->greylist().fresh()) return;
  group->saved_ms = absl::ToUnixMillis(now);
  context_.store->PutGreylistState(state->egress->address, group->mx_set(), group->greylist().State());
}

void Shard::SuspendIp(const EgressAddress* egress, absl::Time until, const std::string& reason) {
  Suspension& suspension = suspended_[egress->address];
  const bool is_new = suspension.until <= context_.clock->Now();
  suspension = {until, reason};
  if (is_new) {
    spdlog::error(
        "event=egress_ip_suspended egress_ip={} error=\"{}\" hint=\"mail assigned to it waits and is tried every "
        "minute; see 'ip addr', egress_ips and the proxy in the configuration\"",
        egress->address, Printable(reason));
  }
  for (auto& [key, state] : paths_) {
    if (state->egress != egress) continue;
    state->path.StopUntil(until, reason);
    WakeAt(state.get(), absl::ToUnixMillis(until) + 1);
  }
}

void Shard::WakeAt(Waker* waker, int64_t wake_ms) {
  if (waker->wake_ms == wake_ms) return;
  if (waker->wake_ms != Lane::kNever) wakes_.erase({waker->wake_ms, waker});
  waker->wake_ms = wake_ms;
  if (wake_ms != Lane::kNever) wakes_.insert({wake_ms, waker});
  ArmTimer();
}

void Shard::ArmTimer() {
  const int64_t first_ms = wakes_.empty() ? Lane::kNever : wakes_.begin()->first;
  if (first_ms == timer_ms_) return;
  timer_ms_ = first_ms;
  if (first_ms == Lane::kNever) {
    timer_.cancel();
    return;
  }
  const int64_t wait_ms = std::max<int64_t>(first_ms - absl::ToUnixMillis(context_.clock->Now()), 0);
  timer_.expires_after(std::chrono::milliseconds(std::min<int64_t>(wait_ms, 3'600'000)));
  timer_.async_wait([this](const asio::error_code& error) {
    if (!error) OnTimer();
  });
}

void Shard::OnTimer() {
  timer_ms_ = Lane::kNever;
  if (stopping_) return;
  const int64_t now_ms = absl::ToUnixMillis(context_.clock->Now());
  // Bounded turn: the connections want their share of the thread.
  for (int i = 0; i < 256 && !wakes_.empty() && wakes_.begin()->first <= now_ms; ++i) {
    Waker* waker = wakes_.begin()->second;
    WakeAt(waker, Lane::kNever);
    if (waker->lane) {
      TendLane(static_cast<ShardLane*>(waker));
    } else {
      TendPath(static_cast<ShardPath*>(waker));
    }
  }
  ArmTimer();
}

}  // namespace wavepost
