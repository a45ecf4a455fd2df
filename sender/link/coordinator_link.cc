#include "sender/link/coordinator_link.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/support/channel_arguments.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <atomic>
#include <iterator>
#include <optional>
#include <random>
#include <thread>
#include <utility>

#include "common/base/clock.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "sender/link/answer_desk.h"
#include "sender/link/dispatch_stream.h"
#include "sender/link/report_window.h"

namespace wavepost {

using cluster::v1::CoordinatorMessage;
using cluster::v1::NodeMessage;

namespace {

constexpr absl::Duration kStatusInterval = absl::Seconds(1);
constexpr int kQuietTicks = 5;  // a status that says nothing new goes out every so many intervals
// The coordinator renews the lease every ten seconds: three missed renewals are a dead stream.
constexpr absl::Duration kSilenceMax = absl::Seconds(35);
constexpr absl::Duration kLeaseStoreInterval = absl::Seconds(10);
constexpr absl::Duration kRefusedRetry = absl::Seconds(10);
constexpr int kReceiveBytesMax = 32 << 20;  // a content with its attachments
constexpr size_t kKeySetsMax = 10'000;      // told in a hello

}  // namespace

class CoordinatorLink::Impl {
 public:
  Impl(LinkOptions options, QueueStore* store, Hooks hooks, std::shared_ptr<grpc::ChannelCredentials> credentials)
      : options_(std::move(options)),
        store_(store),
        hooks_(std::move(hooks)),
        work_(asio::make_work_guard(io_)),
        status_timer_(io_),
        reconnect_timer_(io_),
        refused_timer_(io_),
        random_(std::hash<std::string>()(options_.node_id)),
        lease_end_ms_(absl::ToUnixMillis(store->lease_end())) {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(kReceiveBytesMax);
    // A backoff of gRPC's own under ours would add up.
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 100);
    stub_ = cluster::v1::DispatchService::NewStub(grpc::CreateCustomChannel(options_.target, credentials, arguments));
  }

  ~Impl() { desk_->Detach(); }

  void Start() {
    store_->OnReports([this] { Wake(); });
    asio::post(io_, [this] {
      Connect();
      Tick();
    });
    thread_ = std::thread([this] { io_.run(); });
  }

  void Stop() {
    if (!thread_.joinable()) return;
    asio::post(io_, [this] {
      stopping_ = true;
      status_timer_.cancel();
      reconnect_timer_.cancel();
      refused_timer_.cancel();
      if (stream_ != nullptr) {
        stream_->Cancel();  // Ended() lets the thread go
      } else {
        work_.reset();
      }
    });
    thread_.join();
    desk_->Detach();
    attached_ = false;
  }

  bool attached() const { return attached_; }
  absl::Time lease_end() const { return absl::FromUnixMillis(lease_end_ms_); }

 private:
  absl::Time Now() const { return clock_.Now(); }

  // New reports are on disk. Many calls before the thread gets round to it are one.
  void Wake() {
    if (wake_posted_.exchange(true)) return;
    asio::post(io_, [this] {
      wake_posted_ = false;
      PumpReports();
    });
  }

  void Connect() {
    if (stopping_) return;
    ++generation_;
    last_heard_ = Now();
    window_.Restart();
    stream_ =
        DispatchStream::Start(io_, stub_.get(),
                              {.on_message = [this](CoordinatorMessage message) { OnMessage(std::move(message)); },
                               .on_written =
                                   [this] {
                                     PumpReports();
                                     PumpAnswers();
                                   },
                               .on_ended = [this](absl::Status status) { Ended(std::move(status)); }});
    NodeMessage message;
    cluster::v1::Hello* hello = message.mutable_hello();
    hello->set_node_id(options_.node_id);
    for (const v1::EgressIp& ip : options_.egress_ips) *hello->add_egress_ips() = ip;
    hello->set_suppression_cursor(store_->suppression_cursor());
    hello->set_version(options_.version);
    if (hooks_.order_cursor) hello->set_order_cursor(hooks_.order_cursor());
    if (hooks_.data_id) hello->set_data_id(hooks_.data_id());
    const absl::StatusOr<std::vector<cluster::v1::KeySetVersion>> keys = store_->ReadKeySetVersions(kKeySetsMax);
    if (keys.ok()) hello->mutable_key_sets()->Assign(keys->begin(), keys->end());
    *hello->mutable_status() = Status();
    stream_->Send(std::move(message));
  }

