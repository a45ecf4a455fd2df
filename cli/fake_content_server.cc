#include "cli/fake_content_server.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/content_id.h"
#include "cli/fake_server.h"
#include "common/rpc/status.h"
#include "wavepost/v1/certificates_service.grpc.pb.h"
#include "wavepost/v1/domains_service.grpc.pb.h"
#include "wavepost/v1/files_service.grpc.pb.h"
#include "wavepost/v1/identity_service.grpc.pb.h"
#include "wavepost/v1/nodes_service.grpc.pb.h"
#include "wavepost/v1/reports_service.grpc.pb.h"
#include "wavepost/v1/tenants_service.grpc.pb.h"

namespace wavepost::cli {
namespace {

template <class Message>
grpc::Status Find(const std::map<std::string, Message>& things, const std::string& name, Message* out) {
  const auto it = things.find(name);
  if (it == things.end()) return FakeNotFound(name);
  *out = it->second;
  return grpc::Status::OK;
}

// One to a page, by name.
template <class Message, class Request, class Add>
void Page(const std::map<std::string, Message>& things, const Request& request, std::string* token, Add&& add) {
  const auto it = things.upper_bound(request.page_token());
  if (it == things.end()) return;
  add(it->second);
  if (std::next(it) != things.end()) *token = it->first;
}

class FakeTenants final : public v1::TenantService::Service {
 public:
  explicit FakeTenants(FakeContent* content) : content_(*content) {}

  grpc::Status CreateTenant(grpc::ServerContext*, const v1::CreateTenantRequest* request, v1::Tenant* out) override {
    *out = request->tenant();
    out->set_name("tenants/" + request->tenant_id());
    content_.tenants[out->name()] = *out;
    return grpc::Status::OK;
  }
  grpc::Status GetTenant(grpc::ServerContext*, const v1::GetTenantRequest* request, v1::Tenant* out) override {
    const auto it = content_.tenants.find(request->name());
    if (it == content_.tenants.end()) return FakeNotFound(request->name());
    *out = it->second;
    return grpc::Status::OK;
  }
  grpc::Status ListTenants(grpc::ServerContext*, const v1::ListTenantsRequest* request,
                           v1::ListTenantsResponse* out) override {
    Page(content_.tenants, *request, out->mutable_next_page_token(),
         [out](const v1::Tenant& tenant) { *out->add_tenants() = tenant; });
    return grpc::Status::OK;
  }
  grpc::Status UpdateTenant(grpc::ServerContext*, const v1::UpdateTenantRequest* request, v1::Tenant* out) override {
    const auto it = content_.tenants.find(request->tenant().name());
    if (it == content_.tenants.end()) return FakeNotFound(request->tenant().name());
    content_.masks.push_back(absl::StrJoin(request->update_mask().paths(), ","));
    for (const std::string& path : request->update_mask().paths()) {
      if (path == "display_name") it->second.set_display_name(request->tenant().display_name());
      if (path == "weight") it->second.set_weight(request->tenant().weight());
      if (path == "suppression_policy") {
        *it->second.mutable_suppression_policy() = request->tenant().suppression_policy();
      }
      if (path == "fallback_from_address") {
        it->second.set_fallback_from_address(request->tenant().fallback_from_address());
      }
    }
    *out = it->second;
    return grpc::Status::OK;
  }

 private:
  FakeContent& content_;
};

class FakeDomains final : public v1::SendingDomainService::Service {
 public:
  explicit FakeDomains(FakeContent* content) : content_(*content) {}

