// SendingDomainService: From domains and the DKIM keys that sign for them.
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/mail/address.h"
#include "common/mail/dkim_keys.h"
#include "common/rpc/status.h"
#include "coordinator/api/api_context.h"
#include "coordinator/api/call.h"
#include "coordinator/api/request.h"
#include "coordinator/api/services.h"
#include "coordinator/base/log.h"
#include "coordinator/names/resource_names.h"
#include "wavepost/v1/domains_service.grpc.pb.h"

namespace wavepost {
namespace {

class SendingDomainService final : public v1::SendingDomainService::CallbackService {
 public:
  explicit SendingDomainService(const ApiContext* api) : api_(api) {}

  grpc::ServerUnaryReactor* CreateSendingDomain(grpc::CallbackServerContext* context,
                                                const v1::CreateSendingDomainRequest* request,
                                                v1::SendingDomain* response) override {
    return Call(api_, context, response, [this, request](const Caller& caller) { return Create(caller, *request); });
  }

  grpc::ServerUnaryReactor* GetSendingDomain(grpc::CallbackServerContext* context,
                                             const v1::GetSendingDomainRequest* request,
                                             v1::SendingDomain* response) override {
    return Call(api_, context, response, [this, request](const Caller& caller) -> absl::StatusOr<v1::SendingDomain> {
      ASSIGN_OR_RETURN(
          const SendingDomainName name,
          ParseName<SendingDomainName>(caller, "name", "tenants/{tenant}/sendingDomains/{domain}", request->name()));
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

 private:
  absl::StatusOr<v1::SendingDomain> Create(const Caller& caller, const v1::CreateSendingDomainRequest& request) {
    ASSIGN_OR_RETURN(const TenantName parent,
                     ParseName<TenantName>(caller, "parent", "tenants/{tenant}", request.parent()));
    const absl::StatusOr<std::string> domain = ParseDomain(request.domain());
    if (!domain.ok()) return BadFields("BAD_DOMAIN", {{"domain", std::string(domain.status().message())}});
    ASSIGN_OR_RETURN(const RequestKey key, RequestKeyOf("CreateSendingDomain", parent.ToString(), request));
    ASSIGN_OR_RETURN(const DkimKey dkim, MakeRsaKey());
    cluster::v1::StoredSendingDomain stored;
    stored.set_private_key_pem(dkim.private_key_pem);
    v1::SendingDomain& out = *stored.mutable_domain();
    out.set_name(SendingDomainName{parent.tenant, *domain}.ToString());
    // Selectors by date: which key signed, and how old it is, can be told from any message.
    out.set_dkim_selector(absl::FormatTime("wp%Y%m%d", api_->clock->Now(), absl::UTCTimeZone()));
    v1::DnsRecord& record = *out.add_dns_records();
    record.set_owner(absl::StrCat(out.dkim_selector(), "._domainkey.", *domain));
    record.set_type("TXT");
    record.set_data(dkim.public_txt);
    auto created = api_->store->CreateSendingDomain(parent.ToString(), std::move(stored), key);
    if (!created.ok()) return HideNotFound(created.status(), request.parent());
    LogInfo("sending_domain_created", {{"domain", created->name()}, {"selector", created->dkim_selector()}});
    return created;
  }

  const ApiContext* const api_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeSendingDomainService(const ApiContext* api) {
  return std::make_unique<SendingDomainService>(api);
}

}  // namespace wavepost
