#include "coordinator/app/coordinator_app.h"

#include <grpcpp/impl/codegen/service_type.h>
#include <grpcpp/server.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/base/status_macros.h"
#include "common/rpc/server.h"
#include "coordinator/api/api_context.h"
#include "coordinator/api/live_streams.h"
#include "coordinator/api/services.h"
#include "coordinator/base/event_thread.h"
#include "coordinator/base/log.h"
#include "coordinator/base/worker_pool.h"
#include "coordinator/dispatch/dispatch_service.h"
#include "coordinator/feed/feed_server.h"
#include "coordinator/planner/drop_runner.h"
#include "coordinator/planner/planner.h"
#include "coordinator/rpc/auth.h"
#include "coordinator/store/rocks_store.h"
#include "coordinator/store/store.h"

namespace wavepost {
namespace {

constexpr size_t kCallThreads = 4;
constexpr size_t kCallsWaitingMax = 1000;
constexpr size_t kImportThreads = 2;
constexpr absl::Duration kRenewEvery = absl::Seconds(10);
constexpr int kRenewalsPerLease = 4;
constexpr std::chrono::seconds kShutdownGrace{5};

absl::Status MakeDefaultTenant(Store* store) {
  v1::Tenant tenant;
  tenant.set_name("tenants/default");
  tenant.set_display_name("Default");
  const absl::Status status = store->CreateTenant(std::move(tenant), {}).status();
  return absl::IsAlreadyExists(status) ? absl::OkStatus() : status;
}

}  // namespace

// In order of construction; Stop and the destructor take them down in reverse.
struct CoordinatorApp::Parts {
  CoordinatorConfig config;
  SystemClock clock;
  NodeRegistry nodes;
  EventThread streams;
  LiveStreams live{&streams};
  WorkerPool calls{kCallThreads, kCallsWaitingMax};
  WorkerPool imports{kImportThreads, LiveStreams::kStreamsMax};
  std::unique_ptr<Authenticator> auth;
  ApiContext api;
  std::unique_ptr<DispatchServer> dispatch;
  std::unique_ptr<FeedServer> feed;
  std::unique_ptr<Store> store;  // ends before the services: its last callbacks post to them
  std::unique_ptr<Planner> planner;
  std::unique_ptr<DropRunner> drops;
  std::vector<std::unique_ptr<grpc::Service>> services;
  RpcServer server;
  RpcServer status_server;

  absl::Status Start();
  void Stop();
};

absl::Status CoordinatorApp::Parts::Start() {
  ASSIGN_OR_RETURN(store,
                   OpenRocksStore({.data_dir = config.data_dir, .memory_bytes = config.memory_bytes, .clock = &clock}));
  const bool require_certificate = config.tls.enabled;
  NodeSession::Options sessions;
  sessions.lease = config.lease;
  sessions.renew_every = std::min(kRenewEvery, config.lease / kRenewalsPerLease);
  dispatch = std::make_unique<DispatchServer>(
      store.get(), &nodes, &clock,
      DispatchServer::Options{.batches = {.return_path_domain = config.return_path_domain,
                                          .message_id_domain = config.message_id_domain,
                                          .token_keys = &config.token_keys},
                              .sessions = sessions,
                              .require_peer_certificate = require_certificate});
  feed = std::make_unique<FeedServer>(store.get(), require_certificate);
  auth = std::make_unique<Authenticator>(store.get(), config.operator_key_sha256);
  planner = std::make_unique<Planner>(store.get(), &clock);
  drops = std::make_unique<DropRunner>(store.get());
  store->OnChange([this] {
    planner->Wake();
    drops->Wake();
    dispatch->OnStoreChange();
    live.OnStoreChange();
  });
  planner->Wake();  // waves that a stop left unplanned
  drops->Wake();    // and drops that it left half done
  RETURN_IF_ERROR(Annotate(MakeDefaultTenant(store.get()), "make the tenant 'default'"));

  api = {.store = store.get(),
         .auth = auth.get(),
         .clock = &clock,
         .nodes = &nodes,
         .asker = dispatch->asker(),
         .calls = &calls,
         .imports = &imports,
         .streams = &streams,
         .message_id_domain = config.message_id_domain,
         .token_key_id = config.token_keys.signing_key()};
  services.push_back(MakeTenantService(&api));
  services.push_back(MakeSendingDomainService(&api));
  services.push_back(MakeCampaignService(&api, &live));
  services.push_back(MakeEventService(&api, &live));
  services.push_back(MakeSuppressionService(&api));
  services.push_back(MakeQueueService(&api, &live));
  services.push_back(MakeNodeService(&api));
  std::vector<grpc::Service*> all = {dispatch->service(), feed->service()};
  for (const auto& service : services) all.push_back(service.get());
  ASSIGN_OR_RETURN(server, StartRpcServer(config.listen, config.tls, all));
  if (!config.status_listen.empty()) {
    ASSIGN_OR_RETURN(status_server, StartStatusServer(config.status_listen));
  }
  return absl::OkStatus();
}

void CoordinatorApp::Parts::Stop() {
  if (status_server.server != nullptr) status_server.server->Shutdown();
  // Intake first: streams end in good order before the server cuts off what is left.
  live.Shutdown();
  if (dispatch != nullptr) dispatch->Shutdown();
  if (feed != nullptr) feed->Shutdown();
  if (server.server != nullptr) {
    server.server->Shutdown(std::chrono::system_clock::now() + kShutdownGrace);
    server.server->Wait();
    server.server.reset();
  }
  calls.Stop();
  imports.Stop();
  if (planner != nullptr) planner->Stop();
  if (drops != nullptr) drops->Stop();
  if (dispatch != nullptr) dispatch->StopReading();
  if (feed != nullptr) feed->StopReading();
  streams.Stop();
  store.reset();  // what it still writes out wakes stopped threads, which is harmless
}

CoordinatorApp::CoordinatorApp(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

absl::StatusOr<std::unique_ptr<CoordinatorApp>> CoordinatorApp::Start(CoordinatorConfig config) {
  auto parts = std::make_unique<Parts>();
  parts->config = std::move(config);
  const absl::Status started = parts->Start();
  if (!started.ok()) {
    parts->Stop();
    return started;
  }
  LogInfo("started",
          {{"listen", parts->config.listen}, {"port", parts->server.port}, {"data_dir", parts->config.data_dir}});
  return std::unique_ptr<CoordinatorApp>(new CoordinatorApp(std::move(parts)));
}

CoordinatorApp::~CoordinatorApp() {
  Stop();
}

int CoordinatorApp::port() const {
  return parts_->server.port;
}

void CoordinatorApp::Stop() {
  if (parts_->store == nullptr) return;
  parts_->Stop();
  LogInfo("stopped", {});
}

Store* CoordinatorApp::store() {
  return parts_->store.get();
}

}  // namespace wavepost
