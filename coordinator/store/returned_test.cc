// What comes back to the return path, in the books: counters, events, soft bounces that add up, strangers.
#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "common/storage/db.h"
#include "coordinator/store/keys.h"
#include "coordinator/store/reader.h"
#include "coordinator/store/soft_bounces.h"
#include "coordinator/store/store_test_util.h"
#include "coordinator/store/strangers.h"

namespace wavepost {
namespace {

using testing::HasSubstr;

class ReturnedTest : public StoreTest {
 protected:
  // Campaign "c{n}" with a wave "main" for the one address, sent to by sender-0. Returns the wave's number.
  uint32_t Campaign(int n, const std::string& address = "full@example.com") {
    const std::string name = absl::StrCat("tenants/acme/campaigns/c", n);
    cluster::v1::StoredCampaign campaign;
    campaign.mutable_campaign()->set_name(name);
    EXPECT_TRUE(store_->CreateCampaign(campaign, {}).ok());
    const std::string wave = name + "/waves/main";
    EXPECT_TRUE(store_->CreateWave(name, wave, {}).ok());
    NewRecipient row;
    row.recipient.set_address(address);
    EXPECT_TRUE(store_->ImportChunk(wave, {row}, {}, {}).ok());
    EXPECT_TRUE(store_->StartWave(wave, {.token_key_id = 1}).ok());
    const uint32_t number = store_->GetWave(wave)->number();
    EXPECT_TRUE(PlanAll(store_.get(), number).ok());
    return number;
  }

  void Sent(uint32_t wave, v1::Outcome outcome, v1::BounceClass bounce_class = v1::BOUNCE_CLASS_UNSPECIFIED,
            v1::Fault fault = v1::FAULT_UNSPECIFIED) {
    cluster::v1::Report report = Outcome(++report_sequence_, 0, outcome);
    report.set_recipient_id(RecipientId{wave, 0}.packed());
    report.mutable_status()->set_bounce_class(bounce_class);
    report.mutable_status()->set_fault(fault);
    ASSERT_TRUE(Apply(store_.get(), {report}).ok());
  }

  void CameBack(uint32_t wave, v1::BounceClass bounce_class) {
    cluster::v1::BounceReport report = Returned(++bounce_sequence_, 0, bounce_class);
    report.set_recipient_id(RecipientId{wave, 0}.packed());
    report.mutable_status()->set_text("452 mailbox full");
    ASSERT_TRUE(ApplyBounces(store_.get(), {report}).ok());
  }

  bool Suppressed(const std::string& address = "full@example.com") {
    return store_->GetSuppression(kTenant, address).ok();
  }

  void Policy(const std::function<void(v1::SuppressionPolicy*)>& change) {
    ASSERT_TRUE(store_
                    ->UpdateTenant(kTenant,
                                   [&](v1::Tenant* tenant) {
                                     change(tenant->mutable_suppression_policy());
                                     return absl::OkStatus();
                                   })
                    .ok());
  }

