#include "bouncer/ingest/ingest_service.h"

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <deque>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bouncer/intake/intake.h"
#include "common/base/recipient_id.h"
#include "wavepost/v1/ingest_service.grpc.pb.h"

namespace wavepost {
namespace {

using v1::IngestReportRequest;
using v1::IngestReportResponse;

void Fail(grpc::StatusCode code, const std::string& text, IngestReportResponse* response) {
  response->mutable_status()->set_code(code);
  response->mutable_status()->set_message(text);
}

void Describe(const std::vector<cluster::v1::BounceReport>& records, IngestReportResponse* response) {
  for (const cluster::v1::BounceReport& record : records) {
    v1::IngestedReport* const report = response->add_reports();
    if (record.recipient_id() != 0) {
      report->set_recipient_id(RecipientId::FromPacked(record.recipient_id()).ToString());
    }
    report->set_bounce_class(record.bounce_class());
    *report->mutable_status() = record.status();
    report->set_final_recipient(record.final_recipient());
  }
}

}  // namespace

class IngestServer::Impl final : public v1::IngestService::CallbackService {
 public:
  Impl(Intake* intake, bool require_peer_certificate)
      : intake_(intake), require_peer_certificate_(require_peer_certificate) {}

  grpc::ServerBidiReactor<IngestReportRequest, IngestReportResponse>* IngestReport(
      grpc::CallbackServerContext* context) override {
    return new Stream(this, Allowed(*context));
  }

  int64_t messages() const { return messages_.load(); }

 private:
  // Deletes itself when gRPC is done with it and no message of it is with the intake.
  class Stream final : public grpc::ServerBidiReactor<IngestReportRequest, IngestReportResponse> {
   public:
    Stream(Impl* owner, const grpc::Status& allowed) : owner_(owner) {
      if (!allowed.ok()) {
        finished_ = true;
        Finish(allowed);
      } else {
        counted_ = true;
        StartRead(&request_);
      }
    }

    void OnReadDone(bool ok) override {
      const std::lock_guard lock(mutex_);
      if (!ok) {
        reads_done_ = true;
        return Advance();
      }
      Admit();
      reading_ = false;
      Advance();
    }

    void OnWriteDone(bool ok) override {
      const std::lock_guard lock(mutex_);
      writing_ = false;
      if (!ok) broken_ = true;
      slots_.pop_front();
      Advance();
    }

    void OnCancel() override {
      const std::lock_guard lock(mutex_);
      broken_ = true;
      Advance();
    }

    void OnDone() override {
      std::unique_lock lock(mutex_);
      if (counted_) owner_->streams_.fetch_sub(1);
      done_ = true;
      if (with_intake_ > 0) return;
      lock.unlock();
      delete this;
    }

   private:
    struct Slot {
      IngestReportResponse response;
      size_t bytes = 0;
      bool ready = false;
    };

    // All of these with the lock held.
    void Admit() {
      Slot& slot = slots_.emplace_back();
      slot.response.set_id(request_.id().substr(0, kIdBytesMax));
      slot.bytes = request_.message().size();
      if (slot.bytes > kMessageBytesMax) {
        Fail(grpc::StatusCode::INVALID_ARGUMENT,
             absl::StrCat("the message has ", slot.bytes, " bytes; send the first ", kMessageBytesMax), &slot.response);
        slot.ready = true;
        return;
      }
      bytes_ += slot.bytes;
      ++with_intake_;
      // A deque's elements stay where they are while others come and go at its ends.
      owner_->intake_->Ingest(
          std::move(*request_.mutable_message()), request_.envelope_recipient(),
          [this, &slot](const absl::Status& status, const std::vector<cluster::v1::BounceReport>& records) {
            Stored(status, records, &slot);
          });
      request_.Clear();
    }

    // The intake's thread, or the store's; never the caller's.
    void Stored(const absl::Status& status, const std::vector<cluster::v1::BounceReport>& records, Slot* slot) {
      std::unique_lock lock(mutex_);
      --with_intake_;
      if (status.ok()) {
        owner_->messages_.fetch_add(1);
        Describe(records, &slot->response);
      } else {
        Fail(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()), &slot->response);
      }
      bytes_ -= slot->bytes;
      slot->bytes = 0;
      slot->ready = true;
      if (done_) {
        const bool last = with_intake_ == 0;
        lock.unlock();
        if (last) delete this;
        return;
      }
      Advance();
    }

    void Advance() {
      if (finished_) return;
      if (broken_) {
        if (writing_) return;  // its end comes
        finished_ = true;
        return Finish(grpc::Status::CANCELLED);
      }
      if (!writing_ && !slots_.empty() && slots_.front().ready) {
        writing_ = true;
        StartWrite(&slots_.front().response);
      }
      if (reads_done_) {
        if (!slots_.empty()) return;
        finished_ = true;
        return Finish(grpc::Status::OK);
      }
      if (!reading_ && slots_.size() < kWindow && bytes_ < kWindowBytesMax) {
        reading_ = true;
        StartRead(&request_);
      }
    }

    Impl* const owner_;
    bool counted_ = false;
    std::mutex mutex_;
    IngestReportRequest request_;
    std::deque<Slot> slots_;  // in the order of the requests
    size_t bytes_ = 0;        // of messages that are with the intake
    int with_intake_ = 0;
    bool reading_ = true;
    bool reads_done_ = false;
    bool writing_ = false;
    bool broken_ = false;
    bool finished_ = false;
    bool done_ = false;
  };

  grpc::Status Allowed(const grpc::CallbackServerContext& context) {
    if (require_peer_certificate_ && !context.auth_context()->IsPeerAuthenticated()) {
      return {grpc::StatusCode::UNAUTHENTICATED, "a client certificate that our authority signed is needed"};
    }
    if (streams_.fetch_add(1) >= kStreamsMax) {
      streams_.fetch_sub(1);
      return {grpc::StatusCode::RESOURCE_EXHAUSTED, absl::StrCat("at most ", kStreamsMax, " streams at a time")};
    }
    return grpc::Status::OK;
  }

  Intake* const intake_;
  const bool require_peer_certificate_;
  std::atomic<int> streams_{0};
  std::atomic<int64_t> messages_{0};
};

IngestServer::IngestServer(Intake* intake, bool require_peer_certificate)
    : impl_(std::make_unique<Impl>(intake, require_peer_certificate)) {}
IngestServer::~IngestServer() = default;

grpc::Service* IngestServer::service() {
  return impl_.get();
}
int64_t IngestServer::messages() const {
  return impl_->messages();
}

}  // namespace wavepost
