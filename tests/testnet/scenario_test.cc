#include "tests/testnet/scenario.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/testnet/dns_zone.h"

namespace wavepost::testnet {
namespace {

Scenario Parse(const std::string& text) {
  absl::StatusOr<Scenario> scenario = ParseScenario(text, "s.yaml");
  EXPECT_TRUE(scenario.ok()) << scenario.status();
  return scenario.ok() ? *std::move(scenario) : Scenario{};
}

DnsZone ZoneOf(const Scenario& scenario) {
  DnsZone zone;
  for (const DnsRecord& record : scenario.records) zone.Add(record);
  return zone;
}

TEST(Scenario, DefaultsWithoutAnything) {
  const Scenario scenario = Parse("{}");
  ASSERT_EQ(scenario.profiles.size(), 1u);
  EXPECT_EQ(scenario.profiles[0].name, "default");
  EXPECT_TRUE(scenario.receivers.empty());
}

TEST(Scenario, EachDomainGetsItsAddressAndMx) {
  const Scenario scenario = Parse("domains:\n  - names: [A.example, b.example]\n  - name: c.example\n");
  EXPECT_EQ(ZoneOf(scenario).MailAddresses("a.example"), (std::vector<uint32_t>{0x7f010001}));
  EXPECT_EQ(ZoneOf(scenario).MailAddresses("c.example"), (std::vector<uint32_t>{0x7f010003}));
  ASSERT_EQ(scenario.receivers.size(), 3u);
  EXPECT_EQ(scenario.receivers[0].host, "mx.a.example");
  EXPECT_TRUE(scenario.Serves(0x7f010001, *scenario.SiteOf("a.example")));
  EXPECT_FALSE(scenario.Serves(0x7f010002, *scenario.SiteOf("a.example")));
}

TEST(Scenario, SharedDomainsAreOneSite) {
  const Scenario scenario = Parse(
      "domains:\n"
      "  - {names: [a.example, b.example], shared: true}\n"
      "  - names: [c.example, d.example]\n"
      "    mx: [{host: one.c.example, preference: 5, address: 127.9.0.1}, {host: two.c.example, listen: false}]\n");
  EXPECT_EQ(scenario.SiteOf("a.example"), scenario.SiteOf("b.example"));
  EXPECT_EQ(scenario.SiteOf("c.example"), scenario.SiteOf("d.example"));
  EXPECT_EQ(ZoneOf(scenario).MailAddresses("d.example"), (std::vector<uint32_t>{0x7f090001, 0x7f010002}));
  EXPECT_EQ(scenario.receivers.size(), 2u) << "nobody listens at two.c.example";
}

TEST(Scenario, PatternsNullMxAndNoMx) {
  const Scenario scenario = Parse(
      "domains:\n"
      "  - name: '*.tail.example'\n"
      "  - {name: no.example, null_mx: true}\n"
      "  - {name: bare.example, no_mx: true}\n"
      "  - name: x.tail.example\n");
  EXPECT_TRUE(scenario.SiteOf("y.tail.example").has_value());
  EXPECT_TRUE(scenario.SiteOf("z.y.tail.example").has_value());
  EXPECT_FALSE(scenario.SiteOf("tail.example").has_value());
  EXPECT_NE(scenario.SiteOf("x.tail.example"), scenario.SiteOf("y.tail.example"));
  EXPECT_FALSE(scenario.SiteOf("no.example").has_value());
  EXPECT_EQ(ZoneOf(scenario).Addresses("bare.example").size(), 1u);
  EXPECT_EQ(ZoneOf(scenario).MailAddresses("y.tail.example").size(), 1u);
  EXPECT_TRUE(Parse("domains: [{name: '*'}]").SiteOf("anything.at.all").has_value());
}

TEST(Scenario, FullRangeGivesAddressesOfTheSameProfileAgain) {
  const Scenario scenario = Parse(
      "address_range: {first: 127.2.0.1, count: 3}\n"
      "profiles: {slow: {delays: {mail: 1s}}}\n"
      "domains:\n"
      "  - {name: s.example, profile: slow}\n"
      "  - names: [a.example, b.example, c.example, d.example]\n"
      "  - {name: t.example, profile: slow}\n");
  ASSERT_EQ(scenario.receivers.size(), 3u);
  const auto address = [&](const char* name) { return scenario.sites[*scenario.SiteOf(name)].hosts[0].address; };
  EXPECT_EQ(address("s.example"), address("t.example"));
  EXPECT_TRUE(address("c.example") == address("a.example") || address("c.example") == address("b.example"));
}

TEST(Scenario, ClockScaleDividesPolicyAndNothingElse) {
  const Scenario scenario = Parse(
      "clock_scale: 60\n"
      "idle_timeout: 5m\n"
      "dsn: {after: 2m}\n"
      "profiles:\n"
      "  default: {greylist: {delay: 5m, retry_window: 48h}, limits: {messages: 5, window: 1m}, delays: {rcpt: 3s}}\n");
  const Profile& profile = scenario.profiles[0];
  EXPECT_TRUE(profile.greylist.enabled);
  EXPECT_EQ(profile.greylist.delay, absl::Seconds(5));
  EXPECT_EQ(profile.greylist.retry_window, absl::Minutes(48));
  EXPECT_EQ(profile.limits.window, absl::Seconds(1));
  EXPECT_EQ(scenario.dsn.after, absl::Seconds(2));
  EXPECT_EQ(profile.delays[static_cast<size_t>(Phase::kRcpt)], absl::Seconds(3));
  EXPECT_EQ(scenario.idle_timeout, absl::Minutes(5));
}

struct BadRow {
  std::string name;
  std::string text;
  std::string message;  // a part of it
};

class ScenarioRefuses : public testing::TestWithParam<BadRow> {};

TEST_P(ScenarioRefuses, Row) {
  const absl::StatusOr<Scenario> scenario = ParseScenario(GetParam().text, "s.yaml");
  ASSERT_FALSE(scenario.ok());
  EXPECT_NE(std::string(scenario.status().message()).find(GetParam().message), std::string::npos) << scenario.status();
}

INSTANTIATE_TEST_SUITE_P(
    Scenario, ScenarioRefuses,
    testing::Values(
        BadRow{"UnknownKey", "seed: 1\nledgr: x\n", "s.yaml:2: ledgr: unknown key"},
        BadRow{"UnknownKeyInProfile", "profiles:\n  a:\n    greylst: {}\n",
               "s.yaml:3: profiles.a.greylst: unknown key"},
        BadRow{"UnknownProfile", "domains:\n  - {name: a.b, profile: x}\n",
               "s.yaml:2: domains[0].profile: no profile 'x'"},
        BadRow{"BadFate", "fates:\n  - {share: 0.1, fate: '250 ok'}\n", "s.yaml:2: fates[0].fate: a fate is"},
        BadRow{"SharesAboveAll", "fates: [{share: 0.6, fate: accept}, {share: 0.6, fate: accept}]\n", "more than all"},
        BadRow{"BadPhase", "profiles: {a: {disconnect: [{phase: lunch, every: 1}]}}\n", "'lunch' is no phase"},
        BadRow{"ShareAndEvery", "profiles: {a: {disconnect: [{phase: rcpt, every: 1, share: 0.5}]}}\n",
               "either share or every"},
        BadRow{"DomainTwice", "domains: [{names: [a.b, A.b]}]\n", "domain 'a.b' is listed twice"},
        BadRow{"DomainNotAscii", "domains: [{name: \"b\xc3\xbc.example\"}]\n", "A-labels"},
        BadRow{"NotLoopback", "domains: [{name: a.b, address: 192.0.2.1}]\n", "no address in 127.0.0.0/8"},
        BadRow{"DnsNotLoopback", "dns: {listen: '0.0.0.0:53'}\n", "s.yaml:1: dns.listen: must be 127.x.y.z:PORT"},
        BadRow{"DsnNotLoopback", "dsn: {host: 192.0.2.1}\n", "dsn.host: must be"},
        BadRow{"BadRecord", "records: ['a.b SRV x']\n", "records[0]: type 'SRV'"},
        BadRow{"NoRecordFile", "record_files: [/nonexistent/zone]\n", "cannot be read"},
        BadRow{"NoName", "domains: [{profile: default}]\n", "wants name, names or file"},
        BadRow{"NullMxAndMx", "domains: [{name: a.b, null_mx: true, no_mx: true}]\n", "exclude each other"},
        BadRow{"RangeUsedUp",
               "address_range: {count: 1}\nprofiles: {a: {}}\ndomains: [{name: a.b}, {name: c.d, profile: a}]\n",
               "used up"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace wavepost::testnet