  int64_t report_sequence_ = 0;
  int64_t bounce_sequence_ = 0;
};

TEST_F(ReturnedTest, AThousandBouncesAreOneEventAndACounter) {
  Running(1);
  ASSERT_TRUE(Apply(store_.get(), {Outcome(1, 0, v1::DELIVERED)}).ok());
  std::vector<cluster::v1::BounceReport> reports;
  for (int i = 1; i <= 1000; ++i) reports.push_back(Returned(i, 0, v1::HARD));
  reports[0].set_evidence("To: x\nStatus: 5.1.1");
  ASSERT_TRUE(ApplyBounces(store_.get(), reports).ok());
  ASSERT_TRUE(ApplyBounces(store_.get(), {Returned(1001, 0, v1::HARD)}).ok());
  ASSERT_EQ(EventsOf(v1::Event::REPORT_RECEIVED).size(), 1u);
  EXPECT_EQ(EventsOf(v1::Event::REPORT_RECEIVED)[0].evidence(), "To: x Status: 5.1.1");
  EXPECT_EQ(EventsOf(v1::Event::SUPPRESSION_ADDED).size(), 1u);
  Open();
  ASSERT_EQ(At(0).reports_size(), 1);
  EXPECT_EQ(At(0).reports(0).count(), 1001);
  EXPECT_EQ(At(0).reports(0).bounce_class(), v1::HARD);
  ExpectBalanced();
}

TEST_F(ReturnedTest, AClearedFlagIsSetAnewByTheNextHardBounce) {
  Running(1);
  ASSERT_TRUE(Apply(store_.get(), {Outcome(1, 0, v1::DELIVERED)}).ok());
  ASSERT_TRUE(ApplyBounces(store_.get(), {Returned(1, 0, v1::HARD)}).ok());
  ASSERT_TRUE(store_->DeleteSuppression(kTenant, "user0@example.com", "joe", "mistake").ok());
  EXPECT_FALSE(Suppressed("user0@example.com"));
  ASSERT_TRUE(ApplyBounces(store_.get(), {Returned(2, 0, v1::HARD)}).ok());
  EXPECT_TRUE(Suppressed("user0@example.com"));
  EXPECT_EQ(EventsOf(v1::Event::REPORT_RECEIVED).size(), 2u);
  const auto changes = store_->SuppressionChanges(0, 10);  // what the senders hear
  ASSERT_EQ(changes->size(), 3u);
  EXPECT_FALSE((*changes)[0].removed());
  EXPECT_TRUE((*changes)[1].removed());
  EXPECT_FALSE((*changes)[2].removed());
  EXPECT_EQ((*changes)[2].address(), "user0@example.com");
}

TEST_F(ReturnedTest, ComplaintsAndUnsubscribesLeaveTheOutcome) {
  Running(2);
  ASSERT_TRUE(Apply(store_.get(), {Outcome(1, 0, v1::DELIVERED), Outcome(2, 1, v1::DELIVERED)}).ok());
  cluster::v1::BounceReport page = Returned(2, 1, v1::UNSUBSCRIBE);
  page.set_source(cluster::v1::BounceReport::UNSUBSCRIBE_PAGE);
  page.mutable_status()->clear_text();
  ASSERT_TRUE(ApplyBounces(store_.get(), {Returned(1, 0, v1::COMPLAINT), page}).ok());
  EXPECT_EQ(Counts().delivered(), 2);
  EXPECT_EQ(store_->GetSuppression(kTenant, "user0@example.com")->cause(), v1::Suppression::SPAM_COMPLAINT);
  const auto left = store_->GetSuppression(kTenant, "user1@example.com");
  EXPECT_EQ(left->cause(), v1::Suppression::UNSUBSCRIBED);
  EXPECT_EQ(left->evidence(), "asked for on the unsubscribe page");
  ExpectBalanced();
}

TEST_F(ReturnedTest, OnlyTheTableOfCausesSuppresses) {
  Running(8);
  int sequence = 0;
  for (const v1::BounceClass harmless : {v1::POLICY, v1::DELAY_NOTICE, v1::AUTO_REPLY, v1::CHALLENGE, v1::NOT_A_BOUNCE,
                                         v1::SOFT, v1::BOUNCE_CLASS_UNSPECIFIED}) {
    ASSERT_TRUE(ApplyBounces(store_.get(), {Returned(++sequence, 0, harmless)}).ok());
  }
  EXPECT_EQ(store_->SuppressionChanges(0, 10)->size(), 0u);
  EXPECT_EQ(At(0).reports_size(), 7);
}

TEST_F(ReturnedTest, SoftInThreeCampaignsSuppresses) {
  Running(1);
  const uint32_t first = Campaign(1), second = Campaign(2), third = Campaign(3);
  Sent(first, v1::BOUNCED, v1::SOFT, v1::RECIPIENT);  // in the session
  Sent(second, v1::DELIVERED);                        // and came back later
  CameBack(second, v1::SOFT);
  EXPECT_FALSE(Suppressed());
  Open();
  Sent(third, v1::EXPIRED, v1::BOUNCE_CLASS_UNSPECIFIED, v1::RECIPIENT);  // full until it was given up
  const auto entry = store_->GetSuppression(kTenant, "full@example.com");
  ASSERT_TRUE(entry.ok()) << entry.status();
  EXPECT_EQ(entry->cause(), v1::Suppression::SOFT_BOUNCES);
  EXPECT_THAT(entry->evidence(), HasSubstr("c1 (1970-01-12), c2 (1970-01-12), c3 (1970-01-12)"));
  EXPECT_EQ(entry->recipient(), absl::StrCat("tenants/acme/campaigns/c3/waves/main/recipients/w", third, "-0"));
  EXPECT_EQ(store_->SuppressionChanges(0, 10)->size(), 1u);
}

TEST_F(ReturnedTest, ADeliveryInBetweenStartsTheCountAfresh) {
  Running(1);
  const uint32_t a = Campaign(1), b = Campaign(2), c = Campaign(3), d = Campaign(4), e = Campaign(5);
  Sent(a, v1::BOUNCED, v1::SOFT);
  Sent(b, v1::BOUNCED, v1::SOFT);
  Sent(c, v1::DELIVERED);
  Sent(d, v1::BOUNCED, v1::SOFT);
  EXPECT_FALSE(Suppressed());
  Open();
  CameBack(c, v1::SOFT);  // takes the delivery back: a, b, c, d
  EXPECT_TRUE(Suppressed());
  Sent(e, v1::DELIVERED);
}

TEST_F(ReturnedTest, ManyBouncesOfOneCampaignCountOnce) {
  Running(1);
  const uint32_t a = Campaign(1), b = Campaign(2);
  Sent(a, v1::DELIVERED);
  for (int i = 0; i < 10; ++i) CameBack(a, v1::SOFT);
  Sent(b, v1::DELIVERED);
  for (int i = 0; i < 10; ++i) CameBack(b, v1::SOFT);
  EXPECT_FALSE(Suppressed());
}

TEST_F(ReturnedTest, TheTenantSaysHowManyInWhichTime) {
  Running(1);
  Policy([](v1::SuppressionPolicy* policy) {
    policy->set_soft_campaigns(2);
    policy->mutable_soft_window()->set_seconds(7 * 86400);
  });
  const uint32_t a = Campaign(1), b = Campaign(2), c = Campaign(3);
  Sent(a, v1::BOUNCED, v1::SOFT);
  clock_.Advance(absl::Hours(24 * 8));
  Sent(b, v1::BOUNCED, v1::SOFT);
  EXPECT_FALSE(Suppressed());
  clock_.Advance(absl::Hours(24 * 6));
  Sent(c, v1::BOUNCED, v1::SOFT);
  EXPECT_TRUE(Suppressed());
}

TEST_F(ReturnedTest, NeverMeansNever) {
  Running(1);
  Policy([](v1::SuppressionPolicy* policy) { policy->set_soft_never(true); });
  for (int i = 1; i <= 5; ++i) Sent(Campaign(i), v1::BOUNCED, v1::SOFT);
  EXPECT_FALSE(Suppressed());
  EXPECT_EQ(store_->SuppressionChanges(0, 10)->size(), 0u);
}

TEST_F(ReturnedTest, ClearingTheFlagClearsWhatHadAddedUp) {
  Running(1);
  v1::Suppression manual;
  manual.set_address("full@example.com");
  const uint32_t a = Campaign(1), b = Campaign(2), c = Campaign(3), d = Campaign(4), e = Campaign(5);
  Sent(a, v1::BOUNCED, v1::SOFT);
  Sent(b, v1::BOUNCED, v1::SOFT);
  ASSERT_TRUE(store_->CreateSuppression(kTenant, manual, {}).ok());
  ASSERT_TRUE(store_->DeleteSuppression(kTenant, "Full@example.com", "joe", "cleaned up").ok());
  Sent(c, v1::BOUNCED, v1::SOFT);
  Sent(d, v1::BOUNCED, v1::SOFT);
  EXPECT_FALSE(Suppressed());
  Sent(e, v1::BOUNCED, v1::SOFT);
  EXPECT_TRUE(Suppressed());
}

// Rows of soft bounces in the folder, which no store may have open.
size_t SoftRows(const std::string& path) {
  const auto db = Db::Open({.path = path, .kind = "coordinator", .column_families = FamilyNames()});
  EXPECT_TRUE(db.ok()) << db.status();
  size_t rows = 0;
  EXPECT_TRUE(Reader(db->get())
                  .Scan(kSoftBounces, "", "",
                        [&](std::string_view, std::string_view) {
                          ++rows;
                          return true;
                        })
                  .ok());
  return rows;
}

TEST_F(ReturnedTest, StaleRowsGoFasterThanNewOnesCome) {
  Running(150);
  std::vector<cluster::v1::BounceReport> old_ones, new_ones;
  for (uint32_t i = 0; i < 100; ++i) old_ones.push_back(Returned(i + 1, i, v1::SOFT));
  for (uint32_t i = 100; i < 150; ++i) new_ones.push_back(Returned(i + 1, i, v1::SOFT));
  ASSERT_TRUE(ApplyBounces(store_.get(), old_ones).ok());
  store_.reset();
  EXPECT_EQ(SoftRows(path_), 100u);
  Open();
  clock_.Advance(kSoftWindowDefault + absl::Hours(1));
  ASSERT_TRUE(ApplyBounces(store_.get(), new_ones).ok());
  store_.reset();
  EXPECT_EQ(SoftRows(path_), 50u);
  Open();
}

cluster::v1::BounceReport Stranger(int64_t sequence, std::string named) {
  cluster::v1::BounceReport report = Returned(sequence, 0, v1::HARD);
  report.clear_recipient_id();
  report.set_final_recipient(std::move(named));
  report.set_evidence("as it came");
  return report;
}

TEST_F(ReturnedTest, StrangersAreShownToOperatorsAndChangeNothing) {
  Running(3);
  ASSERT_TRUE(Apply(store_.get(), {Outcome(1, 0, v1::DELIVERED)}).ok());
  cluster::v1::BounceReport lost = Returned(5, 0, v1::HARD);
  lost.set_recipient_id(RecipientId{77, 1}.packed());
  ASSERT_TRUE(ApplyBounces(store_.get(), {Stranger(1, "user0@EXAMPLE.com"), Stranger(2, "nobody@example.com"),
                                          Stranger(3, ""), Stranger(4, "<script>"), lost})
                  .ok());
  EXPECT_EQ(At(0).outcome(), v1::DELIVERED);
  EXPECT_EQ(At(0).reports_size(), 0);
  EXPECT_EQ(store_->SuppressionChanges(0, 10)->size(), 0u);
  const auto events = EventsOf(v1::Event::REPORT_UNATTRIBUTED);
  ASSERT_EQ(events.size(), 5u);
  for (const v1::Event& event : events) {
    EXPECT_EQ(event.tenant(), "");
    EXPECT_EQ(event.recipient(), "");
    EXPECT_EQ(event.status().bounce_class(), v1::HARD);
  }
  EXPECT_EQ(events[0].address(), "user0@example.com");
  EXPECT_EQ(events[0].evidence(), "as it came");
  EXPECT_EQ(events[0].text(), absl::StrCat("a report (hard) came back without a genuine token and names "
                                           "user0@example.com, which was sent to in ",
                                           kWave, " (1970-01-12); not proven, so nothing changes"));
  EXPECT_THAT(events[1].text(), HasSubstr("nobody@example.com, which was not sent to"));
  EXPECT_THAT(events[2].text(), HasSubstr("names nobody"));
  EXPECT_EQ(events[3].address(), "");
  EXPECT_THAT(events[4].text(), HasSubstr("w77-1"));
  EXPECT_EQ(store_->Reports().unproven[v1::HARD], 4);
  EXPECT_EQ(store_->UnknownRecipientReports(), 1);
  EXPECT_EQ(store_->GetBouncer("bouncer-0")->report_sequence(), 5);
  ExpectBalanced();
}

TEST_F(ReturnedTest, AFloodOfStrangersIsAHundredEventsAMinute) {
  Running(1);
  std::vector<cluster::v1::BounceReport> flood;
  for (int i = 1; i <= 237; ++i) flood.push_back(Stranger(i, "user0@example.com"));
  ASSERT_TRUE(ApplyBounces(store_.get(), flood).ok());
  EXPECT_EQ(EventsOf(v1::Event::REPORT_UNATTRIBUTED).size(), 100u);
  clock_.Advance(absl::Minutes(1));
  ASSERT_TRUE(ApplyBounces(store_.get(), {Stranger(238, "user0@example.com")}).ok());
  const auto events = EventsOf(v1::Event::REPORT_UNATTRIBUTED);
  ASSERT_EQ(events.size(), 102u);
  EXPECT_EQ(events[100].count(), 137);
  EXPECT_THAT(events[100].text(), HasSubstr("137 more"));
  EXPECT_EQ(store_->Reports().unproven[v1::HARD], 238);
}

TEST(StrangerGateTest, ADayHasItsLimit) {
  StrangerGate gate;
  const absl::Time start = absl::FromUnixSeconds(1000);
  int shown = 0, told = 0;
  int64_t held_back = 0;
  for (absl::Time now = start; now < start + absl::Hours(24); now += absl::Minutes(1)) {
    for (int i = 0; i < 110; ++i) shown += gate.Take(now) ? 1 : 0;
    const int64_t count = gate.TakeHeldBack(now);
    told += count > 0 ? 1 : 0;
    held_back += count;
  }
  EXPECT_EQ(shown, StrangerGate::kEventsPerDay);
  EXPECT_LE(told, 50 + 24);  // by the minute until the day's events are used up, then by the hour
  EXPECT_GE(told, 45 + 22);
  const absl::Time next = start + absl::Hours(24);
  held_back += gate.TakeHeldBack(next);
  EXPECT_EQ(shown + held_back, 24 * 60 * 110);  // each is told of or shown
  EXPECT_TRUE(gate.Take(next));
}

TEST(StrangerGateTest, CountsAndTellsOnce) {
  StrangerGate gate;
  const absl::Time start = absl::FromUnixSeconds(1000);
  for (int i = 0; i < StrangerGate::kEventsPerMinute; ++i) EXPECT_TRUE(gate.Take(start));
  EXPECT_FALSE(gate.Take(start + absl::Seconds(59)));
  EXPECT_EQ(gate.TakeHeldBack(start + absl::Seconds(59)), 0);
  EXPECT_EQ(gate.TakeHeldBack(start + absl::Seconds(60)), 1);
  EXPECT_EQ(gate.TakeHeldBack(start + absl::Seconds(60)), 0);
  EXPECT_TRUE(gate.Take(start + absl::Seconds(60)));
  EXPECT_TRUE(gate.Take(start - absl::Hours(1)));  // a clock that was put back does not block
}

}  // namespace
}  // namespace wavepost
