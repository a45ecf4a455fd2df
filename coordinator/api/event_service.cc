// EventService: the log from a cursor, and live.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/rpc/status.h"
#include "coordinator/api/api_context.h"
#include "coordinator/api/call.h"
#include "coordinator/api/live_streams.h"
#include "coordinator/api/request.h"
#include "coordinator/api/services.h"
#include "coordinator/names/resource_names.h"
#include "coordinator/rpc/stream.h"
#include "wavepost/v1/events_service.grpc.pb.h"

namespace wavepost {
namespace {

constexpr int kEventsPageMax = 5000;
constexpr size_t kFollowReadMax = 256;
constexpr size_t kListReadMax = 1000;
constexpr int kListReadsMax = 20;  // per call: a filter that matches nothing must not walk the whole log at once

// Which events somebody gets to see.
struct EventFilter {
  std::string tenant;  // empty: all
  std::string wave;    // empty: all

  bool Takes(const v1::Event& event) const {
    return (tenant.empty() || event.tenant() == tenant) && (wave.empty() || event.wave() == wave);
  }
};

// Request is ListEventsRequest or FollowEventsRequest.
template <class Request>
absl::StatusOr<EventFilter> FilterOf(const Caller& caller, const Request& request) {
  EventFilter filter;
  if (request.after_sequence() < 0) return BadFields("BAD_CURSOR", {{"after_sequence", "must not be negative"}});
  if (!request.parent().empty() || !caller.is_operator) {
    ASSIGN_OR_RETURN(const TenantName parent,
                     ParseName<TenantName>(caller, "parent", "tenants/{tenant}", request.parent()));
    filter.tenant = parent.ToString();
  }
  if (!request.wave().empty()) {
    ASSIGN_OR_RETURN(
        const WaveName wave,
        ParseName<WaveName>(caller, "wave", "tenants/{tenant}/campaigns/{campaign}/waves/{wave}", request.wave()));
    filter.wave = wave.ToString();
  }
  return filter;
}

// One FollowEvents stream.
class Follower final : public LiveStream, public std::enable_shared_from_this<Follower> {
 public:
  using Stream = WriteStream<v1::Event>;

  Follower(const ApiContext* api, LiveStreams* live, std::shared_ptr<Stream> stream, EventFilter filter, int64_t cursor)
      : api_(api), live_(live), stream_(std::move(stream)), filter_(std::move(filter)), cursor_(cursor) {}

  void Start() {
    if (!live_->Add(shared_from_this())) {
      return stream_->Close(
          ApiError(absl::StatusCode::kResourceExhausted, "BUSY", "too many streams are open; try again later"));
    }
    stream_->on_written = [self = shared_from_this()] { self->Pump(); };
    stream_->on_done = [self = shared_from_this()] { self->live_->Remove(self); };
    Pump();
  }

  void OnStoreChange() override { Pump(); }

  void OnShutdown() override {
    stream_->Close(ApiError(absl::StatusCode::kUnavailable, "STOPPING",
                            absl::StrCat("the coordinator is stopping; follow again from ", cursor_, " in a moment")));
  }

 private:
  // Reads on when everything that was read is out: so a slow reader holds one page in memory, never the log.
  void Pump() {
    if (stream_->closing() || stream_->queued() > 0 || again_) return;
    auto events = api_->store->Events(cursor_, kFollowReadMax);
    if (!events.ok()) return stream_->Close(events.status());
    for (v1::Event& event : *events) {
      cursor_ = event.sequence();
      if (filter_.Takes(event)) stream_->Write(std::move(event));
    }
    if (events->size() < kFollowReadMax || stream_->queued() > 0) return;
    again_ = true;  // nothing of a full page was for us; others have their turn first
    api_->streams->Post([self = shared_from_this()] {
      self->again_ = false;
      self->Pump();
    });
  }

  const ApiContext* const api_;
  LiveStreams* const live_;
  const std::shared_ptr<Stream> stream_;
  const EventFilter filter_;
  int64_t cursor_;
  bool again_ = false;
};

class EventService final : public v1::EventService::CallbackService {
 public:
  EventService(const ApiContext* api, LiveStreams* live) : api_(api), live_(live) {}

  grpc::ServerUnaryReactor* ListEvents(grpc::CallbackServerContext* context, const v1::ListEventsRequest* request,
                                       v1::ListEventsResponse* response) override {
    return Call(api_, context, response, [this, request](const Caller& caller) { return List(caller, *request); });
  }

  grpc::ServerWriteReactor<v1::Event>* FollowEvents(grpc::CallbackServerContext* context,
                                                    const v1::FollowEventsRequest* request) override {
    auto stream = Follower::Stream::Create(api_->streams, context);
    const bool posted =
        api_->calls->Post([this, stream, request = *request, authorization = AuthorizationOf(*context)] {
          auto follower = Follow(stream, request, authorization);
          api_->streams->Post([stream, follower = std::move(follower)] {
            if (!follower.ok()) return stream->Close(follower.status());
            (*follower)->Start();
          });
        });
    if (!posted) {
      api_->streams->Post([stream] {
        stream->Close(ApiError(absl::StatusCode::kResourceExhausted, "BUSY",
                               "too many calls are waiting; try again in a second"));
      });
    }
    return stream.get();
  }

 private:
  absl::StatusOr<v1::ListEventsResponse> List(const Caller& caller, const v1::ListEventsRequest& request) {
    ASSIGN_OR_RETURN(const EventFilter filter, FilterOf(caller, request));
    ASSIGN_OR_RETURN(const int size, CheckedPageSize(request.page_size(), kEventsPageMax));
    v1::ListEventsResponse out;
    int64_t cursor = request.after_sequence();
    for (int reads = 0; reads < kListReadsMax && out.events_size() < size && !out.at_end(); ++reads) {
      const size_t wanted = std::min<size_t>(kListReadMax, static_cast<size_t>(size - out.events_size()));
      const size_t limit = filter.tenant.empty() && filter.wave.empty() ? wanted : kListReadMax;
      ASSIGN_OR_RETURN(auto events, api_->store->Events(cursor, limit));
      bool full = false;
      for (v1::Event& event : events) {
        if (filter.Takes(event)) {
          if (out.events_size() == size) {
            full = true;
            break;
          }
          cursor = event.sequence();
          *out.add_events() = std::move(event);
        } else {
          cursor = event.sequence();
        }
      }
      out.set_at_end(!full && events.size() < limit);
    }
    out.set_next_after_sequence(cursor);
    return out;
  }

  absl::StatusOr<std::shared_ptr<Follower>> Follow(std::shared_ptr<Follower::Stream> stream,
                                                   const v1::FollowEventsRequest& request,
                                                   const std::optional<std::string>& authorization) {
    ASSIGN_OR_RETURN(const Caller caller, api_->auth->Check(authorization));
    ASSIGN_OR_RETURN(EventFilter filter, FilterOf(caller, request));
    return std::make_shared<Follower>(api_, live_, std::move(stream), std::move(filter), request.after_sequence());
  }

  const ApiContext* const api_;
  LiveStreams* const live_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeEventService(const ApiContext* api, LiveStreams* live) {
  return std::make_unique<EventService>(api, live);
}

}  // namespace wavepost
