#include "coordinator/store/aggregate_rules.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "coordinator/store/proto_time.h"

namespace wavepost {
namespace {

constexpr int64_t kBegin = 1'700'006'400;  // midnight

v1::DmarcReport DmarcOf(std::string_view domain) {
  v1::DmarcReport report;
  report.set_org_name("google.com");
  report.set_report_id("1");
  report.set_domain(std::string(domain));
  report.mutable_begin_time()->set_seconds(kBegin);
  report.mutable_end_time()->set_seconds(kBegin + 86399);
  return report;
}

void AddRow(v1::DmarcReport* report, std::string_view ip, int64_t count, std::string_view from, bool dkim,
            bool spf = false, std::string_view disposition = "none") {
  v1::DmarcRow* const row = report->add_rows();
  row->set_source_ip(std::string(ip));
  row->set_count(count);
  row->set_header_from(std::string(from));
  row->set_dkim_aligned(dkim);
  row->set_spf_aligned(spf);
  row->set_disposition(std::string(disposition));
}

std::vector<AggregateEntry> Divide(const v1::DmarcReport& dmarc, const CoveredDomains& covered) {
  cluster::v1::BounceReport report;
  *report.mutable_dmarc() = dmarc;
  return DivideReport(report, covered, {"192.0.2.10"});
}

CoveredDomains Usual() {
  CoveredDomains covered;
  covered.Add("example.com", "tenants/acme");
  covered.Add("news.example.com", "tenants/news");
  covered.Add("bounce.example", "");
  return covered;
}

TEST(AggregateRulesTest, NearestDomain) {
  const CoveredDomains covered = Usual();
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"example.com", "example.com"},
      {"a.b.example.com", "example.com"},
      {"news.example.com", "news.example.com"},
      {"x.news.example.com", "news.example.com"},
      {"anexample.com", ""},
      {"com", ""},
      {"", ""},
      {".", ""},
      {"bounce.example", "bounce.example"},
      {"example", ""},
  };
  for (const auto& [domain, want] : rows) EXPECT_EQ(covered.Nearest(domain), want) << domain;
}

TEST(AggregateRulesTest, WhatAReportNames) {
  struct Case {
    std::string domain;
    std::vector<std::string> named;
    bool concerns;
  };
  const std::vector<Case> cases = {
      {"example.com", {"example.com"}, true},
      {"a.example.com", {"example.com"}, true},
      {"news.example.com", {"news.example.com"}, true},
      {"example", {}, true},  // its rows may be about bounce.example
      {"com", {}, true},
      {"anexample.com", {}, false},
      {"xample.com", {}, false},
      {"", {}, false},
  };
  const CoveredDomains covered = Usual();
  for (const Case& one : cases) {
    cluster::v1::BounceReport dmarc;
    *dmarc.mutable_dmarc() = DmarcOf(one.domain);
    EXPECT_EQ(DomainsNamed(dmarc, covered), one.named) << one.domain;
    EXPECT_EQ(MayConcern(dmarc, covered), one.concerns) << one.domain;
    cluster::v1::BounceReport tls;
    tls.mutable_tls()->add_policies()->set_policy_domain(one.domain);
    EXPECT_EQ(DomainsNamed(tls, covered), one.named) << one.domain;
    EXPECT_EQ(MayConcern(tls, covered), !one.named.empty()) << one.domain;
  }
}

