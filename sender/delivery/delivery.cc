#include "sender/delivery/delivery.h"

#include <spdlog/spdlog.h>

#include <asio/io_context.hpp>
#include <asio/ip/address.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/thread_pool.hpp>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "sender/delivery/shard.h"

namespace wavepost {

constexpr size_t kLanesPerPost =
    256;  // at start: so that the first lanes send while the last ones are still being found

namespace {

// An address that is missing now may come back; the others of the node work meanwhile. But somebody must hear of it.
void WarnIfNotHere(const asio::ip::address& address) {
  asio::io_context io;
  asio::ip::tcp::socket socket(io);
  const asio::ip::tcp::endpoint endpoint(address, 0);
  asio::error_code error;
  socket.open(endpoint.protocol(), error);
  if (!error) socket.bind(endpoint, error);
  if (error) {
    spdlog::error(
        "event=egress_ip_unusable egress_ip={} error=\"{}\" hint=\"not an address of this machine? See 'ip addr', and "
        "egress_ips in the configuration; mail assigned to it waits\"",
        address.to_string(), error.message());
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Delivery>> Delivery::Create(DeliveryOptions options, CaresResolver::Options dns,
                                                           QueueStore* store, const Clock* clock,
                                                           std::function<absl::Time()> lease_end,
                                                           std::function<void()> on_storage_failed) {
  for (const EgressAddress& egress : options.egress) {
    asio::error_code error;
    const asio::ip::address address = asio::ip::make_address(egress.address, error);
    if (error) return absl::InvalidArgumentError(absl::StrCat("egress IP '", egress.address, "' is not an IP address"));
    WarnIfNotHere(address);
  }
  std::unique_ptr<Delivery> delivery(new Delivery(std::move(options), store));
  for (int i = 0; i < delivery->options_.io_threads; ++i) {
    absl::Status failed;
    Shard::Context context{.options = &delivery->options_,
                           .store = store,
                           .clock = clock,
                           .cpu = delivery->cpu_.get(),
                           .lease_end = lease_end,
                           .node_connections = &delivery->connections_,
                           .on_storage_failed = on_storage_failed};
    const uint64_t seed = delivery->options_.seed + static_cast<uint64_t>(i);
    auto make_resolver = [&](asio::io_context& io) -> std::unique_ptr<Resolver> {
      CaresResolver::Options mine = dns;
      mine.seed = seed;
      auto resolver = CaresResolver::Create(io, *clock, std::move(mine));
      if (resolver.ok()) return *std::move(resolver);
      failed = resolver.status();
      return nullptr;
    };
    delivery->shards_.push_back(std::make_unique<Shard>(std::move(context), make_resolver, seed));
    if (!failed.ok()) return Annotate(failed, "dns");
  }
  return delivery;
}

Delivery::Delivery(DeliveryOptions options, QueueStore* store)
    : options_(std::move(options)), store_(store), cpu_(std::make_unique<asio::thread_pool>(options_.cpu_threads)) {}

Delivery::~Delivery() {
  Stop(absl::ZeroDuration());
}

absl::Status Delivery::Start() {
  for (auto& shard : shards_) shard->Start();
  std::vector<LaneDue> found;
  RETURN_IF_ERROR(store_->ForEachLane([&](const LaneDue& due) {
    found.push_back(due);
    if (found.size() >= kLanesPerPost) LanesAdded(std::exchange(found, {}));
  }));
  LanesAdded(std::move(found));
  return absl::OkStatus();
}

void Delivery::Stop(absl::Duration grace) {
  if (std::exchange(stopped_, true)) return;
  std::vector<std::thread> stoppers;
  for (auto& shard : shards_) stoppers.emplace_back([&shard, grace] { shard->Stop(grace); });
  for (std::thread& stopper : stoppers) stopper.join();
  cpu_->join();
}

void Delivery::LanesAdded(std::vector<LaneDue> lanes) {
  if (shards_.size() == 1) return shards_[0]->LanesAdded(std::move(lanes));
  std::vector<std::vector<LaneDue>> per_shard(shards_.size());
  for (LaneDue& due : lanes) per_shard[absl::HashOf(due.lane.domain) % shards_.size()].push_back(std::move(due));
  for (size_t i = 0; i < shards_.size(); ++i) {
    if (!per_shard[i].empty()) shards_[i]->LanesAdded(std::move(per_shard[i]));
  }
}

void Delivery::ForgetKeys() {
  for (auto& shard : shards_) shard->ForgetKeys();
}

}  // namespace wavepost