  void Ended(absl::Status status) {
    stream_ = nullptr;
    for (const int64_t id : desk_->Reset()) StopTrace(id);
    if (attached_.exchange(false) || !status_told_) {
      spdlog::warn("event=detached node={} coordinator={} reason=\"{}\"", options_.node_id, options_.target,
                   Printable(Sv(status.message()), 200));
      status_told_ = true;
    }
    if (stopping_) {
      work_.reset();
      return;
    }
    // Refused as we are (another process has our name): asking again at once would not help.
    if (absl::IsFailedPrecondition(status)) backoff_ = options_.backoff_max;
    backoff_ = std::clamp(backoff_ * 2, options_.backoff_min, options_.backoff_max);
    ReconnectAfter(backoff_ * std::uniform_real_distribution<double>(0.5, 1)(random_));
  }

  void ReconnectAfter(absl::Duration wait) {
    reconnect_timer_.expires_after(absl::ToChronoMilliseconds(wait));
    reconnect_timer_.async_wait([this](const asio::error_code& error) {
      if (!error && stream_ == nullptr) Connect();
    });
  }

  cluster::v1::NodeStatus Status() const {
    cluster::v1::NodeStatus status;
    const int64_t queued = store_->queued();
    status.set_credit(std::clamp<int64_t>(options_.queue_max - queued, 0, options_.credit_window));
    status.set_queued(queued);
    status.set_connections(hooks_.connections());
    return status;
  }

  void Tick() {
    if (stopping_) return;
    if (stream_ != nullptr && attached_) {
      cluster::v1::NodeStatus status = Status();
      const bool news = status.SerializeAsString() != last_status_;
      if ((news || ++quiet_ticks_ >= kQuietTicks) && stream_->HasRoom()) {
        last_status_ = status.SerializeAsString();
        quiet_ticks_ = 0;
        NodeMessage message;
        *message.mutable_status() = std::move(status);
        stream_->Send(std::move(message));
      }
    }
    if (stream_ != nullptr && Now() - last_heard_ > kSilenceMax) stream_->Cancel();
    for (const int64_t id : desk_->CloseExpired(Now())) StopTrace(id);
    status_timer_.expires_after(absl::ToChronoMilliseconds(kStatusInterval));
    status_timer_.async_wait([this](const asio::error_code& error) {
      if (!error) Tick();
    });
  }

  void OnMessage(CoordinatorMessage message) {
    last_heard_ = Now();
    if (lease_ > absl::ZeroDuration()) KeepLease();
    switch (message.message_case()) {
      case CoordinatorMessage::kWelcome:
        return OnWelcome(message.welcome());
      case CoordinatorMessage::kContent:
        return store_->PutContent(std::move(*message.mutable_content()), Checked("store a content"));
      case CoordinatorMessage::kKeySet:
        return OnKeySet(std::move(*message.mutable_key_set()));
      case CoordinatorMessage::kBatch:
        return OnBatch(std::move(*message.mutable_batch()));
      case CoordinatorMessage::kSuppressions:
        return OnSuppressions(message.suppressions());
      case CoordinatorMessage::kReportAck:
        if (window_.OnAcknowledged(message.report_ack().through_sequence())) {
          store_->ForgetReports(window_.acknowledged_through());
          PumpReports();
        }
        return;
      case CoordinatorMessage::kBatchForget:
        return store_->ForgetBatches(
            {message.batch_forget().batch_ids().begin(), message.batch_forget().batch_ids().end()});
      case CoordinatorMessage::kLeaseRenewal:
        SetLease(message.lease_renewal().lease().seconds());
        return;
      case CoordinatorMessage::kOrders:
        return OnOrders(std::move(*message.mutable_orders()));
      case CoordinatorMessage::kQuestion:
        return OnQuestion(std::move(*message.mutable_question()));
      case CoordinatorMessage::MESSAGE_NOT_SET:
        return;  // of a newer coordinator
    }
  }

  void OnWelcome(const cluster::v1::Welcome& welcome) {
    backoff_ = absl::ZeroDuration();
    attached_ = true;
    status_told_ = false;
    spdlog::info("event=attached node={} coordinator={} epoch={}", options_.node_id, options_.target, welcome.epoch());
    store_->ForgetBatchesExcept({welcome.outstanding_batch_ids().begin(), welcome.outstanding_batch_ids().end()});
    SetLease(welcome.lease().seconds());
    PumpReports();
  }

  void SetLease(int64_t seconds) {
    lease_ = absl::Seconds(std::max<int64_t>(seconds, 1));
    KeepLease();
  }

