// CampaignService: accept, start, watch, list.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/rpc/status.h"
#include "coordinator/api/api_context.h"
#include "coordinator/api/call.h"
#include "coordinator/api/campaign_check.h"
#include "coordinator/api/from_check.h"
#include "coordinator/api/import_stream.h"
#include "coordinator/api/live_streams.h"
#include "coordinator/api/render_message.h"
#include "coordinator/api/request.h"
#include "coordinator/api/services.h"
#include "coordinator/api/wave_watch.h"
#include "coordinator/base/log.h"
#include "coordinator/names/resource_names.h"
#include "wavepost/v1/campaigns_service.grpc.pb.h"

namespace wavepost {
namespace {

constexpr int kStartTries = 5;  // against changes of domains meanwhile

constexpr int kRecipientsPageMax = 5000;
constexpr std::string_view kTenantPattern = "tenants/{tenant}";
constexpr std::string_view kCampaignPattern = "tenants/{tenant}/campaigns/{campaign}";
constexpr std::string_view kWavePattern = "tenants/{tenant}/campaigns/{campaign}/waves/{wave}";
constexpr std::string_view kRecipientPattern =
    "tenants/{tenant}/campaigns/{campaign}/waves/{wave}/recipients/w{number}-{index}";

// The id to use: the caller's, or a made-up one.
absl::StatusOr<std::string> ChosenId(std::string_view field, const std::string& id, std::string_view prefix) {
  if (id.empty()) return MadeUpId(prefix);
  if (IsResourceId(id)) return id;
  return BadFields("BAD_ID",
                   {{std::string(field), absl::StrCat(Av(kResourceIdRule), ", is '", Printable(id, 200), "'")}});
}

class CampaignService final : public v1::CampaignService::CallbackService {
 public:
  CampaignService(const ApiContext* api, LiveStreams* live) : api_(api), live_(live) {}

  grpc::ServerUnaryReactor* CreateCampaign(grpc::CallbackServerContext* context,
                                           const v1::CreateCampaignRequest* request, v1::Campaign* response) override {
    return Call(api_, context, response, [this, request](const Caller& caller) { return Create(caller, *request); });
  }

  grpc::ServerUnaryReactor* GetCampaign(grpc::CallbackServerContext* context, const v1::GetCampaignRequest* request,
                                        v1::Campaign* response) override {
    return Call(api_, context, response, [this, request](const Caller& caller) -> absl::StatusOr<v1::Campaign> {
      ASSIGN_OR_RETURN(const CampaignName name,
                       ParseName<CampaignName>(caller, "name", kCampaignPattern, request->name()));
      auto stored = api_->store->GetCampaign(name.ToString());
      if (!stored.ok()) return HideNotFound(stored.status(), request->name());
      return WithWarnings(std::move(*stored->mutable_campaign()));
    });
  }

  grpc::ServerUnaryReactor* ListCampaigns(grpc::CallbackServerContext* context, const v1::ListCampaignsRequest* request,
                                          v1::ListCampaignsResponse* response) override {
    return Call(api_, context, response,
                [this, request](const Caller& caller) -> absl::StatusOr<v1::ListCampaignsResponse> {
                  ASSIGN_OR_RETURN(const TenantName parent,
                                   ParseName<TenantName>(caller, "parent", kTenantPattern, request->parent()));
                  const std::string listing = absl::StrCat("campaigns of ", parent.ToString());
                  ASSIGN_OR_RETURN(const int size, CheckedPageSize(request->page_size()));
                  ASSIGN_OR_RETURN(const std::string cursor, PageCursor(listing, request->page_token()));
                  ASSIGN_OR_RETURN(auto page, api_->store->ListCampaigns(parent.ToString(), size, cursor));
                  v1::ListCampaignsResponse out;
                  for (v1::Campaign& campaign : page.items) *out.add_campaigns() = std::move(campaign);
                  out.set_next_page_token(PageToken(listing, page.next));
                  return out;
                });
  }

