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
#include "common/seal/seal_source.h"
#include "coordinator/api/api_context.h"
#include "coordinator/api/live_streams.h"
#include "coordinator/api/services.h"
#include "coordinator/base/dns_client.h"
#include "coordinator/base/event_thread.h"
#include "coordinator/base/log.h"
#include "coordinator/base/worker_pool.h"
#include "coordinator/dispatch/dispatch_service.h"
#include "coordinator/domains/domain_keeper.h"
#include "coordinator/feed/feed_server.h"
#include "coordinator/identity/dnsbl_zones.h"
#include "coordinator/identity/identity_keeper.h"
#include "coordinator/metrics/metrics.h"
#include "coordinator/planner/drop_runner.h"
#include "coordinator/planner/planner.h"
#include "coordinator/rpc/auth.h"
#include "coordinator/store/rocks_store.h"
#include "coordinator/store/store.h"

namespace wavepost {
namespace {

constexpr size_t kCallThreads = 4;
constexpr size_t kCallsWaitingMax = 1000;
constexpr size_t kSlowCallThreads = 8;
constexpr size_t kSlowCallsWaitingMax = 32;
constexpr size_t kImportThreads = 2;
constexpr absl::Duration kRenewEvery = absl::Seconds(10);
constexpr int kRenewalsPerLease = 4;
constexpr int kDomainsPage = 1000;
constexpr int kTenantsPage = 1000;
constexpr std::chrono::seconds kShutdownGrace{5};

absl::Status Opens(const Sealer& sealer, const std::string& sealed, const std::string& context,
                   const std::string& what) {
  const auto opened = sealer.Open(sealed, context);
  if (opened.ok()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the private key ", what, " does not open: ", opened.status().message(),
                   "; start with the sealing keys that this data folder was used with"));
}

// Refuses to start rather than to find out with the first mail. Blocks for the disk; a key takes microseconds.
absl::Status CheckSealedKeys(Store* store, const Sealer& sealer) {
  const auto check = [&sealer](const cluster::v1::StoredSendingDomain& domain) -> absl::Status {
    for (const cluster::v1::SealedKey& key : domain.keys()) {
      RETURN_IF_ERROR(Opens(sealer, key.sealed_pem(),
                            absl::StrCat("dkim/", domain.domain().name(), "/", key.selector()),
                            absl::StrCat(key.selector(), " of ", domain.domain().name())));
    }
    return absl::OkStatus();
  };
  std::string cursor;
  do {
    ASSIGN_OR_RETURN(const auto page, store->ListAllSendingDomains(kDomainsPage, cursor));
    for (const auto& domain : page.items) RETURN_IF_ERROR(check(domain));
    cursor = page.next;
  } while (!cursor.empty());
  ASSIGN_OR_RETURN(const auto identity, store->GetIdentity());
  RETURN_IF_ERROR(check(identity.own()));
  cursor.clear();
  do {
    ASSIGN_OR_RETURN(const auto tenants, store->ListTenants(kTenantsPage, cursor));
    for (const v1::Tenant& tenant : tenants.items) {
      ASSIGN_OR_RETURN(const auto page, store->ListCertificates(tenant.name(), Store::kCertificatesMax, ""));
      for (const cluster::v1::StoredCertificate& stored : page.items) {
        const std::string& name = stored.certificate().name();
        RETURN_IF_ERROR(Opens(sealer, stored.sealed_pem(), absl::StrCat("smime/", name), name));
      }
    }
    cursor = tenants.next;
  } while (!cursor.empty());
  return absl::OkStatus();
}

absl::StatusOr<DnsblZones> ZonesOf(const CoordinatorConfig& config) {
  if (config.dnsbl_zones_file.empty()) return BuiltInDnsblZones();
  return LoadDnsblZones(config.dnsbl_zones_file);
}

absl::Status MakeDefaultTenant(Store* store) {
  v1::Tenant tenant;
  tenant.set_name("tenants/default");
  tenant.set_display_name("Default");
  const absl::Status status = store->CreateTenant(std::move(tenant), {}).status();
  return absl::IsAlreadyExists(status) ? absl::OkStatus() : status;
}

// Whose DMARC and TLS reports are the operator's.
std::vector<std::string> OwnDomains(const CoordinatorConfig& config) {
  std::vector<std::string> domains = {config.return_path_domain};
  if (!config.identity_domain.empty()) domains.push_back(config.identity_domain);
  return domains;
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
  WorkerPool slow_calls{kSlowCallThreads, kSlowCallsWaitingMax};
  WorkerPool imports{kImportThreads, LiveStreams::kStreamsMax};
  std::unique_ptr<Authenticator> auth;
  std::unique_ptr<const Sealer> sealer;
  std::unique_ptr<DnsClient> dns;
  ApiContext api;
  std::unique_ptr<DispatchServer> dispatch;
  std::unique_ptr<FeedServer> feed;
  std::unique_ptr<Store> store;  // ends before the services: its last callbacks post to them
  std::unique_ptr<Planner> planner;
  std::unique_ptr<DropRunner> drops;
  std::unique_ptr<DomainKeeper> domains;
  std::unique_ptr<IdentityKeeper> identity;
  std::unique_ptr<Metrics> metrics;
  std::vector<std::unique_ptr<grpc::Service>> services;
  RpcServer server;
  RpcServer status_server;

  absl::Status Start();
  void Stop();
};

absl::Status CoordinatorApp::Parts::Start() {
  std::string warning;
  ASSIGN_OR_RETURN(Sealer loaded, LoadServiceSealer(config.sealing_key_file, config.data_dir, &warning));
  if (!warning.empty()) LogWarning("sealing_key_beside_data", {{"hint", warning}});
  sealer = std::make_unique<const Sealer>(std::move(loaded));
  ASSIGN_OR_RETURN(store, OpenRocksStore({.data_dir = config.data_dir,
                                          .memory_bytes = config.memory_bytes,
                                          .clock = &clock,
                                          .own_domains = OwnDomains(config)}));
  RETURN_IF_ERROR(CheckSealedKeys(store.get(), *sealer));
  ASSIGN_OR_RETURN(dns, DnsClient::Start(config.dns_servers));
  const OurNames ours{.identity_domain = config.identity_domain,
                      .return_path_domain = config.return_path_domain,
                      .mx_hosts = config.return_path_mx_hosts,
                      .dmarc_reports = config.dmarc_reports,
                      .tls_reports = config.tls_reports};
  const ContentOptions content{.message_id_domain = config.message_id_domain,
                               .return_path_domain = config.return_path_domain,
                               .unsubscribe_url = config.unsubscribe_url,
                               .feedback_id = config.feedback_id};
  const bool require_certificate = config.tls.enabled;
  NodeSession::Options sessions;
  sessions.lease = config.lease;
  sessions.renew_every = std::min(kRenewEvery, config.lease / kRenewalsPerLease);
  dispatch = std::make_unique<DispatchServer>(
      store.get(), &nodes, &clock,
      DispatchServer::Options{.batches = {.content = content, .token_keys = &config.token_keys, .sealer = sealer.get()},
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

  domains = std::make_unique<DomainKeeper>(DomainKeeper::Needs{.store = store.get(),
                                                               .dns = dns.get(),
                                                               .clock = &clock,
                                                               .sealer = sealer.get(),
                                                               .ours = ours,
                                                               .policy = config.domains});
  ASSIGN_OR_RETURN(DnsblZones zones, ZonesOf(config));
  identity = std::make_unique<IdentityKeeper>(IdentityKeeper::Needs{.store = store.get(),
                                                                    .dns = dns.get(),
                                                                    .clock = &clock,
                                                                    .sealer = sealer.get(),
                                                                    .ours = ours,
                                                                    .zones = std::move(zones),
                                                                    .recheck = config.identity_recheck});
  api = {.store = store.get(),
         .auth = auth.get(),
         .clock = &clock,
         .nodes = &nodes,
         .asker = dispatch->asker(),
         .calls = &calls,
         .slow_calls = &slow_calls,
         .imports = &imports,
         .streams = &streams,
         .sealer = sealer.get(),
         .dns = dns.get(),
         .domains = domains.get(),
         .identity = identity.get(),
         .token_keys = &config.token_keys,
         .content = content,
         .ours = ours,
         .domain_policy = config.domains,
         .token_key_id = config.token_keys.signing_key()};
  services.push_back(MakeTenantService(&api));
  services.push_back(MakeSendingDomainService(&api));
  services.push_back(MakeCampaignService(&api, &live));
  services.push_back(MakeEventService(&api, &live));
  services.push_back(MakeSuppressionService(&api));
  services.push_back(MakeReportService(&api));
  services.push_back(MakeQueueService(&api, &live));
  services.push_back(MakeNodeService(&api));
  services.push_back(MakeFileService(&api, &live));
  services.push_back(MakeCertificateService(&api));
  services.push_back(MakeIdentityService(&api));
  std::vector<grpc::Service*> all = {dispatch->service(), feed->service()};
  for (const auto& service : services) all.push_back(service.get());
  domains->Start();
  RETURN_IF_ERROR(Annotate(identity->Start(), "keep our own identity"));
  ASSIGN_OR_RETURN(server, StartRpcServer(config.listen, config.tls, all));
  if (!config.metrics_listen.empty()) {
    metrics = std::make_unique<Metrics>(store.get(), &clock);
    RETURN_IF_ERROR(Annotate(metrics->Start(config.metrics_listen), "metrics_listen"));
  }
  if (!config.status_listen.empty()) {
    ASSIGN_OR_RETURN(status_server, StartStatusServer(config.status_listen));
  }
  return absl::OkStatus();
}

void CoordinatorApp::Parts::Stop() {
  if (status_server.server != nullptr) status_server.server->Shutdown();
  if (metrics != nullptr) metrics->Stop();
  // Intake first: streams end in good order before the server cuts off what is left.
  live.Shutdown();
  if (dispatch != nullptr) dispatch->Shutdown();
  if (feed != nullptr) feed->Shutdown();
  // Before the calls: a verification that a caller waits for ends with the keepers and their lookups.
  if (dns != nullptr) dns->Stop();
  if (domains != nullptr) domains->Stop();
  if (identity != nullptr) identity->Stop();
  if (server.server != nullptr) {
    server.server->Shutdown(std::chrono::system_clock::now() + kShutdownGrace);
    server.server->Wait();
    server.server.reset();
  }
  calls.Stop();
  slow_calls.Stop();
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