  void KeepLease() {
    const absl::Time end = Now() + lease_;
    lease_end_ms_ = absl::ToUnixMillis(end);
    if (end - lease_stored_ < kLeaseStoreInterval) return;
    lease_stored_ = end;
    store_->PutLeaseEnd(end);
  }

  void OnKeySet(cluster::v1::KeySet keys) {
    auto checked = Checked("store a key set");
    store_->PutKeySet(std::move(keys), [this, checked](absl::Status status) {
      if (status.ok()) hooks_.keys_changed();
      checked(status);
    });
  }

  void OnBatch(cluster::v1::Batch batch) {
    const std::string id = batch.batch_id();
    auto done = [this, id, generation = generation_](absl::Status status) {
      asio::post(io_, [this, id, generation, status = std::move(status)] {
        if (absl::IsInvalidArgument(status)) {
          // It would fail again for ever; the batches behind it are fine. It stays outstanding at the coordinator.
          spdlog::error("event=batch_refused node={} error=\"{}\"", options_.node_id, Printable(Sv(status.message())));
          return;
        }
        if (!status.ok()) return Refuse("store a batch", generation, status);
        if (generation != generation_ || broken_generation_ == generation || stream_ == nullptr) return;
        NodeMessage message;
        message.mutable_batch_ack()->set_batch_id(id);
        SendOrDrop(std::move(message));
      });
    };
    store_->AddBatch(std::move(batch), Now(), hooks_.lanes_added, std::move(done));
  }

  void OnSuppressions(const cluster::v1::SuppressionPush& push) {
    if (push.changes().empty()) return;
    const int64_t through = push.changes().rbegin()->sequence();
    auto done = [this, through, generation = generation_](absl::Status status) {
      asio::post(io_, [this, through, generation, status = std::move(status)] {
        if (!status.ok()) return Refuse("apply suppressions", generation, status);
        if (generation != generation_ || stream_ == nullptr) return;
        NodeMessage message;
        message.mutable_suppression_ack()->set_through_sequence(through);
        SendOrDrop(std::move(message));
      });
    };
    store_->ApplySuppressions({push.changes().begin(), push.changes().end()}, Now(), std::move(done));
  }

  void OnOrders(cluster::v1::OrderPush push) {
    if (push.orders().empty() || !hooks_.apply_orders) return;
    const int64_t through = push.orders().rbegin()->sequence();
    auto done = [this, through, generation = generation_](absl::Status status) {
      asio::post(io_, [this, through, generation, status = std::move(status)] {
        if (!status.ok()) return Refuse("store orders", generation, status);
        if (generation != generation_ || broken_generation_ == generation || stream_ == nullptr) return;
        NodeMessage message;
        message.mutable_order_ack()->set_through_sequence(through);
        SendOrDrop(std::move(message));
      });
    };
    hooks_.apply_orders({std::make_move_iterator(push.mutable_orders()->begin()),
                         std::make_move_iterator(push.mutable_orders()->end())},
                        std::move(done));
  }

  void OnQuestion(cluster::v1::Question question) {
    if (question.has_stop_trace()) {
      if (desk_->Close(question.stop_trace())) StopTrace(question.stop_trace());
      return;
    }
    const AnswerDesk::AnswerFn answer = desk_->Open(question, Now());
    if (answer != nullptr && hooks_.ask) return hooks_.ask(std::move(question), answer);
    cluster::v1::Answer problem;
    problem.set_problem(answer == nullptr ? "the node has too many open questions" : "the node answers no questions");
    if (answer != nullptr) return answer(std::move(problem));
    if (!stream_->HasRoom()) return;  // whoever asked has a deadline
    NodeMessage message;
    problem.set_id(question.id());
    *message.mutable_answer() = std::move(problem);
    stream_->Send(std::move(message));
  }

  // The desk has closed it; whoever traces is told.
  void StopTrace(int64_t id) {
    if (!hooks_.ask) return;
    cluster::v1::Question stop;
    stop.set_stop_trace(id);
    hooks_.ask(std::move(stop), [](cluster::v1::Answer) {});
  }

  void PumpAnswers() {
    while (stream_ != nullptr && attached_ && stream_->HasRoom()) {
      std::optional<cluster::v1::Answer> answer = desk_->Next();
      if (!answer.has_value()) return;
      NodeMessage message;
      *message.mutable_answer() = *std::move(answer);
      stream_->Send(std::move(message));
    }
  }

  // An answer waits. As Wake; the desk does not call this after Detach.
  void WakeAnswers() {
    if (answers_posted_.exchange(true)) return;
    asio::post(io_, [this] {
      answers_posted_ = false;
      PumpAnswers();
    });
  }

