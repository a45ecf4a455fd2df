// One core's share of delivery: its lanes and paths, who may open a connection, and waking up in time.
//
// Everything about a (site, egress IP) is decided by its SitePath on the thread of the shard that the egress IP hashes
// to, without locks. The shard feeds it: it finds a lane's site, reads what is due into the lane's window and offers it
// to the path; couriers (courier.cc) run the connections, ask the path for their next message, and tell it how that
// went. At most lanes_max lanes are in memory; the others are found by a scan of the queue that goes on in the
// background.
//
// Threads: everything runs on the shard's own thread, except the methods marked "any thread".
#pragma once

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <atomic>
#include <deque>
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
#include "sender/delivery/holds.h"
#include "sender/delivery/lane.h"
#include "sender/delivery/options.h"
#include "sender/delivery/site_finder.h"
#include "sender/delivery/tls_policies.h"
#include "sender/delivery/traces.h"
#include "sender/engine/site_path.h"
#include "sender/smtp/session.h"

namespace wavepost {

struct ShardPath;

// Something that the shard looks at again at a certain time.
struct Waker {
  explicit Waker(bool is_lane) : lane(is_lane) {}
  const bool lane;                 // a ShardLane; otherwise a ShardPath
  int64_t wake_ms = Lane::kNever;  // as it stands in the shard's list
};

// A lane with what the shard keeps beside it. `ready` of the base counts what of the window is offered to the path.
struct ShardLane : ReadyLane, Waker {
  explicit ShardLane(LaneKey key) : Waker(true), window(std::move(key)) {}
  const LaneKey& key() const { return window.key(); }
  Lane window;
  ShardPath* path = nullptr;  // null: its site is not known yet
  std::shared_ptr<const cluster::v1::WaveFacts> facts;
  bool held = false;     // a pause takes it in: nothing of it is offered
  bool finding = false;  // its site is being looked up
};

// A courier that waits, for work or for its time.
struct IdleCourier {
  PathGroup* group = nullptr;
  asio::steady_timer* timer = nullptr;
  bool for_work = true;  // false: for its time; only something urgent wakes it
};

struct ShardPath : Waker {
  ShardPath(const EgressAddress* egress_address, ProviderBook::Site site, const SitePath::Options& options,
            const cluster::v1::PathState& state, absl::Time now)
      : Waker(false), egress(egress_address), path(egress_address->address, std::move(site), options, state, now) {}
  const EgressAddress* egress;
  SitePath path;
  absl::flat_hash_set<ShardLane*> lanes;
  std::vector<IdleCourier*> idle;
  v1::DeliveryStatus last_trouble;  // why it is paused, for people and for recipients that expire meanwhile
  int64_t saved_ms = 0;             // when its state was stored last
  bool changed = false;             // since then
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
    std::shared_ptr<const ProviderBook> book;
    std::shared_ptr<TlsClient> tls;
    TlsReporter* reporter = nullptr;                 // counts the sessions of all shards
    std::function<Awaitable<void>()> stop_reporter;  // of the shard that the reporter lives on
  };

  static constexpr size_t kUnsettledMax = 1024;  // changes on their way to the disk; beyond it couriers wait
  static constexpr size_t kNoBdatMax = 10'000;
  static constexpr int kFindsMax = 256;  // sites looked up at once

  // The resolver is made on the shard's io_context.
  using MakeResolver = std::function<std::unique_ptr<Resolver>(asio::io_context&)>;

  using MakePolicies = std::function<std::unique_ptr<TlsPolicies>(asio::io_context&, Resolver*)>;

  Shard(Context context, const MakeResolver& make_resolver, const MakePolicies& make_policies,
        std::vector<const EgressAddress*> egress, uint64_t seed);
  ~Shard();

  void Start();
  // Lets couriers finish their transaction, for at most `grace`; then aborts them. Returns when the thread has ended.
  void Stop(absl::Duration grace);

  void LanesAdded(std::vector<LaneDue> lanes);             // any thread
  void ForgetKeys();                                       // any thread
  void SetHolds(std::vector<v1::Pause> pauses);            // any thread
  void SetBook(std::shared_ptr<const ProviderBook> book);  // any thread
  // Carries out a flush or drop on this shard's lanes; `done` on the shard's thread.
  void Carry(QueueStore::OpenOrder open, std::function<void()> done);  // any thread
  using Explained = std::function<void(std::vector<v1::PathExplanation>)>;
  // tenant: nothing about the mail of others; empty: everything.
  void Explain(v1::ExplainRequest request, std::string tenant, Explained done);  // any thread
  using Forecasted = std::function<void(std::vector<v1::SlowSite>)>;
  void ForecastLoads(std::vector<cluster::v1::ForecastQuestion::Load> loads, Forecasted done);  // any thread
  asio::io_context& io() { return io_; }
  Resolver& resolver() { return *resolver_; }
  // Before Start. `here`: the reporter lives on this shard's io_context, which runs and stops it.
  void SetReporter(TlsReporter* reporter, bool here);
  Traces& traces() { return traces_; }  // any thread

