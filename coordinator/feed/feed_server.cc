#include "coordinator/feed/feed_server.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/strings.h"
#include "common/rpc/status.h"
#include "coordinator/base/event_thread.h"
#include "coordinator/base/log.h"
#include "coordinator/names/resource_names.h"
#include "coordinator/rpc/auth.h"
#include "coordinator/rpc/stream.h"
#include "wavepost/cluster/v1/bounce_feed_service.grpc.pb.h"

namespace wavepost {
namespace {

using cluster::v1::BounceFeedRequest;
using cluster::v1::BounceFeedResponse;

constexpr size_t kStreamsMax = 200;
constexpr absl::Duration kHelloWithin = absl::Seconds(10);
constexpr absl::Duration kCloseWithin = absl::Seconds(5);

absl::Status StoppingError() {
  return ApiError(absl::StatusCode::kUnavailable, "STOPPING", "the coordinator is stopping; dial again in a moment");
}

}  // namespace

class FeedServer::Impl final : public cluster::v1::BounceFeedService::CallbackService {
 public:
  Impl(Store* store, bool require_peer_certificate)
      : store_(store), require_peer_certificate_(require_peer_certificate) {}

  ~Impl() override {
    reader_.Stop();
    owner_.Stop();
  }

  grpc::ServerBidiReactor<BounceFeedRequest, BounceFeedResponse>* Feed(grpc::CallbackServerContext* context) override {
    auto stream = Stream::Create(&owner_, context);
    const absl::Status allowed = RequirePeerCertificate(*context, require_peer_certificate_);
    owner_.Post([this, stream, allowed] { Open(stream, allowed); });
    return stream.get();
  }

  void Shutdown() {
    owner_.Post([this] {
      stopping_ = true;
      const auto now = streams_;
      for (const auto& link : now) End(link, StoppingError());
    });
  }

  void StopReading() { reader_.Stop(); }

 private:
  using Stream = BidiStream<BounceFeedRequest, BounceFeedResponse>;

  struct Link {
    std::shared_ptr<Stream> stream;
    std::string bouncer_id;  // empty: no hello yet
    bool greeted = false;    // the store has answered the hello
    bool ended = false;
    int applying = 0;
    int64_t through = 0;        // stored
    int64_t through_sent = -1;  // acknowledged; the hello is answered, with 0 too: the bouncer tells nothing before
  };
  using LinkPtr = std::shared_ptr<Link>;

  void Open(const std::shared_ptr<Stream>& stream, const absl::Status& allowed) {
    if (!allowed.ok()) return stream->Close(allowed);
    if (stopping_) return stream->Close(StoppingError());
    if (streams_.size() >= kStreamsMax) {
      return stream->Close(ApiError(absl::StatusCode::kResourceExhausted, "BUSY", "too many bouncers are attached"));
    }
    auto link = std::make_shared<Link>();
    link->stream = stream;
    streams_.insert(link);
    stream->on_message = [this, link](BounceFeedRequest message) { OnMessage(link, std::move(message)); };
    stream->on_written = [this, link] { Acknowledge(link); };
    stream->on_reads_done = [this, link] { End(link, absl::OkStatus()); };
    stream->on_broken = [this, link] { End(link, absl::CancelledError("the stream broke")); };
    stream->on_done = [this, link] { streams_.erase(link); };
    stream->Read();
    owner_.After(kHelloWithin, [this, link] {
      if (link->bouncer_id.empty())
        End(link, ApiError(absl::StatusCode::kDeadlineExceeded, "NO_HELLO", "no hello came"));
    });
  }