  QueueStore::Done Checked(std::string what) {
    return [this, what = std::move(what), generation = generation_](absl::Status status) {
      if (status.ok()) return;
      asio::post(io_, [this, what, generation, status = std::move(status)] { Refuse(what, generation, status); });
    };
  }

  // Something of this stream could not be stored: no batch of it is acknowledged any more (one may lean on what is
  // missing), and a new stream brings everything again.
  void Refuse(std::string_view what, int64_t generation, const absl::Status& status) {
    if (stopping_ || stream_ == nullptr || generation != generation_ || broken_generation_ == generation) return;
    broken_generation_ = generation;
    spdlog::error("event=not_stored what=\"{}\" node={} error=\"{}\"", what, options_.node_id,
                  Printable(Sv(status.message()), 300));
    // Not at once: a full disk is not freed by asking again.
    refused_timer_.expires_after(absl::ToChronoMilliseconds(kRefusedRetry));
    refused_timer_.async_wait([this, generation](const asio::error_code& error) {
      if (!error && generation == generation_ && stream_ != nullptr) stream_->Cancel();
    });
  }

  // Acknowledgements: the coordinator keeps the flow of what it sends bounded, so there is room; if it does not, the
  // stream is dropped rather than our memory filled.
  void SendOrDrop(NodeMessage message) {
    if (stream_->IsFull()) {
      stream_->Cancel();
    } else {
      stream_->Send(std::move(message));
    }
  }

  void PumpReports() {
    while (stream_ != nullptr && attached_ && window_.HasRoom() && stream_->HasRoom()) {
      absl::StatusOr<std::vector<cluster::v1::Report>> reports =
          store_->ReadOutbox(window_.sent_through(), ReportWindow::kReportsPerMessageMax);
      if (!reports.ok()) {
        spdlog::error("event=outbox_read_failed node={} error=\"{}\"", options_.node_id,
                      Printable(Sv(reports.status().message())));
        return;
      }
      if (reports->empty()) return;
      window_.OnSent(reports->back().sequence());
      NodeMessage message;
      for (cluster::v1::Report& report : *reports) *message.mutable_reports()->add_reports() = std::move(report);
      stream_->Send(std::move(message));
    }
  }

  const LinkOptions options_;
  QueueStore* const store_;
  const Hooks hooks_;
  const SystemClock clock_;
  std::unique_ptr<cluster::v1::DispatchService::Stub> stub_;

  // Everything below belongs to the link's thread, but for the atomics.
  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::steady_timer status_timer_, reconnect_timer_, refused_timer_;
  std::shared_ptr<DispatchStream> stream_;  // null: not connected
  const std::shared_ptr<AnswerDesk> desk_ = std::make_shared<AnswerDesk>([this] { WakeAnswers(); });
  ReportWindow window_;
  int64_t generation_ = 0;         // of the stream
  int64_t broken_generation_ = 0;  // the stream of which something could not be stored
  absl::Duration backoff_ = absl::ZeroDuration();
  absl::Duration lease_ = absl::ZeroDuration();
  absl::Time last_heard_ = absl::InfinitePast();
  absl::Time lease_stored_ = absl::InfinitePast();
  std::string last_status_;
  int quiet_ticks_ = 0;
  bool status_told_ = false;
  bool stopping_ = false;
  std::mt19937_64 random_;
  std::atomic<bool> wake_posted_ = false;
  std::atomic<bool> answers_posted_ = false;
  std::atomic<bool> attached_ = false;
  std::atomic<int64_t> lease_end_ms_;
  std::thread thread_;
};

absl::StatusOr<std::unique_ptr<CoordinatorLink>> CoordinatorLink::Create(LinkOptions options, QueueStore* store,
                                                                         Hooks hooks) {
  ASSIGN_OR_RETURN(auto credentials, ChannelCredentialsFor(options.tls, options.target));
  return std::unique_ptr<CoordinatorLink>(
      new CoordinatorLink(std::make_unique<Impl>(std::move(options), store, std::move(hooks), std::move(credentials))));
}

CoordinatorLink::CoordinatorLink(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CoordinatorLink::~CoordinatorLink() {
  impl_->Stop();
}
void CoordinatorLink::Start() {
  impl_->Start();
}
void CoordinatorLink::Stop() {
  impl_->Stop();
}
bool CoordinatorLink::attached() const {
  return impl_->attached();
}
absl::Time CoordinatorLink::lease_end() const {
  return impl_->lease_end();
}

}  // namespace wavepost
