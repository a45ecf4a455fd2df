// TenantService: operators create tenants and their keys; a tenant sees itself.
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/mail/address.h"
#include "common/rpc/status.h"
#include "coordinator/api/api_context.h"
#include "coordinator/api/call.h"
#include "coordinator/api/campaign_check.h"
#include "coordinator/api/request.h"
#include "coordinator/api/services.h"
#include "coordinator/base/log.h"
#include "coordinator/names/resource_names.h"
#include "coordinator/store/soft_bounces.h"
#include "wavepost/v1/tenants_service.grpc.pb.h"

namespace wavepost {
namespace {

constexpr std::string_view kTenantPattern = "tenants/{tenant}";
constexpr double kWeightMin = 0.01;
constexpr double kWeightMax = 1000;
constexpr std::string_view kUpdatable =
    "display_name, weight, fallback_from_address and suppression_policy can be changed";

class TenantService final : public v1::TenantService::CallbackService {
 public:
  explicit TenantService(const ApiContext* api) : api_(api) {}

  grpc::ServerUnaryReactor* CreateTenant(grpc::CallbackServerContext* context, const v1::CreateTenantRequest* request,
                                         v1::Tenant* response) override {
    return Call(api_, context, response, [this, request](const Caller& caller) { return Create(caller, *request); });
  }

  grpc::ServerUnaryReactor* GetTenant(grpc::CallbackServerContext* context, const v1::GetTenantRequest* request,
                                      v1::Tenant* response) override {
    return Call(api_, context, response, [this, request](const Caller& caller) -> absl::StatusOr<v1::Tenant> {
      ASSIGN_OR_RETURN(const TenantName name, ParseName<TenantName>(caller, "name", kTenantPattern, request->name()));
      const auto stored = api_->store->GetTenant(name.ToString());
      if (!stored.ok()) return HideNotFound(stored.status(), request->name());
      return stored->tenant();
    });
  }

  grpc::ServerUnaryReactor* ListTenants(grpc::CallbackServerContext* context, const v1::ListTenantsRequest* request,
                                        v1::ListTenantsResponse* response) override {
    return Call(api_, context, response,
                [this, request](const Caller& caller) -> absl::StatusOr<v1::ListTenantsResponse> {
                  RETURN_IF_ERROR(RequireOperator(caller));
                  ASSIGN_OR_RETURN(const int size, CheckedPageSize(request->page_size()));
                  ASSIGN_OR_RETURN(const std::string cursor, PageCursor("tenants", request->page_token()));
                  ASSIGN_OR_RETURN(Page<v1::Tenant> page, api_->store->ListTenants(size, cursor));
                  v1::ListTenantsResponse out;
                  for (v1::Tenant& tenant : page.items) *out.add_tenants() = std::move(tenant);
                  out.set_next_page_token(PageToken("tenants", page.next));
                  return out;
                });
  }

  grpc::ServerUnaryReactor* UpdateTenant(grpc::CallbackServerContext* context, const v1::UpdateTenantRequest* request,
                                         v1::Tenant* response) override {
    return Call(api_, context, response, [this, request](const Caller& caller) { return Update(caller, *request); });
  }

  grpc::ServerUnaryReactor* CreateApiKey(grpc::CallbackServerContext* context, const v1::CreateApiKeyRequest* request,
                                         v1::CreateApiKeyResponse* response) override {
    return Call(api_, context, response, [this, request](const Caller& caller) { return CreateKey(caller, *request); });
  }

