#include "sender/delivery/shard.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>
#include <utility>

#include "common/async/deadline.h"
#include "common/base/strings.h"
#include "sender/delivery/courier.h"

namespace wavepost {
namespace {

constexpr absl::Duration kWatchInterval = absl::Milliseconds(250);
// When something outside the lane forbids starting (lease, disk, too many connections): look again after this.
constexpr absl::Duration kLookAgain = absl::Seconds(1);
constexpr int kPagesPerLook = 4;
// A courier more for every so many entries that wait: a handful is not worth a second connection.
constexpr int kReadyPerCourier = 4;

int64_t Ms(absl::Time time) {
  return absl::ToUnixMillis(time);
}

std::shared_ptr<TlsClient> MakeTlsClient() {
  auto client = TlsClient::Create({});
  if (client.ok()) return *std::move(client);
  spdlog::error("event=tls_unavailable error=\"{}\"", Printable(Sv(client.status().message())));
  return nullptr;
}

}  // namespace

Shard::Shard(Context context, const MakeResolver& make_resolver, uint64_t seed)
    : context_(std::move(context)),
      work_(asio::make_work_guard(io_)),
      resolver_(make_resolver(io_)),
      composer_(context_.store, context_.cpu),
      tls_(context_.options->starttls ? MakeTlsClient() : nullptr),
      random_(seed),
      timer_(io_),
      settled_(io_, asio::steady_timer::time_point::max()) {}

Shard::~Shard() {
  Stop(absl::ZeroDuration());
}

void Shard::Start() {
  asio::co_spawn(io_, WatchDeadlines(), asio::detached);
  thread_ = std::thread([this] { io_.run(); });
}

void Shard::Stop(absl::Duration grace) {
  if (!thread_.joinable()) return;
  asio::co_spawn(io_, FinishUp(DeadlineAfter(grace)), asio::detached);
  thread_.join();
}

Awaitable<void> Shard::FinishUp(Deadline deadline) {
  stopping_ = true;
  timer_.cancel();
  for (auto& [key, state] : lanes_) {
    for (asio::steady_timer* idle : state->idle_timers) idle->cancel();
  }
  while ((couriers_ > 0 || unsettled_ > 0) && std::chrono::steady_clock::now() < deadline) {
    co_await SleepUntil(DeadlineAfter(absl::Milliseconds(10)));
  }
  for (Connection* connection : connections_) connection->Abort();
  co_await resolver_->Stop();
  // What they settle now still goes to the disk: the store is stopped after the shards.
  while (couriers_ > 0 || unsettled_ > 0) co_await SleepUntil(DeadlineAfter(absl::Milliseconds(10)));
  work_.reset();
  io_.stop();
}

Awaitable<void> Shard::WatchDeadlines() {
  while (!stopping_ || couriers_ > 0) {
    co_await SleepUntil(DeadlineAfter(kWatchInterval));
    const Deadline now = std::chrono::steady_clock::now();
    for (Connection* connection : connections_) connection->CheckDeadline(now);
  }
}

void Shard::LanesAdded(std::vector<LaneDue> lanes) {
  asio::post(io_, [this, lanes = std::move(lanes)] {
    for (const LaneDue& due : lanes) {
      ShardLane* state = FindOrAdd(due.lane);
      state->lane.OnAdded(due.due_ms);
      Tend(state);
    }
  });
}

void Shard::ForgetKeys() {
  asio::post(io_, [this] { composer_.ForgetKeys(); });
}

ShardLane* Shard::FindOrAdd(const LaneKey& key) {
  std::unique_ptr<ShardLane>& slot = lanes_[key];
  if (slot == nullptr) {
    const DeliveryOptions& options = *context_.options;
    slot = std::make_unique<ShardLane>(key, PacerLimits{.connections_max = options.lane_connections_max,
                                                        .messages_per_connection = options.messages_per_connection,
                                                        .scale = options.clock_scale});
    for (const EgressAddress& egress : options.egress) {
      if (egress.address == key.egress_ip) slot->egress = &egress;
    }
    if (slot->egress == nullptr) {
      spdlog::error(
          "event=lane_without_egress domain={} egress_ip={} hint=\"the address is in the queue but not in "
          "egress_ips; add it again to send what waits\"",
          key.domain, key.egress_ip);
    }
  }
  return slot.get();
}

bool Shard::MayStart(absl::Time now) const {
  return !stopping_ && storage_.ok() && now < context_.lease_end();
}

void Shard::StorageFailed(const absl::Status& status) {
  if (!std::exchange(storage_, status).ok()) return;
  spdlog::critical(
      "event=storage_failed error=\"{}\" hint=\"the node stops; it goes on after a restart with a good disk\"",
      Printable(Sv(status.message())));
  if (context_.on_storage_failed) context_.on_storage_failed();
}

bool Shard::MayConnect() const {
  return context_.node_connections->load(std::memory_order_relaxed) < context_.options->connections_max;
}

void Shard::Tend(ShardLane* state) {
  Lane& lane = state->lane;
  if (stopping_ || state->egress == nullptr) return;
  const absl::Time now = context_.clock->Now();
  if (lane.empty() && lane.connections == 0) {
    // A lane that has learned something is kept; what it learned fades with the pause it ordered.
    if (lane.pacer.fresh() || now > lane.pacer.paused_until() + absl::Hours(1)) {
      WakeAt(state, Lane::kNever);
      lanes_.erase(LaneKey(lane.key()));
    } else {
      WakeAt(state, Ms(lane.pacer.paused_until() + absl::Hours(1)) + 1);
    }
    return;
  }
  if (lane.pacer.ConnectionsAllowed(now) == 0) return WakeAt(state, Ms(lane.pacer.paused_until()) + 1);
  if (!MayStart(now)) return WakeAt(state, Ms(now + kLookAgain));
  if (!Refill(state, now)) return WakeAt(state, Ms(now + kLookAgain));
  StartCouriers(state, now);
  // Work that no connection takes up (the node has enough of them), or a full window: couriers call again when there is
  // room; this is the net under them.
  const bool full = lane.next_due_ms() <= Ms(now) || (lane.ready() > 0 && lane.connections == 0);
  WakeAt(state, full ? Ms(now + kLookAgain) : lane.next_due_ms());
}

bool Shard::Refill(ShardLane* state, absl::Time now) {
  Lane& lane = state->lane;
  for (int i = 0; i < kPagesPerLook && lane.WantsPage(Ms(now)); ++i) {
    absl::StatusOr<QueueStore::LanePage> page =
        context_.store->ReadLane(lane.key(), lane.cursor(), Ms(now), Lane::kWindow);
    if (!page.ok()) {
      spdlog::error("event=queue_read_failed domain={} error=\"{}\"", lane.key().domain,
                    Printable(Sv(page.status().message())));
      return false;
    }
    lane.OnPage(*std::move(page));
  }
  return true;
}

void Shard::StartCouriers(ShardLane* state, absl::Time now) {
  Lane& lane = state->lane;
  const int ready = static_cast<int>(lane.ready());
  int waked = 0;
  while (!state->idle_timers.empty() && waked < ready) {
    state->idle_timers.back()->cancel();
    state->idle_timers.pop_back();
    ++waked;
  }
  const int more = (ready - waked + kReadyPerCourier - 1) / kReadyPerCourier;
  const int allowed = lane.pacer.ConnectionsAllowed(now);
  for (int i = 0; i < more && lane.connections < allowed && lane.connections < ready && MayConnect(); ++i) {
    ++lane.connections;
    ++couriers_;
    context_.node_connections->fetch_add(1, std::memory_order_relaxed);
    asio::co_spawn(io_, RunCourier(this, state), asio::detached);
  }
}

void Shard::WakeAt(ShardLane* state, int64_t wake_ms) {
  Lane& lane = state->lane;
  if (lane.wake_ms == wake_ms) return;
  if (lane.wake_ms != Lane::kNever) wakes_.erase({lane.wake_ms, state});
  lane.wake_ms = wake_ms;
  if (wake_ms != Lane::kNever) wakes_.insert({wake_ms, state});
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
  const int64_t wait_ms = std::max<int64_t>(first_ms - Ms(context_.clock->Now()), 0);
  timer_.expires_after(std::chrono::milliseconds(std::min<int64_t>(wait_ms, 3'600'000)));
  timer_.async_wait([this](const asio::error_code& error) {
    if (!error) OnTimer();
  });
}

void Shard::OnTimer() {
  timer_ms_ = Lane::kNever;
  const int64_t now_ms = Ms(context_.clock->Now());
  // Bounded turn: the connections want their share of the thread.
  for (int i = 0; i < 256 && !wakes_.empty() && wakes_.begin()->first <= now_ms; ++i) {
    ShardLane* state = wakes_.begin()->second;
    WakeAt(state, Lane::kNever);
    Tend(state);
  }
  ArmTimer();
}

}  // namespace wavepost