  void OnMessage(const LinkPtr& link, BounceFeedRequest message) {
    if (link->ended) return;
    if (!link->greeted) return OnHello(link, message);
    if (!message.has_reports()) return link->stream->Read();  // of a newer version
    auto& reports = *message.mutable_reports()->mutable_reports();
    if (reports.size() > kReportsMax) {
      return End(link, ApiError(absl::StatusCode::kInvalidArgument, "TOO_MANY_REPORTS",
                                absl::StrCat("at most ", kReportsMax, " reports go in one message")));
    }
    if (!reports.empty())
      Apply(link, {std::make_move_iterator(reports.begin()), std::make_move_iterator(reports.end())});
    if (link->applying < kApplyingMax) link->stream->Read();
  }

  void OnHello(const LinkPtr& link, const BounceFeedRequest& message) {
    const std::string& id = message.hello().bouncer_id();
    if (!message.has_hello() || !IsResourceId(id)) {
      return End(link, BadFields("BAD_HELLO", {{"hello.bouncer_id", std::string(kResourceIdRule)}}));
    }
    link->bouncer_id = id;
    const auto former = bouncers_.find(id);
    if (former != bouncers_.end()) {
      const LinkPtr old = former->second;
      End(old, ApiError(absl::StatusCode::kAborted, "REPLACED", "the bouncer opened a newer stream"));
    }
    bouncers_[id] = link;
    reader_.Post([this, link, id] {
      auto stored = std::make_shared<absl::StatusOr<cluster::v1::StoredBouncer>>(store_->GetBouncer(id));
      owner_.Post([this, link, stored] {
        if (link->ended) return;
        if (!stored->ok()) return End(link, stored->status());
        LogInfo("bouncer_attached", {{"bouncer", link->bouncer_id}, {"through", (*stored)->report_sequence()}});
        link->greeted = true;
        link->through = (*stored)->report_sequence();
        Acknowledge(link);
        link->stream->Read();
      });
    });
  }

  void Apply(const LinkPtr& link, std::vector<cluster::v1::BounceReport> reports) {
    ++link->applying;
    const int64_t through = reports.back().sequence();
    store_->ApplyBounceReports(link->bouncer_id, std::move(reports), [this, link, through](absl::Status status) {
      owner_.Post([this, link, through, status] {
        if (link->ended) return;
        --link->applying;
        if (!status.ok()) {
          return End(link, ApiError(absl::StatusCode::kUnavailable, "STORE",
                                    absl::StrCat("the coordinator's store: ", status.ToString())));
        }
        link->through = std::max(link->through, through);
        Acknowledge(link);
        link->stream->Read();
      });
    });
  }

  // One acknowledgement under way at a time; the next one covers all that was stored meanwhile.
  void Acknowledge(const LinkPtr& link) {
    if (link->ended || link->through <= link->through_sent || link->stream->queued() > 0) return;
    link->through_sent = link->through;
    BounceFeedResponse response;
    response.set_through_sequence(link->through);
    link->stream->Write(std::move(response));
  }

  void End(const LinkPtr& link, const absl::Status& status) {
    if (link->ended) return;
    link->ended = true;
    link->stream->Close(status);
    owner_.After(kCloseWithin, [stream = link->stream] { stream->Cancel(); });
    const auto found = bouncers_.find(link->bouncer_id);
    if (found == bouncers_.end() || found->second != link) return;
    bouncers_.erase(found);
    LogInfo("bouncer_detached", {{"bouncer", link->bouncer_id}, {"status", std::string(status.ToString())}});
  }

  Store* const store_;
  const bool require_peer_certificate_;

  // The owner's.
  std::set<LinkPtr> streams_;
  std::map<std::string, LinkPtr, std::less<>> bouncers_;  // the newest stream of each
  bool stopping_ = false;

  EventThread owner_;
  EventThread reader_;
};

FeedServer::FeedServer(Store* store, bool require_peer_certificate)
    : impl_(std::make_unique<Impl>(store, require_peer_certificate)) {}

FeedServer::~FeedServer() = default;

grpc::Service* FeedServer::service() {
  return impl_.get();
}

void FeedServer::Shutdown() {
  impl_->Shutdown();
}

void FeedServer::StopReading() {
  impl_->StopReading();
}

}  // namespace wavepost