  grpc::ServerUnaryReactor* CreateWave(grpc::CallbackServerContext* context, const v1::CreateWaveRequest* request,
                                       v1::Wave* response) override {
    return Call(api_, context, response, [this, request](const Caller& caller) -> absl::StatusOr<v1::Wave> {
      ASSIGN_OR_RETURN(const CampaignName parent,
                       ParseName<CampaignName>(caller, "parent", kCampaignPattern, request->parent()));
      ASSIGN_OR_RETURN(const std::string id, ChosenId("wave_id", request->wave_id(), "w"));
      ASSIGN_OR_RETURN(const RequestKey key, RequestKeyOf("CreateWave", parent.ToString(), *request));
      const std::string name = WaveName{parent.tenant, parent.campaign, id}.ToString();
      auto created = api_->store->CreateWave(parent.ToString(), name, key);
      if (!created.ok()) return HideNotFound(created.status(), request->parent());
      LogInfo("wave_created", {{"wave", created->name()}});
      return created;
    });
  }

  grpc::ServerUnaryReactor* GetWave(grpc::CallbackServerContext* context, const v1::GetWaveRequest* request,
                                    v1::Wave* response) override {
    return Call(api_, context, response, [this, request](const Caller& caller) -> absl::StatusOr<v1::Wave> {
      ASSIGN_OR_RETURN(const WaveName name, ParseName<WaveName>(caller, "name", kWavePattern, request->name()));
      auto stored = api_->store->GetWave(name.ToString());
      if (!stored.ok()) return HideNotFound(stored.status(), request->name());
      return std::move(*stored->mutable_wave());
    });
  }

  grpc::ServerUnaryReactor* ListWaves(grpc::CallbackServerContext* context, const v1::ListWavesRequest* request,
                                      v1::ListWavesResponse* response) override {
    return Call(api_, context, response,
                [this, request](const Caller& caller) -> absl::StatusOr<v1::ListWavesResponse> {
                  ASSIGN_OR_RETURN(const CampaignName parent,
                                   ParseName<CampaignName>(caller, "parent", kCampaignPattern, request->parent()));
                  const std::string listing = absl::StrCat("waves of ", parent.ToString());
                  ASSIGN_OR_RETURN(const int size, CheckedPageSize(request->page_size()));
                  ASSIGN_OR_RETURN(const std::string cursor, PageCursor(listing, request->page_token()));
                  ASSIGN_OR_RETURN(auto page, api_->store->ListWaves(parent.ToString(), size, cursor));
                  v1::ListWavesResponse out;
                  for (v1::Wave& wave : page.items) *out.add_waves() = std::move(wave);
                  out.set_next_page_token(PageToken(listing, page.next));
                  return out;
                });
  }

  grpc::ServerUnaryReactor* StartWave(grpc::CallbackServerContext* context, const v1::StartWaveRequest* request,
                                      v1::Wave* response) override {
    return Call(api_, context, response,
                [this, request](const Caller& caller) { return StartNow(caller, request->name()); });
  }

  grpc::ServerUnaryReactor* ListRecipients(grpc::CallbackServerContext* context,
                                           const v1::ListRecipientsRequest* request,
                                           v1::ListRecipientsResponse* response) override {
    return Call(api_, context, response, [this, request](const Caller& caller) { return List(caller, *request); });
  }

  grpc::ServerUnaryReactor* GetRecipient(grpc::CallbackServerContext* context, const v1::GetRecipientRequest* request,
                                         v1::Recipient* response) override {
    return Call(api_, context, response, [this, request](const Caller& caller) -> absl::StatusOr<v1::Recipient> {
      ASSIGN_OR_RETURN(const RecipientName name,
                       ParseName<RecipientName>(caller, "name", kRecipientPattern, request->name()));
      const auto wave = api_->store->GetWave(name.wave.ToString());
      if (!wave.ok()) return HideNotFound(wave.status(), request->name());
      if (wave->number() != name.id.wave) return NoSuchResource(request->name());
      auto recipient = api_->store->GetRecipient(name.id);
      if (!recipient.ok()) return HideNotFound(recipient.status(), request->name());
      return recipient;
    });
  }

  grpc::ServerUnaryReactor* AuditWave(grpc::CallbackServerContext* context, const v1::AuditWaveRequest* request,
                                      v1::AuditWaveResponse* response) override {
    return Call(
        api_, context, response, [this, request](const Caller& caller) -> absl::StatusOr<v1::AuditWaveResponse> {
          ASSIGN_OR_RETURN(const WaveName name, ParseName<WaveName>(caller, "name", kWavePattern, request->name()));
          auto audit = api_->store->AuditWave(name.ToString());
          if (!audit.ok()) return HideNotFound(audit.status(), request->name());
          return audit;
        });
  }

