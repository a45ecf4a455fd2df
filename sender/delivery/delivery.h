// Delivery as a whole: the shards, the CPU threads, and what the rest of the node asks of them.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/dns/cares_resolver.h"
#include "sender/delivery/options.h"
#include "sender/queue/queue_store.h"
#include "wavepost/cluster/v1/dispatch_service.pb.h"

namespace asio {
class thread_pool;
}

namespace wavepost {

class Shard;
class TlsReporter;
class TlsReportStore;

// Thread-safe. store and clock outlive it.
class Delivery {
 public:
  // lease_end: until when transactions may be started; asked from the shards' threads.
  // on_storage_failed: the disk does not take changes any more; delivery has stopped starting transactions.
  // Errors: kInvalidArgument (DNS servers, egress addresses, provider data, authorities), kNotFound (files).
  static absl::StatusOr<std::unique_ptr<Delivery>> Create(DeliveryOptions options, CaresResolver::Options dns,
                                                          QueueStore* store, const Clock* clock,
                                                          std::function<absl::Time()> lease_end,
                                                          std::function<void()> on_storage_failed);
  ~Delivery();  // as Stop without grace

  // Starts the threads and takes up what the queue holds: pauses first, then open orders, then mail.
  absl::Status Start();
  // Starts no more transactions, lets running ones end for at most `grace`, then cuts the connections.
  void Stop(absl::Duration grace);

  void LanesAdded(std::vector<LaneDue> lanes);
  void ForgetKeys();
  // Reads the provider data again. An error leaves what was there.
  absl::Status ReloadProviders();
  // The store has new orders: takes up pauses, starts flushes and drops.
  absl::Status OnOrders();
  // Answers from any thread; a trace again and again until its duration has passed or stop_trace names it.
  void Ask(cluster::v1::Question question, std::function<void(cluster::v1::Answer)> answer);
  int connections() const { return connections_.load(std::memory_order_relaxed); }

 private:
  Delivery(DeliveryOptions options, QueueStore* store);
  Shard& ShardOf(const std::string& egress_ip);
  void StartTrace(int64_t id, const v1::TraceRequest& request, std::function<void(cluster::v1::Answer)> answer);

  const DeliveryOptions options_;
  QueueStore* const store_;
  std::atomic<int> connections_ = 0;
  std::unique_ptr<asio::thread_pool> cpu_;
  std::unique_ptr<TlsReportStore> report_store_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::unique_ptr<TlsReporter> reporter_;  // on the first shard's io_context
  std::mutex orders_mutex_;
  absl::flat_hash_map<int64_t, size_t> carrying_;  // order sequence -> shards that are at it; 0: done; guarded
  bool stopped_ = false;
};

}  // namespace wavepost
