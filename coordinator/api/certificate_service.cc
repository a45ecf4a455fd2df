// CertificateService: S/MIME certificates. Keys go in, sealed, and never come out.
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "coordinator/api/api_context.h"
#include "coordinator/api/call.h"
#include "coordinator/api/certificate_check.h"
#include "coordinator/api/request.h"
#include "coordinator/api/services.h"
#include "coordinator/base/log.h"
#include "coordinator/names/resource_names.h"
#include "wavepost/v1/certificates_service.grpc.pb.h"

namespace wavepost {
namespace {

constexpr std::string_view kCertificatePattern = "tenants/{tenant}/certificates/{sha256}";

class CertificateService final : public v1::CertificateService::CallbackService {
 public:
  explicit CertificateService(const ApiContext* api) : api_(api) {}

  grpc::ServerUnaryReactor* CreateCertificate(grpc::CallbackServerContext* context,
                                              const v1::CreateCertificateRequest* request,
                                              v1::Certificate* response) override {
    return Call(api_, context, response, [this, request](const Caller& caller) { return Create(caller, *request); });
  }

  grpc::ServerUnaryReactor* GetCertificate(grpc::CallbackServerContext* context,
                                           const v1::GetCertificateRequest* request,
                                           v1::Certificate* response) override {
    return Call(api_, context, response, [this, request](const Caller& caller) -> absl::StatusOr<v1::Certificate> {
      ASSIGN_OR_RETURN(const CertificateName name,
                       ParseName<CertificateName>(caller, "name", kCertificatePattern, request->name()));
      auto stored = api_->store->GetCertificate(name.ToString());
      if (!stored.ok()) return HideNotFound(stored.status(), request->name());
      return std::move(*stored->mutable_certificate());
    });
  }

  grpc::ServerUnaryReactor* ListCertificates(grpc::CallbackServerContext* context,
                                             const v1::ListCertificatesRequest* request,
                                             v1::ListCertificatesResponse* response) override {
    return Call(api_, context, response,
                [this, request](const Caller& caller) -> absl::StatusOr<v1::ListCertificatesResponse> {
                  ASSIGN_OR_RETURN(const TenantName parent,
                                   ParseName<TenantName>(caller, "parent", "tenants/{tenant}", request->parent()));
                  const std::string listing = absl::StrCat("certificates of ", parent.ToString());
                  ASSIGN_OR_RETURN(const int size, CheckedPageSize(request->page_size()));
                  ASSIGN_OR_RETURN(const std::string cursor, PageCursor(listing, request->page_token()));
                  ASSIGN_OR_RETURN(auto page, api_->store->ListCertificates(parent.ToString(), size, cursor));
                  v1::ListCertificatesResponse out;
                  for (auto& stored : page.items) *out.add_certificates() = std::move(*stored.mutable_certificate());
                  out.set_next_page_token(PageToken(listing, page.next));
                  return out;
                });
  }

  grpc::ServerUnaryReactor* DeleteCertificate(grpc::CallbackServerContext* context,
                                              const v1::DeleteCertificateRequest* request,
                                              v1::DeleteCertificateResponse* response) override {
    return Call(api_, context, response,
                [this, request](const Caller& caller) -> absl::StatusOr<v1::DeleteCertificateResponse> {
                  ASSIGN_OR_RETURN(const CertificateName name,
                                   ParseName<CertificateName>(caller, "name", kCertificatePattern, request->name()));
                  const absl::Status deleted = api_->store->DeleteCertificate(name.ToString());
                  if (!deleted.ok()) return HideNotFound(deleted, request->name());
                  LogInfo("certificate_deleted", {{"certificate", request->name()}});
                  return v1::DeleteCertificateResponse();
                });
  }

 private:
  absl::StatusOr<v1::Certificate> Create(const Caller& caller, const v1::CreateCertificateRequest& request) {
    ASSIGN_OR_RETURN(const TenantName parent,
                     ParseName<TenantName>(caller, "parent", "tenants/{tenant}", request.parent()));
    ASSIGN_OR_RETURN(auto stored, CheckCertificate(request, parent, *api_->sealer, api_->clock->Now()));
    auto created = api_->store->CreateCertificate(parent.ToString(), std::move(stored));
    if (!created.ok()) return HideNotFound(created.status(), request.parent());
    LogInfo("certificate_created", {{"certificate", created->name()}, {"addresses", created->addresses_size()}});
    return created;
  }

  const ApiContext* const api_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeCertificateService(const ApiContext* api) {
  return std::make_unique<CertificateService>(api);
}

}  // namespace wavepost
