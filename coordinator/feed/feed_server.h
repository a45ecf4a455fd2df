// The server of BounceFeedService: takes what came back to the return path, acknowledges what is stored.
//
// Threads: an owner for the streams, and a reader for what waits for the store; gRPC's threads only post.
#pragma once

#include <memory>

#include "coordinator/store/store.h"

namespace grpc {
class Service;
}

namespace wavepost {

class FeedServer {
 public:
  static constexpr int kReportsMax = 1000;  // per message
  static constexpr int kApplyingMax = 8;    // messages per stream that wait for the store

  // `store` must outlive this. require_peer_certificate: see RequirePeerCertificate.
  FeedServer(Store* store, bool require_peer_certificate);
  // After the gRPC server has been shut down and the store is gone.
  ~FeedServer();

  grpc::Service* service();

  // Ends all streams with UNAVAILABLE and refuses new ones. Any thread.
  void Shutdown();
  // Finishes what reads the store. After the gRPC server has been shut down, before the store goes.
  void StopReading();

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace wavepost
