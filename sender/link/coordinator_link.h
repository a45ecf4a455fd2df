// The node's side of the Dispatch stream: takes batches in, hands outcomes out, and keeps trying for ever.
//
// What it promises: a batch is acknowledged after it is on disk; a report is forgotten after the coordinator has
// acknowledged it; whatever the stream loses is repeated on the next one, and repeats change nothing.
// Threads: a thread of its own; the public methods may be called from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/rpc/credentials.h"
#include "sender/queue/queue_store.h"
#include "wavepost/cluster/v1/dispatch_service.pb.h"
#include "wavepost/v1/nodes_service.pb.h"

namespace wavepost {

struct LinkOptions {
  std::string target;  // HOST:PORT of the coordinator
  TlsFiles tls;
  std::string node_id;
  std::vector<v1::EgressIp> egress_ips;
  std::string version;
  int64_t credit_window = 50'000;                        // recipients that may be on their way to us
  int64_t queue_max = 20'000'000;                        // as QueueStore::Options
  absl::Duration backoff_min = absl::Milliseconds(200);  // between attempts to attach, growing, with jitter
  absl::Duration backoff_max = absl::Seconds(10);
};

class CoordinatorLink {
 public:
  struct Hooks {  // called from the link's or the storage thread: must be short. Those after the third may be null
    std::function<void(std::vector<LaneDue>)> lanes_added;
    std::function<int64_t()> connections;
    std::function<void()> keys_changed;
    // Orders in log order, at most 1000; an order with nothing set only moves the cursor. `done` may be called from any
    // thread; OK means that all of them are stored, and the cursor with them: they are acknowledged then. Another
    // status: nothing of this stream is taken any more and a new one brings them again. Null: orders are passed over.
    std::function<void(std::vector<cluster::v1::Order>, QueueStore::Done done)> apply_orders;
    // Sequence of the last order that is stored; null: 0.
    std::function<int64_t()> order_cursor;
    // 16 bytes, see Hello.data_id; null: unknown.
    std::function<std::string()> data_id;
    // A question; `answer` may be called from any thread, also after the link is gone, and for a trace again and again
    // (an answer with nothing set ends it). A question with stop_trace ends the trace of that id and wants no answer;
    // it comes for every trace that ends from this side: stopped, its time over, the stream broken. Null: answered with
    // a problem.
    std::function<void(cluster::v1::Question, std::function<void(cluster::v1::Answer)> answer)> ask;
  };

  // Errors: from the credentials (files, clear text beyond loopback). `store` is stopped, which ends its callbacks into
  // the link, before the link is destroyed.
  static absl::StatusOr<std::unique_ptr<CoordinatorLink>> Create(LinkOptions options, QueueStore* store, Hooks hooks);
  ~CoordinatorLink();  // as Stop

  void Start();
  // Ends the stream and the thread. What was received and is on its way to the disk is not acknowledged any more.
  void Stop();

  bool attached() const;
  // Until when transactions may be started.
  absl::Time lease_end() const;

 private:
  class Impl;
  explicit CoordinatorLink(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wavepost
