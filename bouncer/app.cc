#include "bouncer/app.h"

#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/server.h>
#include <spdlog/spdlog.h>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <chrono>
#include <future>
#include <optional>
#include <random>
#include <thread>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "bouncer/feed/feed.h"
#include "bouncer/inbound/kept_mail.h"
#include "bouncer/ingest/ingest_service.h"
#include "bouncer/intake/intake.h"
#include "bouncer/log_value.h"
#include "bouncer/metrics/collect.h"
#include "bouncer/outbox/outbox.h"
#include "bouncer/unsubscribe/server.h"
#include "common/base/clock.h"
#include "common/base/status_macros.h"
#include "common/mail/verp.h"
#include "common/metrics/metrics_server.h"
#include "common/rpc/server.h"

namespace wavepost {
namespace {

// For messages that IngestReport has taken; their callers send the others again.
constexpr auto kIngestGrace = std::chrono::seconds(5);
constexpr auto kStatusCallsGrace = std::chrono::milliseconds(200);

}  // namespace

class BouncerApp::Impl {
 public:
  ~Impl() { Stop(); }

  absl::Status Start(const BouncerConfig& config) {
    ASSIGN_OR_RETURN(keys_, TokenKeys::Load(config.token_keys, &clock_));
    ASSIGN_OR_RETURN(outbox_, Outbox::Open({.path = config.data_dir,
                                            .first_sequence = absl::ToUnixMicros(clock_.Now()),
                                            .new_id = absl::StrFormat("%08x", std::random_device()()),
                                            .records_max = config.outbox_records_max}));
    // Before the doors: the first report that is stored calls the listener.
    ASSIGN_OR_RETURN(feed_, Feed::Start({.bouncer_id = config.node_id,
                                         .coordinator = config.coordinator,
                                         .tls = config.tls,
                                         .backoff_min = config.feed_backoff_min,
                                         .backoff_max = config.feed_backoff_max,
                                         .acknowledge_timeout = config.acknowledge_timeout,
                                         .seed = std::random_device()()},
                                        outbox_.get()));
    outbox_->OnDurable([feed = feed_.get()] { feed->Wake(); });
    RETURN_IF_ERROR(OpenDoors(config));
    if (!config.metrics_listen.empty()) {
      metrics_ = std::make_unique<MetricsServer>([this] { return CollectBouncerMetrics(Figures()); }, &clock_);
      RETURN_IF_ERROR(metrics_->Start(config.metrics_listen));
    }
    thread_ = std::thread([this] { io_.run(); });
    spdlog::info("event=started node={} smtp_port={} page_port={} ingest_port={} status_port={} waiting={}",
                 LogValue(config.node_id), inbound_->port(), page_port(), ingest_port(), status_.port, waiting());
    return absl::OkStatus();
  }

  // In reverse order of use: doors, intake, disk, feed, status.
  void Stop() {
    if (stopped_) return;
    stopped_ = true;
    if (status_.server != nullptr) status_.server->GetHealthCheckService()->SetServingStatus(false);
    if (metrics_ != nullptr) metrics_->Stop();
    if (thread_.joinable()) {
      std::promise<void> drained;
      inbound_->Stop([&drained] { drained.set_value(); });
      drained.get_future().wait();
    }
    if (page_ != nullptr) page_->Stop();
    if (ingest_rpc_.server != nullptr) {
      ingest_rpc_.server->Shutdown(std::chrono::system_clock::now() + kIngestGrace);
    }
    if (intake_ != nullptr) intake_->Stop();
    if (kept_ != nullptr) kept_->Stop();
    if (outbox_ != nullptr) outbox_->Stop();  // nobody posts to io_ after this
    if (feed_ != nullptr) feed_->Stop();
    if (status_.server != nullptr) {
      status_.server->Shutdown(std::chrono::system_clock::now() + kStatusCallsGrace);
    }
    work_.reset();
    if (thread_.joinable()) {
      thread_.join();
      spdlog::info("event=stopped waiting={}", waiting());
    }
  }

  const InboundServer& inbound() const { return *inbound_; }
  const Feed& feed() const { return *feed_; }
  int status_port() const { return status_.port; }
  int page_port() const { return page_ == nullptr ? 0 : page_->port(); }
  int ingest_port() const { return ingest_rpc_.port; }
  int metrics_port() const { return metrics_ == nullptr ? 0 : metrics_->port(); }
  int64_t waiting() const { return outbox_->durable_through() - outbox_->forgotten_through(); }