  grpc::Status CreateSendingDomain(grpc::ServerContext*, const v1::CreateSendingDomainRequest* request,
                                   v1::SendingDomain* out) override {
    out->set_name(absl::StrCat(request->parent(), "/sendingDomains/", request->domain()));
    if (content_.domains.contains(out->name())) {
      return ToGrpc(ApiError(absl::StatusCode::kAlreadyExists, "ALREADY_EXISTS", out->name() + ": is there already"));
    }
    out->set_state(v1::SendingDomain::UNVERIFIED);
    out->set_mode(request->mode() == v1::SendingDomain::CNAME ? v1::SendingDomain::CNAME : v1::SendingDomain::TXT);
    out->set_dkim_selector("wp20260101");
    for (const v1::DnsRecord& record : content_.records) *out->add_dns_records() = record;
    content_.domains[out->name()] = *out;
    return grpc::Status::OK;
  }
  grpc::Status GetSendingDomain(grpc::ServerContext*, const v1::GetSendingDomainRequest* request,
                                v1::SendingDomain* out) override {
    return Find(content_.domains, request->name(), out);
  }
  grpc::Status ListSendingDomains(grpc::ServerContext*, const v1::ListSendingDomainsRequest* request,
                                  v1::ListSendingDomainsResponse* out) override {
    Page(content_.domains, *request, out->mutable_next_page_token(),
         [out](const v1::SendingDomain& domain) { *out->add_sending_domains() = domain; });
    return grpc::Status::OK;
  }
  grpc::Status VerifySendingDomain(grpc::ServerContext*, const v1::VerifySendingDomainRequest* request,
                                   v1::SendingDomain* out) override {
    ++content_.verifications;
    if (const grpc::Status status = Find(content_.domains, request->name(), out); !status.ok()) return status;
    if (!content_.broken_looks.empty()) {
      const std::string reason = std::exchange(content_.broken_looks.front(), "");
      content_.broken_looks.pop_front();
      return ToGrpc(ApiError(absl::StatusCode::kResourceExhausted, reason, "too many verifications under way"));
    }
    if (content_.looks.empty()) return grpc::Status::OK;
    *out = content_.looks.front();
    out->set_name(request->name());
    if (content_.looks.size() > 1) content_.looks.pop_front();
    return grpc::Status::OK;
  }
  grpc::Status RotateDkimKeys(grpc::ServerContext*, const v1::RotateDkimKeysRequest* request,
                              v1::SendingDomain* out) override {
    const auto it = content_.domains.find(request->name());
    if (it == content_.domains.end()) return FakeNotFound(request->name());
    it->second.set_dkim_selector("wp20260201");
    *out = it->second;
    return grpc::Status::OK;
  }
  grpc::Status DeleteSendingDomain(grpc::ServerContext*, const v1::DeleteSendingDomainRequest* request,
                                   v1::DeleteSendingDomainResponse*) override {
    return content_.domains.erase(request->name()) == 1 ? grpc::Status::OK : FakeNotFound(request->name());
  }

 private:
  FakeContent& content_;
};

class FakeFiles final : public v1::FileService::Service {
 public:
  explicit FakeFiles(FakeContent* content) : content_(*content) {}

  grpc::Status UploadFile(grpc::ServerContext*, grpc::ServerReader<v1::UploadFileRequest>* reader,
                          v1::File* out) override {
    v1::UploadFileRequest chunk;
    std::string parent, bytes;
    while (reader->Read(&chunk)) {
      if (parent.empty()) parent = chunk.parent();
      content_.chunk_bytes.push_back(chunk.data().size());
      bytes += chunk.data();
      if (static_cast<int>(content_.files.size()) >= content_.files_max) {
        return ToGrpc(ApiError(absl::StatusCode::kResourceExhausted, "TOO_MANY_FILES", "the tenant has 1000 files"));
      }
    }
    out->set_name(absl::StrCat(parent, "/files/", Sha256Hex(content_.spoil_uploads ? "spoilt" : bytes)));
    out->set_size_bytes(static_cast<int64_t>(bytes.size()));
    content_.files[out->name()] = *out;
    return grpc::Status::OK;
  }
  grpc::Status ListFiles(grpc::ServerContext*, const v1::ListFilesRequest* request,
                         v1::ListFilesResponse* out) override {
    Page(content_.files, *request, out->mutable_next_page_token(),
         [out](const v1::File& file) { *out->add_files() = file; });
    return grpc::Status::OK;
  }
  grpc::Status DeleteFile(grpc::ServerContext*, const v1::DeleteFileRequest* request,
                          v1::DeleteFileResponse*) override {
    return content_.files.erase(request->name()) == 1 ? grpc::Status::OK : FakeNotFound(request->name());
  }

 private:
  FakeContent& content_;
};

class FakeCertificates final : public v1::CertificateService::Service {
 public:
  explicit FakeCertificates(FakeContent* content) : content_(*content) {}

