#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "coordinator/api/api_context.h"
#include "coordinator/api/services.h"
#include "coordinator/store/proto_time.h"
#include "coordinator/store/store_test_util.h"
#include "wavepost/v1/reports_service.grpc.pb.h"

namespace wavepost {
namespace {

using ::testing::HasSubstr;
using Stub = v1::ReportService::Stub;

constexpr char kReportOperator[] = "operator-secret-0123456789";
constexpr char kAcmeSecret[] = "wp_acme";
constexpr char kOtherSecret[] = "wp_other";
constexpr char kParent[] = "tenants/acme/sendingDomains/example.com";

// The service behind a real server, without a socket.
class ReportServiceTest : public StoreTest {
 protected:
  void SetUp() override {
    Open();
    ASSERT_TRUE(MakeDraft(store_.get()).ok());
    v1::Tenant other;
    other.set_name("tenants/other");
    ASSERT_TRUE(store_->CreateTenant(other, {"o", "o"}).ok());
    Key(kTenant, kAcmeSecret);
    Key("tenants/other", kOtherSecret);
    Domain(kTenant, "example.com", v1::SendingDomain::VERIFIED);
    Domain("tenants/other", "other.example", v1::SendingDomain::VERIFIED);
    Domain("tenants/other", "example.com", v1::SendingDomain::UNVERIFIED);
    clock_.Advance(absl::FromUnixSeconds(1'700'006'400) - clock_.Now());
    auth_ = std::make_unique<Authenticator>(store_.get(), std::vector<std::string>{Sha256(kReportOperator)});
    api_.store = store_.get();
    api_.auth = auth_.get();
    api_.clock = &clock_;
    api_.calls = &calls_;
    service_ = MakeReportService(&api_);
    grpc::ServerBuilder builder;
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    stub_ = v1::ReportService::NewStub(server_->InProcessChannel({}));
    Enter();
  }

  void TearDown() override {
    server_->Shutdown();
    server_->Wait();
    calls_.Stop();
  }

  void Key(std::string_view tenant, std::string_view secret) {
    cluster::v1::StoredApiKey key;
    key.set_name("k");
    key.set_secret_sha256(Sha256(secret));
    ASSERT_TRUE(store_->AddApiKey(tenant, key).ok());
  }

  void Domain(std::string_view tenant, std::string_view domain, v1::SendingDomain::State state) {
    cluster::v1::StoredSendingDomain stored;
    stored.mutable_domain()->set_name(absl::StrCat(std::string(tenant), "/sendingDomains/", std::string(domain)));
    stored.mutable_domain()->set_state(state);
    ASSERT_TRUE(store_->CreateSendingDomain(tenant, stored, {}).ok());
  }

  // Three sources of example.com, in three reports; TLS of bounce.example.
  void Enter() {
    std::vector<cluster::v1::BounceReport> reports;
    for (int i = 1; i <= 3; ++i) {
      cluster::v1::BounceReport& report = reports.emplace_back();
      report.set_sequence(i);
      v1::DmarcReport* const dmarc = report.mutable_dmarc();
      dmarc->set_org_name("google.com");
      dmarc->set_report_id(absl::StrCat(i));
      dmarc->set_domain("example.com");
      *dmarc->mutable_begin_time() = ToProtoTime(clock_.Now() - absl::Hours(24 * i));
      *dmarc->mutable_end_time() = ToProtoTime(clock_.Now() - absl::Hours(24 * i - 24));
      v1::DmarcRow* const row = dmarc->add_rows();
      row->set_source_ip(absl::StrCat("192.0.2.", i));
      row->set_count(i);
      row->set_dkim_aligned(i != 2);
    }
    cluster::v1::BounceReport& report = reports.emplace_back();
    report.set_sequence(4);
    v1::TlsReport* const tls = report.mutable_tls();
    *tls->mutable_begin_time() = ToProtoTime(clock_.Now() - absl::Hours(24));
    *tls->mutable_end_time() = ToProtoTime(clock_.Now());
    v1::TlsPolicyResult* const policy = tls->add_policies();
    policy->set_policy_domain("bounce.example");
    policy->set_failed_sessions(7);
    ASSERT_TRUE(ApplyBounces(store_.get(), reports).ok());
  }

  template <class Method, class Request, class Response>
  grpc::Status Ask(const std::string& secret, Method method, const Request& request, Response* response) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", "Bearer " + secret);
    return (stub_.get()->*method)(&context, request, response);
  }

  // "ip passed/messages" of a page; the next page's token goes to `token`.
  std::string Sources(const std::string& secret, const std::string& parent, int days = 0, int size = 0,
                      std::string* token = nullptr) {
    v1::ListDmarcSourcesRequest request;
    request.set_parent(parent);
    request.set_days(days);
    request.set_page_size(size);
    if (token != nullptr) request.set_page_token(*token);
    v1::ListDmarcSourcesResponse response;
    const grpc::Status status = Ask(secret, &Stub::ListDmarcSources, request, &response);
    if (!status.ok()) return absl::StrCat("error ", static_cast<int>(status.error_code()), " ", status.error_message());
    std::string out = absl::StrCat(response.passed(), "/", response.messages());
    for (const v1::DmarcSource& source : response.sources()) {
      absl::StrAppend(&out, " ", source.source_ip(), " ", source.passed(), "/", source.messages());
    }
    if (token != nullptr) *token = response.next_page_token();
    return out;
  }

  WorkerPool calls_{2, 10};
  std::unique_ptr<Authenticator> auth_;
  ApiContext api_;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Stub> stub_;
};

TEST_F(ReportServiceTest, SourcesMostFirst) {
  const std::string all = "4/6 192.0.2.3 3/3 192.0.2.2 0/2 192.0.2.1 1/1";
  EXPECT_EQ(Sources(kAcmeSecret, kParent), all);
  EXPECT_EQ(Sources(kReportOperator, kParent), all);
  EXPECT_EQ(Sources(kReportOperator, "domains/example.com"), all);
  EXPECT_EQ(Sources(kReportOperator, "domains/EXAMPLE.com"), all);
  EXPECT_EQ(Sources(kAcmeSecret, kParent, 2), "1/1 192.0.2.1 1/1");
  EXPECT_EQ(Sources(kReportOperator, "domains/unheard-of.example"), "0/0");
}

TEST_F(ReportServiceTest, SourcesInPages) {
  std::string token;
  EXPECT_EQ(Sources(kAcmeSecret, kParent, 0, 2, &token), "4/6 192.0.2.3 3/3 192.0.2.2 0/2");
  ASSERT_FALSE(token.empty());
  std::string elsewhere = token;
  EXPECT_THAT(Sources(kAcmeSecret, kParent, 7, 2, &elsewhere), HasSubstr("error 3"));
  EXPECT_EQ(Sources(kAcmeSecret, kParent, 0, 2, &token), "4/6 192.0.2.1 1/1");
  EXPECT_TRUE(token.empty());
}

TEST_F(ReportServiceTest, WhoMaySeeWhat) {
  const std::string not_found = "error 5";
  EXPECT_THAT(Sources(kOtherSecret, kParent), HasSubstr(not_found));
  EXPECT_THAT(Sources(kAcmeSecret, "domains/example.com"), HasSubstr(not_found));
  EXPECT_THAT(Sources(kAcmeSecret, "domains/bounce.example"), HasSubstr(not_found));
  EXPECT_THAT(Sources(kAcmeSecret, "tenants/acme/sendingDomains/none.example"), HasSubstr(not_found));
  // To name somebody's domain is not to own it.
  EXPECT_THAT(Sources(kOtherSecret, "tenants/other/sendingDomains/example.com"), HasSubstr("not verified"));
  EXPECT_EQ(Sources(kOtherSecret, "tenants/other/sendingDomains/other.example"), "0/0");
  EXPECT_THAT(Sources("wp_nobody", kParent), HasSubstr("error 16"));
}

TEST_F(ReportServiceTest, ALostDomainThatIsSomebodyElsesNow) {
  const auto change = [&](const std::string& name, v1::SendingDomain::State state) {
    ASSERT_TRUE(store_
                    ->ChangeSendingDomain(name,
                                          [&](cluster::v1::StoredSendingDomain* stored, std::vector<v1::Event>*) {
                                            stored->mutable_domain()->set_state(state);
                                            return absl::OkStatus();
                                          })
                    .ok());
  };
  const std::string theirs = "tenants/other/sendingDomains/example.com";
  change(kParent, v1::SendingDomain::LOST);
  EXPECT_THAT(Sources(kAcmeSecret, kParent), HasSubstr("4/6 ")) << "nobody else's";
  change(theirs, v1::SendingDomain::LOST);
  EXPECT_THAT(Sources(kAcmeSecret, kParent), HasSubstr("4/6 ")) << "nobody else's";
  change(theirs, v1::SendingDomain::VERIFIED);
  EXPECT_THAT(Sources(kAcmeSecret, kParent), HasSubstr("error 9"));
  EXPECT_THAT(Sources(kAcmeSecret, kParent), HasSubstr("others have verified it since"));
  EXPECT_THAT(Sources(kOtherSecret, theirs), HasSubstr("4/6 "));
  v1::ListTlsResultsRequest tls;
  tls.set_parent(kParent);
  v1::ListTlsResultsResponse results;
  EXPECT_EQ(Ask(kAcmeSecret, &Stub::ListTlsResults, tls, &results).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  v1::ListAggregateReportsRequest list;
  list.set_parent(kParent);
  v1::ListAggregateReportsResponse reports;
  EXPECT_EQ(Ask(kAcmeSecret, &Stub::ListAggregateReports, list, &reports).error_code(),
            grpc::StatusCode::FAILED_PRECONDITION);
  change(kParent, v1::SendingDomain::VERIFIED);
  EXPECT_THAT(Sources(kAcmeSecret, kParent), HasSubstr("4/6 "));
}

TEST_F(ReportServiceTest, ChecksWhatIsAsked) {
  const std::string invalid = "error 3";
  EXPECT_THAT(Sources(kAcmeSecret, "tenants/acme"), HasSubstr(invalid));
  EXPECT_THAT(Sources(kReportOperator, "domains/"), HasSubstr(invalid));
  EXPECT_THAT(Sources(kReportOperator, "domains/a b"), HasSubstr(invalid));
  EXPECT_THAT(Sources(kAcmeSecret, kParent, 401), HasSubstr(invalid));
  EXPECT_THAT(Sources(kAcmeSecret, kParent, -1), HasSubstr(invalid));
  EXPECT_THAT(Sources(kAcmeSecret, kParent, 0, -1), HasSubstr(invalid));
}

TEST_F(ReportServiceTest, TlsAndReports) {
  v1::ListTlsResultsRequest tls;
  tls.set_parent("domains/bounce.example");
  v1::ListTlsResultsResponse results;
  ASSERT_TRUE(Ask(kReportOperator, &Stub::ListTlsResults, tls, &results).ok());
  EXPECT_EQ(results.failed_sessions(), 7);
  EXPECT_EQ(Ask(kAcmeSecret, &Stub::ListTlsResults, tls, &results).error_code(), grpc::StatusCode::NOT_FOUND);

  v1::ListAggregateReportsRequest list;
  list.set_parent(kParent);
  list.set_page_size(2);
  v1::ListAggregateReportsResponse reports;
  ASSERT_TRUE(Ask(kAcmeSecret, &Stub::ListAggregateReports, list, &reports).ok());
  EXPECT_EQ(reports.reports_size(), 2);
  list.set_page_token(reports.next_page_token());
  ASSERT_FALSE(list.page_token().empty());
  v1::ListAggregateReportsResponse rest;
  ASSERT_TRUE(Ask(kAcmeSecret, &Stub::ListAggregateReports, list, &rest).ok());
  EXPECT_EQ(rest.reports_size(), 1);
  EXPECT_TRUE(rest.next_page_token().empty());
  EXPECT_EQ(Ask(kOtherSecret, &Stub::ListAggregateReports, list, &rest).error_code(), grpc::StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace wavepost
