#include "bouncer/feed/feed.h"

#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <optional>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bouncer/feed/backoff.h"
#include "bouncer/feed/feed_stream.h"
#include "bouncer/log_value.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/rpc/status.h"

namespace wavepost {

constexpr char kVersion[] = "0.1.0";

std::string NameAtCoordinator(std::string_view node_id, std::string_view folder_id) {
  constexpr size_t kNodeIdKept = 54;
  return folder_id.empty() ? std::string(node_id)
                           : absl::StrCat(Av(node_id.substr(0, kNodeIdKept)), "-", Av(folder_id));
}

// Everything below runs on the feed's thread, except where it says otherwise.
class Feed::Impl {
 public:
  Impl(Options options, Outbox* outbox, std::shared_ptr<grpc::Channel> channel)
      : options_(std::move(options)),
        outbox_(outbox),
        channel_(std::move(channel)),
        stub_(cluster::v1::BounceFeedService::NewStub(channel_)),
        backoff_(options_.backoff_min, options_.backoff_max, options_.seed),
        ids_(options_.seed),
        retry_timer_(*io_),
        watch_timer_(*io_),
        work_(asio::make_work_guard(*io_)),
        told_through_(outbox->recovered_through()) {
    asio::post(*io_, [this] { Connect(); });
    thread_ = std::thread([this] { io_->run(); });
  }

  ~Impl() { Stop(); }

  // Any thread. Many reports become durable while one wake waits: one is enough.
  void Wake() {
    if (wake_posted_.exchange(true)) return;
    asio::post(*io_, [this] {
      wake_posted_ = false;
      Pump();
    });
  }

  // Any thread but the feed's.
  void Stop() {
    if (!thread_.joinable()) return;
    asio::post(*io_, [this] {
      stopping_ = true;
      retry_timer_.cancel();
      watch_timer_.cancel();
      work_.reset();
      if (stream_ != nullptr) stream_->Cancel();
    });
    thread_.join();  // an open stream has a work guard of its own, see Connect
  }

  std::atomic<bool> connected{false};
  std::atomic<int64_t> streams_opened{0};

 private:
  void Connect() {
    if (stopping_) return;
    // The guard lives in on_done: the thread outlives the stream.
    auto guard = std::make_shared<asio::executor_work_guard<asio::io_context::executor_type>>(io_->get_executor());
    stream_ =
        std::make_shared<FeedStream>(io_, FeedStream::Events{
                                              .on_written = [this](bool ok) { OnWritten(ok); },
                                              .on_acknowledged = [this](int64_t through) { OnAcknowledged(through); },
                                              .on_done = [this, guard](const grpc::Status& status) { OnDone(status); },
                                          });
    streams_opened.fetch_add(1);
    sent_through_ = outbox_->forgotten_through();
    usable_ = true;
    greeted_ = false;
    stream_->Start(stub_.get());
    cluster::v1::BounceFeedRequest request;
    request.mutable_hello()->set_bouncer_id(NameAtCoordinator(options_.bouncer_id, outbox_->id()));
    request.mutable_hello()->set_version(kVersion);
    Write(std::move(request));
  }

  void Write(cluster::v1::BounceFeedRequest request) {
    writing_ = true;
    stream_->Write(std::move(request));
  }

  // Sends the next reports if the window has room and nothing is being written. Not before the hello was answered: the
  // coordinator would skip them if the folder is an old copy.
  void Pump() {
    if (stopping_ || !usable_ || !greeted_ || writing_) return;
    const int64_t unacknowledged = sent_through_ - outbox_->forgotten_through();
    const int64_t room = static_cast<int64_t>(kWindow) - unacknowledged;
    if (room <= 0 || sent_through_ >= outbox_->durable_through()) return;
    auto reports = outbox_->Read(sent_through_, static_cast<size_t>(room), kMessageBytesMax);
    if (!reports.ok()) {
      spdlog::error("event=outbox_unreadable error={}", LogValue(Sv(reports.status().message())));
      Cut();  // tries again after the back-off
      return;
    }
    if (reports->empty()) return;
    sent_through_ = reports->back().sequence();
    told_through_ = std::max(told_through_, sent_through_);
    cluster::v1::BounceFeedRequest request;
    auto* list = request.mutable_reports()->mutable_reports();
    list->Reserve(static_cast<int>(reports->size()));
    for (cluster::v1::BounceReport& report : *reports) *list->Add() = std::move(report);
    if (unacknowledged == 0) Watch();
    Write(std::move(request));
  }

  void OnWritten(bool ok) {
    writing_ = false;
    if (!ok) usable_ = false;  // on_done follows
    if (ok && !greeted_) Watch();
    Pump();
  }

  // The first one of a stream answers the hello.
  void OnAcknowledged(int64_t through) {
    if (!usable_) return;
    if (through > told_through_) return BecomeAnother(through);
    if (!connected.exchange(true)) {
      spdlog::info("event=feed_up coordinator={} waiting={}", LogValue(options_.coordinator),
                   outbox_->durable_through() - outbox_->forgotten_through());
      logged_down_ = false;
    }
    backoff_.Reset();
    if (!greeted_) {
      const absl::Status noted = outbox_->Greeted();
      if (!noted.ok()) spdlog::error("event=outbox_not_marked error={}", LogValue(Sv(noted.message())));
      greeted_ = true;
      Watch();
    }
    if (through > outbox_->forgotten_through()) {
      const absl::Status forgotten = outbox_->Forget(through);
      if (!forgotten.ok()) spdlog::error("event=outbox_not_cleared error={}", LogValue(Sv(forgotten.message())));
      sent_through_ = std::max(sent_through_, through);
      Watch();
    }
    Pump();
  }

