#include "tests/testnet/decide.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/testnet/stable_hash.h"

namespace wavepost::testnet {
namespace {

constexpr uint32_t kIp = 0x7f00000b;
const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);

Scenario Parse(const std::string& text) {
  absl::StatusOr<Scenario> scenario = ParseScenario(text, "s.yaml");
  EXPECT_TRUE(scenario.ok()) << scenario.status();
  return *std::move(scenario);
}

Action Rcpt(Decider& decider, const std::string& address, absl::Time now = kStart, Fate* fate = nullptr) {
  Fate ignored;
  return decider.OnRcpt({.site = 0, .client_ip = kIp, .mail_from = "s@x", .address = address}, now,
                        fate == nullptr ? &ignored : fate);
}

TEST(Decider, SharesHoldAndDoNotDependOnTheOrder) {
  const std::string text =
      "domains: [{name: a.example, profile: p}]\n"
      "profiles: {p: {fates: [{share: 0.03, fate: 550 5.1.1 User unknown}, {share: 0.01, fate: dsn 5.1.1 x}]}}\n"
      "fates: [{share: 0.02, fate: data 554 5.7.1 Spam}]\n";
  const Scenario scenario = Parse(text);
  Decider forward(&scenario);
  Decider backward(&scenario);
  constexpr int kAddresses = 20'000;
  std::set<std::string> refused, refused_again;
  int dsns = 0, after_data = 0;
  for (int i = 0; i < kAddresses; ++i) {
    const std::string address = absl::StrCat("user", i, "@a.example");
    Fate fate;
    if (Rcpt(forward, address, kStart, &fate).code == 550) refused.insert(address);
    dsns += fate.kind == Fate::Kind::kDsn;
    after_data += fate.kind == Fate::Kind::kReplyAfterData;
  }
  for (int i = kAddresses - 1; i >= 0; --i) {
    const std::string address = absl::StrCat("user", i, "@a.example");
    if (Rcpt(backward, address).code == 550) refused_again.insert(address);
  }
  EXPECT_EQ(refused, refused_again);
  EXPECT_NEAR(static_cast<double>(refused.size()) / kAddresses, 0.03, 0.005);
  EXPECT_NEAR(static_cast<double>(dsns) / kAddresses, 0.01, 0.003);
  EXPECT_NEAR(static_cast<double>(after_data) / kAddresses, 0.02, 0.004);

  const Scenario other = Parse("seed: 2\n" + text);
  Decider reseeded(&other);
  std::set<std::string> others;
  for (int i = 0; i < kAddresses; ++i) {
    const std::string address = absl::StrCat("user", i, "@a.example");
    if (Rcpt(reseeded, address).code == 550) others.insert(address);
  }
  EXPECT_NE(refused, others);
}

TEST(Decider, GreylistSpeaksUnscaledSecondsAndPassesAtTheScaledTime) {
  const Scenario scenario =
      Parse("clock_scale: 60\nprofiles: {default: {greylist: {delay: 5m}}}\ndomains: [{name: a.example}]\n");
  Decider decider(&scenario);
  const Action first = Rcpt(decider, "r@a.example");
  EXPECT_EQ(first.code, 450);
  EXPECT_EQ(first.text,
            "4.2.0 <r@a.example>: Recipient address rejected: Greylisted, see "
            "http://greylist.testnet.invalid/help/a.example.html; try again in 300 seconds");
  const Action early = Rcpt(decider, "r@a.example", kStart + absl::Seconds(3));
  EXPECT_EQ(early.code, 450);
  EXPECT_NE(early.text.find("try again in 120 seconds"), std::string::npos) << early.text;
  EXPECT_TRUE(Rcpt(decider, "r@a.example", kStart + absl::Seconds(5)).kind == Action::Kind::kProceed);
  EXPECT_EQ(decider.counts().greylisted, 2u);
  EXPECT_EQ(decider.counts().greylisted_early, 1u);
}

TEST(Decider, GreylistTextAndHintAreTheScenarios) {
  const Scenario scenario =
      Parse("profiles: {default: {greylist: {hint: false, text: Come back}}}\ndomains: [{name: a.example}]\n");
  Decider decider(&scenario);
  EXPECT_EQ(Rcpt(decider, "r@a.example").text, "4.2.0 <r@a.example>: Recipient address rejected: Come back");
}

TEST(Decider, FateTableBeatsLocalPartBeatsShares) {
  Scenario scenario = Parse("fates: [{share: 1, fate: 550 5.7.1 Share}]\ndomains: [{name: a.example}]\n");
  ASSERT_TRUE(scenario.fate_table.AddText("unknown-1@a.example accept\n", "f").ok());
  Decider decider(&scenario);
  EXPECT_TRUE(Rcpt(decider, "unknown-1@a.example").kind == Action::Kind::kProceed);
  EXPECT_EQ(Rcpt(decider, "unknown-2@a.example").text.substr(0, 5), "5.1.1");
  EXPECT_EQ(Rcpt(decider, "anna@a.example").text.substr(0, 5), "5.7.1");
  scenario.profiles[0].local_part_fates = false;
  EXPECT_EQ(Rcpt(decider, "unknown-2@a.example").text.substr(0, 5), "5.7.1");
}

TEST(Decider, TimesCountsAttemptsOfAnAddress) {
  const Scenario scenario = Parse("fates: [{share: 1, fate: times=2 451 4.3.0 Later}]\ndomains: [{name: a.example}]\n");
  Decider decider(&scenario);
  EXPECT_EQ(Rcpt(decider, "a@a.example").code, 451);
  EXPECT_EQ(Rcpt(decider, "b@a.example").code, 451);
  EXPECT_EQ(Rcpt(decider, "a@a.example").code, 451);
  EXPECT_TRUE(Rcpt(decider, "a@a.example").kind == Action::Kind::kProceed);
  EXPECT_EQ(Rcpt(decider, "b@a.example").code, 451);
}

TEST(Decider, A421ClosesTheConnection) {
  const Scenario scenario = Parse("domains: [{name: a.example}]\n");
  Decider decider(&scenario);
  EXPECT_TRUE(Rcpt(decider, "421-x@a.example").kind == Action::Kind::kReplyAndClose);
  EXPECT_TRUE(Rcpt(decider, "450-x@a.example").kind == Action::Kind::kReply);
}

TEST(Decider, LimitsPerClientAndWindow) {
  const Scenario scenario = Parse(
      "profiles: {default: {limits: {connections_open: 2, connections: 3, messages: 2, messages_per_connection: 1, "
      "window: 10s}}}\n"
      "domains: [{name: a.example}, {name: b.example}]\n");
  Decider decider(&scenario);
  const auto proceeds = [](const Action& action) { return action.kind == Action::Kind::kProceed; };
  EXPECT_TRUE(proceeds(decider.OnConnect(0, kIp, kStart)));
  EXPECT_TRUE(proceeds(decider.OnConnect(0, kIp, kStart)));
  const Action refused = decider.OnConnect(0, kIp, kStart);
  EXPECT_EQ(refused.code, 421);
  EXPECT_EQ(refused.text, "4.7.0 Too many concurrent connections from 127.0.0.11");
  EXPECT_TRUE(proceeds(decider.OnConnect(0, kIp + 1, kStart))) << "another client";
  EXPECT_TRUE(proceeds(decider.OnConnect(1, kIp, kStart))) << "another site";
  decider.OnClose(0, kIp);
  EXPECT_TRUE(proceeds(decider.OnConnect(0, kIp, kStart)));
  decider.OnClose(0, kIp);
  EXPECT_FALSE(proceeds(decider.OnConnect(0, kIp, kStart))) << "the rate: a fourth in the window";
  EXPECT_TRUE(proceeds(decider.OnConnect(0, kIp, kStart + absl::Seconds(10))));

  EXPECT_TRUE(proceeds(decider.OnMail(0, kIp, 0, kStart + absl::Seconds(10))));
  EXPECT_EQ(decider.OnMail(0, kIp, 1, kStart + absl::Seconds(10)).code, 421) << "a second on the connection";
  EXPECT_TRUE(proceeds(decider.OnMail(0, kIp, 0, kStart + absl::Seconds(10))));
  EXPECT_EQ(decider.OnMail(0, kIp, 0, kStart + absl::Seconds(19)).code, 421) << "a third in the window";
  EXPECT_TRUE(proceeds(decider.OnMail(0, kIp, 0, kStart + absl::Seconds(20))));
  EXPECT_EQ(decider.counts().limited, 4u);
}

TEST(Decider, DisconnectsEveryNthAndByShare) {
  const Scenario scenario = Parse(
      "profiles: {default: {disconnect: [{phase: rcpt, every: 3}, {phase: data, share: 0.1}]}}\n"
      "domains: [{name: a.example}]\n");
  Decider decider(&scenario);
  std::string pattern;
  for (int i = 0; i < 7; ++i) pattern += decider.Disconnects(0, Phase::kRcpt) ? 'x' : '.';
  EXPECT_EQ(pattern, "..x..x.");
  int cut = 0;
  for (int i = 0; i < 10'000; ++i) cut += decider.Disconnects(0, Phase::kData);
  EXPECT_NEAR(cut, 1000, 120);
  EXPECT_FALSE(decider.Disconnects(0, Phase::kMail));
}

TEST(LimitBook, ForgetsIdleClientsWhenFull) {
  LimitBook book;
  const LimitPolicy policy = {.window = absl::Seconds(1)};
  EXPECT_EQ(book.Open(policy, 0, 1, kStart), LimitBook::Verdict::kOk);
  for (uint32_t ip = 2; ip <= LimitBook::kClientsMax; ++ip) {
    book.Open(policy, 0, ip, kStart);
    book.Close(0, ip);
  }
  book.Open(policy, 0, 0, kStart + absl::Seconds(2));
  EXPECT_EQ(book.size(), 2u) << "the one that is open, and the new one";
}

TEST(StableHash, IsTheSameEverywhere) {
  // A change would move every share of every scenario.
  EXPECT_EQ(StableHash(1, "anna@a.example"), 14140239626311684889u);
  EXPECT_EQ(StableHash(0, ""), 17280346270528514342u);
  EXPECT_GE(UnitOf(0), 0.0);
  EXPECT_LT(UnitOf(~uint64_t{0}), 1.0);
}

}  // namespace
}  // namespace wavepost::testnet
