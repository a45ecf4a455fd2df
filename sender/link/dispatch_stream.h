// One Dispatch stream, from its start to its end. A thin driver of gRPC's callback API: it hands every event to its
// owner's thread and decides nothing.
#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <asio/io_context.hpp>
#include <deque>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "wavepost/cluster/v1/dispatch_service.grpc.pb.h"

namespace wavepost {

// Owner:    the thread of the io_context given to Start; all methods and handlers run there. gRPC's threads only post.
// Lifetime: a shared_ptr that the stream itself holds until it has ended.
class DispatchStream final : public grpc::ClientBidiReactor<cluster::v1::NodeMessage, cluster::v1::CoordinatorMessage>,
                             public std::enable_shared_from_this<DispatchStream> {
 public:
  static constexpr size_t kWritesWaitingMax = 64;

  struct Handlers {
    std::function<void(cluster::v1::CoordinatorMessage)> on_message;
    std::function<void()> on_written;            // one message less waits
    std::function<void(absl::Status)> on_ended;  // once, last
  };

  static std::shared_ptr<DispatchStream> Start(asio::io_context& io, cluster::v1::DispatchService::Stub* stub,
                                               Handlers handlers);

  // Queues a message. Messages beyond kWritesWaitingMax are the caller's mistake: ask HasRoom first for what can wait.
  void Send(cluster::v1::NodeMessage message);
  bool HasRoom() const { return writes_.size() < kWritesWaitingMax / 2; }
  bool IsFull() const { return writes_.size() >= kWritesWaitingMax; }

  // Ends the stream soon; on_ended follows.
  void Cancel() { context_.TryCancel(); }
  // No handler is called from now on.
  void Detach() { handlers_ = {}; }

 private:
  DispatchStream(asio::io_context& io, Handlers handlers) : io_(io), handlers_(std::move(handlers)) {}

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;
  void WriteNext();

  asio::io_context& io_;
  Handlers handlers_;
  grpc::ClientContext context_;
  cluster::v1::CoordinatorMessage incoming_;     // gRPC's, between StartRead and OnReadDone
  std::deque<cluster::v1::NodeMessage> writes_;  // the first one is being written
  bool ended_ = false;
  std::shared_ptr<DispatchStream> self_;  // until OnDone
};

}  // namespace wavepost
