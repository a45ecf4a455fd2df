// Lanes: taken into memory, given to the path of their site, filled from the queue, held, scanned for, flushed,
// dropped.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>
#include <utility>

#include "common/async/deadline.h"
#include "common/base/strings.h"
#include "sender/delivery/await_done.h"
#include "sender/delivery/shard.h"

namespace wavepost {
namespace {

constexpr int kPagesPerLook = 4;
constexpr size_t kLanesPerScan = 256;
// Between two steps of a scan while there is enough to do; a whole pass over a million lanes then takes about a minute.
constexpr absl::Duration kScanStep = absl::Milliseconds(20);
// Lanes that are due later than this are left for the next pass.
constexpr int64_t kScanAheadMs = 120'000;
constexpr size_t kOrderPage = 500;
constexpr size_t kWavesMax = 10'000;

}  // namespace

std::shared_ptr<const cluster::v1::WaveFacts> Shard::FactsOf(uint32_t wave) {
  if (auto found = waves_.find(wave); found != waves_.end()) return found->second;
  auto facts = std::make_shared<cluster::v1::WaveFacts>();
  if (auto stored = context_.store->GetWave(wave); stored.ok()) *facts = *std::move(stored);
  if (waves_.size() >= kWavesMax) waves_.clear();
  return waves_[wave] = std::move(facts);
}

uint32_t Shard::TenantNumber(const std::string& tenant) {
  return tenants_.try_emplace(tenant, static_cast<uint32_t>(tenants_.size() + 1)).first->second;
}

void Shard::OnLaneDue(const LaneDue& due) {
  auto found = lanes_.find(due.lane);
  if (found == lanes_.end()) {
    auto facts = FactsOf(due.lane.wave);
    const bool urgent = facts->priority() == v1::URGENT;
    const auto max = static_cast<size_t>(context_.options->lanes_max);
    const bool far = due.due_ms > absl::ToUnixMillis(context_.clock->Now()) + kScanAheadMs;
    if (!urgent && (lanes_.size() >= max || (far && lanes_.size() >= max / 2))) {
      more_on_disk_ = true;
      return;
    }
    const EgressAddress* egress = EgressOf(due.lane.egress_ip);
    if (egress == nullptr) {
      // A handful of addresses, many lanes: said once for each address.
      if (suspended_.try_emplace(due.lane.egress_ip, Suspension{absl::InfiniteFuture(), "not in egress_ips"}).second) {
        spdlog::error(
            "event=lane_without_egress domain={} egress_ip={} hint=\"the address is in the queue but not in "
            "egress_ips; add it again to send what waits\"",
            due.lane.domain, due.lane.egress_ip);
      }
      return;
    }
    auto lane = std::make_unique<ShardLane>(due.lane);
    lane->flow.urgent = urgent;
    lane->flow.tenant = TenantNumber(facts->tenant());
    lane->flow.weight = facts->tenant_weight() > 0 ? facts->tenant_weight() : 1;
    lane->flow.wave = due.lane.wave;
    lane->flow.retry = due.lane.retry;
    lane->facts = std::move(facts);
    if (lanes_.size() >= max / 2 && holds_.Find(SubjectOf(*lane), context_.clock->Now()) != nullptr) {
      more_on_disk_ = true;  // a paused campaign leaves room for the others
      return;
    }
    found = lanes_.emplace(due.lane, std::move(lane)).first;
  }
  found->second->window.OnAdded(due.due_ms);
  TendLane(found->second.get());
}

HoldSubject Shard::SubjectOf(const ShardLane& lane) const {
  HoldSubject subject{.tenant = lane.facts->tenant(),
                      .campaign = lane.facts->campaign(),
                      .domain = lane.key().domain,
                      .egress_ip = lane.key().egress_ip};
  if (lane.path != nullptr) {
    subject.site = lane.path->path.site().name;
    subject.provider = lane.path->path.site().provider;
  }
  return subject;
}

void Shard::TendLane(ShardLane* lane) {
  if (stopping_) return;
  if (lane->window.empty() && lane->ready == 0) return DropLaneIfEmpty(lane);
  const absl::Time now = context_.clock->Now();
  const int64_t now_ms = absl::ToUnixMillis(now);
  if (lane->path == nullptr) {
    if (lane->window.next_due_ms() <= now_ms || lane->window.ready() > 0) {
      StartFinding(lane);
    } else {
      WakeAt(lane, lane->window.next_due_ms());
    }
    return;
  }
  const bool read = Refill(lane, now);
  if (read && lane->window.empty() && lane->ready == 0) return DropLaneIfEmpty(lane);
  if (GivesItsPlaceBack(*lane, now_ms)) {
    more_on_disk_ = true;
    WakeAt(lane, Lane::kNever);
    Unhome(lane);
    lanes_.erase(LaneKey(lane->key()));
    return;
  }
  if (!lane->held && lane->ready > 0) TendPath(lane->path);
}

// Memory is for lanes with work: one that sleeps long is found again by the scan.
bool Shard::GivesItsPlaceBack(const ShardLane& lane, int64_t now_ms) const {
  return lanes_.size() >= static_cast<size_t>(context_.options->lanes_max) / 2 && !lane.finding &&
         lane.window.at_rest() && lane.window.next_due_ms() > now_ms + kScanAheadMs;
}

bool Shard::Refill(ShardLane* lane, absl::Time now) {
  const int64_t now_ms = absl::ToUnixMillis(now);
  for (int i = 0; i < kPagesPerLook && lane->window.WantsPage(now_ms); ++i) {
    absl::StatusOr<QueueStore::LanePage> page =
        context_.store->ReadLane(lane->key(), lane->window.cursor(), now_ms, lane->window.page_max());
    if (!page.ok()) {
      spdlog::error("event=queue_read_failed domain={} error=\"{}\"", lane->key().domain,
                    Printable(Sv(page.status().message())));
      WakeAt(lane, now_ms + 1000);
      return false;
    }
    const auto added = static_cast<int64_t>(lane->window.OnPage(*std::move(page)));
    if (!lane->held) lane->path->path.Offer(lane, added);
  }
  // A window with something in it is read on by the courier that takes from it.
  const int64_t due_ms = lane->window.next_due_ms();
  if (due_ms > now_ms) {
    WakeAt(lane, due_ms);  // or never
  } else {
    WakeAt(lane, lane->window.ready() == 0 ? now_ms + 100 : Lane::kNever);
  }
  return true;
}

void Shard::DropLaneIfEmpty(ShardLane* lane) {
  if (!lane->window.empty() || lane->ready > 0 || lane->finding) return;
  WakeAt(lane, Lane::kNever);
  Unhome(lane);
  lanes_.erase(LaneKey(lane->key()));
}

// ----------------------------------------------------------------------------------------------------- finding sites

void Shard::StartFinding(ShardLane* lane) {
  if (lane->finding) return;
  if (auto route = finder_.Known(lane->key().domain); route != nullptr && route->dns.ok()) {
    return Home(lane, *route);
  }
  lane->finding = true;
  to_find_.push_back(lane->key());
  if (finding_ >= kFindsMax) return;
  ++finding_;
  ++tasks_;
  asio::co_spawn(io_, FindSites(), asio::detached);
}

Awaitable<void> Shard::FindSites() {
  while (!to_find_.empty() && !stopping_) {
    const LaneKey key = std::move(to_find_.front());
    to_find_.pop_front();
    std::shared_ptr<const DomainRoute> route = co_await finder_.Find(key.domain);
    const auto found = lanes_.find(key);
    if (found == lanes_.end()) continue;
    found->second->finding = false;
    Home(found->second.get(), *route);
  }
  --finding_;
  --tasks_;
}

void Shard::Home(ShardLane* lane, const DomainRoute& route) {
  const absl::Time now = context_.clock->Now();
  const EgressAddress* egress = EgressOf(lane->key().egress_ip);
  if (lane->path != nullptr && lane->path->path.site().name == route.site.name &&
      lane->group->mx_set() == route.group) {
    FindOrAddPath(egress, route.site, now);  // its limits may be new
    return TendLane(lane);
  }
  Unhome(lane);
  lane->path = FindOrAddPath(egress, route.site, now);
  SitePath& path = lane->path->path;
  PathGroup* group = path.FindGroup(route.group);
  if (group == nullptr) {
    auto state = context_.store->GetGreylistState(egress->address, route.group);
    group = path.FindOrAddGroup(route.group, state.ok() ? *state : cluster::v1::GreylistState());
  }
  path.Attach(lane, group);
  lane->path->lanes.insert(lane);
  lane->held = holds_.Find(SubjectOf(*lane), now) != nullptr;
  if (!lane->held) path.Offer(lane, static_cast<int64_t>(lane->window.ready()));
  TendLane(lane);
}

void Shard::Unhome(ShardLane* lane) {
  if (lane->path == nullptr) return;
  ShardPath* state = std::exchange(lane->path, nullptr);
  state->path.Detach(lane);
  state->lanes.erase(lane);
  DropPathIfIdle(state);
}

// -------------------------------------------------------------------------------------------------------------- holds

void Shard::Rehold() {
  const absl::Time now = context_.clock->Now();
  std::vector<ShardLane*> released;
  for (auto& [key, lane] : lanes_) {
    if (lane->path == nullptr) continue;
    const bool held = holds_.Find(SubjectOf(*lane), now) != nullptr;
    if (held == lane->held) continue;
    lane->held = held;
    if (held) {
      lane->path->path.Withdraw(lane.get());
    } else {
      lane->path->path.Offer(lane.get(), static_cast<int64_t>(lane->window.ready()));
      released.push_back(lane.get());
    }
  }
  for (ShardLane* lane : released) TendLane(lane);
  const absl::Time next = holds_.NextEnd(now);
  if (next == absl::InfiniteFuture()) return;
  rehold_.expires_at(DeadlineAfter(std::min(next - now, absl::Hours(1))));  // and cancels the one before
  rehold_.async_wait([this](const asio::error_code& error) {
    if (!error && !stopping_) Rehold();
  });
}

// ----------------------------------------------------------------------------------------------------- scan of the
// queue

// Goes through all lanes once at the start, and again and again while there are some that are not in memory.
Awaitable<void> Shard::ScanLanes() {
  bool first = true;
  while (!stopping_) {
    if (!first && !more_on_disk_) {
      co_await SleepUntil(DeadlineAfter(absl::Milliseconds(200)));
      continue;
    }
    more_on_disk_ = false;
    std::optional<LaneKey> after;
    for (bool last = false; !last && !stopping_;) {
      absl::StatusOr<std::vector<LaneDue>> page =
          context_.store->ReadLanes(after.has_value() ? &*after : nullptr, kLanesPerScan);
      if (!page.ok()) {
        spdlog::error("event=queue_read_failed error=\"{}\"", Printable(Sv(page.status().message())));
        break;
      }
      last = page->size() < kLanesPerScan;
      if (!last) after = page->back().lane;
      const int64_t horizon_ms = absl::ToUnixMillis(context_.clock->Now()) + kScanAheadMs;
      const auto half = static_cast<size_t>(context_.options->lanes_max) / 2;
      for (const LaneDue& due : *page) {
        if (EgressOf(due.lane.egress_ip) == nullptr && IsAnotherShards(due.lane.egress_ip)) continue;
        if (lanes_.contains(due.lane)) continue;
        if (lanes_.size() >= half && due.due_ms > horizon_ms) {
          more_on_disk_ = true;
          continue;
        }
        OnLaneDue(due);
      }
      // The connections want their share of the thread; when there is room for lanes, only that.
      const bool busy = lanes_.size() >= half;
      co_await SleepUntil(DeadlineAfter(busy ? kScanStep : absl::ZeroDuration()));
    }
    if (first) spdlog::info("event=queue_scanned lanes={} more_on_disk={}", lanes_.size(), more_on_disk_);
    first = false;
  }
  --tasks_;
}

bool Shard::IsAnotherShards(const std::string& egress_ip) const {
  return std::any_of(context_.options->egress.begin(), context_.options->egress.end(),
                     [&](const EgressAddress& egress) { return egress.address == egress_ip; });
}

// ------------------------------------------------------------------------------------------------------------- orders

void Shard::Carry(QueueStore::OpenOrder open, std::function<void()> done) {
  asio::post(io_, [this, open = std::move(open), done = std::move(done)]() mutable {
    if (stopping_) return;
    ++tasks_;
    asio::co_spawn(io_, CarryOut(std::move(open), std::move(done)), asio::detached);
  });
}

Awaitable<void> Shard::CarryOut(QueueStore::OpenOrder open, std::function<void()> done) {
  const v1::QueueOrder& order = open.order;
  std::optional<LaneKey> after;
  int64_t changed = 0;
  bool failed = false;  // the order stays open, and is carried out again after a restart
  for (bool last = false; !last && !failed;) {
    if (stopping_) break;
    absl::StatusOr<std::vector<LaneDue>> page =
        context_.store->ReadLanes(after.has_value() ? &*after : nullptr, kLanesPerScan);
    if (!page.ok()) {
      spdlog::error("event=queue_read_failed error=\"{}\"", Printable(Sv(page.status().message())));
      failed = true;
      break;
    }
    last = page->size() < kLanesPerScan;
    if (!last) after = page->back().lane;
    for (const LaneDue& due : *page) {
      if (stopping_ || failed) break;
      if (EgressOf(due.lane.egress_ip) == nullptr) continue;
      const auto facts = FactsOf(due.lane.wave);
      // A wave that was started after the drop was ordered is not meant, though its mail comes while it is carried out.
      if (order.kind() == v1::QueueOrder::DROP && facts->after_order() >= open.sequence) continue;
      HoldSubject subject{.tenant = facts->tenant(),
                          .campaign = facts->campaign(),
                          .domain = due.lane.domain,
                          .egress_ip = due.lane.egress_ip};
      std::shared_ptr<const DomainRoute> route;
      if (!order.selector().site().empty()) {
        route = co_await finder_.Find(due.lane.domain);
        subject.site = route->site.name;
        subject.provider = route->site.provider;
      }
      if (!Selects(order.selector(), subject)) continue;
      const absl::Time now = context_.clock->Now();
      for (bool more = true; more && !stopping_;) {
        auto work = std::make_shared<absl::StatusOr<QueueStore::LaneWork>>(QueueStore::LaneWork());
        auto start = [&](QueueStore::Done finished) {
          auto keep = [work, finished](absl::StatusOr<QueueStore::LaneWork> result) {
            *work = std::move(result);
            finished(work->status());
          };
          if (order.kind() == v1::QueueOrder::DROP) {
            context_.store->DropLane(due.lane, now, kOrderPage, std::move(keep));
          } else {
            context_.store->FlushLane(due.lane, now, kOrderPage, std::move(keep));
          }
        };
        std::function<void(QueueStore::Done)> starter = start;
        const absl::Status status = co_await AwaitDone(std::move(starter));
        if (!status.ok()) {
          StorageFailed(status);
          failed = true;
          break;
        }
        changed += (*work)->changed;
        more = (*work)->more;
      }
      if (order.kind() == v1::QueueOrder::FLUSH) {
        OnLaneDue({due.lane, absl::ToUnixMillis(now)});
      } else if (auto found = lanes_.find(due.lane); found != lanes_.end()) {
        ShardLane* lane = found->second.get();
        if (lane->path != nullptr) lane->path->path.Withdraw(lane);
        lane->window.Reread(absl::ToUnixMillis(now));
        TendLane(lane);
      }
    }
    co_await SleepUntil(DeadlineAfter(absl::ZeroDuration()));  // the connections want their share of the thread
  }
  if (!stopping_ && !failed) {
    spdlog::info("event=order_done order={} kind={} recipients={}", order.name(),
                 order.kind() == v1::QueueOrder::DROP ? "drop" : "flush", changed);
    done();
  }
  --tasks_;
}

}  // namespace wavepost
