// Delivery as a whole: the shards, the CPU threads, and what the rest of the node asks of them.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/dns/cares_resolver.h"
#include "sender/delivery/options.h"
#include "sender/queue/queue_store.h"

namespace asio {
class thread_pool;
}

namespace wavepost {

class Shard;

// Thread-safe. store and clock outlive it.
class Delivery {
 public:
  // lease_end: until when transactions may be started; asked from the shards' threads.
  // on_storage_failed: the disk does not take changes any more; delivery has stopped starting transactions.
  // Errors: kInvalidArgument (DNS servers, egress addresses).
  static absl::StatusOr<std::unique_ptr<Delivery>> Create(DeliveryOptions options, CaresResolver::Options dns,
                                                          QueueStore* store, const Clock* clock,
                                                          std::function<absl::Time()> lease_end,
                                                          std::function<void()> on_storage_failed);
  ~Delivery();  // as Stop without grace

  // Starts the threads and takes up what the queue holds.
  absl::Status Start();
  // Starts no more transactions, lets running ones end for at most `grace`, then cuts the connections.
  void Stop(absl::Duration grace);

  void LanesAdded(std::vector<LaneDue> lanes);
  void ForgetKeys();
  int connections() const { return connections_.load(std::memory_order_relaxed); }

 private:
  Delivery(DeliveryOptions options, QueueStore* store);

  const DeliveryOptions options_;
  QueueStore* const store_;
  std::atomic<int> connections_ = 0;
  std::unique_ptr<asio::thread_pool> cpu_;
  std::vector<std::unique_ptr<Shard>> shards_;
  bool stopped_ = false;
};

}  // namespace wavepost
