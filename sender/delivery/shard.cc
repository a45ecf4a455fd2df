// The shard's life: threads, deadlines, stopping, and what everybody may ask it from outside.
#include "sender/delivery/shard.h"

#include <spdlog/spdlog.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>
#include <utility>

#include "common/async/deadline.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr absl::Duration kWatchInterval = absl::Milliseconds(250);

}  // namespace

Shard::Shard(Context context, const MakeResolver& make_resolver, const MakePolicies& make_policies,
             std::vector<const EgressAddress*> egress, uint64_t seed)
    : context_(std::move(context)),
      egress_(std::move(egress)),
      work_(asio::make_work_guard(io_)),
      resolver_(make_resolver(io_)),
      policies_(make_policies(io_, resolver_.get())),
      finder_(context_.options, resolver_.get(), policies_ == nullptr ? nullptr : &policies_->book(), context_.clock),
      composer_(context_.store, context_.cpu, context_.clock),
      random_(seed),
      timer_(io_),
      rehold_(io_),
      settled_(io_, asio::steady_timer::time_point::max()) {
  finder_.SetBook(context_.book);
  const DeliveryOptions& options = *context_.options;
  const absl::Time now = context_.clock->Now();
  const double share = 1.0 / options.io_threads;
  if (options.rate_max != SiteLimits::kUnlimited) ceilings_.SetAll(options.rate_max * share, now);
  for (const auto& [tenant, rate] : options.tenant_rates) {
    ceilings_.SetTenant(TenantNumber("tenants/" + tenant), rate * share, now);
  }
}

Shard::~Shard() {
  Stop(absl::ZeroDuration());
}

void Shard::SetReporter(TlsReporter* reporter, bool here) {
  context_.reporter = reporter;
  if (!here) return;
  asio::co_spawn(io_, reporter->Run(), asio::detached);
  context_.stop_reporter = [reporter]() { return reporter->Stop(); };
}

void Shard::Start() {
  asio::co_spawn(io_, WatchDeadlines(), asio::detached);
  ++tasks_;
  asio::co_spawn(io_, ScanLanes(), asio::detached);
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
  rehold_.cancel();
  for (auto& [key, state] : paths_) {
    for (IdleCourier* idle : state->idle) idle->timer->cancel();
  }
  while ((couriers_ > 0 || unsettled_ > 0) && std::chrono::steady_clock::now() < deadline) {
    co_await SleepUntil(DeadlineAfter(absl::Milliseconds(10)));
  }
  for (Connection* connection : connections_) connection->Abort();
  co_await policies_->StopFetching();
  if (context_.stop_reporter) co_await context_.stop_reporter();
  co_await resolver_->Stop();
  co_await policies_->Stop();
  // What they settle now still goes to the disk: the store is stopped after the shards.
  while (couriers_ > 0 || unsettled_ > 0 || tasks_ > 0) co_await SleepUntil(DeadlineAfter(absl::Milliseconds(10)));
  for (auto& [key, state] : paths_) SavePath(state.get(), context_.clock->Now(), true);
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
    for (const LaneDue& due : lanes) OnLaneDue(due);
  });
}

void Shard::ForgetKeys() {
  asio::post(io_, [this] { composer_.ForgetKeys(); });
}

void Shard::SetHolds(std::vector<v1::Pause> pauses) {
  asio::post(io_, [this, pauses = std::move(pauses)]() mutable {
    holds_.Set(std::move(pauses));
    Rehold();
  });
}

void Shard::SetBook(std::shared_ptr<const ProviderBook> book) {
  asio::post(io_, [this, book = std::move(book)]() mutable {
    const absl::Time now = context_.clock->Now();
    // Providers' paths get their new limits at once; all others when a connection looks its domain up again.
    for (auto& [key, state] : paths_) {
      ProviderBook::Site site = state->path.site();
      const Provider* provider = book->Find(site.provider);
      if (provider == nullptr || provider->limits == site.limits) continue;
      site.limits = provider->limits;
      state->path.SetSite(std::move(site), now);
      WakeAt(state.get(), absl::ToUnixMillis(now));  // tended from the timer: it may drop the path
    }
    finder_.SetBook(std::move(book));
  });
}

bool Shard::MayStart(absl::Time now) const {
  return !stopping_ && storage_.ok() && now < context_.lease_end();
}

bool Shard::MayConnect(bool urgent) const {
  const int bulk_max = context_.options->connections_max;
  const int max = urgent ? bulk_max + bulk_max / 10 + 1 : bulk_max;
  return context_.node_connections->load(std::memory_order_relaxed) < max;
}

void Shard::StorageFailed(const absl::Status& status) {
  if (!std::exchange(storage_, status).ok()) return;
  spdlog::critical(
      "event=storage_failed error=\"{}\" hint=\"the node stops; it goes on after a restart with a good disk\"",
      Printable(Sv(status.message())));
  if (context_.on_storage_failed) context_.on_storage_failed();
}

const EgressAddress* Shard::EgressOf(const std::string& address) const {
  for (const EgressAddress* egress : egress_) {
    if (egress->address == address) return egress;
  }
  return nullptr;
}

}  // namespace wavepost
