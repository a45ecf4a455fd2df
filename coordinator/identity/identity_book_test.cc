#include "coordinator/identity/identity_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wavepost {
namespace {

using Check = v1::RecordCheck;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kIp[] = "192.0.2.1";

IdentityPlan BookPlan(std::vector<std::string> addresses = {kIp}) {
  IdentityPlan plan;
  plan.domain = "mail.example";
  v1::DnsRecord spf;
  spf.set_owner("_spf.mail.example");
  spf.set_type("TXT");
  spf.set_data("v=spf1 ip4:192.0.2.1 ~all");
  spf.set_purpose(v1::DnsRecord::SPF);
  plan.own.records = {spf};
  for (const std::string& address : addresses) {
    v1::EgressIp& ip = plan.ips.emplace_back();
    ip.set_address(address);
    ip.set_ehlo_name("mail1.example.org");
    ip.set_pool("default");
  }
  plan.questions = {plan.own.records, IpsToCheck(plan.ips), {{.zone = "bl.example"}, {.zone = "rbl.example"}}};
  return plan;
}

IdentityAnswers Nothing(const IdentityPlan& plan) {
  IdentityAnswers answers;
  answers.records.resize(plan.questions.records.size());
  answers.reverse.resize(plan.questions.ips.size());
  answers.reverse_names.resize(plan.questions.ips.size());
  answers.listings.resize(plan.questions.ips.size(),
                          std::vector<std::optional<v1::Listing>>(plan.questions.zones.size()));
  return answers;
}

IdentityAnswers Answers(const IdentityPlan& plan, Check::State record, Check::State reverse,
                        std::vector<v1::Listing::State> listings) {
  IdentityAnswers answers = Nothing(plan);
  Check check;
  *check.mutable_record() = plan.questions.records[0];
  check.set_state(record);
  check.set_advice(record == Check::OK ? "" : "record advice");
  answers.records[0] = check;
  for (auto& verdict : answers.reverse) verdict = ReverseVerdict{reverse, reverse == Check::OK ? "" : "reverse advice"};
  for (auto& names : answers.reverse_names) names = {"mail1.example.org"};
  for (auto& row : answers.listings) {
    for (size_t z = 0; z < listings.size(); ++z) {
      v1::Listing listing;
      listing.set_state(listings[z]);
      if (listings[z] != v1::Listing::STATE_UNSPECIFIED) listing.set_zone(plan.questions.zones[z].zone);
      listing.set_advice("listing advice");
      row[z] = listing;
    }
  }
  return answers;
}

constexpr auto kClean = v1::Listing::STATE_UNSPECIFIED;
constexpr auto kListed = v1::Listing::LISTED;
constexpr auto kSilent = v1::Listing::NO_ANSWER;

std::vector<std::string> Texts(const std::vector<IdentityChange>& changes) {
  std::vector<std::string> out;
  for (const auto& change : changes) out.push_back((change.bad ? "bad " : "good ") + change.subject);
  return out;
}

struct BookRow {
  std::string name;
  Check::State record[2];  // before, now
  Check::State reverse[2];
  v1::Listing::State listing[2];
  Check::State record_after;
  Check::State reverse_after;
  std::vector<std::string> listings_after;  // "LISTED bl.example"
  std::vector<std::string> changes;
};

class IdentityBookTable : public ::testing::TestWithParam<BookRow> {};

TEST_P(IdentityBookTable, MergesAndTells) {
  const BookRow& row = GetParam();
  const IdentityPlan plan = BookPlan();
  const v1::Identity before = MergeIdentity(
      {}, plan, Answers(plan, row.record[0], row.reverse[0], {row.listing[0], kClean}), absl::FromUnixSeconds(100));
  const v1::Identity after = MergeIdentity(
      before, plan, Answers(plan, row.record[1], row.reverse[1], {row.listing[1], kClean}), absl::FromUnixSeconds(200));
  EXPECT_EQ(after.checks(0).state(), row.record_after);
  EXPECT_EQ(after.egress_ips(0).reverse_state(), row.reverse_after);
  std::vector<std::string> listings;
  for (const auto& listing : after.egress_ips(0).listings()) {
    listings.push_back(v1::Listing::State_Name(listing.state()) + " " + listing.zone());
  }
  EXPECT_EQ(listings, row.listings_after);
  EXPECT_EQ(Texts(IdentityChanges(before, after)), row.changes);
  EXPECT_EQ(after.check_time().seconds(), 200);
}

constexpr char kSpfBad[] = "bad _spf.mail.example TXT";
constexpr char kSpfGood[] = "good _spf.mail.example TXT";
const BookRow kBook[] = {
    {"AllStaysGood", {Check::OK, Check::OK}, {Check::OK, Check::OK}, {kClean, kClean}, Check::OK, Check::OK, {}, {}},
    {"AllTurnsBad",
     {Check::OK, Check::MISSING},
     {Check::OK, Check::WRONG},
     {kClean, kListed},
     Check::MISSING,
     Check::WRONG,
     {"LISTED bl.example"},
     {kSpfBad, "bad 192.0.2.1", "bad 192.0.2.1"}},
    {"StaysBadQuietly",
     {Check::WRONG, Check::WRONG},
     {Check::WRONG, Check::MISSING},
     {kListed, kListed},
     Check::WRONG,
     Check::MISSING,
     {"LISTED bl.example"},
     {}},
    {"AllTurnsGood",
     {Check::WRONG, Check::OK},
     {Check::MISSING, Check::OK},
     {kListed, kClean},
     Check::OK,
     Check::OK,
     {},
     {kSpfGood, "good 192.0.2.1", "good 192.0.2.1"}},
    {"SilenceHidesNothingBad",
     {Check::WRONG, Check::UNKNOWN},
     {Check::WRONG, Check::UNKNOWN},
     {kListed, kSilent},
     Check::WRONG,
     Check::WRONG,
     {"LISTED bl.example"},
     {}},
    {"SilenceIsNoAlarm",
     {Check::OK, Check::UNKNOWN},
     {Check::OK, Check::UNKNOWN},
     {kClean, kSilent},
     Check::OK,
     Check::OK,
     {"NO_ANSWER bl.example"},
     {}},
    {"BadAfterSilenceIsNew",
     {Check::UNKNOWN, Check::WRONG},
     {Check::UNKNOWN, Check::WRONG},
     {kSilent, kListed},
     Check::WRONG,
     Check::WRONG,
     {"LISTED bl.example"},
     {kSpfBad, "bad 192.0.2.1", "bad 192.0.2.1"}},
    {"GoodAfterSilenceIsNoNews",
     {Check::UNKNOWN, Check::OK},
     {Check::UNKNOWN, Check::OK},
     {kSilent, kClean},
     Check::OK,
     Check::OK,
     {},
     {}},
};
INSTANTIATE_TEST_SUITE_P(Book, IdentityBookTable, ::testing::ValuesIn(kBook),
                         [](const auto& row) { return row.param.name; });

TEST(IdentityBookTest, BadAtFirstSightIsTold) {
  const IdentityPlan plan = BookPlan();
  const auto after =
      MergeIdentity({}, plan, Answers(plan, Check::MISSING, Check::WRONG, {kListed, kListed}), absl::Now());
  const auto changes = IdentityChanges({}, after);
  ASSERT_EQ(changes.size(), 4u);
  EXPECT_THAT(changes[0].text, HasSubstr("_spf.mail.example TXT: record advice"));
}

TEST(IdentityBookTest, WhatThereWasNoTimeForIsKept) {
  const IdentityPlan plan = BookPlan();
  const auto before = MergeIdentity({}, plan, Answers(plan, Check::OK, Check::OK, {kListed, kSilent}), absl::Now());
  const auto after = MergeIdentity(before, plan, Nothing(plan), absl::Now());
  EXPECT_EQ(after.checks(0).state(), Check::OK);
  EXPECT_EQ(after.egress_ips(0).reverse_state(), Check::OK);
  EXPECT_THAT(after.egress_ips(0).reverse_names(), ElementsAre("mail1.example.org"));
  ASSERT_EQ(after.egress_ips(0).listings_size(), 2);
  EXPECT_EQ(after.egress_ips(0).listings(0).state(), kListed);
  EXPECT_THAT(IdentityChanges(before, after), IsEmpty());
  // Repeated, it says so once.
  const auto third = MergeIdentity(after, plan, Nothing(plan), absl::Now());
  EXPECT_EQ(third.egress_ips(0).listings(0).advice(), after.egress_ips(0).listings(0).advice());
}

TEST(IdentityBookTest, ARecordWithNewDataHasNotBeenSeen) {
  IdentityPlan plan = BookPlan();
  const auto before = MergeIdentity({}, plan, Answers(plan, Check::OK, Check::OK, {kClean, kClean}), absl::Now());
  plan.questions.records[0].set_data("v=spf1 ip4:192.0.2.1 ip4:192.0.2.9 ~all");
  const auto silent =
      MergeIdentity(before, plan, Answers(plan, Check::UNKNOWN, Check::OK, {kClean, kClean}), absl::Now());
  EXPECT_EQ(silent.checks(0).state(), Check::UNKNOWN);
  const auto old = MergeIdentity(before, plan, Answers(plan, Check::WRONG, Check::OK, {kClean, kClean}), absl::Now());
  EXPECT_THAT(Texts(IdentityChanges(before, old)), ElementsAre(kSpfBad));
  const auto good =
      MergeIdentity(old, BookPlan(), Answers(BookPlan(), Check::OK, Check::OK, {kClean, kClean}), absl::Now());
  EXPECT_THAT(Texts(IdentityChanges(old, good)), ElementsAre(kSpfGood)) << "it is one record for people";
}

TEST(IdentityBookTest, AnotherEhloNameIsLookedAtAnew) {
  IdentityPlan plan = BookPlan();
  const auto before = MergeIdentity({}, plan, Answers(plan, Check::OK, Check::OK, {kClean, kClean}), absl::Now());
  plan.ips[0].set_ehlo_name("other.example.org");
  EXPECT_EQ(MergeIdentity(before, plan, Nothing(plan), absl::Now()).egress_ips(0).reverse_state(), Check::UNKNOWN);
}

TEST(IdentityBookTest, AddressesThatNobodySeesAreNotLookedUp) {
  const IdentityPlan plan = BookPlan({"127.0.0.1", kIp, kIp, "10.0.0.1", "nonsense"});
  ASSERT_EQ(plan.questions.ips.size(), 1u);
  const auto after = MergeIdentity({}, plan, Answers(plan, Check::OK, Check::OK, {kClean, kClean}), absl::Now());
  ASSERT_EQ(after.egress_ips_size(), 4);
  EXPECT_EQ(after.egress_ips(0).reverse_state(), Check::UNKNOWN);
  EXPECT_THAT(after.egress_ips(0).reverse_advice(), HasSubstr("127.0.0.1 is an address that no receiver can see"));
  EXPECT_EQ(after.egress_ips(1).reverse_state(), Check::OK);
  EXPECT_THAT(IdentityChanges({}, after), IsEmpty());
}

TEST(IdentityBookTest, SpfNoteStandsAtTheRecordOnce) {
  IdentityPlan plan = BookPlan();
  plan.own.spf_note = "Left out: 10.0.0.1.";
  const auto good = Answers(plan, Check::OK, Check::OK, {kClean, kClean});
  auto identity = MergeIdentity({}, plan, good, absl::Now());
  EXPECT_EQ(identity.checks(0).advice(), "Left out: 10.0.0.1.");
  identity = MergeIdentity(MergeIdentity(identity, plan, Nothing(plan), absl::Now()), plan, Nothing(plan), absl::Now());
  const std::string& advice = identity.checks(0).advice();
  EXPECT_EQ(advice.find("Left out"), advice.rfind("Left out"));
}

TEST(IdentityBookTest, ListingsWithoutAnswerAreBounded) {
  std::vector<std::string> addresses;
  for (int i = 0; i < 1200; ++i)
    addresses.push_back("198.51." + std::to_string(i / 250) + "." + std::to_string(i % 250));
  IdentityPlan plan = BookPlan(addresses);
  EXPECT_EQ(plan.questions.ips.size(), kCheckedIpsMax);
  auto answers = Answers(plan, Check::OK, Check::OK, {kSilent, kSilent});
  for (auto& row : answers.listings) row.push_back(row[0]), row.push_back(row[0]);
  plan.questions.zones.push_back({.zone = "c.example"});
  plan.questions.zones.push_back({.zone = "d.example"});
  for (auto& row : answers.listings) {
    row[3]->set_state(kListed);
    row[3]->set_zone("d.example");
  }
  const auto after = MergeIdentity({}, plan, answers, absl::Now());
  size_t silent = 0;
  size_t listed = 0;
  for (const auto& ip : after.egress_ips()) {
    for (const auto& listing : ip.listings()) ++(listing.state() == kListed ? listed : silent);
  }
  EXPECT_EQ(silent, kNoAnswersKept);
  EXPECT_EQ(listed, kCheckedIpsMax);
  EXPECT_THAT(after.egress_ips(1199).reverse_advice(), HasSubstr("more than 1000 egress IPs"));
}

}  // namespace
}  // namespace wavepost
