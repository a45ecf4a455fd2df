// The server of DispatchService: one stream per node, each with a NodeSession that decides.
//
// Threads: two of its own. The owner has the sessions and the streams; the reader does everything that waits for the
// store, in the order in which it was asked. gRPC's threads only post.
#pragma once

#include <memory>

#include "absl/time/time.h"
#include "common/base/clock.h"
#include "coordinator/dispatch/batch_loader.h"
#include "coordinator/dispatch/node_asker.h"
#include "coordinator/dispatch/node_registry.h"
#include "coordinator/dispatch/node_session.h"
#include "coordinator/store/store.h"

namespace grpc {
class Service;
}

namespace wavepost {

class DispatchServer {
 public:
  struct Options {
    BatchLoader::Options batches;
    NodeSession::Options sessions;
    bool require_peer_certificate = false;
  };

  // All pointers must outlive this.
  DispatchServer(Store* store, NodeRegistry* nodes, const Clock* clock, Options options);
  // After the gRPC server has been shut down and the store is gone.
  ~DispatchServer();

  grpc::Service* service();
  NodeAsker* asker();

  // Any thread.
  void OnStoreChange();
  // Ends all streams and questions with UNAVAILABLE and refuses new ones. Any thread.
  void Shutdown();
  // Finishes what reads the store. After the gRPC server has been shut down, before the store goes.
  void StopReading();

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace wavepost
