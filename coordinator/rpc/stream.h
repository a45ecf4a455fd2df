// Streams whose state has one owner: gRPC's threads only post, everything happens on the owner's EventThread.
//
// A stream object lives until gRPC is done with it and nobody holds it any more. All members may be called on the
// owner's thread only, but Create. After Close nothing is called back except on_done, always last and exactly once.
#pragma once

#include <grpcpp/impl/codegen/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/status/status.h"
#include "common/rpc/status.h"
#include "coordinator/base/event_thread.h"

namespace wavepost {

// The writing half, shared by streams that read and those that do not.
template <class Reactor, class Response>
class StreamBase : public Reactor, public std::enable_shared_from_this<StreamBase<Reactor, Response>> {
 public:
  // Queues a message. The giver bounds the queue: see queued().
  void Write(Response response) {
    if (closing_) return;
    queue_.push_back(std::move(response));
    if (queue_.size() == 1) this->StartWrite(&queue_.front());
  }

  // Messages that gRPC has not taken yet, the one under way included.
  size_t queued() const { return queue_.size(); }

  // Ends the stream with this status, once what is under way is out; what is queued behind it is dropped, unless the
  // status is OK. Idempotent.
  void Close(absl::Status status) {
    if (closing_) return;
    closing_ = true;
    final_ = std::move(status);
    if (!final_.ok() && queue_.size() > 1) queue_.erase(queue_.begin() + 1, queue_.end());
    FinishIfIdle();
  }

  // For a peer that does not take what is under way: breaks the stream off. Only after Close.
  void Cancel() {
    const std::lock_guard lock(context_mutex_);
    if (context_ != nullptr) context_->TryCancel();
  }

  bool closing() const { return closing_; }

 protected:
  StreamBase(EventThread* owner, grpc::CallbackServerContext* context) : owner_(owner), context_(context) {}

  void OnWriteDone(bool ok) final {
    owner_->Post([this, self = this->shared_from_this(), ok] {
      if (!ok) broken_ = true;
      queue_.pop_front();
      if (broken_) queue_.clear();
      if (!queue_.empty()) this->StartWrite(&queue_.front());
      if (closing_) return FinishIfIdle();
      if (broken_) return Broken();
      if (on_written) on_written();
    });
  }

  void OnCancel() final {
    owner_->Post([this, self = this->shared_from_this()] {
      broken_ = true;
      if (!closing_) Broken();
    });
  }

  void OnDone() final {
    {
      const std::lock_guard lock(context_mutex_);
      context_ = nullptr;  // gRPC's, and gone when this returns
    }
    owner_->Post([this, self = this->shared_from_this()] {
      if (on_done) on_done();
      on_written = on_broken = on_done = nullptr;
      ReleaseCallbacks();
      self_.reset();
    });
  }

  virtual void ReleaseCallbacks() {}

  void Broken() {
    Close(absl::CancelledError("the caller went away"));
    if (on_broken) on_broken();
  }

 public:
  std::function<void()> on_written;  // a message is out: there may be room for another
  std::function<void()> on_broken;   // the peer went away; the stream is closed already
  std::function<void()> on_done;

 protected:
  std::shared_ptr<StreamBase> self_;  // until OnDone
  EventThread* const owner_;

 private:
  void FinishIfIdle() {
    if (finished_ || !queue_.empty()) return;
    finished_ = true;
    this->Finish(ToGrpc(final_));
  }

  std::mutex context_mutex_;
  grpc::CallbackServerContext* context_;  // guarded by context_mutex_
  std::deque<Response> queue_;            // the front is under way
  absl::Status final_;
  bool closing_ = false;
  bool finished_ = false;
  bool broken_ = false;
};

// A stream of responses to one request.
template <class Response>
class WriteStream final : public StreamBase<grpc::ServerWriteReactor<Response>, Response> {
 public:
  static std::shared_ptr<WriteStream> Create(EventThread* owner, grpc::CallbackServerContext* context) {
    std::shared_ptr<WriteStream> stream(new WriteStream(owner, context));
    stream->self_ = stream;
    return stream;
  }

 private:
  using StreamBase<grpc::ServerWriteReactor<Response>, Response>::StreamBase;
};

// A stream both ways.
template <class Request, class Response>
class BidiStream final : public StreamBase<grpc::ServerBidiReactor<Request, Response>, Response> {
 public:
  static std::shared_ptr<BidiStream> Create(EventThread* owner, grpc::CallbackServerContext* context) {
    std::shared_ptr<BidiStream> stream(new BidiStream(owner, context));
    stream->self_ = stream;
    return stream;
  }

  // Asks for one message: on_message or on_reads_done follows. Nothing while one is under way.
  void Read() {
    if (reading_ || ended_ || this->closing()) return;
    reading_ = true;
    this->StartRead(&request_);
  }

  std::function<void(Request)> on_message;
  std::function<void()> on_reads_done;  // the peer has sent its last message

 private:
  using StreamBase<grpc::ServerBidiReactor<Request, Response>, Response>::StreamBase;

  void OnReadDone(bool ok) final {
    this->owner_->Post([this, self = this->shared_from_this(), ok] {
      reading_ = false;
      ended_ = ended_ || !ok;
      if (this->closing()) return;
      if (!ok) {
        if (on_reads_done) on_reads_done();
        return;
      }
      Request request = std::move(request_);
      request_ = Request();
      if (on_message) on_message(std::move(request));
    });
  }

  void ReleaseCallbacks() final {
    on_message = nullptr;
    on_reads_done = nullptr;
  }

  Request request_;
  bool reading_ = false;
  bool ended_ = false;
};

}  // namespace wavepost
