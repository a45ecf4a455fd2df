#include "sender/app/app.h"

#include <grpcpp/server.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "common/base/status_macros.h"
#include "common/rpc/server.h"
#include "common/seal/seal_source.h"
#include "sender/delivery/delivery.h"

namespace wavepost {
namespace {

// What was in flight at a crash waits this long: the receiver may still be busy with it (RFC 1047).
constexpr absl::Duration kRecoveryDelay = absl::Minutes(5);

}  // namespace

absl::StatusOr<std::unique_ptr<SenderApp>> SenderApp::Start(SenderConfig config) {
  std::unique_ptr<SenderApp> app(new SenderApp);
  app->stop_grace_ = config.stop_grace;
  const absl::Duration recovery_delay = kRecoveryDelay / config.delivery.clock_scale;
  std::string warning;
  ASSIGN_OR_RETURN(Sealer sealer, LoadServiceSealer(config.sealing_key_file, config.queue.data_dir, &warning));
  if (!warning.empty()) spdlog::warn("event=sealing_key_beside_data hint=\"{}\"", warning);
  app->sealer_ = std::make_unique<const Sealer>(std::move(sealer));
  config.queue.sealer = app->sealer_.get();
  config.queue.sequence_start = absl::ToUnixMicros(app->clock_.Now());
  ASSIGN_OR_RETURN(app->queue_, QueueStore::Open(config.queue, app->clock_.Now(), recovery_delay));
  SenderApp* self = app.get();

  CoordinatorLink::Hooks hooks;
  hooks.lanes_added = [self](std::vector<LaneDue> lanes) { self->delivery_->LanesAdded(std::move(lanes)); };
  hooks.connections = [self] { return static_cast<int64_t>(self->delivery_->connections()); };
  hooks.keys_changed = [self] { self->delivery_->ForgetKeys(); };
  hooks.order_cursor = [self] { return self->queue_->order_cursor(); };
  hooks.data_id = [self] { return self->queue_->data_id(); };
  hooks.apply_orders = [self](std::vector<cluster::v1::Order> orders, QueueStore::Done done) {
    self->queue_->ApplyOrders(std::move(orders), [self, done = std::move(done)](absl::Status status) {
      if (status.ok()) status = self->delivery_->OnOrders();
      done(std::move(status));
    });
  };
  hooks.ask = [self](cluster::v1::Question question, std::function<void(cluster::v1::Answer)> answer) {
    self->delivery_->Ask(std::move(question), std::move(answer));
  };
  ASSIGN_OR_RETURN(app->link_, CoordinatorLink::Create(config.link, app->queue_.get(), std::move(hooks)));
  ASSIGN_OR_RETURN(app->delivery_, Delivery::Create(
                                       config.delivery, config.dns, app->queue_.get(), &app->clock_,
                                       [self] { return self->link_->lease_end(); },
                                       [self, on_failed = config.on_storage_failed] {
                                         self->storage_failed_ = true;
                                         if (on_failed) on_failed();
                                       }));
  if (!config.status_listen.empty()) {
    ASSIGN_OR_RETURN(RpcServer server, StartStatusServer(config.status_listen));
    app->status_server_ = std::move(server.server);
    app->status_port_ = server.port;
  }
  RETURN_IF_ERROR(app->delivery_->Start());
  app->link_->Start();
  spdlog::info("event=started node={} queued={} egress_ips={} coordinator={}", config.link.node_id,
               app->queue_->queued(), config.link.egress_ips.size(), config.link.target);
  return app;
}

SenderApp::SenderApp() = default;

SenderApp::~SenderApp() {
  Stop();
}

void SenderApp::Reload() {
  const absl::Status status = delivery_->ReloadProviders();
  if (status.ok()) return;
  spdlog::error("event=providers_refused error=\"{}\" hint=\"what was loaded before stays in force\"",
                std::string(status.message()));
}

void SenderApp::Stop() {
  if (queue_ == nullptr) return;
  // First nothing new comes in; then what runs ends and is stored; then the disk closes.
  if (link_ != nullptr) link_->Stop();
  if (delivery_ != nullptr) delivery_->Stop(stop_grace_);
  queue_->Stop();
  if (status_server_ != nullptr) status_server_->Shutdown();
  delivery_.reset();
  link_.reset();
  queue_.reset();
}

}  // namespace wavepost
