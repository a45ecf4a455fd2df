// One life of the stream to the coordinator: the gRPC reactor, and nothing that decides.
//
// gRPC's threads touch only this object and post every event to the feed's io_context, where all calls below are made.
#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>
#include <grpcpp/support/status.h>

#include <asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>

#include "wavepost/cluster/v1/bounce_feed_service.grpc.pb.h"

namespace wavepost {

class FeedStream final
    : public grpc::ClientBidiReactor<cluster::v1::BounceFeedRequest, cluster::v1::BounceFeedResponse>,
      public std::enable_shared_from_this<FeedStream> {
 public:
  // Run on the io_context.
  struct Events {
    std::function<void(bool ok)> on_written;
    std::function<void(int64_t through)> on_acknowledged;
    std::function<void(const grpc::Status&)> on_done;  // once, last; the stream may be let go after it
  };

  // Must be held by a shared_ptr. It keeps itself alive from Start() to on_done, and `io` for as long as gRPC posts.
  FeedStream(std::shared_ptr<asio::io_context> io, Events events);

  void Start(cluster::v1::BounceFeedService::Stub* stub);
  // One at a time: not before on_written of the last one. Not after on_written(false) or Cancel().
  void Write(cluster::v1::BounceFeedRequest request);
  // Ends the call soon; on_done follows.
  void Cancel();

 private:
  void OnWriteDone(bool ok) override;
  void OnReadDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;
  void LetGo();  // takes the hold off, once; after that nothing may be started

  const std::shared_ptr<asio::io_context> io_;
  Events events_;  // the feed's thread only
  grpc::ClientContext context_;
  cluster::v1::BounceFeedRequest request_;    // gRPC's while a write runs
  cluster::v1::BounceFeedResponse response_;  // gRPC's
  bool held_ = false;                         // the feed's thread only
  std::shared_ptr<FeedStream> self_;
};

}  // namespace wavepost
