#include "sender/sites/provider_book.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/base/strings.h"
#include "common/smtp/reply.h"
#include "sender/sites/built_in.h"

namespace wavepost {
namespace {

using Hosts = std::vector<std::string>;

TEST(ProviderBook, BuiltInIsProved) {
  const auto book = ProviderBook::Parse(BuiltInProvidersYaml(), "providers.yaml");
  ASSERT_TRUE(book.ok()) << book.status().message();
  EXPECT_GE((*book)->providers(), 50u);
  EXPECT_GE((*book)->rules(), 60u);
  EXPECT_EQ(ProviderBook::BuiltIn(), ProviderBook::BuiltIn()) << "parsed once";
}

TEST(ProviderBook, StartingValues) {
  const struct {
    const char* provider;
    int connections;
    int messages;
  } rows[] = {
      {"google", 5, 50}, {"outlook", 5, 50}, {"microsoft365", 5, 50}, {"yahoo", 10, 20},   {"apple", 10, 5},
      {"gmx", 4, 20},    {"orange", 2, 100}, {"mimecast", 10, 100},   {"sophos", 10, 100},
  };
  for (const auto& row : rows) {
    const Provider* provider = ProviderBook::BuiltIn()->Find(row.provider);
    ASSERT_NE(provider, nullptr) << row.provider;
    EXPECT_EQ(provider->limits.connections, row.connections) << row.provider;
    EXPECT_EQ(provider->limits.messages_per_connection, row.messages) << row.provider;
    EXPECT_EQ(provider->limits.connections_per_minute, 100) << row.provider;
    EXPECT_EQ(provider->limits.messages_per_second, SiteLimits::kUnlimited) << row.provider;
  }
  EXPECT_EQ(ProviderBook::BuiltIn()->SiteOf(Hosts{"mail.example.org"}, 1).limits, SiteLimits());
  EXPECT_EQ(ProviderBook::BuiltIn()->Find("nobody"), nullptr);
}

struct SiteRow {
  const char* name;
  Hosts hosts;
  size_t first;
  const char* site;
  const char* provider;
  const char* mx_set;
};

class SiteTable : public testing::TestWithParam<SiteRow> {};

TEST_P(SiteTable, SiteOf) {
  const SiteRow& row = GetParam();
  const ProviderBook::Site site = ProviderBook::BuiltIn()->SiteOf(row.hosts, row.first);
  EXPECT_EQ(site.name, row.site);
  EXPECT_EQ(site.provider, row.provider);
  EXPECT_EQ(site.mx_set, row.mx_set);
}

const SiteRow kSiteRows[] = {
    {"Gmail",
     {"gmail-smtp-in.l.google.com", "alt1.gmail-smtp-in.l.google.com"},
     1,
     "google",
     "google",
     "gmail-smtp-in.l.google.com/alt1.gmail-smtp-in.l.google.com"},
    {"Workspace", {"aspmx.l.google.com"}, 1, "google", "google", "aspmx.l.google.com"},
    {"WorkspaceNew", {"smtp.google.com"}, 1, "google", "google", "smtp.google.com"},
    {"WorkspaceOld",
     {"aspmx3.googlemail.com", "aspmx2.googlemail.com"},
     2,
     "google",
     "google",
     "aspmx2.googlemail.com+aspmx3.googlemail.com"},
    {"NotOfGoogle", {"l.google.com.example.net"}, 1, "l.google.com.example.net", "", "l.google.com.example.net"},
    {"SuffixNeedsItsDot", {"xl.google.com"}, 1, "xl.google.com", "", "xl.google.com"},
    {"SuffixItselfIsNoHost", {"l.google.com"}, 1, "l.google.com", "", "l.google.com"},
    {"ExactHostOnly", {"x.smtp.google.com"}, 1, "x.smtp.google.com", "", "x.smtp.google.com"},
    {"Hotmail",
     {"hotmail-com.olc.protection.outlook.com"},
     1,
     "outlook",
     "outlook",
     "hotmail-com.olc.protection.outlook.com"},
    {"Office",
     {"contoso-com.mail.protection.outlook.com"},
     1,
     "microsoft365",
     "microsoft365",
     "contoso-com.mail.protection.outlook.com"},
    {"OfficeDnssec",
     {"contoso-com.a-v1.mx.microsoft"},
     1,
     "microsoft365",
     "microsoft365",
     "contoso-com.a-v1.mx.microsoft"},
    {"Yahoo",
     {"mta6.am0.yahoodns.net", "mta7.am0.yahoodns.net", "mta5.am0.yahoodns.net"},
     3,
     "yahoo",
     "yahoo",
     "mta5.am0.yahoodns.net+mta6.am0.yahoodns.net+mta7.am0.yahoodns.net"},
    {"Aol", {"mx-aol.mail.gm0.yahoodns.net"}, 1, "yahoo", "yahoo", "mx-aol.mail.gm0.yahoodns.net"},
    {"Icloud", {"mx02.mail.icloud.com"}, 1, "apple", "apple", "mx02.mail.icloud.com"},
    {"Gmx", {"mx00.emig.gmx.net"}, 1, "gmx", "gmx", "mx00.emig.gmx.net"},
    {"WebDe", {"mx-ha03.web.de"}, 1, "gmx", "gmx", "mx-ha03.web.de"},
    {"Ionos", {"mx00.ionos.de"}, 1, "gmx", "gmx", "mx00.ionos.de"},
    {"OneAndOne", {"mx01.kundenserver.de"}, 1, "gmx", "gmx", "mx01.kundenserver.de"},
    {"TOnline", {"mx02.t-online.de"}, 1, "t-online", "t-online", "mx02.t-online.de"},
    {"Orange", {"smtp-in.orange.fr"}, 1, "orange", "orange", "smtp-in.orange.fr"},
    {"Wanadoo", {"smtp-in.wanadoo.fr"}, 1, "orange", "orange", "smtp-in.wanadoo.fr"},
    {"Comcast", {"mx2h1.comcast.net"}, 1, "comcast", "comcast", "mx2h1.comcast.net"},
    {"ComcastCustomer",
     {"c-73-1-2-3.hsd1.ca.comcast.net"},
     1,
     "c-73-1-2-3.hsd1.ca.comcast.net",
     "",
     "c-73-1-2-3.hsd1.ca.comcast.net"},
    {"MimecastEu",
     {"eu-smtp-inbound-2.mimecast.com", "eu-smtp-inbound-1.mimecast.com"},
     2,
     "mimecast-eu",
     "mimecast",
     "eu-smtp-inbound-1.mimecast.com+eu-smtp-inbound-2.mimecast.com"},
    {"MimecastUs", {"us-smtp-inbound-1.mimecast.com"}, 1, "mimecast-us", "mimecast", "us-smtp-inbound-1.mimecast.com"},
    {"MimecastTwoRegions",
     {"eu-smtp-inbound-1.mimecast.com", "us-smtp-inbound-1.mimecast.com"},
     2,
     "mimecast",
     "mimecast",
     "eu-smtp-inbound-1.mimecast.com+us-smtp-inbound-1.mimecast.com"},
    {"MimecastOtherName", {"mail.mimecast.com"}, 1, "mimecast", "mimecast", "mail.mimecast.com"},
    {"MimecastOverlongRegion",
     {"averyveryverylongregionname-smtp-inbound-1.mimecast.com"},
     1,
     "mimecast",
     "mimecast",
     "averyveryverylongregionname-smtp-inbound-1.mimecast.com"},
    {"Proofpoint", {"mx0a-00123401.pphosted.com"}, 1, "proofpoint", "proofpoint", "mx0a-00123401.pphosted.com"},
    {"ProofpointEssentials",
     {"mx1-eu1.ppe-hosted.com"},
     1,
     "proofpoint-essentials-eu1",
     "proofpoint-essentials",
     "mx1-eu1.ppe-hosted.com"},
    {"Barracuda", {"d1a.ess.barracudanetworks.com"}, 1, "barracuda", "barracuda", "d1a.ess.barracudanetworks.com"},
    {"BarracudaDe",
     {"d1a.ess.de.barracudanetworks.com"},
     1,
     "barracuda-de",
     "barracuda",
     "d1a.ess.de.barracudanetworks.com"},
    {"MailRu", {"mxs.mail.ru"}, 1, "mailru", "mailru", "mxs.mail.ru"},
    {"Yandex", {"mx.yandex.net"}, 1, "yandex", "yandex", "mx.yandex.net"},
    {"Qq", {"mx3.qq.com"}, 1, "qq", "qq", "mx3.qq.com"},
    {"Netease", {"163mx03.mxmail.netease.com"}, 1, "netease", "netease", "163mx03.mxmail.netease.com"},
    {"Cisco", {"mx1.hc1-2.eu.iphmx.com"}, 1, "cisco", "cisco", "mx1.hc1-2.eu.iphmx.com"},
    {"MessageLabs", {"cluster9.eu.messagelabs.com"}, 1, "messagelabs-eu", "messagelabs", "cluster9.eu.messagelabs.com"},
    {"AmazonRegionWithDashes",
     {"inbound-smtp.us-west-2.amazonaws.com"},
     1,
     "amazon-us-west-2",
     "amazon",
     "inbound-smtp.us-west-2.amazonaws.com"},
    // the first preference decides
    {"BackupElsewhere",
     {"aspmx.l.google.com", "backup.example.net"},
     1,
     "google",
     "google",
     "aspmx.l.google.com/backup.example.net"},
    {"BackupAtProvider",
     {"mx.example.net", "aspmx.l.google.com"},
     1,
     "aspmx.l.google.com+mx.example.net",
     "",
     "mx.example.net/aspmx.l.google.com"},
    {"HalfAtProvider",
     {"aspmx.l.google.com", "mx.example.net"},
     2,
     "aspmx.l.google.com+mx.example.net",
     "",
     "aspmx.l.google.com+mx.example.net"},
    {"TwoProviders",
     {"aspmx.l.google.com", "mxs.mail.ru"},
     2,
     "aspmx.l.google.com+mxs.mail.ru",
     "",
     "aspmx.l.google.com+mxs.mail.ru"},
    // sets
    {"Sorted", {"b.example.net", "a.example.net"}, 2, "a.example.net+b.example.net", "", "a.example.net+b.example.net"},
    {"SortedOtherOrder",
     {"a.example.net", "b.example.net"},
     2,
     "a.example.net+b.example.net",
     "",
     "a.example.net+b.example.net"},
    {"PreferenceIsNoSite",
     {"b.example.net", "a.example.net"},
     1,
     "a.example.net+b.example.net",
     "",
     "b.example.net/a.example.net"},
    {"Twice", {"a.example.net", "a.example.net"}, 2, "a.example.net", "", "a.example.net"},
    {"FirstOutOfRange", {"a.example.net"}, 7, "a.example.net", "", "a.example.net"},
    {"FirstZero",
     {"a.example.net", "b.example.net"},
     0,
     "a.example.net+b.example.net",
     "",
     "a.example.net/b.example.net"},
    {"None", {}, 0, "", "", ""},
    {"OneLabel", {"localhost"}, 1, "localhost", "", "localhost"},
    {"OnlyDots", {"..."}, 1, "...", "", "..."},
};

INSTANTIATE_TEST_SUITE_P(Rows, SiteTable, testing::ValuesIn(kSiteRows), [](const auto& row) { return row.param.name; });

const ReplyRule* Rule(std::string_view provider, std::string_view reply, Phase phase) {
  return ProviderBook::BuiltIn()->RuleFor(provider, *ReplyFromText(reply), phase);
}

TEST(ProviderBook, RuleForLooksAtProviderCodePhaseAndText) {
  const std::string busy = "450 4.2.1 The user you are trying to contact is receiving mail too quickly.";
  const ReplyRule* rule = Rule("google", busy, Phase::kRcpt);
  ASSERT_NE(rule, nullptr);
  EXPECT_EQ(rule->name, "recipient-too-busy");
  EXPECT_EQ(rule->verdict.rule, rule->name);
  EXPECT_EQ(Rule("google", busy, Phase::kMail), nullptr) << "phase";
  EXPECT_EQ(Rule("yahoo", busy, Phase::kRcpt), nullptr) << "provider";
  EXPECT_EQ(Rule("", busy, Phase::kRcpt), nullptr);
  EXPECT_EQ(Rule("google", "450 4.2.1 no", Phase::kRcpt), nullptr) << "text";
  EXPECT_EQ(Rule("google", "250 receiving mail too quickly", Phase::kRcpt), nullptr) << "accepted";
  EXPECT_EQ(Rule("google", "354 receiving mail too quickly", Phase::kRcpt), nullptr);
  // a permanent rule leaves a 4xx alone
  EXPECT_NE(Rule("t-online", "554 None/bad reputation", Phase::kGreeting), nullptr);
  EXPECT_EQ(Rule("t-online", "450 None/bad reputation", Phase::kGreeting), nullptr);
  // a temporary one makes a 5xx temporary
  const auto judged = ProviderBook::BuiltIn()->Judge(
      "laposte", *ReplyFromText("550 5.5.0 Service refuse. Veuillez essayer plus tard. try again in 300 seconds"),
      Phase::kGreeting);
  EXPECT_EQ(judged.verdict.kind, Verdict::Kind::kTemporary);
  EXPECT_EQ(judged.verdict.retry_hint, absl::Seconds(300));
  ASSERT_NE(judged.rule, nullptr);
  EXPECT_EQ(judged.rule->action, ReplyAction::kPauseSite);
  EXPECT_EQ(judged.rule->recovery, absl::Minutes(30));
}

TEST(ProviderBook, JudgeFallsBackToTheGeneralRules) {
  const auto book = ProviderBook::BuiltIn();
  const auto unknown = book->Judge("google", *ReplyFromText("550 5.1.1 no such user"), Phase::kRcpt);
  EXPECT_EQ(unknown.rule, nullptr);
  EXPECT_EQ(unknown.verdict.reason, v1::USER_UNKNOWN);
  EXPECT_EQ(book->Judge("google", *ReplyFromText("250 ok"), Phase::kRcpt).verdict.kind, Verdict::Kind::kAccepted);
  const auto many =
      book->Judge("cisco", *ReplyFromText("421 #4.4.5 Too many connections from your host."), Phase::kGreeting);
  EXPECT_TRUE(many.verdict.throttled);
  EXPECT_TRUE(many.verdict.too_many_connections);
}

// A reload makes a new book; decisions that hold the old one go on with it.
TEST(ProviderBook, ReloadLeavesTheOldBookAlone) {
  const std::string path = testing::TempDir() + "/providers-reload.yaml";
  const auto write = [&path](int connections) {
    std::ofstream(path) << "providers:\n  - {name: one, mx: [.mx.example], sample_hosts: [a.mx.example], connections: "
                        << connections << "}\n";
  };
  const Hosts hosts = {"a.mx.example"};
  write(3);
  const auto old_book = ProviderBook::Load(path);
  ASSERT_TRUE(old_book.ok()) << old_book.status().message();
  write(7);
  const auto new_book = ProviderBook::Load(path);
  ASSERT_TRUE(new_book.ok()) << new_book.status().message();
  EXPECT_EQ((*old_book)->SiteOf(hosts, 1).limits.connections, 3);
  EXPECT_EQ((*new_book)->SiteOf(hosts, 1).limits.connections, 7);
  EXPECT_EQ((*new_book)->Find("google"), nullptr) << "a file replaces the built-in data";
  write(0);
  EXPECT_EQ(ProviderBook::Load(path).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ProviderBook::Load(path + ".missing").status().code(), absl::StatusCode::kNotFound);
}

TEST(ProviderBook, DefaultsHoldForAll) {
  const auto book = ProviderBook::Parse(
      "default: {connections: 2, messages_per_second: 0.5, connections_per_minute: unlimited, tls: required}\n"
      "providers:\n"
      "  - {name: one, mx: [mx.one.example], sample_hosts: [mx.one.example], messages_per_second: unlimited}\n",
      "test.yaml");
  ASSERT_TRUE(book.ok()) << book.status().message();
  const SiteLimits other = (*book)->SiteOf(Hosts{"mx.two.example"}, 1).limits;
  EXPECT_EQ(other, (SiteLimits{2, 100, SiteLimits::kUnlimited, 0.5, TlsWish::kRequired}));
  const SiteLimits one = (*book)->SiteOf(Hosts{"mx.one.example"}, 1).limits;
  EXPECT_EQ(one, (SiteLimits{2, 100, SiteLimits::kUnlimited, SiteLimits::kUnlimited, TlsWish::kRequired}));
}

}  // namespace
}  // namespace wavepost
