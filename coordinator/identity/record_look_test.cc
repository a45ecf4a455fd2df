#include "coordinator/identity/record_look.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "coordinator/identity/own_records.h"

namespace wavepost {
namespace {

using ::testing::HasSubstr;
using Check = v1::RecordCheck;

constexpr char kKey[] = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const OurNames kOurs{.identity_domain = "mail.example",
                     .return_path_domain = "bounce.mail.example",
                     .mx_hosts = {"mx1.mail.example", "mx2.mail.example"}};

OwnRecords Ours() {
  v1::SendingDomain own;
  own.set_name("identity/mail.example");
  v1::DkimKeyInfo* key = own.add_dkim_keys();
  key->set_selector("wp20260101e");
  key->set_state(v1::DkimKeyInfo::ACTIVE);
  key->set_public_txt(kKey);
  v1::EgressIp a;
  a.set_address("192.0.2.1");
  v1::EgressIp b;
  b.set_address("192.0.2.8");
  v1::EgressIp hidden;
  hidden.set_address("10.0.0.5");
  v1::SendingDomain customer;
  customer.set_name("tenants/acme/sendingDomains/customer.example");
  customer.set_mode(v1::SendingDomain::CNAME);
  *customer.add_dkim_keys() = *key;
  customer.mutable_dkim_keys(0)->set_selector("wp1");
  v1::SendingDomain by_hand = customer;
  by_hand.set_name("tenants/acme/sendingDomains/other.example");
  by_hand.set_mode(v1::SendingDomain::TXT);
  return MakeOwnRecords(kOurs, own, {a, b, hidden}, {customer, by_hand});
}

v1::DnsRecord Find(const OwnRecords& own, std::string_view owner, std::string_view type = "TXT") {
  for (const auto& record : own.records) {
    if (record.owner() == owner && record.type() == type) return record;
  }
  ADD_FAILURE() << "no record at " << owner;
  return own.records.front();
}

TEST(OwnRecordsTest, HoldsAllThatReceiversAskFor) {
  const OwnRecords own = Ours();
  std::vector<std::string> lines;
  for (const auto& record : own.records) lines.push_back(record.owner() + " " + record.type() + " " + record.data());
  EXPECT_THAT(
      lines,
      ::testing::ElementsAre(
          "_spf.mail.example TXT v=spf1 ip4:192.0.2.1 ip4:192.0.2.8 ~all",
          std::string("wp20260101e._domainkey.mail.example TXT ") + kKey, "bounce.mail.example MX 10 mx1.mail.example",
          "bounce.mail.example MX 10 mx2.mail.example", "bounce.mail.example TXT v=spf1 include:_spf.mail.example ~all",
          "_dmarc.mail.example TXT v=DMARC1; p=none",
          DelegatedKeyName(kOurs, "tenants/acme/sendingDomains/customer.example", "wp1") + " TXT " + kKey));
  EXPECT_THAT(own.spf_note, HasSubstr("Left out: 10.0.0.5."));
  EXPECT_TRUE(own.problems.empty());
}

TEST(OwnRecordsTest, WhatDoesNotFitIsAProblem) {
  std::vector<v1::EgressIp> ips(20);
  for (size_t i = 0; i < ips.size(); ++i) {
    ips[i].set_address("192.0.2." + std::to_string(i * 2));
    ips[i].set_region("r" + std::to_string(i));
  }
  v1::SendingDomain customer;
  customer.set_name("tenants/acme/sendingDomains/customer.example");
  customer.set_mode(v1::SendingDomain::CNAME);
  for (size_t i = 0; i <= kDelegatedRecordsMax; ++i) customer.add_dkim_keys()->set_selector("wp1");
  const OwnRecords own = MakeOwnRecords(kOurs, {}, ips, {customer});
  ASSERT_EQ(own.problems.size(), 2u);
  EXPECT_EQ(own.problems[0].problem(), "SPF_TOO_LARGE");
  EXPECT_EQ(own.problems[0].state(), Check::WRONG);
  EXPECT_EQ(own.problems[1].problem(), "TOO_MANY_DELEGATED_KEYS");
  EXPECT_LE(own.records.size(), kDelegatedRecordsMax + 4);
}

struct LookRow {
  std::string name;
  std::string owner;
  std::vector<std::string> texts;
  Check::State state;
  std::string problem;
  std::string advice;
};

class RecordLookTable : public ::testing::TestWithParam<LookRow> {};

TEST_P(RecordLookTable, Judges) {
  const LookRow& row = GetParam();
  const Check check = JudgeOwnRecord(Find(Ours(), row.owner), {.texts = row.texts});
  EXPECT_EQ(check.state(), row.state) << check.advice();
  EXPECT_EQ(check.problem(), row.problem);
  EXPECT_THAT(check.advice(), HasSubstr(row.advice));
  EXPECT_EQ(check.advice().empty(), row.state == Check::OK && row.advice.empty());
  EXPECT_EQ(check.record().owner(), row.owner);
}

const std::string kSpf = "_spf.mail.example";
const std::string kDmarc = "_dmarc.mail.example";
const std::string kDkim = "wp20260101e._domainkey.mail.example";
const LookRow kLooks[] = {
    {"SpfSame", kSpf, {"v=spf1 ip4:192.0.2.1 ip4:192.0.2.8 ~all"}, Check::OK, "", ""},
    {"SpfOtherOrderAndCase", kSpf, {"V=SPF1 IP4:192.0.2.8 ip4:192.0.2.1 -all"}, Check::OK, "", ""},
    {"SpfWiderBlock", kSpf, {"v=spf1 ip4:192.0.2.0/24 ~all"}, Check::OK, "", "192.0.2.0/24"},
    {"SpfBesideOtherTexts", kSpf, {"hello", "v=spf1 ip4:192.0.2.1 ip4:192.0.2.8 ~all"}, Check::OK, "", ""},
    {"SpfOneMore", kSpf, {"v=spf1 ip4:192.0.2.1 ip4:192.0.2.8 ip4:192.0.2.77 ~all"}, Check::OK, "", "ip4:192.0.2.77"},
    {"SpfNone", kSpf, {}, Check::MISSING, "SPF_MISSING", "Publish \"v=spf1 ip4:192.0.2.1 ip4:192.0.2.8 ~all\" as TXT"},
    {"SpfLacksOne", kSpf, {"v=spf1 ip4:192.0.2.1 ~all"}, Check::WRONG, "SPF_OLD", "lacks ip4:192.0.2.8:"},
    {"SpfNegated", kSpf, {"v=spf1 -ip4:192.0.2.8 ip4:192.0.2.1 ~all"}, Check::WRONG, "SPF_OLD", "ip4:192.0.2.8"},
    {"SpfTwo",
     kSpf,
     {"v=spf1 ip4:192.0.2.1 ~all", "v=spf1 ip4:192.0.2.8 ~all"},
     Check::WRONG,
     "SPF_TWO_RECORDS",
     "2 SPF"},
    {"SpfPassesAll", kSpf, {"v=spf1 ip4:192.0.2.1 ip4:192.0.2.8 +all"}, Check::WRONG, "SPF_PASSES_ALL", "anybody"},
    {"SpfPassesAllBare", kSpf, {"v=spf1 ip4:192.0.2.1 ip4:192.0.2.8 all"}, Check::WRONG, "SPF_PASSES_ALL", "anybody"},
    {"SpfSyntax", kSpf, {"v=spf1 ipv4:192.0.2.1 ~all"}, Check::WRONG, "SPF_SYNTAX", "ipv4"},
    {"ReturnPathSpf", "bounce.mail.example", {"v=spf1 include:_spf.MAIL.example ~all"}, Check::OK, "", ""},
    {"ReturnPathSpfElsewhere",
     "bounce.mail.example",
     {"v=spf1 include:_spf.other.example ~all"},
     Check::WRONG,
     "SPF_OLD",
     "include:_spf.mail.example"},
    {"DmarcStricter", kDmarc, {"v=DMARC1; p=reject; rua=mailto:a@mail.example"}, Check::OK, "", ""},
    {"DmarcNone", kDmarc, {"v=spf1 -all"}, Check::MISSING, "DMARC_MISSING", "v=DMARC1; p=none"},
    {"DmarcTwo", kDmarc, {"v=DMARC1; p=none", "v=DMARC1; p=reject"}, Check::WRONG, "DMARC_TWO_RECORDS", "Keep one"},
    {"DmarcNoPolicy", kDmarc, {"v=DMARC1; rua=mailto:a@mail.example"}, Check::WRONG, "DMARC_SYNTAX", "p=none"},
    {"DkimSame", kDkim, {kKey}, Check::OK, "", ""},
};
INSTANTIATE_TEST_SUITE_P(Own, RecordLookTable, ::testing::ValuesIn(kLooks),
                         [](const auto& row) { return row.param.name; });

TEST(RecordLookTest, DkimOtherKeyIsNotOk) {
  const v1::DnsRecord& record = Find(Ours(), kDkim);
  EXPECT_EQ(JudgeOwnRecord(record, {}).state(), Check::MISSING);
  const Check other =
      JudgeOwnRecord(record, {.texts = {"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURp="}});
  EXPECT_EQ(other.state(), Check::WRONG);
  EXPECT_NE(other.problem(), "");
  EXPECT_EQ(other.found_size(), 1);
}

TEST(RecordLookTest, Mx) {
  const v1::DnsRecord& record = Find(Ours(), "bounce.mail.example", "MX");
  EXPECT_EQ(JudgeOwnRecord(record, {.mx = {{20, "mx9.example"}, {5, "MX1.mail.example"}}}).state(), Check::OK);
  const Check elsewhere = JudgeOwnRecord(record, {.mx = {{10, "mx.other.example"}, {0, ""}}});
  EXPECT_EQ(elsewhere.problem(), "MX_ELSEWHERE");
  EXPECT_THAT(elsewhere.advice(), HasSubstr("Bounces go to mx.other.example, . instead of mx1.mail.example"));
  EXPECT_THAT(elsewhere.found(), ::testing::ElementsAre("10 mx.other.example", "0 ."));
  EXPECT_EQ(JudgeOwnRecord(record, {}).problem(), "MX_MISSING");
  EXPECT_EQ(JudgeOwnRecord(record, {.status = absl::UnavailableError("no")}).state(), Check::UNKNOWN);
}

TEST(RecordLookTest, ForeignTextIsBounded) {
  std::vector<std::string> texts(50, std::string(3000, '\x01'));
  const Check check = JudgeOwnRecord(Find(Ours(), kSpf), {.texts = texts});
  EXPECT_EQ(check.found_size(), 10);
  EXPECT_LE(check.found(0).size(), 512u);
  EXPECT_EQ(check.found(0).find('\x01'), std::string::npos);
}

TEST(RecordLookTest, Reports) {
  OurNames ours = kOurs;
  ours.dmarc_reports = "dmarc@bounce.mail.example";
  ours.tls_reports = "tlsrpt@bounce.mail.example";
  const OwnRecords own = MakeOwnRecords(ours, {}, {}, {});
  EXPECT_EQ(Find(own, "_dmarc.mail.example").data(), "v=DMARC1; p=none; rua=mailto:dmarc@bounce.mail.example");
  const v1::DnsRecord welcome = Find(own, "*._report._dmarc.bounce.mail.example");
  EXPECT_EQ(welcome.data(), "v=DMARC1");
  EXPECT_FALSE(welcome.required());
  EXPECT_EQ(JudgeOwnRecord(welcome, {}).problem(), "DMARC_REPORTS_UNWELCOME");
  EXPECT_EQ(JudgeOwnRecord(welcome, {.texts = {"hello"}}).problem(), "DMARC_REPORTS_UNWELCOME");
  EXPECT_EQ(JudgeOwnRecord(welcome, {.texts = {"v=DMARC1;"}}).state(), Check::OK);

  const v1::DnsRecord tls = Find(own, "_smtp._tls.bounce.mail.example");
  EXPECT_EQ(tls.data(), "v=TLSRPTv1; rua=mailto:tlsrpt@bounce.mail.example");
  EXPECT_FALSE(tls.required());
  EXPECT_EQ(JudgeOwnRecord(tls, {}).problem(), "TLSRPT_MISSING");
  EXPECT_EQ(JudgeOwnRecord(tls, {.texts = {tls.data()}}).state(), Check::OK);
  EXPECT_EQ(JudgeOwnRecord(tls, {.texts = {tls.data(), tls.data()}}).problem(), "TLSRPT_TWO_RECORDS");
  EXPECT_EQ(JudgeOwnRecord(tls, {.texts = {"v=TLSRPTv1"}}).problem(), "TLSRPT_SYNTAX");
}

TEST(RecordLookTest, ReportsAreWelcomedInOurZonesOnly) {
  const std::pair<const char*, bool> rows[] = {
      {"dmarc@bounce.mail.example", true},
      {"dmarc@mail.example", true},
      {"dmarc@reports.mail.example", true},
      {"dmarc@a.bounce.mail.example", true},
      {"wavepost@analyser.example", false},
      {"dmarc@example", false},
      {"dmarc@notmail.example", false},
      {"dmarc@bounce.mail.example.analyser.example", false},
      {"", false},
  };
  for (const auto& [address, ours] : rows) {
    OurNames names = kOurs;
    names.dmarc_reports = address;
    const OwnRecords own = MakeOwnRecords(names, {}, {}, {});
    const bool proposed = std::any_of(own.records.begin(), own.records.end(), [](const v1::DnsRecord& record) {
      return record.owner().find("_report._dmarc") != std::string::npos;
    });
    EXPECT_EQ(proposed, ours) << address;
  }
}

}  // namespace
}  // namespace wavepost