 private:
  // Everything by which reports come in. The page and IngestReport serve at once, SMTP when the io_context runs.
  absl::Status OpenDoors(const BouncerConfig& config) {
    ASSIGN_OR_RETURN(kept_, KeptMail::Open({.path = config.data_dir + "/postmaster",
                                            .messages_max = config.kept_messages_max,
                                            .bytes_max = config.kept_bytes_max},
                                           &clock_));
    intake_ = std::make_unique<Intake>(
        &*keys_, outbox_.get(),
        [kept = kept_.get()](std::string mail, std::string client, Intake::Done done) {
          kept->Keep(std::move(mail), std::move(client), std::move(done));
        },
        &clock_);
    inbound_ = std::make_unique<InboundServer>(io_,
                                               InboundServer::Options{.hostname = config.hostname,
                                                                      .limits = config.limits,
                                                                      .certificate = config.smtp_certificate,
                                                                      .seed = std::random_device()()},
                                               Mailboxes(config.mailboxes, *keys_), intake_.get());
    RETURN_IF_ERROR(inbound_->Start());
    for (const std::string& address : config.listen) RETURN_IF_ERROR(inbound_->Listen(address));
    for (const std::string& address : config.lmtp_listen) {
      RETURN_IF_ERROR(inbound_->Listen(address, Dialogue::Protocol::kLmtp));
    }
    if (!config.status_listen.empty()) {
      ASSIGN_OR_RETURN(status_, StartStatusServer(config.status_listen));
    }
    if (!config.unsubscribe.listen.empty()) {
      UnsubscribeServer::Options page = config.unsubscribe;
      page.seed = std::random_device()();
      ASSIGN_OR_RETURN(page_, UnsubscribeServer::Start(page, &*keys_, intake_.get(), &clock_));
    }
    if (!config.ingest_listen.empty()) {
      ingest_ = std::make_unique<IngestServer>(intake_.get(), !config.tls.authority.empty());
      ASSIGN_OR_RETURN(ingest_rpc_, StartRpcServer(config.ingest_listen, config.tls, {ingest_->service()}));
    }
    return absl::OkStatus();
  }

  BouncerFigures Figures() const {
    return {.smtp = &inbound_->counters(),
            .intake = &intake_->counters(),
            .page = page_ == nullptr ? nullptr : &page_->counters(),
            .ingested = ingest_ == nullptr ? 0 : ingest_->messages(),
            .waiting = waiting(),
            .feed_connected = feed_->connected()};
  }

  const SystemClock clock_{};
  std::optional<TokenKeys> keys_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(io_);
  std::unique_ptr<Outbox> outbox_;
  std::unique_ptr<KeptMail> kept_;
  std::unique_ptr<Intake> intake_;
  std::unique_ptr<InboundServer> inbound_;
  std::unique_ptr<UnsubscribeServer> page_;
  std::unique_ptr<IngestServer> ingest_;  // outlives its gRPC server
  RpcServer ingest_rpc_;
  RpcServer status_;
  std::unique_ptr<Feed> feed_;
  std::unique_ptr<MetricsServer> metrics_;
  std::thread thread_;
  bool stopped_ = false;
};

absl::StatusOr<std::unique_ptr<BouncerApp>> BouncerApp::Start(const BouncerConfig& config) {
  auto impl = std::make_unique<Impl>();
  RETURN_IF_ERROR(impl->Start(config));
  return std::unique_ptr<BouncerApp>(new BouncerApp(std::move(impl)));
}

BouncerApp::BouncerApp(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BouncerApp::~BouncerApp() = default;

int BouncerApp::smtp_port() const {
  return impl_->inbound().port();
}
int BouncerApp::status_port() const {
  return impl_->status_port();
}
int BouncerApp::page_port() const {
  return impl_->page_port();
}
int BouncerApp::ingest_port() const {
  return impl_->ingest_port();
}
int BouncerApp::metrics_port() const {
  return impl_->metrics_port();
}
const InboundServer::Counters& BouncerApp::counters() const {
  return impl_->inbound().counters();
}
bool BouncerApp::feed_connected() const {
  return impl_->feed().connected();
}
int64_t BouncerApp::waiting() const {
  return impl_->waiting();
}
void BouncerApp::Stop() {
  impl_->Stop();
}

}  // namespace wavepost
