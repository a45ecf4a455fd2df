// SuppressionService: a tenant's addresses that must not be mailed.
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/mail/address.h"
#include "common/rpc/status.h"
#include "coordinator/api/api_context.h"
#include "coordinator/api/call.h"
#include "coordinator/api/request.h"
#include "coordinator/api/services.h"
#include "coordinator/base/log.h"
#include "coordinator/names/resource_names.h"
#include "wavepost/v1/suppressions_service.grpc.pb.h"

namespace wavepost {
namespace {

constexpr int kSuppressionsPageMax = 5000;
constexpr size_t kEvidenceBytesMax = 1024;
constexpr size_t kReasonBytesMax = 1024;
constexpr std::string_view kPattern = "tenants/{tenant}/suppressions/{address}";

// The form in which the store knows an address, if it is one.
std::string KeyOf(const std::string& address) {
  const absl::StatusOr<Address> parsed = ParseAddress(address);
  return SuppressionKey(parsed.ok() ? parsed->ToString() : address);
}

class SuppressionService final : public v1::SuppressionService::CallbackService {
 public:
  explicit SuppressionService(const ApiContext* api) : api_(api) {}

  grpc::ServerUnaryReactor* CreateSuppression(grpc::CallbackServerContext* context,
                                              const v1::CreateSuppressionRequest* request,
                                              v1::Suppression* response) override {
    return Call(api_, context, response, [this, request](const Caller& caller) { return Create(caller, *request); });
  }

  grpc::ServerUnaryReactor* GetSuppression(grpc::CallbackServerContext* context,
                                           const v1::GetSuppressionRequest* request,
                                           v1::Suppression* response) override {
    return Call(api_, context, response, [this, request](const Caller& caller) -> absl::StatusOr<v1::Suppression> {
      ASSIGN_OR_RETURN(const SuppressionName name,
                       ParseName<SuppressionName>(caller, "name", kPattern, request->name()));
      auto found = api_->store->GetSuppression(TenantName{name.tenant}.ToString(), KeyOf(name.address));
      if (!found.ok()) return HideNotFound(found.status(), request->name());
      return found;
    });
  }

  grpc::ServerUnaryReactor* ListSuppressions(grpc::CallbackServerContext* context,
                                             const v1::ListSuppressionsRequest* request,
                                             v1::ListSuppressionsResponse* response) override {
    return Call(api_, context, response,
                [this, request](const Caller& caller) -> absl::StatusOr<v1::ListSuppressionsResponse> {
                  ASSIGN_OR_RETURN(const TenantName parent,
                                   ParseName<TenantName>(caller, "parent", "tenants/{tenant}", request->parent()));
                  const std::string listing = absl::StrCat("suppressions of ", parent.ToString());
                  ASSIGN_OR_RETURN(const int size, CheckedPageSize(request->page_size(), kSuppressionsPageMax));
                  ASSIGN_OR_RETURN(const std::string cursor, PageCursor(listing, request->page_token()));
                  ASSIGN_OR_RETURN(auto page, api_->store->ListSuppressions(parent.ToString(), size, cursor));
                  v1::ListSuppressionsResponse out;
                  for (v1::Suppression& suppression : page.items) *out.add_suppressions() = std::move(suppression);
                  out.set_next_page_token(PageToken(listing, page.next));
                  return out;
                });
  }

  grpc::ServerUnaryReactor* DeleteSuppression(grpc::CallbackServerContext* context,
                                              const v1::DeleteSuppressionRequest* request,
                                              v1::DeleteSuppressionResponse* response) override {
    return Call(api_, context, response, [this, request](const Caller& caller) { return Delete(caller, *request); });
  }

 private:
  absl::StatusOr<v1::Suppression> Create(const Caller& caller, const v1::CreateSuppressionRequest& request) {
    ASSIGN_OR_RETURN(const TenantName parent,
                     ParseName<TenantName>(caller, "parent", "tenants/{tenant}", request.parent()));
    std::vector<FieldViolation> bad;
    const absl::StatusOr<Address> address = ParseAddress(request.suppression().address());
    if (!address.ok()) bad.push_back({"suppression.address", std::string(address.status().message())});
    const std::string& evidence = request.suppression().evidence();
    if (evidence.size() > kEvidenceBytesMax || Printable(evidence) != evidence) {
      bad.push_back({"suppression.evidence", absl::StrCat("must be at most ", kEvidenceBytesMax, " printable bytes")});
    }
    if (request.suppression().has_expire_time() &&
        absl::FromUnixSeconds(request.suppression().expire_time().seconds()) <= api_->clock->Now()) {
      bad.push_back({"suppression.expire_time", "must be in the future"});
    }
    if (!bad.empty()) return BadFields("BAD_SUPPRESSION", bad);
    ASSIGN_OR_RETURN(const RequestKey key, RequestKeyOf("CreateSuppression", parent.ToString(), request));
    v1::Suppression suppression;
    suppression.set_address(SuppressionKey(address->ToString()));
    suppression.set_name(SuppressionName{parent.tenant, suppression.address()}.ToString());
    suppression.set_cause(v1::Suppression::MANUAL);
    suppression.set_evidence(evidence);
    if (request.suppression().has_expire_time()) {
      *suppression.mutable_expire_time() = request.suppression().expire_time();
    }
    auto created = api_->store->CreateSuppression(parent.ToString(), std::move(suppression), key);
    if (!created.ok()) return HideNotFound(created.status(), request.parent());
    LogInfo("suppression_added", {{"tenant", request.parent()}, {"address", Redact(created->address())}});
    return created;
  }

  absl::StatusOr<v1::DeleteSuppressionResponse> Delete(const Caller& caller,
                                                       const v1::DeleteSuppressionRequest& request) {
    ASSIGN_OR_RETURN(const SuppressionName name, ParseName<SuppressionName>(caller, "name", kPattern, request.name()));
    std::vector<FieldViolation> bad;
    for (const auto& [field, text] : {std::pair<std::string_view, const std::string&>{"who", request.who()},
                                      std::pair<std::string_view, const std::string&>{"why", request.why()}}) {
      if (text.empty() || text.size() > kReasonBytesMax || Printable(text) != text) {
        bad.push_back({std::string(field),
                       absl::StrCat("is required for the record: 1 to ", kReasonBytesMax, " printable bytes")});
      }
    }
    if (!bad.empty()) return BadFields("BAD_SUPPRESSION", bad);
    const absl::Status deleted = api_->store->DeleteSuppression(TenantName{name.tenant}.ToString(), KeyOf(name.address),
                                                                request.who(), request.why());
    if (!deleted.ok()) return HideNotFound(deleted, request.name());
    LogInfo("suppression_removed",
            {{"tenant", name.tenant}, {"address", Redact(name.address)}, {"who", request.who()}});
    return v1::DeleteSuppressionResponse();
  }

  const ApiContext* const api_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeSuppressionService(const ApiContext* api) {
  return std::make_unique<SuppressionService>(api);
}

}  // namespace wavepost
