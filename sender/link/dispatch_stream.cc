#include "sender/link/dispatch_stream.h"

#include <asio/post.hpp>
#include <utility>

#include "common/base/check.h"
#include "common/rpc/status.h"

namespace wavepost {

std::shared_ptr<DispatchStream> DispatchStream::Start(asio::io_context& io, cluster::v1::DispatchService::Stub* stub,
                                                      Handlers handlers) {
  std::shared_ptr<DispatchStream> stream(new DispatchStream(io, std::move(handlers)));
  stream->self_ = stream;
  stub->async()->Attach(&stream->context_, stream.get());
  stream->StartRead(&stream->incoming_);
  // Reads are started and the next write is posted from other threads than gRPC's: the hold keeps OnDone from coming in
  // between. It is let go when reading ends.
  stream->AddHold();
  stream->StartCall();
  return stream;
}

void DispatchStream::Send(cluster::v1::NodeMessage message) {
  WP_CHECK(writes_.size() < kWritesWaitingMax);
  if (ended_) return;
  writes_.push_back(std::move(message));
  if (writes_.size() == 1) WriteNext();
}

void DispatchStream::WriteNext() {
  StartWrite(&writes_.front());
}

void DispatchStream::OnReadDone(bool ok) {
  asio::post(io_,
             [self = self_, ok, message = ok ? std::move(incoming_) : cluster::v1::CoordinatorMessage()]() mutable {
               if (!ok) {
                 // Nothing more will come. No write may be started after the hold is gone.
                 self->ended_ = true;
                 self->RemoveHold();
                 return;
               }
               if (self->handlers_.on_message) self->handlers_.on_message(std::move(message));
               self->StartRead(&self->incoming_);
             });
}

void DispatchStream::OnWriteDone(bool ok) {
  asio::post(io_, [self = self_, ok] {
    self->writes_.pop_front();
    if (!ok || self->ended_) {
      self->writes_.clear();
      return;
    }
    if (!self->writes_.empty()) self->WriteNext();
    if (self->handlers_.on_written) self->handlers_.on_written();
  });
}

void DispatchStream::OnDone(const grpc::Status& status) {
  asio::post(io_, [self = std::move(self_), status] {
    self->ended_ = true;
    auto on_ended = std::move(self->handlers_.on_ended);
    self->handlers_ = {};
    if (on_ended) on_ended(FromGrpc(status));
  });
}

}  // namespace wavepost
