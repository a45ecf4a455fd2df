// SendingDomainService: From domains and the DKIM keys that sign for them.
#include <memory>
#include <string>
#include <string_view>
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
#include "coordinator/domains/domain_keeper.h"
#include "coordinator/domains/look.h"
#include "coordinator/domains/lost_pauses.h"
#include "coordinator/domains/new_keys.h"
#include "coordinator/domains/rotation.h"
#include "coordinator/domains/setup.h"
#include "coordinator/names/resource_names.h"
#include "coordinator/store/proto_time.h"
#include "wavepost/v1/domains_service.grpc.pb.h"

namespace wavepost {
namespace {

constexpr std::string_view kPattern = "tenants/{tenant}/sendingDomains/{domain}";

class SendingDomainService final : public v1::SendingDomainService::CallbackService {
 public:
  explicit SendingDomainService(const ApiContext* api) : api_(api) {}

  grpc::ServerUnaryReactor* CreateSendingDomain(grpc::CallbackServerContext* context,
                                                const v1::CreateSendingDomainRequest* request,
                                                v1::SendingDomain* response) override {
    // Not with the others: an RSA key is made.
    return SlowCall(api_, context, response,
                    [this, request](const Caller& caller) { return Create(caller, *request); });
  }

  grpc::ServerUnaryReactor* GetSendingDomain(grpc::CallbackServerContext* context,
                                             const v1::GetSendingDomainRequest* request,
                                             v1::SendingDomain* response) override {
    return Call(api_, context, response, [this, request](const Caller& caller) -> absl::StatusOr<v1::SendingDomain> {
      ASSIGN_OR_RETURN(const SendingDomainName name,
                       ParseName<SendingDomainName>(caller, "name", kPattern, request->name()));
      const auto stored = api_->store->GetSendingDomain(name.ToString());
      if (!stored.ok()) return HideNotFound(stored.status(), request->name());
      return stored->domain();
    });
  }

  grpc::ServerUnaryReactor* ListSendingDomains(grpc::CallbackServerContext* context,
                                               const v1::ListSendingDomainsRequest* request,
                                               v1::ListSendingDomainsResponse* response) override {
    return Call(api_, context, response,
                [this, request](const Caller& caller) -> absl::StatusOr<v1::ListSendingDomainsResponse> {
                  ASSIGN_OR_RETURN(const TenantName parent,
                                   ParseName<TenantName>(caller, "parent", "tenants/{tenant}", request->parent()));
                  const std::string listing = absl::StrCat("domains of ", parent.ToString());
                  ASSIGN_OR_RETURN(const int size, CheckedPageSize(request->page_size()));
                  ASSIGN_OR_RETURN(const std::string cursor, PageCursor(listing, request->page_token()));
                  ASSIGN_OR_RETURN(auto page, api_->store->ListSendingDomains(parent.ToString(), size, cursor));
                  v1::ListSendingDomainsResponse out;
                  for (auto& stored : page.items) *out.add_sending_domains() = std::move(*stored.mutable_domain());
                  out.set_next_page_token(PageToken(listing, page.next));
                  return out;
                });
  }

  grpc::ServerUnaryReactor* VerifySendingDomain(grpc::CallbackServerContext* context,
                                                const v1::VerifySendingDomainRequest* request,
                                                v1::SendingDomain* response) override {
    return SlowCall(api_, context, response,
                    [this, request](const Caller& caller) -> absl::StatusOr<v1::SendingDomain> {
                      ASSIGN_OR_RETURN(const SendingDomainName name,
                                       ParseName<SendingDomainName>(caller, "name", kPattern, request->name()));
                      auto verified = api_->domains->Verify(name.ToString());
                      if (!verified.ok()) return HideNotFound(verified.status(), request->name());
                      return verified;
                    });
  }

  grpc::ServerUnaryReactor* RotateDkimKeys(grpc::CallbackServerContext* context,
                                           const v1::RotateDkimKeysRequest* request,
                                           v1::SendingDomain* response) override {
    return SlowCall(api_, context, response,
                    [this, request](const Caller& caller) -> absl::StatusOr<v1::SendingDomain> {
                      ASSIGN_OR_RETURN(const SendingDomainName name,
                                       ParseName<SendingDomainName>(caller, "name", kPattern, request->name()));
                      ASSIGN_OR_RETURN(const RequestKey key, RequestKeyOf("RotateDkimKeys", name.ToString(), *request));
                      auto rotated = api_->domains->Rotate(name.ToString(), key);
                      if (!rotated.ok()) return HideNotFound(rotated.status(), request->name());
                      LogInfo("dkim_keys_made", {{"domain", rotated->name()}});
                      return rotated;
                    });
  }