TEST(AggregateRulesTest, SaysWhatHappened) {
  struct Case {
    std::string name;
    std::function<void(v1::DmarcReport*)> rows;
    std::string text;
  };
  const std::vector<Case> cases = {
      {"Nothing", [](v1::DmarcReport*) {}, "google.com saw no mail from example.com"},
      {"AllPassed", [](v1::DmarcReport* r) { AddRow(r, "192.0.2.10", 5, "example.com", true); },
       "google.com saw 5 messages from example.com: all passed DMARC"},
      {"SpfIsEnough", [](v1::DmarcReport* r) { AddRow(r, "192.0.2.10", 1, "example.com", false, true); },
       "google.com saw 1 message from example.com: all passed DMARC"},
      {"Spoofed",
       [](v1::DmarcReport* r) {
         AddRow(r, "192.0.2.10", 1180, "example.com", true);
         AddRow(r, "203.0.113.9", 20, "example.com", false);
       },
       "google.com saw 1200 messages from example.com: 1180 passed DMARC; 20 failed, all from 203.0.113.9, which is "
       "not "
       "ours"},
      {"OursFails", [](v1::DmarcReport* r) { AddRow(r, "192.0.2.10", 2, "example.com", false); },
       "google.com saw 2 messages from example.com: 0 passed DMARC; 2 failed, all from 192.0.2.10, which is ours"},
      {"One", [](v1::DmarcReport* r) { AddRow(r, "203.0.113.9", 1, "example.com", false); },
       "google.com saw 1 message from example.com: 0 passed DMARC; 1 failed, it came from 203.0.113.9, which is not "
       "ours"},
      {"Several",
       [](v1::DmarcReport* r) {
         AddRow(r, "203.0.113.9", 2, "example.com", false);
         AddRow(r, "203.0.113.8", 7, "example.com", false);
       },
       "google.com saw 9 messages from example.com: 0 passed DMARC; 9 failed, from 2 addresses, 7 of them from "
       "203.0.113.8, which is not ours"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    v1::DmarcReport report = DmarcOf("example.com");
    one.rows(&report);
    const auto entries = Divide(report, Usual());
    ASSERT_EQ(entries.size(), 1u);
    EXPECT_EQ(entries[0].text, one.text);
  }
}

TEST(AggregateRulesTest, SumsUpPerAddress) {
  v1::DmarcReport report = DmarcOf("example.com");
  AddRow(&report, "192.0.2.10", 5, "example.com", true, true);
  AddRow(&report, "192.0.2.10", 3, "a.example.com", false, false, "quarantine");
  AddRow(&report, "203.0.113.9", 9, "", false, false, "reject");
  const auto entries = Divide(report, Usual());
  ASSERT_EQ(entries.size(), 1u);
  ASSERT_EQ(entries[0].sources.size(), 2u);
  const v1::DmarcSource& other = entries[0].sources[0];
  EXPECT_EQ(other.source_ip(), "203.0.113.9");
  EXPECT_FALSE(other.ours());
  EXPECT_EQ(other.rejected(), 9);
  const v1::DmarcSource& ours = entries[0].sources[1];
  EXPECT_TRUE(ours.ours());
  EXPECT_EQ(ours.messages(), 8);
  EXPECT_EQ(ours.passed(), 5);
  EXPECT_EQ(ours.dkim_aligned(), 5);
  EXPECT_EQ(ours.spf_aligned(), 5);
  EXPECT_EQ(ours.quarantined(), 3);
  EXPECT_EQ(entries[0].summary.total(), 17);
  EXPECT_EQ(entries[0].summary.passed(), 5);
  EXPECT_EQ(entries[0].day, kBegin / 86400);
}

// A report about the whole of example.com: each row goes to whose domain it is, and to nobody else.
TEST(AggregateRulesTest, DividesAmongDomains) {
  v1::DmarcReport report = DmarcOf("example.com");
  AddRow(&report, "192.0.2.1", 1, "example.com", true);
  AddRow(&report, "192.0.2.2", 2, "news.example.com", true);
  AddRow(&report, "192.0.2.3", 4, "stranger.example", true);
  auto entries = Divide(report, Usual());
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].domain, "example.com");
  EXPECT_EQ(entries[0].summary.total(), 1);
  EXPECT_EQ(entries[1].domain, "news.example.com");
  EXPECT_EQ(entries[1].summary.total(), 2);
  EXPECT_NE(entries[0].identity, entries[1].identity);

  // Only the domain below is ours.
  CoveredDomains below;
  below.Add("news.example.com", "tenants/news");
  entries = Divide(report, below);
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].summary.total(), 2);

  EXPECT_TRUE(Divide(report, CoveredDomains()).empty());
}

