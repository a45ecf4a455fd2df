// IdentityService: what the operator publishes for the cluster, how it stands, and the sheet for recipients' IT.
#include "coordinator/api/identity_service.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/rpc/status.h"
#include "coordinator/api/api_context.h"
#include "coordinator/api/call.h"
#include "coordinator/api/request.h"
#include "coordinator/api/services.h"
#include "coordinator/identity/allow_list_facts.h"
#include "coordinator/identity/allow_list_sheet.h"
#include "coordinator/identity/identity_keeper.h"
#include "coordinator/names/resource_names.h"
#include "wavepost/v1/identity_service.grpc.pb.h"

namespace wavepost {
namespace {

// The keeper's errors, with the reasons that programs read.
absl::Status WithReason(const absl::Status& status) {
  const char* reason = absl::IsFailedPrecondition(status)  ? "NO_IDENTITY_DOMAIN"
                       : absl::IsResourceExhausted(status) ? "CHECK_UNDER_WAY"
                                                           : nullptr;
  if (reason == nullptr) return status;
  return ApiError(status.code(), reason, Sv(status.message()));
}

class IdentityService final : public v1::IdentityService::CallbackService {
 public:
  explicit IdentityService(const ApiContext* api) : api_(api) {}

  grpc::ServerUnaryReactor* GetIdentity(grpc::CallbackServerContext* context, const v1::GetIdentityRequest*,
                                        v1::Identity* response) override {
    return Call(api_, context, response, [this](const Caller& caller) -> absl::StatusOr<v1::Identity> {
      RETURN_IF_ERROR(RequireOperator(caller));
      auto identity = api_->identity->Get();
      if (!identity.ok()) return WithReason(identity.status());
      return identity;
    });
  }

  grpc::ServerUnaryReactor* CheckIdentity(grpc::CallbackServerContext* context, const v1::CheckIdentityRequest*,
                                          v1::Identity* response) override {
    return SlowCall(api_, context, response, [this](const Caller& caller) -> absl::StatusOr<v1::Identity> {
      RETURN_IF_ERROR(RequireOperator(caller));
      auto identity = api_->identity->Check();
      if (!identity.ok()) return WithReason(identity.status());
      return identity;
    });
  }

  grpc::ServerUnaryReactor* GetAllowListSheet(grpc::CallbackServerContext* context,
                                              const v1::GetAllowListSheetRequest* request,
                                              v1::AllowListSheet* response) override {
    return Call(api_, context, response, [this, request](const Caller& caller) -> absl::StatusOr<v1::AllowListSheet> {
      ASSIGN_OR_RETURN(const TenantName parent,
                       ParseName<TenantName>(caller, "parent", "tenants/{tenant}", request->parent()));
      auto sheet = MakeAllowListSheet(api_, parent.ToString(), request->language(), request->format());
      if (!sheet.ok()) return HideNotFound(sheet.status(), request->parent());
      return sheet;
    });
  }

 private:
  const ApiContext* const api_;
};

}  // namespace

absl::StatusOr<v1::AllowListSheet> MakeAllowListSheet(const ApiContext* api, std::string_view tenant,
                                                      const std::string& language, const std::string& format) {
  std::vector<FieldViolation> bad;
  if (!language.empty() && language != "en" && language != "de") {
    bad.push_back({"language", absl::StrCat("must be en or de, is '", Printable(language, 60), "'")});
  }
  if (!format.empty() && format != "md" && format != "html") {
    bad.push_back({"format", absl::StrCat("must be md or html, is '", Printable(format, 60), "'")});
  }
  if (!bad.empty()) return BadFields("BAD_SHEET", bad);
  ASSIGN_OR_RETURN(const AllowListFacts facts,
                   LoadAllowListFacts(api->store, tenant, api->ours, api->content.unsubscribe_url, api->clock->Now()));
  v1::AllowListSheet sheet;
  ASSIGN_OR_RETURN(*sheet.mutable_text(),
                   WriteAllowListSheet(facts, language == "de" ? SheetLanguage::kGerman : SheetLanguage::kEnglish,
                                       format == "html" ? SheetFormat::kHtml : SheetFormat::kMarkdown));
  sheet.set_content_type(format == "html" ? "text/html" : "text/markdown");
  return sheet;
}

std::unique_ptr<grpc::Service> MakeIdentityService(const ApiContext* api) {
  return std::make_unique<IdentityService>(api);
}

}  // namespace wavepost
