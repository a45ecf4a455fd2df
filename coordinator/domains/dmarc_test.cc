#include "coordinator/domains/dmarc.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace wavepost {
namespace {

TEST(OrganizationalDomain, Table) {
  const std::pair<const char*, const char*> rows[] = {
      {"customer.example", "customer.example"},
      {"a.b.customer.example", "customer.example"},
      {"News.Customer.CO.UK.", "customer.co.uk"},
      {"co.uk", "co.uk"},
      {"customer.github.io", "customer.github.io"},
      {"a.customer.github.io", "customer.github.io"},
      {"com", "com"},
      {"", ""},
      {"..", "."},
  };
  for (const auto& [domain, organization] : rows) EXPECT_EQ(OrganizationalDomain(domain), organization) << domain;
}

TEST(DmarcAligned, Table) {
  const struct {
    const char *from, *other;
    bool strict, aligned;
  } rows[] = {
      {"customer.example", "Customer.Example", true, true},
      {"customer.example", "wpbounce.customer.example", true, false},
      {"customer.example", "wpbounce.customer.example", false, true},
      {"news.customer.example", "shop.customer.example", false, true},
      {"a.co.uk", "b.co.uk", false, false},
      {"customer.example", "bounce.mail.example", false, false},
      {"customer.example", "", false, false},
  };
  for (const auto& row : rows) EXPECT_EQ(DmarcAligned(row.from, row.other, row.strict), row.aligned) << row.other;
}

TEST(ParseDmarc, Table) {
  const struct {
    const char* text;
    bool good;
    DmarcRecord::Policy policy, below;
    bool dkim_strict, spf_strict;
  } rows[] = {
      {"v=DMARC1; p=none", true, DmarcRecord::kNone, DmarcRecord::kNone, false, false},
      {"v=DMARC1;p=Reject;", true, DmarcRecord::kReject, DmarcRecord::kReject, false, false},
      {"v=DMARC1; p=reject; sp=none; adkim=s; aspf=r", true, DmarcRecord::kReject, DmarcRecord::kNone, true, false},
      {"v = DMARC1 ; p = quarantine ; aspf = S", true, DmarcRecord::kQuarantine, DmarcRecord::kQuarantine, false, true},
      {"p=none; v=DMARC1", false},
      {"v=DMARC1", false},
      {"v=DMARC1; p=", false},
      {"v=DMARC1; p=none; p=none", false},
      {"v=DMARC1; p=none;; pct=1", false},
      {"v=DMARC1; p=none; aspf=x", false},
      {"", false},
  };
  for (const auto& row : rows) {
    const DmarcRecord record = ParseDmarc(row.text);
    EXPECT_EQ(record.fault.empty(), row.good) << row.text << ": " << record.fault;
    if (!row.good) {
      EXPECT_TRUE(ParseDmarc(record.suggested).fault.empty()) << record.suggested;
      continue;
    }
    EXPECT_EQ(record.policy, row.policy) << row.text;
    EXPECT_EQ(record.subdomain_policy, row.below) << row.text;
    EXPECT_EQ(record.dkim_strict, row.dkim_strict) << row.text;
    EXPECT_EQ(record.spf_strict, row.spf_strict) << row.text;
  }
}

// Signatures of another domain than that in From: not what we do, but what the policy would say to it.
TEST(JudgeDmarc, SignaturesOfAnotherDomain) {
  DmarcSight sight = {.domain = "news.customer.example",
                      .texts = {"v=DMARC1; p=reject; adkim=s"},
                      .dkim_domain = "customer.example",
                      .return_path_domain = "bounce.mail.example"};
  const Verdict verdict = JudgeDmarc(sight);
  EXPECT_EQ(verdict.problem, "DMARC_ALIGNMENT");
  EXPECT_EQ(
      verdict.advice,
      "The policy at _dmarc.news.customer.example asks for \"adkim=s\", but our signatures are of customer.example "
      "and not of news.customer.example, so our mail fails it. Change it to \"adkim=r\", or add "
      "news.customer.example as a sending domain of its own.");
  sight.return_path_domain = "wpbounce.customer.example";
  EXPECT_EQ(JudgeDmarc(sight).state, v1::RecordCheck::OK) << "SPF is aligned";
  sight.return_path_domain = "bounce.mail.example";
  sight.texts = {"v=DMARC1; p=reject; adkim=r"};
  EXPECT_EQ(JudgeDmarc(sight).state, v1::RecordCheck::OK) << "relaxed";
}

// A record that is in order stays so, wherever its reports go; that they do not come here is only told.
TEST(JudgeDmarc, ReportsToUsAreAWish) {
  DmarcSight sight = {.domain = "customer.example",
                      .texts = {"v=DMARC1; p=none"},
                      .dkim_domain = "customer.example",
                      .return_path_domain = "wpbounce.customer.example"};
  EXPECT_EQ(JudgeDmarc(sight).advice, "");
  sight.reports = "dmarc@bounce.mail.example";
  EXPECT_EQ(JudgeDmarc(sight).state, v1::RecordCheck::OK);
  EXPECT_EQ(JudgeDmarc(sight).advice,
            "Its reports do not come to us. To see who sends in the name of customer.example (wavepost reports dmarc), "
            "add mailto:dmarc@bounce.mail.example to its \"rua=\".");
  sight.texts = {"v=DMARC1; p=none; rua=mailto:a@customer.example"};
  EXPECT_EQ(JudgeDmarc(sight).state, v1::RecordCheck::OK);
  EXPECT_NE(JudgeDmarc(sight).advice.find("behind a comma"), std::string::npos);
  sight.texts = {"v=DMARC1; p=none; rua=mailto:a@customer.example,mailto:DMARC@bounce.mail.example"};
  EXPECT_EQ(JudgeDmarc(sight).advice, "");
  sight.texts = {};
  EXPECT_NE(JudgeDmarc(sight).advice.find("\"v=DMARC1; p=none; rua=mailto:dmarc@bounce.mail.example\""),
            std::string::npos);
}

}  // namespace
}  // namespace wavepost