TEST(AggregateRulesTest, IdentityIsWriterNumberAndDomain) {
  v1::DmarcReport report = DmarcOf("example.com");
  const std::string usual = Divide(report, Usual())[0].identity;
  report.set_sender("other@example.net");
  report.set_org_name("Google.COM");
  EXPECT_EQ(Divide(report, Usual())[0].identity, usual);
  report.set_report_id("2");
  EXPECT_NE(Divide(report, Usual())[0].identity, usual);
  report.set_report_id("1");
  report.set_domain("a.example.com");
  EXPECT_NE(Divide(report, Usual())[0].identity, usual);
  // Texts do not run into each other.
  v1::DmarcReport a = DmarcOf("example.com");
  a.set_org_name("google.com1");
  a.set_report_id("");
  EXPECT_NE(Divide(a, Usual())[0].identity, usual);
}

TEST(AggregateRulesTest, Limits) {
  v1::DmarcReport report = DmarcOf("example.com");
  for (int i = 0; i < 3000; ++i)
    AddRow(&report, absl::StrCat("10.0.", i / 256, ".", i % 256), i + 1, "example.com", true);
  const auto entries = Divide(report, Usual());
  ASSERT_EQ(entries[0].sources.size(), kSourcesOfReportMax);
  EXPECT_EQ(entries[0].sources[0].messages(), 3000);
  EXPECT_EQ(entries[0].sources.back().source_ip(), kOtherSource);
  EXPECT_EQ(entries[0].summary.total(), 3000 * 3001 / 2);

  CoveredDomains many;
  v1::DmarcReport wide = DmarcOf("example.com");
  for (int i = 0; i < 100; ++i) {
    many.Add(absl::StrCat("d", i, ".example"), "tenants/acme");
    AddRow(&wide, "192.0.2.1", 1, absl::StrCat("d", i, ".example"), true);
  }
  EXPECT_EQ(Divide(wide, many).size(), kDomainsOfReportMax);
}

TEST(AggregateRulesTest, Tls) {
  cluster::v1::BounceReport report;
  v1::TlsReport* const tls = report.mutable_tls();
  tls->set_org_name("Google Inc.");
  tls->mutable_begin_time()->set_seconds(kBegin);
  for (const char* domain : {"bounce.example", "bounce.example", "stranger.example"}) {
    v1::TlsPolicyResult* const policy = tls->add_policies();
    policy->set_policy_domain(domain);
    policy->set_successful_sessions(10);
    policy->set_failed_sessions(3);
    v1::TlsFailure* const failure = policy->add_failures();
    failure->set_result_type("certificate-expired");
    failure->set_receiving_mx("mx1.bounce.example");
    failure->set_sessions(3);
  }
  auto entries = DivideReport(report, Usual(), {});
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].successful_sessions, 20);
  EXPECT_EQ(entries[0].failed_sessions, 6);
  EXPECT_EQ(entries[0].text,
            "Google Inc. made 26 sessions to the mail servers of bounce.example: TLS failed in 6, most often: "
            "certificate-expired at mx1.bounce.example");
  for (v1::TlsPolicyResult& policy : *tls->mutable_policies()) {
    policy.clear_failed_sessions();
    policy.clear_failures();
  }
  EXPECT_EQ(DivideReport(report, Usual(), {})[0].text,
            "Google Inc. made 20 sessions to the mail servers of bounce.example: TLS held in all");
}

TEST(AggregateRulesTest, Timely) {
  cluster::v1::BounceReport report;
  *report.mutable_dmarc() = DmarcOf("example.com");
  const absl::Time begin = absl::FromUnixSeconds(kBegin);
  EXPECT_TRUE(IsTimely(report, begin + absl::Hours(25)));
  EXPECT_TRUE(IsTimely(report, begin + kAggregateAgeMax));
  EXPECT_FALSE(IsTimely(report, begin + kAggregateAgeMax + absl::Seconds(1)));
  EXPECT_TRUE(IsTimely(report, begin - absl::Hours(20)));
  EXPECT_FALSE(IsTimely(report, begin - absl::Hours(25)));
  EXPECT_FALSE(IsTimely(cluster::v1::BounceReport(), begin));
}

}  // namespace
}  // namespace wavepost