 private:
  friend class Courier;
  friend Awaitable<void> RunCourier(Shard* shard, ShardPath* state, PathGroup* group);

  // lifecycle: shard.cc
  Awaitable<void> WatchDeadlines();
  Awaitable<void> FinishUp(Deadline deadline);
  bool MayStart(absl::Time now) const;  // transactions
  // One connection more, of the node's. A tenth on top is kept for urgent mail.
  bool MayConnect(bool urgent) const;
  void StorageFailed(const absl::Status& status);  // nothing new starts; told once
  double Jitter() { return std::uniform_real_distribution<double>(0, 1)(random_); }

  // lanes: shard_lanes.cc
  void OnLaneDue(const LaneDue& due);
  void TendLane(ShardLane* lane);
  // Reads what is due into the window, offers it unless the lane is held, and plans the next look. False: the queue
  // could not be read.
  bool Refill(ShardLane* lane, absl::Time now);
  bool GivesItsPlaceBack(const ShardLane& lane, int64_t now_ms) const;
  void DropLaneIfEmpty(ShardLane* lane);
  void StartFinding(ShardLane* lane);
  Awaitable<void> FindSites();
  void Home(ShardLane* lane, const DomainRoute& route);
  void Unhome(ShardLane* lane);
  void Rehold();
  HoldSubject SubjectOf(const ShardLane& lane) const;
  std::shared_ptr<const cluster::v1::WaveFacts> FactsOf(uint32_t wave);
  uint32_t TenantNumber(const std::string& tenant);
  Awaitable<void> ScanLanes();
  bool IsAnotherShards(const std::string& egress_ip) const;
  Awaitable<void> CarryOut(QueueStore::OpenOrder open, std::function<void()> done);
  const EgressAddress* EgressOf(const std::string& address) const;

  // paths: shard_paths.cc
  ShardPath* FindOrAddPath(const EgressAddress* egress, const ProviderBook::Site& site, absl::Time now);
  void TendPath(ShardPath* state);
  void DropPathIfIdle(ShardPath* state);
  void SavePath(ShardPath* state, absl::Time now, bool now_or_never);
  void SaveGreylist(ShardPath* state, PathGroup* group, absl::Time now);
  void SuspendIp(const EgressAddress* egress, absl::Time until, const std::string& reason);
  void WakeAt(Waker* waker, int64_t wake_ms);
  void ArmTimer();
  void OnTimer();

  // explain.cc
  Awaitable<void> ExplainTo(v1::ExplainRequest request, std::string tenant, Explained done);
  Awaitable<void> ForecastTo(std::vector<cluster::v1::ForecastQuestion::Load> loads, Forecasted done);

  Context context_;
  const std::vector<const EgressAddress*> egress_;
  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::unique_ptr<Resolver> resolver_;
  std::unique_ptr<TlsPolicies> policies_;
  SiteFinder finder_;
  Composer composer_;
  std::mt19937_64 random_;
  Ceilings ceilings_;
  Holds holds_;
  Traces traces_;

  absl::flat_hash_map<LaneKey, std::unique_ptr<ShardLane>> lanes_;
  absl::flat_hash_map<std::pair<std::string, std::string>, std::unique_ptr<ShardPath>> paths_;  // egress IP, site
  absl::flat_hash_map<uint32_t, std::shared_ptr<const cluster::v1::WaveFacts>> waves_;
  absl::flat_hash_map<std::string, uint32_t> tenants_;
  struct Suspension {
    absl::Time until;
    std::string reason;
  };
  absl::flat_hash_map<std::string, Suspension> suspended_;  // by egress IP
  absl::flat_hash_set<std::string> no_bdat_;                // groups whose hosts offer CHUNKING and do not know BDAT
  std::deque<LaneKey> to_find_;                             // lanes whose sites are wanted
  int finding_ = 0;
  bool more_on_disk_ = false;  // there are lanes that were not taken into memory

  std::set<std::pair<int64_t, Waker*>> wakes_;
  asio::steady_timer timer_;
  int64_t timer_ms_ = Lane::kNever;
  absl::flat_hash_set<Connection*> connections_;
  asio::steady_timer rehold_;   // when the next pause ends
  asio::steady_timer settled_;  // cancelled when unsettled_ falls below the limit
  size_t unsettled_ = 0;
  int couriers_ = 0;
  int tasks_ = 0;  // coroutines besides couriers that use the store or the resolver
  int64_t sessions_ = 0;
  bool stopping_ = false;
  absl::Status storage_;  // not OK: the disk failed, nothing new starts
  std::thread thread_;
};

}  // namespace wavepost