  grpc::Status CreateCertificate(grpc::ServerContext*, const v1::CreateCertificateRequest* request,
                                 v1::Certificate* out) override {
    if (request->password() != content_.certificate_password) {
      return ToGrpc(BadFields("WRONG_PASSWORD", {{"password", "does not open the PKCS#12 file"}}));
    }
    content_.pkcs12 = request->pkcs12();
    out->set_name(absl::StrCat(request->parent(), "/certificates/", Sha256Hex(request->pkcs12())));
    out->add_addresses("jane@example.com");
    out->set_subject("CN=Jane \x1b[31mDoe");
    out->set_issuer("CN=Example CA");
    out->mutable_not_after()->set_seconds(1'800'000'000 + 86'400 * 10);
    content_.certificates[out->name()] = *out;
    return grpc::Status::OK;
  }
  grpc::Status ListCertificates(grpc::ServerContext*, const v1::ListCertificatesRequest* request,
                                v1::ListCertificatesResponse* out) override {
    Page(content_.certificates, *request, out->mutable_next_page_token(),
         [out](const v1::Certificate& certificate) { *out->add_certificates() = certificate; });
    return grpc::Status::OK;
  }
  grpc::Status DeleteCertificate(grpc::ServerContext*, const v1::DeleteCertificateRequest* request,
                                 v1::DeleteCertificateResponse*) override {
    return content_.certificates.erase(request->name()) == 1 ? grpc::Status::OK : FakeNotFound(request->name());
  }

 private:
  FakeContent& content_;
};

class FakeIdentity final : public v1::IdentityService::Service {
 public:
  explicit FakeIdentity(FakeContent* content) : content_(*content) {}

  grpc::Status GetIdentity(grpc::ServerContext*, const v1::GetIdentityRequest*, v1::Identity* out) override {
    *out = content_.identity;
    return grpc::Status::OK;
  }
  grpc::Status CheckIdentity(grpc::ServerContext*, const v1::CheckIdentityRequest*, v1::Identity* out) override {
    ++content_.identity_checks;
    *out = content_.identity;
    return grpc::Status::OK;
  }
  grpc::Status GetAllowListSheet(grpc::ServerContext*, const v1::GetAllowListSheetRequest* request,
                                 v1::AllowListSheet* out) override {
    content_.sheet_request = *request;
    out->set_text(content_.sheet);
    out->set_content_type(request->format() == "html" ? "text/html" : "text/markdown");
    return grpc::Status::OK;
  }

 private:
  FakeContent& content_;
};

class FakeNodes final : public v1::NodeService::Service {
 public:
  explicit FakeNodes(FakeContent* content) : content_(*content) {}

  grpc::Status ListNodes(grpc::ServerContext*, const v1::ListNodesRequest*, v1::ListNodesResponse* out) override {
    for (const v1::Node& node : content_.nodes) *out->add_nodes() = node;
    return grpc::Status::OK;
  }

 private:
  FakeContent& content_;
};

class FakeReports final : public v1::ReportService::Service {
 public:
  explicit FakeReports(FakeContent* content) : content_(*content) {}

  grpc::Status ListDmarcSources(grpc::ServerContext*, const v1::ListDmarcSourcesRequest* request,
                                v1::ListDmarcSourcesResponse* out) override {
    content_.report_parent = request->parent();
    content_.report_days = request->days();
    *out = content_.dmarc;
    return grpc::Status::OK;
  }

  grpc::Status ListTlsResults(grpc::ServerContext*, const v1::ListTlsResultsRequest* request,
                              v1::ListTlsResultsResponse* out) override {
    content_.report_parent = request->parent();
    content_.report_days = request->days();
    *out = content_.tls;
    return grpc::Status::OK;
  }

  grpc::Status ListAggregateReports(grpc::ServerContext*, const v1::ListAggregateReportsRequest* request,
                                    v1::ListAggregateReportsResponse* out) override {
    content_.report_parent = request->parent();
    *out = content_.reports;
    return grpc::Status::OK;
  }

 private:
  FakeContent& content_;
};

}  // namespace

void FakeServer::AddContentServices() {
  services_.push_back(std::make_unique<FakeTenants>(&content));
  services_.push_back(std::make_unique<FakeDomains>(&content));
  services_.push_back(std::make_unique<FakeFiles>(&content));
  services_.push_back(std::make_unique<FakeCertificates>(&content));
  services_.push_back(std::make_unique<FakeIdentity>(&content));
  services_.push_back(std::make_unique<FakeNodes>(&content));
  services_.push_back(std::make_unique<FakeReports>(&content));
}

}  // namespace wavepost::cli
