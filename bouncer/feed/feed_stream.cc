#include "bouncer/feed/feed_stream.h"

#include <asio/post.hpp>
#include <utility>

namespace wavepost {

FeedStream::FeedStream(std::shared_ptr<asio::io_context> io, Events events)
    : io_(std::move(io)), events_(std::move(events)) {}

void FeedStream::Start(cluster::v1::BounceFeedService::Stub* stub) {
  self_ = shared_from_this();
  stub->async()->Feed(&context_, this);
  // Writes are started from outside of gRPC's callbacks: without a hold the call could end between two of them.
  AddHold();
  held_ = true;
  StartRead(&response_);
  StartCall();
}

void FeedStream::Write(cluster::v1::BounceFeedRequest request) {
  if (!held_) return;
  request_ = std::move(request);
  StartWrite(&request_);
}

void FeedStream::Cancel() {
  context_.TryCancel();
  LetGo();
}

void FeedStream::LetGo() {
  if (!held_) return;
  held_ = false;
  RemoveHold();
}

void FeedStream::OnWriteDone(bool ok) {
  asio::post(*io_, [self = shared_from_this(), ok] {
    if (!ok) self->LetGo();
    self->events_.on_written(ok);
  });
}

void FeedStream::OnReadDone(bool ok) {
  if (!ok) {
    asio::post(*io_, [self = shared_from_this()] { self->LetGo(); });
    return;
  }
  const int64_t through = response_.through_sequence();
  asio::post(*io_, [self = shared_from_this(), through] { self->events_.on_acknowledged(through); });
  StartRead(&response_);
}

void FeedStream::OnDone(const grpc::Status& status) {
  // The feed's thread may destroy this object, and the feed itself, before the call below returns.
  const std::shared_ptr<asio::io_context> io = io_;
  asio::post(*io, [self = std::move(self_), status] {
    self->events_.on_done(status);
    self->events_ = {};
  });
}

}  // namespace wavepost
