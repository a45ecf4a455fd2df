// The part of the fake coordinator that knows events, the queue and suppressions.
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/fake_server.h"
#include "wavepost/v1/events_service.grpc.pb.h"
#include "wavepost/v1/queue_service.grpc.pb.h"
#include "wavepost/v1/suppressions_service.grpc.pb.h"

namespace wavepost::cli {
namespace {

class FakeEvents final : public v1::EventService::Service {
 public:
  explicit FakeEvents(FakeServer* owner) : owner_(*owner) {}

  // Two to a page, so that paging is seen to work.
  grpc::Status ListEvents(grpc::ServerContext*, const v1::ListEventsRequest* request,
                          v1::ListEventsResponse* out) override {
    out->set_at_end(true);
    out->set_next_after_sequence(request->after_sequence());
    for (const v1::Event& event : owner_.events) {
      if (event.sequence() <= request->after_sequence()) continue;
      if (out->events_size() == 2) {
        out->set_at_end(false);
        break;
      }
      *out->add_events() = event;
      out->set_next_after_sequence(event.sequence());
    }
    return grpc::Status::OK;
  }

  // Breaks once after the first event, as a coordinator that restarts does.
  grpc::Status FollowEvents(grpc::ServerContext* context, const v1::FollowEventsRequest* request,
                            grpc::ServerWriter<v1::Event>* writer) override {
    for (const v1::Event& event : owner_.events) {
      if (event.sequence() <= request->after_sequence()) continue;
      writer->Write(event);
      if (!std::exchange(broken_, true)) return {grpc::StatusCode::UNAVAILABLE, "going away"};
    }
    while (!context->IsCancelled()) absl::SleepFor(absl::Milliseconds(5));
    return grpc::Status::CANCELLED;
  }

 private:
  FakeServer& owner_;
  bool broken_ = false;
};

class FakeQueue final : public v1::QueueService::Service {
 public:
  explicit FakeQueue(FakeServer* owner) : owner_(*owner) {}

  grpc::Status CreatePause(grpc::ServerContext*, const v1::CreatePauseRequest* request, v1::Pause* out) override {
    *out = request->pause();
    out->set_name(absl::StrCat("pauses/", owner_.pauses.size() + 1));
    out->set_creator("operator");
    owner_.pauses.push_back(*out);
    return grpc::Status::OK;
  }
  grpc::Status DeletePause(grpc::ServerContext*, const v1::DeletePauseRequest* request,
                           v1::DeletePauseResponse*) override {
    const size_t removed =
        std::erase_if(owner_.pauses, [&](const v1::Pause& pause) { return pause.name() == request->name(); });
    return removed > 0 ? grpc::Status::OK : FakeNotFound(request->name());
  }
  // One to a page.
  grpc::Status ListPauses(grpc::ServerContext*, const v1::ListPausesRequest* request,
                          v1::ListPausesResponse* out) override {
    const size_t at = request->page_token().empty() ? 0 : std::stoul(request->page_token());
    if (at < owner_.pauses.size()) *out->add_pauses() = owner_.pauses[at];
    if (at + 1 < owner_.pauses.size()) out->set_next_page_token(std::to_string(at + 1));
    return grpc::Status::OK;
  }
  grpc::Status Flush(grpc::ServerContext*, const v1::FlushRequest* request, v1::QueueOrder* out) override {
    return Take(v1::QueueOrder::FLUSH, *request, out);
  }
  grpc::Status Drop(grpc::ServerContext*, const v1::DropRequest* request, v1::QueueOrder* out) override {
    return Take(v1::QueueOrder::DROP, *request, out);
  }
  grpc::Status Explain(grpc::ServerContext*, const v1::ExplainRequest*, v1::ExplainResponse* out) override {
    *out = owner_.explanation;
    return grpc::Status::OK;
  }
  grpc::Status Trace(grpc::ServerContext*, const v1::TraceRequest*, grpc::ServerWriter<v1::TraceLine>* out) override {
    for (const v1::TraceLine& line : owner_.trace) out->Write(line);
    return grpc::Status::OK;
  }
  grpc::Status EstimateWave(grpc::ServerContext*, const v1::EstimateWaveRequest* request,
                            v1::EstimateWaveResponse* out) override {
    if (!owner_.waves.contains(request->name())) return FakeNotFound(request->name());
    *out = owner_.estimate;
    return grpc::Status::OK;
  }

 private:
  template <class Request>
  grpc::Status Take(v1::QueueOrder::Kind kind, const Request& request, v1::QueueOrder* out) {
    out->set_name(absl::StrCat("orders/", owner_.orders.size() + 1));
    out->set_kind(kind);
    *out->mutable_selector() = request.selector();
    out->set_reason(request.reason());
    owner_.orders.push_back(*out);
    return grpc::Status::OK;
  }

  FakeServer& owner_;
};

class FakeSuppressions final : public v1::SuppressionService::Service {
 public:
  grpc::Status CreateSuppression(grpc::ServerContext*, const v1::CreateSuppressionRequest* request,
                                 v1::Suppression* out) override {
    *out = request->suppression();
    out->set_name(absl::StrCat(request->parent(), "/suppressions/", out->address()));
    out->set_cause(v1::Suppression::MANUAL);
    entries_[out->name()] = *out;
    return grpc::Status::OK;
  }
  grpc::Status GetSuppression(grpc::ServerContext*, const v1::GetSuppressionRequest* request,
                              v1::Suppression* out) override {
    if (!entries_.contains(request->name())) return FakeNotFound(request->name());
    *out = entries_[request->name()];
    return grpc::Status::OK;
  }
  grpc::Status ListSuppressions(grpc::ServerContext*, const v1::ListSuppressionsRequest*,
                                v1::ListSuppressionsResponse* out) override {
    for (const auto& [name, entry] : entries_) *out->add_suppressions() = entry;
    return grpc::Status::OK;
  }
  grpc::Status DeleteSuppression(grpc::ServerContext*, const v1::DeleteSuppressionRequest* request,
                                 v1::DeleteSuppressionResponse*) override {
    return entries_.erase(request->name()) == 1 ? grpc::Status::OK : FakeNotFound(request->name());
  }

 private:
  std::map<std::string, v1::Suppression> entries_;
};

}  // namespace

void FakeServer::AddQueueServices() {
  services_.push_back(std::make_unique<FakeEvents>(this));
  services_.push_back(std::make_unique<FakeQueue>(this));
  services_.push_back(std::make_unique<FakeSuppressions>());
}

}  // namespace wavepost::cli