  grpc::ServerUnaryReactor* RenderMessage(grpc::CallbackServerContext* context, const v1::RenderMessageRequest* request,
                                          v1::RenderMessageResponse* response) override {
    return Call(api_, context, response,
                [this, request](const Caller& caller) { return RenderForPreview(*api_, caller, *request); });
  }

  grpc::ServerBidiReactor<v1::ImportRecipientsRequest, v1::ImportRecipientsResponse>* ImportRecipients(
      grpc::CallbackServerContext* context) override {
    auto stream = ImportStream::Stream::Create(api_->streams, context);
    auto import = std::make_shared<ImportStream>(api_, live_, stream, AuthorizationOf(*context));
    api_->streams->Post([import = std::move(import)] { import->Start(); });
    return stream.get();
  }

  grpc::ServerWriteReactor<v1::Wave>* WatchWave(grpc::CallbackServerContext* context,
                                                const v1::WatchWaveRequest* request) override {
    auto stream = WaveWatch::Stream::Create(api_->streams, context);
    const bool posted =
        api_->calls->Post([this, stream, request = *request, authorization = AuthorizationOf(*context)] {
          auto watch = Watch(stream, request, authorization);
          api_->streams->Post([stream, watch = std::move(watch)] {
            if (!watch.ok()) return stream->Close(watch.status());
            (*watch)->Start();
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
  absl::StatusOr<v1::Campaign> Create(const Caller& caller, const v1::CreateCampaignRequest& request) {
    ASSIGN_OR_RETURN(const TenantName parent,
                     ParseName<TenantName>(caller, "parent", kTenantPattern, request.parent()));
    if (!request.has_campaign()) return BadFields("BAD_CAMPAIGN", {{"campaign", "is required"}});
    ASSIGN_OR_RETURN(const std::string id, ChosenId("campaign_id", request.campaign_id(), "c"));
    ASSIGN_OR_RETURN(const RequestKey key, RequestKeyOf("CreateCampaign", parent.ToString(), request));
    const CampaignFiles files = {.size_of = [this](const std::string& file) -> absl::StatusOr<int64_t> {
                                   ASSIGN_OR_RETURN(const v1::File record, api_->store->GetFile(file));
                                   return record.size_bytes();
                                 },
                                 .read = [this](const std::string& file) { return api_->store->ReadFile(file); }};
    ASSIGN_OR_RETURN(auto stored, CheckCampaign(request.campaign(), CampaignName{parent.tenant, id}.ToString(),
                                                api_->content, files));
    auto created = api_->store->CreateCampaign(std::move(stored), key);
    if (!created.ok()) return HideNotFound(created.status(), request.parent());
    LogInfo("campaign_created", {{"campaign", created->name()}, {"pool", created->pool()}});
    return WithWarnings(*std::move(created));
  }

  // What stands in the way of its waves as things are now.
  absl::StatusOr<v1::Campaign> WithWarnings(v1::Campaign campaign) {
    ASSIGN_OR_RETURN(const FromChoice from, LookUpFrom(api_->store, api_->domain_policy, api_->clock->Now(), campaign));
    campaign.clear_warnings();
    for (const std::string& warning : from.warnings) campaign.add_warnings(warning);
    return campaign;
  }

  absl::StatusOr<v1::Wave> StartNow(const Caller& caller, const std::string& wave) {
    absl::StatusOr<v1::Wave> started = TryStart(caller, wave);
    for (int i = 1; i < kStartTries && absl::IsAborted(started.status()); ++i) started = TryStart(caller, wave);
    return started;
  }

  absl::StatusOr<v1::Wave> TryStart(const Caller& caller, const std::string& wave) {
    ASSIGN_OR_RETURN(const WaveName name, ParseName<WaveName>(caller, "name", kWavePattern, wave));
    const auto stored = api_->store->GetWave(wave);
    if (!stored.ok()) return HideNotFound(stored.status(), wave);
    WaveStart start{.token_key_id = api_->token_key_id,
                    .from_address = "",
                    .return_path_domain = "",
                    .keys_generation = api_->store->KeysGeneration()};
    if (stored->wave().state() == v1::Wave::DRAFT) {
      const auto campaign = api_->store->GetCampaign(name.CampaignString());
      if (!campaign.ok()) return HideNotFound(campaign.status(), name.CampaignString());
      RETURN_IF_ERROR(RequireEgressIp(campaign->campaign().pool()));
      ASSIGN_OR_RETURN(FromChoice from,
                       LookUpFrom(api_->store, api_->domain_policy, api_->clock->Now(), campaign->campaign()));
      RETURN_IF_ERROR(from.refusal);
      start.from_address = std::move(from.from_address);
      start.return_path_domain = std::move(from.return_path_domain);
    }
    auto started = api_->store->StartWave(wave, start);
    if (!started.ok()) return HideNotFound(started.status(), wave);
    if (stored->wave().state() == v1::Wave::DRAFT) {
      LogInfo(
          "wave_started",
          {{"wave", wave}, {"recipients", started->counts().accepted()}, {"from", Redact(started->from_address())}});
    }
    return started;
  }

  absl::Status RequireEgressIp(const std::string& pool) {
    ASSIGN_OR_RETURN(const auto nodes, api_->store->ListNodes());
    for (const auto& node : nodes) {
      for (const v1::EgressIp& ip : node.egress_ips()) {
        if (ip.pool() == pool) return absl::OkStatus();
      }
    }
    return ApiError(absl::StatusCode::kFailedPrecondition, "NO_EGRESS_IP",
                    absl::StrCat("the pool '", pool,
                                 "' has no egress IP yet: start a wavepost-sender with an egress IP in this "
                                 "pool, see it in 'wavepost nodes', then start the wave again"),
                    {{"pool", pool}});
  }

  absl::StatusOr<v1::ListRecipientsResponse> List(const Caller& caller, const v1::ListRecipientsRequest& request) {
    ASSIGN_OR_RETURN(const WaveName parent, ParseName<WaveName>(caller, "parent", kWavePattern, request.parent()));
    std::string listing = absl::StrCat("recipients of ", parent.ToString());
    std::vector<v1::Outcome> outcomes;
    for (const int outcome : request.outcomes()) {
      if (!v1::Outcome_IsValid(outcome)) {
        return BadFields("BAD_OUTCOME", {{"outcomes", absl::StrCat(outcome, " is no outcome")}});
      }
      outcomes.push_back(static_cast<v1::Outcome>(outcome));
      absl::StrAppend(&listing, " ", outcome);
    }
    ASSIGN_OR_RETURN(const int size, CheckedPageSize(request.page_size(), kRecipientsPageMax));
    ASSIGN_OR_RETURN(const std::string cursor, PageCursor(listing, request.page_token()));
    auto page = api_->store->ListRecipients(parent.ToString(), size, cursor, outcomes);
    if (!page.ok()) return HideNotFound(page.status(), request.parent());
    v1::ListRecipientsResponse out;
    out.mutable_recipients()->Reserve(static_cast<int>(page->items.size()));
    for (v1::Recipient& recipient : page->items) *out.add_recipients() = std::move(recipient);
    out.set_next_page_token(PageToken(listing, page->next));
    return out;
  }

  absl::StatusOr<std::shared_ptr<WaveWatch>> Watch(std::shared_ptr<WaveWatch::Stream> stream,
                                                   const v1::WatchWaveRequest& request,
                                                   const std::optional<std::string>& authorization) {
    ASSIGN_OR_RETURN(const Caller caller, api_->auth->Check(authorization));
    ASSIGN_OR_RETURN(const WaveName name, ParseName<WaveName>(caller, "name", kWavePattern, request.name()));
    ASSIGN_OR_RETURN(const absl::Duration interval, WatchInterval(request));
    return std::make_shared<WaveWatch>(api_, live_, std::move(stream), name.ToString(), interval);
  }

  const ApiContext* const api_;
  LiveStreams* const live_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeCampaignService(const ApiContext* api, LiveStreams* live) {
  return std::make_unique<CampaignService>(api, live);
}

}  // namespace wavepost
