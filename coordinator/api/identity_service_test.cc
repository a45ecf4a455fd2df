#include "coordinator/api/identity_service.h"

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <memory>

#include "common/dns/zone_resolver.h"
#include "common/seal/seal.h"
#include "coordinator/api/api_context.h"
#include "coordinator/api/services.h"
#include "coordinator/base/dns_client.h"
#include "coordinator/identity/identity_keeper.h"
#include "coordinator/store/store_test_util.h"
#include "wavepost/v1/identity_service.grpc.pb.h"

namespace wavepost {
namespace {

using ::testing::HasSubstr;

constexpr char kOperator[] = "operator-secret-0123456789";
constexpr char kTenantSecret[] = "wp_tenant";

// The service behind a real server, without a socket.
class IdentityServiceTest : public StoreTest {
 protected:
  void SetUp() override {
    Open();
    ASSERT_TRUE(MakeDraft(store_.get()).ok());
    cluster::v1::StoredApiKey key;
    key.set_name("k");
    key.set_secret_sha256(Sha256(kTenantSecret));
    ASSERT_TRUE(store_->AddApiKey(kTenant, key).ok());
    v1::Tenant other;
    other.set_name("tenants/other");
    ASSERT_TRUE(store_->CreateTenant(other, {"o", "o"}).ok());
    auth_ = std::make_unique<Authenticator>(store_.get(), std::vector<std::string>{Sha256(kOperator)});
    dns_ = DnsClient::StartWith([] { return *ZoneResolver::Parse(""); });
    ours_ = {"mail.example", "bounce.mail.example", {"mx.mail.example"}};
    keeper_ = std::make_unique<IdentityKeeper>(IdentityKeeper::Needs{
        .store = store_.get(), .dns = dns_.get(), .clock = &clock_, .sealer = &sealer_, .ours = ours_, .zones = {}});
    api_.store = store_.get();
    api_.auth = auth_.get();
    api_.clock = &clock_;
    api_.calls = &calls_;
    api_.slow_calls = &calls_;
    api_.identity = keeper_.get();
    api_.ours = ours_;
    service_ = MakeIdentityService(&api_);
    grpc::ServerBuilder builder;
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    stub_ = v1::IdentityService::NewStub(server_->InProcessChannel({}));
  }

  void TearDown() override {
    server_->Shutdown();
    server_->Wait();
    calls_.Stop();
    keeper_.reset();
    dns_->Stop();
  }

  template <class Method, class Request, class Response>
  grpc::Status Ask(const std::string& secret, Method method, const Request& request, Response* response) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", "Bearer " + secret);
    return (stub_.get()->*method)(&context, request, response);
  }
  grpc::Status Sheet(const std::string& secret, const std::string& parent, const std::string& language,
                     const std::string& format) {
    v1::GetAllowListSheetRequest request;
    request.set_parent(parent);
    request.set_language(language);
    request.set_format(format);
    return Ask(secret, &v1::IdentityService::Stub::GetAllowListSheet, request, &sheet_);
  }

  const Sealer sealer_ = Sealer::ForTest();
  WorkerPool calls_{2, 10};
  OurNames ours_;
  std::unique_ptr<Authenticator> auth_;
  std::unique_ptr<DnsClient> dns_;
  std::unique_ptr<IdentityKeeper> keeper_;
  ApiContext api_;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::IdentityService::Stub> stub_;
  v1::AllowListSheet sheet_;
};

TEST_F(IdentityServiceTest, IdentityIsForOperators) {
  ASSERT_TRUE(keeper_->Start().ok());
  v1::Identity identity;
  using Stub = v1::IdentityService::Stub;
  EXPECT_EQ(Ask(kTenantSecret, &Stub::GetIdentity, v1::GetIdentityRequest(), &identity).error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Ask(kTenantSecret, &Stub::CheckIdentity, v1::CheckIdentityRequest(), &identity).error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Ask("wrong", &Stub::GetIdentity, v1::GetIdentityRequest(), &identity).error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
  ASSERT_TRUE(Ask(kOperator, &Stub::GetIdentity, v1::GetIdentityRequest(), &identity).ok());
  EXPECT_GT(identity.dns_records_size(), 0);
  EXPECT_FALSE(identity.has_check_time());
  ASSERT_TRUE(Ask(kOperator, &Stub::CheckIdentity, v1::CheckIdentityRequest(), &identity).ok());
  EXPECT_TRUE(identity.has_check_time());
  EXPECT_EQ(identity.checks_size(), identity.dns_records_size());
}

TEST_F(IdentityServiceTest, WithoutDomainItSaysWhatToConfigure) {
  IdentityKeeper none(IdentityKeeper::Needs{.store = store_.get(), .dns = dns_.get()});
  api_.identity = &none;
  v1::Identity identity;
  const grpc::Status status =
      Ask(kOperator, &v1::IdentityService::Stub::GetIdentity, v1::GetIdentityRequest(), &identity);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("identity.domain"));
  api_.identity = keeper_.get();
  EXPECT_TRUE(Sheet(kOperator, kTenant, "", "").ok());
}

TEST_F(IdentityServiceTest, TenantsSeeTheirOwnSheetOnly) {
  EXPECT_TRUE(Sheet(kTenantSecret, kTenant, "", "").ok());
  EXPECT_EQ(sheet_.content_type(), "text/markdown");
  EXPECT_THAT(sheet_.text(), HasSubstr("How to let in mail"));
  EXPECT_TRUE(Sheet(kTenantSecret, kTenant, "de", "html").ok());
  EXPECT_EQ(sheet_.content_type(), "text/html");
  EXPECT_THAT(sheet_.text(), HasSubstr("<html lang=\"de\">"));
  EXPECT_EQ(Sheet(kTenantSecret, "tenants/other", "", "").error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_TRUE(Sheet(kOperator, "tenants/other", "", "").ok());
  const grpc::Status strange = Sheet(kOperator, "tenants/nobody", "", "");
  EXPECT_EQ(strange.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Sheet(kTenantSecret, "tenants/nobody", "", "").error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(IdentityServiceTest, LanguageAndFormatAreChecked) {
  for (const auto& [parent, language, format] :
       {std::tuple{kTenant, "fr", ""}, {kTenant, "", "pdf"}, {kTenant, "DE", "md"}, {"acme", "", ""}}) {
    EXPECT_EQ(Sheet(kOperator, parent, language, format).error_code(), grpc::StatusCode::INVALID_ARGUMENT) << language;
  }
}

}  // namespace
}  // namespace wavepost
