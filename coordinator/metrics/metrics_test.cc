#include "coordinator/metrics/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include "absl/strings/str_cat.h"
#include "coordinator/store/proto_time.h"
#include "coordinator/store/store_test_util.h"

namespace wavepost {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class MetricsTest : public StoreTest {
 protected:
  void SetUp() override {
    Open();
    ASSERT_TRUE(MakeDraft(store_.get()).ok());
  }

  void StoreIdentity() {
    const auto change = [&](cluster::v1::StoredIdentity* stored, std::vector<v1::Event>*) {
      v1::Identity& identity = *stored->mutable_identity();
      identity.Clear();
      *identity.mutable_check_time() = ToProtoTime(clock_.Now() - absl::Seconds(90));
      v1::EgressCheck* ip = identity.add_egress_ips();
      ip->set_address("192.0.2.1");
      ip->set_reverse_state(v1::RecordCheck::OK);
      for (const auto& [zone, state] :
           {std::pair{"bl.example", v1::Listing::LISTED}, {"rbl.example", v1::Listing::NO_ANSWER}}) {
        ip->add_listings()->set_zone(zone);
        ip->mutable_listings()->rbegin()->set_state(state);
      }
      ip = identity.add_egress_ips();
      ip->set_address("192.0.2.2");
      ip->set_reverse_state(v1::RecordCheck::MISSING);
      ip = identity.add_egress_ips();
      ip->set_address("127.0.0.1");
      ip->set_reverse_state(v1::RecordCheck::UNKNOWN);
      for (const auto state : {v1::RecordCheck::OK, v1::RecordCheck::WRONG, v1::RecordCheck::OK}) {
        v1::RecordCheck* check = identity.add_checks();
        check->set_state(state);
        check->mutable_record()->set_owner("bounce.mail.example");
        check->mutable_record()->set_type("MX");
      }
      return absl::OkStatus();
    };
    ASSERT_TRUE(store_->ChangeIdentity(change).ok());
  }
};

TEST_F(MetricsTest, SaysHowThingsStand) {
  StoreIdentity();
  cluster::v1::StoredSendingDomain domain;
  domain.mutable_domain()->set_name(absl::StrCat(kTenant, "/sendingDomains/customer.example"));
  domain.mutable_domain()->set_state(v1::SendingDomain::LOST);
  ASSERT_TRUE(store_->CreateSendingDomain(kTenant, domain, {}).ok());
  cluster::v1::StoredCertificate certificate;
  certificate.mutable_certificate()->set_name(absl::StrCat(kTenant, "/certificates/c1"));
  *certificate.mutable_certificate()->mutable_not_after() = ToProtoTime(clock_.Now() + absl::Hours(1));
  ASSERT_TRUE(store_->CreateCertificate(kTenant, certificate).ok());
  const std::string text = Metrics(store_.get(), &clock_).Text();
  for (const char* line :
       {"wavepost_egress_ip_listed{address=\"192.0.2.1\",zone=\"bl.example\"} 1",
        "wavepost_egress_ip_listings{address=\"192.0.2.1\"} 1", "wavepost_egress_ip_listings{address=\"192.0.2.2\"} 0",
        "wavepost_egress_ip_reverse_ok{address=\"192.0.2.1\"} 1",
        "wavepost_egress_ip_reverse_ok{address=\"192.0.2.2\"} 0",
        "wavepost_identity_record_ok{owner=\"bounce.mail.example\",type=\"MX\"} 0",
        "wavepost_identity_check_age_seconds 90",
        "wavepost_sending_domain_state{tenant=\"acme\",domain=\"customer.example\",state=\"lost\"} 1",
        "wavepost_sending_domain_state{tenant=\"acme\",domain=\"customer.example\",state=\"verified\"} 0",
        "wavepost_certificate_expires_seconds{tenant=\"acme\",certificate=\"c1\"} 3600",
        "wavepost_metrics_truncated 0"}) {
    EXPECT_THAT(text, HasSubstr(absl::StrCat("\n", line))) << text;
  }
  EXPECT_THAT(text, Not(HasSubstr("rbl.example")));
  EXPECT_THAT(text, Not(HasSubstr("reverse_ok{address=\"127.0.0.1\"}")));
}

TEST_F(MetricsTest, CountsWhatCameBack) {
  Running(1);
  cluster::v1::BounceReport stranger = Returned(3, 0, v1::SOFT);
  stranger.clear_recipient_id();
  cluster::v1::BounceReport lost = Returned(4, 99, v1::HARD);
  ASSERT_TRUE(ApplyBounces(store_.get(), {Returned(1, 0, v1::HARD), Returned(2, 0, v1::HARD), stranger, lost}).ok());
  const std::string text = Metrics(store_.get(), &clock_).Text();
  EXPECT_THAT(text, HasSubstr("# TYPE wavepost_reports_total counter"));
  EXPECT_THAT(text, HasSubstr("wavepost_reports_total{class=\"hard\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("wavepost_reports_unattributed_total{class=\"soft\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("wavepost_reports_unknown_recipient_total 1\n"));
}

// Classes of a newer bouncer share a label, and two series of one name would make the whole page unreadable.
TEST_F(MetricsTest, UnknownClassesAreOneSeries) {
  std::vector<cluster::v1::BounceReport> reports;
  for (const int unknown : {77, 78, 78}) {
    reports.push_back(Returned(static_cast<int64_t>(reports.size()) + 1, 0, static_cast<v1::BounceClass>(unknown)));
    reports.back().clear_recipient_id();
  }
  ASSERT_TRUE(ApplyBounces(store_.get(), reports).ok());
  const std::string text = Metrics(store_.get(), &clock_).Text();
  EXPECT_THAT(text, HasSubstr("wavepost_reports_unattributed_total{class=\"unknown\"} 3\n"));
}

TEST_F(MetricsTest, ServesOverHttpAndReadsAnew) {
  Metrics metrics(store_.get(), &clock_);
  ASSERT_TRUE(metrics.Start("127.0.0.1:0").ok());
  httplib::Client client("127.0.0.1", metrics.port());
  auto answer = client.Get("/metrics");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_THAT(answer->get_header_value("Content-Type"), HasSubstr("text/plain"));
  EXPECT_THAT(answer->body, Not(HasSubstr("192.0.2.1")));
  StoreIdentity();
  EXPECT_THAT(client.Get("/metrics")->body, Not(HasSubstr("192.0.2.1"))) << "kept for some seconds";
  clock_.Advance(absl::Seconds(5));
  EXPECT_THAT(client.Get("/metrics")->body, HasSubstr("192.0.2.1"));
  const int port = metrics.port();
  Metrics second(store_.get(), &clock_);
  const absl::Status taken = second.Start(absl::StrCat("127.0.0.1:", port));
  EXPECT_TRUE(absl::IsUnavailable(taken)) << taken;
  metrics.Stop();
  metrics.Stop();
  EXPECT_FALSE(httplib::Client("127.0.0.1", port).Get("/metrics"));
}

TEST_F(MetricsTest, RefusesWhatIsNoAddress) {
  Metrics metrics(store_.get(), &clock_);
  for (const char* bad : {"", "9090", ":9090", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(metrics.Start(bad))) << bad;
  }
}

TEST_F(MetricsTest, ReportsOfStrangersAreCounted) {
  cluster::v1::BounceReport report;
  report.set_sequence(1);
  report.mutable_dmarc()->set_domain("stranger.example");
  report.mutable_dmarc()->mutable_begin_time()->set_seconds(absl::ToUnixSeconds(clock_.Now()));
  report.mutable_dmarc()->mutable_end_time()->set_seconds(absl::ToUnixSeconds(clock_.Now()));
  ASSERT_TRUE(ApplyBounces(store_.get(), {report}).ok());
  report.set_sequence(2);
  report.mutable_dmarc()->set_domain("bounce.example");
  v1::DmarcRow* const row = report.mutable_dmarc()->add_rows();
  row->set_source_ip("203.0.113.9");
  row->set_count(5);
  ASSERT_TRUE(ApplyBounces(store_.get(), {report}).ok());
  const std::string text = Metrics(store_.get(), &clock_).Text();
  for (const char* name :
       {"wavepost_aggregate_reports_total", "wavepost_dmarc_messages_total", "wavepost_tls_report_sessions_total"}) {
    EXPECT_THAT(text, HasSubstr(absl::StrCat("# TYPE ", name, " counter\n")));
    EXPECT_LT(text.find(name), text.find("wavepost_sending_domain_state")) << "what has no limit would cut it off";
  }
  EXPECT_THAT(text, HasSubstr("wavepost_aggregate_reports_total{fate=\"foreign\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("wavepost_aggregate_reports_total{fate=\"entered\"} 1\n"));
  EXPECT_THAT(
      text,
      HasSubstr("wavepost_dmarc_messages_total{domain=\"bounce.example\",result=\"failed\",source=\"others\"} 5\n"));
}

}  // namespace
}  // namespace wavepost