 private:
  absl::StatusOr<v1::Tenant> Create(const Caller& caller, const v1::CreateTenantRequest& request) {
    RETURN_IF_ERROR(RequireOperator(caller));
    std::vector<FieldViolation> bad;
    if (!IsTenantId(request.tenant_id())) {
      bad.push_back({"tenant_id", absl::StrCat(Av(kTenantIdRule), ", is '", Printable(request.tenant_id(), 200), "'")});
    }
    const std::string& display_name = request.tenant().display_name();
    CheckDisplayName(display_name, &bad);
    CheckWeight(request.tenant().weight(), &bad);
    CheckPolicy(request.tenant().suppression_policy(), &bad);
    if (!request.tenant().fallback_from_address().empty()) {
      bad.push_back({"tenant.fallback_from_address",
                     "a new tenant has no sending domain yet: create it, add the domain, then set the address with "
                     "UpdateTenant"});
    }
    if (!bad.empty()) return BadFields("BAD_TENANT", bad);
    ASSIGN_OR_RETURN(const RequestKey key, RequestKeyOf("CreateTenant", "", request));
    v1::Tenant tenant;
    tenant.set_name(TenantName{request.tenant_id()}.ToString());
    tenant.set_display_name(display_name);
    tenant.set_weight(request.tenant().weight());
    if (request.tenant().has_suppression_policy()) {
      *tenant.mutable_suppression_policy() = request.tenant().suppression_policy();
    }
    ASSIGN_OR_RETURN(v1::Tenant created, api_->store->CreateTenant(std::move(tenant), key));
    LogInfo("tenant_created", {{"tenant", created.name()}});
    return created;
  }

  // Field by field: what the mask does not name stays.
  absl::StatusOr<v1::Tenant> Update(const Caller& caller, const v1::UpdateTenantRequest& request) {
    RETURN_IF_ERROR(RequireOperator(caller));
    const v1::Tenant& wanted = request.tenant();
    ASSIGN_OR_RETURN(const TenantName name,
                     ParseName<TenantName>(caller, "tenant.name", kTenantPattern, wanted.name()));
    const auto tenant = api_->store->GetTenant(name.ToString());
    if (!tenant.ok()) return HideNotFound(tenant.status(), wanted.name());
    std::vector<FieldViolation> bad;
    bool set_name = false, set_weight = false, set_fallback = false, set_policy = false;
    std::string fallback;
    if (request.update_mask().paths().empty()) {
      bad.push_back({"update_mask", absl::StrCat("is required: ", Av(kUpdatable))});
    }
    for (const std::string& path : request.update_mask().paths()) {
      if (path == "display_name") {
        set_name = true;
        CheckDisplayName(wanted.display_name(), &bad);
      } else if (path == "weight") {
        set_weight = true;
        CheckWeight(wanted.weight(), &bad);
      } else if (path == "suppression_policy") {
        set_policy = true;
        CheckPolicy(wanted.suppression_policy(), &bad);
      } else if (path == "fallback_from_address") {
        set_fallback = true;
        ASSIGN_OR_RETURN(fallback, CheckFallback(name, wanted.fallback_from_address(), &bad));
      } else {
        bad.push_back(
            {"update_mask", absl::StrCat("'", Printable(path, 100), "' cannot be changed; ", Av(kUpdatable))});
      }
    }
    if (!bad.empty()) return BadFields("BAD_TENANT", bad);
    auto updated = api_->store->UpdateTenant(name.ToString(), [&](v1::Tenant* stored) {
      if (set_name) stored->set_display_name(wanted.display_name());
      if (set_weight) stored->set_weight(wanted.weight());
      if (set_fallback) stored->set_fallback_from_address(fallback);
      if (set_policy && wanted.has_suppression_policy()) {
        *stored->mutable_suppression_policy() = wanted.suppression_policy();
      } else if (set_policy) {
        stored->clear_suppression_policy();
      }
      return absl::OkStatus();
    });
    if (!updated.ok()) return HideNotFound(updated.status(), wanted.name());
    LogInfo("tenant_updated", {{"tenant", updated->name()}});
    return updated;
  }

  static void CheckDisplayName(const std::string& display_name, std::vector<FieldViolation>* bad) {
    if (display_name.size() <= kDisplayNameBytesMax && Printable(display_name) == display_name) return;
    bad->push_back({"tenant.display_name", absl::StrCat("must be at most ", kDisplayNameBytesMax, " printable bytes")});
  }

  static void CheckWeight(double weight, std::vector<FieldViolation>* bad) {
    if (weight == 0 || (weight >= kWeightMin && weight <= kWeightMax)) return;
    bad->push_back({"tenant.weight", absl::StrCat("must be 0 or from ", kWeightMin, " to ", kWeightMax)});
  }