  grpc::ServerUnaryReactor* DeleteSendingDomain(grpc::CallbackServerContext* context,
                                                const v1::DeleteSendingDomainRequest* request,
                                                v1::DeleteSendingDomainResponse* response) override {
    return Call(api_, context, response, [this, request](const Caller& caller) { return Delete(caller, *request); });
  }

 private:
  absl::StatusOr<v1::SendingDomain> Create(const Caller& caller, const v1::CreateSendingDomainRequest& request) {
    ASSIGN_OR_RETURN(const TenantName parent,
                     ParseName<TenantName>(caller, "parent", "tenants/{tenant}", request.parent()));
    const absl::StatusOr<std::string> domain = ParseDomain(request.domain());
    if (!domain.ok()) return BadFields("BAD_DOMAIN", {{"domain", std::string(domain.status().message())}});
    ASSIGN_OR_RETURN(const v1::SendingDomain::Mode mode, CheckedMode(request.mode()));
    ASSIGN_OR_RETURN(const RequestKey key, RequestKeyOf("CreateSendingDomain", parent.ToString(), request));
    const absl::Time now = api_->clock->Now();
    cluster::v1::StoredSendingDomain stored;
    v1::SendingDomain& out = *stored.mutable_domain();
    out.set_name(SendingDomainName{parent.tenant, *domain}.ToString());
    out.set_mode(mode);
    out.set_state(v1::SendingDomain::UNVERIFIED);
    // The store says so again; this saves the making of keys that nobody wants.
    if (key.id.empty() && api_->store->GetSendingDomain(out.name()).ok()) {
      return ApiError(absl::StatusCode::kAlreadyExists, "ALREADY_EXISTS",
                      absl::StrCat("there is a sending domain '", out.name(), "' already"), {{"resource", out.name()}});
    }
    ASSIGN_OR_RETURN(const NewKeys keys, MakeKeyPair(*api_->sealer, out.name(), NextSelectors(out, now), now));
    AddKeys(keys, &stored);
    for (v1::DnsRecord& record : RecordsToPublish(api_->ours, out)) *out.add_dns_records() = std::move(record);
    // Not at once: resolvers would remember for an hour that the records are not there.
    *stored.mutable_next_check_time() = ToProtoTime(now + kEagerEvery);
    auto created = api_->store->CreateSendingDomain(parent.ToString(), std::move(stored), key);
    if (!created.ok()) return HideNotFound(created.status(), request.parent());
    LogInfo("sending_domain_created", {{"domain", created->name()}, {"selector", created->dkim_selector()}});
    return created;
  }

  absl::StatusOr<v1::SendingDomain::Mode> CheckedMode(v1::SendingDomain::Mode mode) {
    if (mode == v1::SendingDomain::MODE_UNSPECIFIED || mode == v1::SendingDomain::TXT) return v1::SendingDomain::TXT;
    if (mode != v1::SendingDomain::CNAME) return BadFields("BAD_DOMAIN", {{"mode", "must be TXT or CNAME"}});
    if (!api_->ours.identity_domain.empty()) return mode;
    return ApiError(absl::StatusCode::kFailedPrecondition, "NO_IDENTITY_DOMAIN",
                    "CNAME mode points names of the customer at names of the operator, and the operator has none: set "
                    "identity.domain in the coordinator's configuration, or use TXT mode");
  }

  absl::StatusOr<v1::DeleteSendingDomainResponse> Delete(const Caller& caller,
                                                         const v1::DeleteSendingDomainRequest& request) {
    ASSIGN_OR_RETURN(const SendingDomainName name,
                     ParseName<SendingDomainName>(caller, "name", kPattern, request.name()));
    const auto stored = api_->store->GetSendingDomain(name.ToString());
    if (!stored.ok()) return HideNotFound(stored.status(), request.name());
    const absl::Status deleted = api_->store->DeleteSendingDomain(name.ToString());
    if (!deleted.ok()) return HideNotFound(deleted, request.name());
    LogInfo("sending_domain_deleted", {{"domain", name.ToString()}});
    // Nobody else would end them.
    RETURN_IF_ERROR(EndLostPauses(api_->store, *stored));
    return v1::DeleteSendingDomainResponse();
  }

  const ApiContext* const api_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeSendingDomainService(const ApiContext* api) {
  return std::make_unique<SendingDomainService>(api);
}

}  // namespace wavepost
