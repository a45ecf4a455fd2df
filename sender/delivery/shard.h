// One core's share of the lanes: decides which lane may open a connection, reads what is due, and wakes up in time.
//
// A lane belongs to the shard that its domain hashes to, so everything about a (domain, egress IP) is decided on one
// thread, without locks. Couriers (courier.cc) run the connections; they call back into the shard between messages.
//
// Threads: everything runs on the shard's own thread, except the methods marked "any thread".
#pragma once

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <atomic>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "common/base/clock.h"
#include "common/dns/resolver.h"
#include "sender/delivery/composer.h"
#include "sender/delivery/lane.h"
#include "sender/delivery/options.h"
#include "sender/smtp/session.h"
#include "sender/smtp/tls_client.h"

namespace wavepost {

// A lane with what the shard's thread keeps beside it.
struct ShardLane {
  ShardLane(LaneKey key, const PacerLimits& limits) : lane(std::move(key), limits) {}
  Lane lane;
  const EgressAddress* egress = nullptr;         // null: the address is not this node's
  std::vector<asio::steady_timer*> idle_timers;  // of couriers that wait for work
};

class Shard {
 public:
  struct Context {  // all outlive the shard
    const DeliveryOptions* options = nullptr;
    QueueStore* store = nullptr;
    const Clock* clock = nullptr;
    asio::thread_pool* cpu = nullptr;
    std::function<absl::Time()> lease_end;  // no transaction starts after it; any thread
    std::atomic<int>* node_connections = nullptr;
    std::function<void()> on_storage_failed;  // once per shard, from its thread
  };

  static constexpr size_t kUnsettledMax = 1024;  // changes on their way to the disk; beyond it couriers wait

  // The resolver is made on the shard's io_context.
  using MakeResolver = std::function<std::unique_ptr<Resolver>(asio::io_context&)>;

  Shard(Context context, const MakeResolver& make_resolver, uint64_t seed);
  ~Shard();

  void Start();
  // Lets couriers finish their transaction, for at most `grace`; then aborts them. Returns when the thread has ended.
  void Stop(absl::Duration grace);

  void LanesAdded(std::vector<LaneDue> lanes);  // any thread
  void ForgetKeys();                            // any thread

 private:
  friend class Courier;
  friend Awaitable<void> RunCourier(Shard* shard, ShardLane* state);

  Awaitable<void> WatchDeadlines();
  Awaitable<void> FinishUp(Deadline deadline);
  ShardLane* FindOrAdd(const LaneKey& key);
  // Looks at a lane: reads what is due, starts couriers, plans the next look. Cheap when there is nothing to do.
  void Tend(ShardLane* state);
  bool Refill(ShardLane* state, absl::Time now);
  void StartCouriers(ShardLane* state, absl::Time now);
  void WakeAt(ShardLane* state, int64_t wake_ms);
  void ArmTimer();
  void OnTimer();
  bool MayStart(absl::Time now) const;             // transactions
  void StorageFailed(const absl::Status& status);  // nothing new starts; told once
  bool MayConnect() const;                         // one connection more
  double Jitter() { return std::uniform_real_distribution<double>(0, 1)(random_); }

  Context context_;
  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::unique_ptr<Resolver> resolver_;
  Composer composer_;
  std::shared_ptr<TlsClient> tls_;
  std::mt19937_64 random_;

  absl::flat_hash_map<LaneKey, std::unique_ptr<ShardLane>> lanes_;
  std::set<std::pair<int64_t, ShardLane*>> wakes_;
  asio::steady_timer timer_;
  int64_t timer_ms_ = Lane::kNever;
  absl::flat_hash_set<Connection*> connections_;
  asio::steady_timer settled_;  // cancelled when unsettled_ falls below the limit
  size_t unsettled_ = 0;
  int couriers_ = 0;
  bool stopping_ = false;
  absl::Status storage_;  // not OK: the disk failed, nothing new starts
  std::thread thread_;
};

}  // namespace wavepost
