#include "sender/tls/tls_report.h"

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_cat.h"

namespace wavepost {
namespace {

using Json = nlohmann::json;

const absl::Time kNoon = absl::FromCivil(absl::CivilSecond(2026, 3, 1, 12, 0, 0), absl::UTCTimeZone());
const int64_t kDay = UtcDay(kNoon);
const TlsReportIdentity kIdentity{"Example Mailers", "tls@example.com", "example.com", "sender-0"};

std::shared_ptr<const ReportedPolicy> Sts() {
  return std::make_shared<ReportedPolicy>(
      ReportedPolicy{.type = "sts",
                     .strings = {"version: STSv1", "mode: testing", "mx: *.mail.a.test", "max_age: 86400"},
                     .domain = "a.test",
                     .mx = {"*.mail.a.test"}});
}

TlsSession Session(std::string failure = "", std::string mx = "mx1.mail.a.test") {
  return {.domain = "a.test",
          .policy = Sts(),
          .failure_type = std::move(failure),
          .reason = "why",
          .sending_ip = "192.0.2.1",
          .mx_host = std::move(mx),
          .receiving_ip = "192.0.2.9"};
}

// The report of RFC 8460 appendix B in our words, field by field.
TEST(TlsReport, Json) {
  TlsReportBook book{{}};
  for (int i = 0; i < 5326; ++i) book.Count(Session(), kNoon);
  for (int i = 0; i < 100; ++i) book.Count(Session("certificate-expired"), kNoon);
  for (int i = 0; i < 200; ++i) book.Count(Session("starttls-not-supported", "mx2.mail.a.test"), kNoon);
  TlsSession bare = Session("validation-failure", "");
  bare.sending_ip = bare.receiving_ip = bare.reason = "";
  book.Count(bare, kNoon);
  TlsSession other = Session();
  other.policy = std::make_shared<ReportedPolicy>(ReportedPolicy{.domain = "a.test"});
  book.Count(other, kNoon);
  const auto* state = book.Find({kDay, "a.test"});
  ASSERT_NE(state, nullptr);
  const Json want = Json::parse(R"({
    "organization-name": "Example Mailers",
    "date-range": {"start-datetime": "2026-03-01T00:00:00Z", "end-datetime": "2026-03-01T23:59:59Z"},
    "contact-info": "tls@example.com",
    "report-id": "2026-03-01T23:59:59Z_a.test_sender-0@example.com",
    "policies": [{
      "policy": {
        "policy-type": "sts",
        "policy-string": ["version: STSv1", "mode: testing", "mx: *.mail.a.test", "max_age: 86400"],
        "policy-domain": "a.test",
        "mx-host": ["*.mail.a.test"]
      },
      "summary": {"total-successful-session-count": 5326, "total-failure-session-count": 301},
      "failure-details": [{
        "result-type": "certificate-expired",
        "sending-mta-ip": "192.0.2.1",
        "receiving-mx-hostname": "mx1.mail.a.test",
        "receiving-ip": "192.0.2.9",
        "failed-session-count": 100,
        "failure-reason-code": "why"
      }, {
        "result-type": "starttls-not-supported",
        "sending-mta-ip": "192.0.2.1",
        "receiving-mx-hostname": "mx2.mail.a.test",
        "receiving-ip": "192.0.2.9",
        "failed-session-count": 200,
        "failure-reason-code": "why"
      }, {
        "result-type": "validation-failure",
        "failed-session-count": 1
      }]
    }, {
      "policy": {"policy-type": "no-policy-found", "policy-domain": "a.test"},
      "summary": {"total-successful-session-count": 1, "total-failure-session-count": 0}
    }]
  })");
  const Json got = Json::parse(TlsReportJson(*state, kIdentity, kNoon + absl::Hours(24)));
  EXPECT_EQ(got, want) << got.dump(2);
  EXPECT_EQ(Json::parse(TlsReportJson(*state, kIdentity, kNoon))["date-range"]["end-datetime"], "2026-03-01T11:59:59Z")
      << "of a day that is not over";
}

TEST(TlsReport, HostileTextStaysJson) {
  TlsReportBook book{{}};
  TlsSession session = Session("certificate-host-mismatch", "mx\xff\"\n.a.test");
  session.reason = std::string(5000, '\xfe') + "\x01\"";
  book.Count(session, kNoon);
  const std::string text = TlsReportJson(*book.Find({kDay, "a.test"}), kIdentity, kNoon);
  EXPECT_FALSE(Json::parse(text, nullptr, /*allow_exceptions=*/false).is_discarded());
  EXPECT_LT(text.size(), 4000u);
}

TEST(TlsReport, DaysAreUtc) {
  TlsReportBook book{{}};
  book.Count(Session(), kNoon + absl::Hours(12) - absl::Seconds(1));
  book.Count(Session(), kNoon + absl::Hours(12));
  EXPECT_EQ(book.Keys(), (std::vector<TlsReportBook::Key>{{kDay, "a.test"}, {kDay + 1, "a.test"}}));
  EXPECT_EQ(UtcDay(absl::UnixEpoch() - absl::Seconds(1)), -1);
}

TEST(TlsReport, Limits) {
  TlsReportBook book{{.domains_max = 2, .policies_max = 2, .failures_max = 3}};
  for (int i = 0; i < 100; ++i) {
    TlsSession session = Session("certificate-expired", absl::StrCat("mx", i, ".test"));
    session.policy = std::make_shared<ReportedPolicy>(ReportedPolicy{.type = "tlsa", .domain = absl::StrCat("mx", i)});
    book.Count(session, kNoon);
  }
  const auto* state = book.Find({kDay, "a.test"});
  ASSERT_EQ(state->policy_size(), 3) << "two, and the rest of the type";
  EXPECT_EQ(state->policy(2).failures(), 98);
  EXPECT_EQ(state->policy(2).policy_domain(), "a.test");
  ASSERT_EQ(state->policy(2).failure_size(), 4) << "three, and the rest";
  EXPECT_EQ(state->policy(2).failure(3).sessions(), 95);
  EXPECT_EQ(state->policy(2).failure(3).receiving_mx_hostname(), "");
  for (const char* domain : {"b.test", "c.test", "d.test"}) {
    TlsSession session = Session();
    session.domain = domain;
    book.Count(session, kNoon);
  }
  EXPECT_EQ(book.size(), 2u);
  EXPECT_EQ(book.sessions_lost(), 2u);
}

TEST(TlsReport, CountersComeBack) {
  TlsReportBook before{{}};
  before.Count(Session(), kNoon);
  before.Count(Session("certificate-expired"), kNoon);
  EXPECT_EQ(before.TakeChanged(), (std::vector<TlsReportBook::Key>{{kDay, "a.test"}}));
  EXPECT_TRUE(before.TakeChanged().empty());

  TlsReportBook after{{}};
  after.Count(Session("certificate-expired"), kNoon);
  after.Restore(*before.Find({kDay, "a.test"}));
  const auto* state = after.Find({kDay, "a.test"});
  ASSERT_EQ(state->policy_size(), 1);
  EXPECT_EQ(state->policy(0).successes(), 1);
  EXPECT_EQ(state->policy(0).failures(), 2);
  ASSERT_EQ(state->policy(0).failure_size(), 1);
  EXPECT_EQ(state->policy(0).failure(0).sessions(), 2);
  after.Remove({kDay, "a.test"});
  EXPECT_EQ(after.Find({kDay, "a.test"}), nullptr);
  EXPECT_TRUE(after.TakeChanged().empty());
}

TEST(TlsReport, SessionOfPlanAndOutcome) {
  HostPlan plan;
  plan.policy = Sts();
  TlsOutcome outcome{.encrypted = true};
  EXPECT_EQ(SessionOf("a.test", "mx", plan, outcome, "s", "r").failure_type, "");
  outcome.failure_type = "certificate-expired";
  outcome.failure_detail = "yesterday";
  const TlsSession failed = SessionOf("a.test", "mx", plan, outcome, "s", "r");
  EXPECT_EQ(failed.failure_type, "certificate-expired");
  EXPECT_EQ(failed.reason, "yesterday");
  EXPECT_EQ(failed.mx_host, "mx");
  EXPECT_EQ(failed.sending_ip, "s");
  EXPECT_EQ(failed.receiving_ip, "r");
  plan.policy = std::make_shared<ReportedPolicy>(ReportedPolicy{.type = "sts", .failure_type = "sts-policy-invalid"});
  EXPECT_EQ(SessionOf("a.test", "mx", plan, {}, "s", "r").failure_type, "sts-policy-invalid");
  EXPECT_EQ(SessionOf("a.test", "mx", plan, outcome, "s", "r").failure_type, "certificate-expired");
  plan.allowed = false;
  plan.refusal_type = "validation-failure";
  EXPECT_EQ(SessionOf("a.test", "mx", plan, outcome, "s", "r").failure_type, "validation-failure");
}

TEST(TlsReport, FileNames) {
  cluster::v1::TlsReportState state;
  state.set_day(kDay);
  state.set_domain("a.test");
  EXPECT_EQ(TlsReportFileName(state, kIdentity, kNoon + absl::Hours(24)),
            "example.com!a.test!1772323200!1772409599!sender-0");
  state.set_domain("../../etc/passwd");
  EXPECT_EQ(TlsReportFileName(state, kIdentity, kNoon).find('/'), std::string::npos);
}

TEST(TlsReport, Rua) {
  const struct {
    const char* name;
    std::vector<std::string> texts;
    std::vector<std::string> want;
  } rows[] = {
      {"Mail", {"v=TLSRPTv1; rua=mailto:r@a.test"}, {"mailto:r@a.test"}},
      {"Several", {"v=TLSRPTv1;rua=mailto:r@a.test , https://a.test/r;"}, {"mailto:r@a.test", "https://a.test/r"}},
      {"OthersDiscarded", {"v=spf1 -all", "v=TLSRPTv1; rua=mailto:r@a.test;"}, {"mailto:r@a.test"}},
      {"Extension", {"v=TLSRPTv1; x=y; rua=mailto:r@a.test"}, {"mailto:r@a.test"}},
      {"UnknownSchemesDropped", {"v=TLSRPTv1; rua=ftp://a,http://a,mailto:r@a.test"}, {"mailto:r@a.test"}},
      {"ControlDropped", {"v=TLSRPTv1; rua=mailto:r@a\n.test"}, {}},
      {"Nothing", {}, {}},
      {"Two", {"v=TLSRPTv1; rua=mailto:r@a.test", "v=TLSRPTv1; rua=mailto:r@a.test"}, {}},
      {"NoRua", {"v=TLSRPTv1;"}, {}},
      {"WrongVersion", {"v=TLSRPTv2; rua=mailto:r@a.test"}, {}},
      {"VersionNotFirst", {"rua=mailto:r@a.test; v=TLSRPTv1"}, {}},
  };
  for (const auto& row : rows) EXPECT_EQ(ParseTlsRptRecord(row.texts), row.want) << row.name;
}

}  // namespace
}  // namespace wavepost