  // The coordinator has more of this name than was ever told from this folder, which is an old copy, or a copy of it is
  // in use elsewhere. Under its name what waits would be taken for repetitions, and lost.
  void BecomeAnother(int64_t through) {
    const std::string id = absl::StrFormat("%08x", static_cast<uint32_t>(ids_()));
    spdlog::error("event=feed_ahead bouncer={} acknowledged={} told={} new_name={} hint={}",
                  LogValue(NameAtCoordinator(options_.bouncer_id, outbox_->id())), through, told_through_,
                  LogValue(NameAtCoordinator(options_.bouncer_id, id)),
                  LogValue("data_dir is an old copy, or in use twice; what waits is told under a new name"));
    const absl::Status renamed = outbox_->Rename(id);
    if (renamed.ok()) {
      told_through_ = outbox_->recovered_through();
    } else {
      spdlog::error("event=outbox_not_renamed error={}", LogValue(Sv(renamed.message())));
    }
    Cut();  // says hello by the new name after the back-off
  }

  void OnDone(const grpc::Status& status) {
    stream_.reset();
    usable_ = false;
    writing_ = false;
    watch_timer_.cancel();
    const bool was_connected = connected.exchange(false);
    if (stopping_) return;
    const absl::Duration wait = backoff_.Next();
    if (was_connected || !logged_down_) {
      // Once per outage; the attempts after it are of interest to nobody.
      spdlog::warn("event=feed_down coordinator={} code={} error={} retry_in_ms={}", LogValue(options_.coordinator),
                   static_cast<int>(status.error_code()), LogValue(status.error_message()),
                   absl::ToInt64Milliseconds(wait));
      logged_down_ = true;
    }
    retry_timer_.expires_after(absl::ToChronoNanoseconds(wait));
    retry_timer_.async_wait([this](asio::error_code error) {
      if (!error) Connect();
    });
  }

  bool Owed() const { return !greeted_ || sent_through_ > outbox_->forgotten_through(); }

  // (Re)starts the wait for an acknowledgement; ends it when nothing is owed.
  void Watch() {
    watch_timer_.cancel();
    if (!Owed()) return;
    watch_timer_.expires_after(absl::ToChronoNanoseconds(options_.acknowledge_timeout));
    watch_timer_.async_wait([this, watched = std::weak_ptr<FeedStream>(stream_)](asio::error_code error) {
      if (error || watched.lock() != stream_ || !Owed()) return;
      spdlog::warn("event=feed_stalled coordinator={} greeted={} unacknowledged={}", LogValue(options_.coordinator),
                   greeted_, sent_through_ - outbox_->forgotten_through());
      Cut();
    });
  }

  void Cut() {
    usable_ = false;
    if (stream_ != nullptr) stream_->Cancel();
  }

  const Options options_;
  Outbox* const outbox_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<cluster::v1::BounceFeedService::Stub> stub_;
  Backoff backoff_;
  std::mt19937_64 ids_;  // of a folder that becomes another
  const std::shared_ptr<asio::io_context> io_ = std::make_shared<asio::io_context>(1);
  asio::steady_timer retry_timer_;
  asio::steady_timer watch_timer_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::shared_ptr<FeedStream> stream_;  // null between two lives
  bool usable_ = false;                 // writes may be started
  bool writing_ = false;
  bool stopping_ = false;
  bool logged_down_ = false;
  bool greeted_ = false;      // the hello was answered on this stream
  int64_t sent_through_ = 0;  // on this stream
  int64_t told_through_;      // under this name: the coordinator can know nothing above it
  std::atomic<bool> wake_posted_{false};
  std::thread thread_;
};

absl::StatusOr<std::unique_ptr<Feed>> Feed::Start(Options options, Outbox* outbox) {
  ASSIGN_OR_RETURN(auto credentials, ChannelCredentialsFor(options.tls, options.coordinator));
  grpc::ChannelArguments arguments;
  // gRPC has a back-off of its own below ours; by default it would sit out up to two minutes.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS,
                   static_cast<int>(absl::ToInt64Milliseconds(options.backoff_min)));
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, static_cast<int>(absl::ToInt64Milliseconds(options.backoff_min)));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, static_cast<int>(absl::ToInt64Milliseconds(options.backoff_max)));
  // Two feeds in one process (tests) must not share a connection.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  std::shared_ptr<grpc::Channel> channel = grpc::CreateCustomChannel(options.coordinator, credentials, arguments);
  return std::unique_ptr<Feed>(new Feed(std::make_unique<Impl>(std::move(options), outbox, std::move(channel))));
}

Feed::Feed(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Feed::~Feed() {
  Stop();
}
void Feed::Wake() {
  impl_->Wake();
}
void Feed::Stop() {
  impl_->Stop();
}
bool Feed::connected() const {
  return impl_->connected;
}
int64_t Feed::streams_opened() const {
  return impl_->streams_opened;
}

}  // namespace wavepost
