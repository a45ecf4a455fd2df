// TenantService: operators create tenants and their keys; a tenant sees itself.
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/rpc/status.h"
#include "coordinator/api/api_context.h"
#include "coordinator/api/call.h"
#include "coordinator/api/campaign_check.h"
#include "coordinator/api/request.h"
#include "coordinator/api/services.h"
#include "coordinator/base/log.h"
#include "coordinator/names/resource_names.h"
#include "wavepost/v1/tenants_service.grpc.pb.h"

namespace wavepost {
namespace {

constexpr std::string_view kTenantPattern = "tenants/{tenant}";
constexpr double kWeightMin = 0.01;
constexpr double kWeightMax = 1000;

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
    if (display_name.size() > kDisplayNameBytesMax || Printable(display_name) != display_name) {
      bad.push_back(
          {"tenant.display_name", absl::StrCat("must be at most ", kDisplayNameBytesMax, " printable bytes")});
    }
    const double weight = request.tenant().weight();
    if (weight != 0 && !(weight >= kWeightMin && weight <= kWeightMax)) {
      bad.push_back({"tenant.weight", absl::StrCat("must be 0 or from ", kWeightMin, " to ", kWeightMax)});
    }
    if (!bad.empty()) return BadFields("BAD_TENANT", bad);
    ASSIGN_OR_RETURN(const RequestKey key, RequestKeyOf("CreateTenant", "", request));
    v1::Tenant tenant;
    tenant.set_name(TenantName{request.tenant_id()}.ToString());
    tenant.set_display_name(display_name);
    tenant.set_weight(request.tenant().weight());
    ASSIGN_OR_RETURN(v1::Tenant created, api_->store->CreateTenant(std::move(tenant), key));
    LogInfo("tenant_created", {{"tenant", created.name()}});
    return created;
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