  static void CheckPolicy(const v1::SuppressionPolicy& policy, std::vector<FieldViolation>* bad) {
    if (policy.soft_campaigns() < 0 || policy.soft_campaigns() > kSoftCampaignsMax) {
      bad->push_back(
          {"tenant.suppression_policy.soft_campaigns",
           absl::StrCat("must be from 1 to ", kSoftCampaignsMax, "; 0 is the default, ", kSoftCampaignsDefault)});
    }
    const auto& window = policy.soft_window();
    const bool usual = window.seconds() == 0 && window.nanos() == 0;
    if (!usual && (window.nanos() != 0 || window.seconds() < absl::ToInt64Seconds(kSoftWindowMin) ||
                   window.seconds() > absl::ToInt64Seconds(kSoftWindowMax))) {
      bad->push_back({"tenant.suppression_policy.soft_window",
                      "must be whole seconds, from 1 hour to 3 years (1095 days); absent is the default, 90 days"});
    }
  }

  // Returns the address in its normal form; empty stays empty. It may be set before its domain is verified: waves see
  // to that when they start.
  absl::StatusOr<std::string> CheckFallback(const TenantName& tenant, const std::string& address,
                                            std::vector<FieldViolation>* bad) {
    if (address.empty()) return std::string();
    const std::string field = "tenant.fallback_from_address";
    const auto parsed = ParseAddress(address);
    if (!parsed.ok()) {
      bad->push_back({field, std::string(parsed.status().message())});
      return std::string();
    }
    if (parsed->needs_smtputf8) {
      bad->push_back({field, "the part before the @ must be ASCII: many receivers cannot take another From address"});
      return std::string();
    }
    const auto domain = api_->store->GetSendingDomain(SendingDomainName{tenant.tenant, parsed->domain}.ToString());
    if (absl::IsNotFound(domain.status())) {
      bad->push_back({field, absl::StrCat(parsed->domain, " is not a sending domain of ", tenant.ToString(),
                                          ": add it with 'wavepost domains add ", parsed->domain, "' first")});
      return std::string();
    }
    RETURN_IF_ERROR(domain.status());
    return parsed->ToString();
  }

  absl::StatusOr<v1::CreateApiKeyResponse> CreateKey(const Caller& caller, const v1::CreateApiKeyRequest& request) {
    RETURN_IF_ERROR(RequireOperator(caller));
    ASSIGN_OR_RETURN(const TenantName parent,
                     ParseName<TenantName>(caller, "parent", kTenantPattern, request.parent()));
    if (request.display_name().size() > kDisplayNameBytesMax ||
        Printable(request.display_name()) != request.display_name()) {
      return BadFields("BAD_API_KEY",
                       {{"display_name", absl::StrCat("must be at most ", kDisplayNameBytesMax, " printable bytes")}});
    }
    RETURN_IF_ERROR(CheckRequestId(request.request_id()));
    v1::CreateApiKeyResponse out;
    // The id follows from the retry id, so that a retry meets the key that is there.
    const std::string id = request.request_id().empty()
                               ? MadeUpId("k")
                               : absl::StrCat("k", absl::BytesToHexString(Sha256(request.request_id()).substr(0, 8)));
    out.set_name(absl::StrCat(parent.ToString(), "/apiKeys/", id));
    out.set_secret(NewSecret());
    cluster::v1::StoredApiKey key;
    key.set_name(out.name());
    key.set_display_name(request.display_name());
    key.set_secret_sha256(Sha256(out.secret()));
    key.mutable_create_time()->set_seconds(absl::ToUnixSeconds(api_->clock->Now()));
    const absl::Status added = api_->store->AddApiKey(parent.ToString(), key);
    if (absl::IsAlreadyExists(added) && !request.request_id().empty()) {
      return ApiError(absl::StatusCode::kAlreadyExists, "KEY_EXISTS",
                      absl::StrCat(out.name(),
                                   " was made by this request before, and its secret cannot be shown again; make "
                                   "another key with a new request_id"));
    }
    if (!added.ok()) return HideNotFound(added, request.parent());
    LogInfo("api_key_created", {{"key", out.name()}});
    return out;
  }

  const ApiContext* const api_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeTenantService(const ApiContext* api) {
  return std::make_unique<TenantService>(api);
}

}  // namespace wavepost
