// DMARC and TLS reports in the books.
#include <gmock/gmock.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/store/proto_time.h"
#include "coordinator/store/store_test_util.h"

namespace wavepost {
namespace {

constexpr absl::Duration kDay = absl::Hours(24);

class AggregatesTest : public StoreTest {
 protected:
  void SetUp() override {
    Open();
    ASSERT_TRUE(MakeDraft(store_.get()).ok());
    Domain("example.com", v1::SendingDomain::VERIFIED);
    now_ = absl::FromUnixSeconds(1'700'006'400);  // midnight
    SetClock(now_);
  }

  void SetClock(absl::Time time) { clock_.Advance(time - clock_.Now()); }

  void Domain(std::string_view domain, v1::SendingDomain::State state) {
    cluster::v1::StoredSendingDomain stored;
    stored.mutable_domain()->set_name(absl::StrCat(kTenant, "/sendingDomains/", std::string(domain)));
    stored.mutable_domain()->set_state(state);
    ASSERT_TRUE(store_->CreateSendingDomain(kTenant, stored, {}).ok());
  }

  cluster::v1::BounceReport Dmarc(std::string_view id, std::string_view domain = "example.com",
                                  absl::Duration ago = kDay) {
    cluster::v1::BounceReport report;
    report.set_source(cluster::v1::BounceReport::AGGREGATE_MAIL);
    v1::DmarcReport* const dmarc = report.mutable_dmarc();
    dmarc->set_org_name("google.com");
    dmarc->set_report_id(std::string(id));
    dmarc->set_domain(std::string(domain));
    *dmarc->mutable_begin_time() = ToProtoTime(now_ - ago);
    *dmarc->mutable_end_time() = ToProtoTime(now_ - ago + kDay - absl::Seconds(1));
    return report;
  }

  static void Row(cluster::v1::BounceReport* report, std::string_view ip, int64_t count, bool passed) {
    v1::DmarcRow* const row = report->mutable_dmarc()->add_rows();
    row->set_source_ip(std::string(ip));
    row->set_count(count);
    row->set_dkim_aligned(passed);
    row->set_disposition("none");
  }

  cluster::v1::BounceReport Usual(std::string_view id) {
    cluster::v1::BounceReport report = Dmarc(id);
    Row(&report, "127.0.0.11", 1180, true);
    Row(&report, "203.0.113.9", 20, false);
    return report;
  }

  // Gives the reports their sequences.
  void Enter(std::vector<cluster::v1::BounceReport> reports) {
    for (cluster::v1::BounceReport& report : reports) report.set_sequence(++sequence_);
    const absl::Status entered = ApplyBounces(store_.get(), std::move(reports));
    ASSERT_TRUE(entered.ok()) << entered;
  }

  std::string Sources(std::string_view domain = "example.com", int days = 30) {
    const auto sources = store_->DmarcSources(domain, days);
    if (!sources.ok()) return sources.status().ToString();
    std::string out;
    for (const v1::DmarcSource& source : *sources) {
      absl::StrAppend(&out, out.empty() ? "" : ", ", source.source_ip(), source.ours() ? "!" : "", " ", source.passed(),
                      "/", source.messages());
    }
    return out;
  }

  int64_t sequence_ = 0;
  absl::Time now_;
};

TEST_F(AggregatesTest, SumsPerSource) {
  ASSERT_TRUE(store_
                  ->AttachNode({.node_id = "sender-0",
                                .egress_ips =
                                    [] {
                                      v1::EgressIp ip;
                                      ip.set_address("127.0.0.11");
                                      return std::vector<v1::EgressIp>{ip};
                                    }()})
                  .ok());
  Enter({Usual("1"), Usual("2")});  // in one change
  Enter({Usual("3")});
  EXPECT_EQ(Sources(), "127.0.0.11! 3540/3540, 203.0.113.9 0/60");
  const auto first = store_->DmarcSources("example.com", 30)->at(0);
  EXPECT_EQ(first.first_day().seconds(), 1'700'006'400 - 86'400);
  EXPECT_EQ(first.last_day().seconds(), 1'700'006'400 - 86'400);
  EXPECT_EQ(store_->UnknownRecipientReports(), 0);

  const auto events = EventsOf(v1::Event::AGGREGATE_REPORT_RECEIVED);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].tenant(), kTenant);
  EXPECT_EQ(
      events[0].text(),
      "google.com saw 1200 messages from example.com: 1180 passed DMARC; 20 failed, all from 203.0.113.9, which is "
      "not ours");
  const AggregateFigures figures = store_->AggregatesSinceStart();
  EXPECT_EQ(figures.entered, 3);
  EXPECT_EQ(figures.domains.at("example.com").passed_ours, 3540);
  EXPECT_EQ(figures.domains.at("example.com").failed_others, 60);
}

TEST_F(AggregatesTest, TheSameReportCountsOnce) {
  Enter({Usual("1"), Usual("1")});  // in one change
  cluster::v1::BounceReport forwarded = Usual("1");
  forwarded.mutable_dmarc()->set_sender("somebody@else.example");
  forwarded.mutable_dmarc()->set_org_name("Google.com");
  Enter({forwarded});
  Open();
  now_ += 10 * kDay;
  SetClock(now_);
  Enter({Usual("1")});
  EXPECT_EQ(Sources(), "127.0.0.11 1180/1180, 203.0.113.9 0/20");
  EXPECT_EQ(store_->AggregateReports("example.com", 10, "")->items.size(), 1u);
  EXPECT_EQ(EventsOf(v1::Event::AGGREGATE_REPORT_RECEIVED).size(), 1u);
  EXPECT_EQ(store_->AggregatesSinceStart().repeated, 1);  // since the start
  Enter({Usual("2")});
  EXPECT_EQ(Sources(), "127.0.0.11 2360/2360, 203.0.113.9 0/40");
}

TEST_F(AggregatesTest, StrangersAreDropped) {
  Domain("unverified.example", v1::SendingDomain::UNVERIFIED);
  for (const char* domain : {"stranger.example", "unverified.example", "com"}) {
    cluster::v1::BounceReport report = Dmarc("1", domain);
    Row(&report, "203.0.113.9", 5, false);
    Enter({report});
    EXPECT_EQ(Sources(domain), "") << domain;
    EXPECT_TRUE(store_->AggregateReports(domain, 10, "")->items.empty()) << domain;
  }
  EXPECT_EQ(store_->AggregatesSinceStart().foreign, 3);
  EXPECT_TRUE(EventsOf(v1::Event::AGGREGATE_REPORT_RECEIVED).empty());

  // Verified in between: what comes from now on is kept.
  ASSERT_TRUE(store_
                  ->ChangeSendingDomain(absl::StrCat(kTenant, "/sendingDomains/unverified.example"),
                                        [](cluster::v1::StoredSendingDomain* stored, std::vector<v1::Event>*) {
                                          stored->mutable_domain()->set_state(v1::SendingDomain::VERIFIED);
                                          return absl::OkStatus();
                                        })
                  .ok());
  cluster::v1::BounceReport report = Dmarc("2", "unverified.example");
  Row(&report, "203.0.113.9", 5, false);
  Enter({report});
  EXPECT_EQ(Sources("unverified.example"), "203.0.113.9 0/5");
  // Our own domain: no tenant's.
  cluster::v1::BounceReport own = Dmarc("3", "bounce.example");
  Row(&own, "203.0.113.9", 1, false);
  Enter({own});
  EXPECT_EQ(Sources("bounce.example"), "203.0.113.9 0/1");
  EXPECT_EQ(EventsOf(v1::Event::AGGREGATE_REPORT_RECEIVED).back().tenant(), "");
}

TEST_F(AggregatesTest, OldAndFutureReportsAreDropped) {
  for (const absl::Duration ago : {36 * kDay, -2 * kDay}) {
    cluster::v1::BounceReport report = Dmarc(absl::StrCat(absl::ToInt64Hours(ago)), "example.com", ago);
    Row(&report, "203.0.113.9", 5, false);
    Enter({report});
  }
  EXPECT_EQ(Sources("example.com", 400), "");
  EXPECT_EQ(store_->AggregatesSinceStart().untimely, 2);
}

TEST_F(AggregatesTest, DaysAskedFor) {
  for (const int days : {0, 1, 6}) {
    cluster::v1::BounceReport report = Dmarc(absl::StrCat(days), "example.com", days * kDay);
    Row(&report, "203.0.113.9", 1, true);
    Enter({report});
  }
  EXPECT_EQ(Sources("example.com", 1), "203.0.113.9 1/1");
  EXPECT_EQ(Sources("example.com", 2), "203.0.113.9 2/2");
  EXPECT_EQ(Sources("example.com", 6), "203.0.113.9 2/2");
  EXPECT_EQ(Sources("example.com", 7), "203.0.113.9 3/3");
}

TEST_F(AggregatesTest, SourcesOfADayHaveALimit) {
  int ip = 0;
  for (int i = 0; i < 12; ++i) {
    cluster::v1::BounceReport report = Dmarc(absl::StrCat(i));
    for (int n = 0; n < 900; ++n, ++ip) Row(&report, absl::StrCat("10.0.", ip / 256, ".", ip % 256), 1, false);
    Enter({report});
  }
  // 10,800 addresses.
  auto sources = store_->DmarcSources("example.com", 30);
  ASSERT_EQ(sources->size(), Store::kSourcesOfDayMax + 1);
  EXPECT_EQ(sources->at(0).source_ip(), "other");
  EXPECT_EQ(sources->at(0).messages(), 800);
  // Known ones still count by themselves.
  cluster::v1::BounceReport again = Dmarc("again");
  Row(&again, "10.0.0.0", 5, false);
  Enter({again});
  sources = store_->DmarcSources("example.com", 30);
  ASSERT_EQ(sources->size(), Store::kSourcesOfDayMax + 1);
  EXPECT_EQ(sources->at(1).source_ip(), "10.0.0.0");
  EXPECT_EQ(sources->at(1).messages(), 6);
}

TEST_F(AggregatesTest, ReportsOfADayHaveALimit) {
  const auto enter = [&](uint32_t first, uint32_t until, bool passed) {
    std::vector<cluster::v1::BounceReport> reports;
    for (uint32_t i = first; i < until; ++i) {
      reports.push_back(Dmarc(absl::StrCat(i)));
      Row(&reports.back(), "203.0.113.9", 1, passed);
      if (reports.size() == 500 || i + 1 == until) Enter(std::exchange(reports, {}));
    }
  };
  const auto events = [&] { return EventsOf(v1::Event::AGGREGATE_REPORT_RECEIVED); };
  const auto lines = [&] { return store_->AggregateReports("example.com", 1000, "")->items.size(); };
  // Good news are an event for a while, bad ones for longer.
  enter(0, 30, true);
  EXPECT_EQ(events().size(), Store::kPassedEventsOfDayMax);
  enter(30, 100, false);
  EXPECT_EQ(events().size(), Store::kPassedEventsOfDayMax + 70);
  enter(100, 400, false);
  ASSERT_EQ(events().size(), Store::kPassedEventsOfDayMax + 71);
  EXPECT_EQ(events().back().text(),
            "100 DMARC and TLS reports about example.com came today, which is a limit: further ones of today make no "
            "event; they are listed and summed up");
  EXPECT_EQ(lines(), 400u);
  // Then they are summed up only, each once.
  enter(400, 600, false);
  enter(550, 600, false);
  EXPECT_EQ(lines(), Store::kReportLinesOfDayMax);
  EXPECT_EQ(Sources(), "203.0.113.9 30/600");
  EXPECT_EQ(store_->AggregatesSinceStart().repeated, 50);
  EXPECT_EQ(events().size(), Store::kPassedEventsOfDayMax + 72);
  // And dropped in the end.
  enter(600, Store::kReportsOfDayMax + 600, false);
  EXPECT_EQ(Sources(), "203.0.113.9 30/10000");
  EXPECT_EQ(store_->AggregatesSinceStart().over_limit, 600);
  EXPECT_EQ(lines(), Store::kReportLinesOfDayMax);
  EXPECT_EQ(events().size(), Store::kPassedEventsOfDayMax + 73);
  EXPECT_EQ(events().back().tenant(), kTenant);
  EXPECT_EQ(events().back().text(),
            "10000 DMARC and TLS reports about example.com came today, which is a limit: further ones of today are "
            "dropped");
  // Other domains have their own limits, other days too; and what was summed up is still known.
  cluster::v1::BounceReport own = Dmarc("own", "bounce.example");
  Row(&own, "203.0.113.9", 1, false);
  Enter({own});
  EXPECT_EQ(Sources("bounce.example"), "203.0.113.9 0/1");
  now_ += kDay;
  SetClock(now_);
  enter(599, 600, false);
  enter(20'000, 20'001, true);
  EXPECT_EQ(Sources(), "203.0.113.9 31/10001");
}

TEST_F(AggregatesTest, UnlistedOnesAreKnownWhileTheyMayCome) {
  std::vector<cluster::v1::BounceReport> reports;
  for (uint32_t i = 0; i <= Store::kReportLinesOfDayMax; ++i) {
    reports.push_back(Dmarc(absl::StrCat(i), "example.com", -kDay));  // as early as may be
    Row(&reports.back(), "203.0.113.9", 1, true);
  }
  Enter(reports);
  EXPECT_EQ(store_->AggregateReports("example.com", 1000, "")->items.size(), Store::kReportLinesOfDayMax);
  const cluster::v1::BounceReport last = reports.back();
  for (const int days : {35, 40}) {
    SetClock(now_ + days * kDay);
    Enter({Dmarc("unheard-of", "stranger.example")});  // makes room
    Enter({last});
    EXPECT_EQ(Sources("example.com", 400), "203.0.113.9 501/501") << days;
  }
  EXPECT_EQ(store_->AggregatesSinceStart().repeated, 1);
  EXPECT_GE(store_->AggregatesSinceStart().untimely, 1);
}

// Anybody can send reports, and the thread that enters them has other work.
TEST_F(AggregatesTest, OneChangeTakesSoManyRows) {
  std::vector<cluster::v1::BounceReport> reports;
  for (int i = 0; i < 5; ++i) {
    reports.push_back(Dmarc(absl::StrCat(i)));
    for (int n = 0; n < 6'000; ++n) Row(&reports.back(), "203.0.113.9", 1, false);
  }
  reports.push_back(Usual("small"));
  Enter(reports);
  EXPECT_EQ(Sources(), "203.0.113.9 0/18020, 127.0.0.11 1180/1180");
  EXPECT_EQ(store_->AggregatesSinceStart().over_limit, 2);
  EXPECT_EQ(store_->AggregatesSinceStart().entered, 4);
  Enter({reports[4]});
  EXPECT_EQ(Sources(), "203.0.113.9 0/24020, 127.0.0.11 1180/1180");
}

TEST_F(AggregatesTest, ALostDomainBelongsToWhomeverVerifiesIt) {
  const std::string theirs = "tenants/other/sendingDomains/example.com";
  const auto change = [&](const std::string& name, v1::SendingDomain::State state) {
    ASSERT_TRUE(store_
                    ->ChangeSendingDomain(name,
                                          [&](cluster::v1::StoredSendingDomain* stored, std::vector<v1::Event>*) {
                                            stored->mutable_domain()->set_state(state);
                                            return absl::OkStatus();
                                          })
                    .ok());
  };
  const auto told = [&](std::string_view id) {
    const size_t before = EventsOf(v1::Event::AGGREGATE_REPORT_RECEIVED).size();
    Enter({Usual(id)});
    std::string tenants;
    const auto events = EventsOf(v1::Event::AGGREGATE_REPORT_RECEIVED);
    for (size_t i = before; i < events.size(); ++i) absl::StrAppend(&tenants, events[i].tenant(), " ");
    return tenants;
  };
  v1::Tenant tenant;
  tenant.set_name("tenants/other");
  ASSERT_TRUE(store_->CreateTenant(tenant, {"o", "o"}).ok());
  cluster::v1::StoredSendingDomain stored;
  stored.mutable_domain()->set_name(theirs);
  stored.mutable_domain()->set_state(v1::SendingDomain::UNVERIFIED);
  ASSERT_TRUE(store_->CreateSendingDomain("tenants/other", stored, {}).ok());
  const std::string ours = absl::StrCat(kTenant, "/sendingDomains/example.com");
  change(ours, v1::SendingDomain::LOST);
  EXPECT_EQ(told("1"), "tenants/acme ");
  EXPECT_FALSE(*store_->VerifiedElsewhere(ours));
  change(theirs, v1::SendingDomain::VERIFIED);
  EXPECT_EQ(told("2"), "tenants/other ");
  EXPECT_TRUE(*store_->VerifiedElsewhere(ours));
  EXPECT_FALSE(*store_->VerifiedElsewhere(theirs));
  EXPECT_FALSE(*store_->VerifiedElsewhere("tenants/other/sendingDomains/ample.com"));
  change(ours, v1::SendingDomain::VERIFIED);
  EXPECT_EQ(told("3"), "tenants/acme tenants/other ");
}

TEST_F(AggregatesTest, OldOnesAreForgotten) {
  cluster::v1::BounceReport tls = Dmarc("t");
  const v1::DmarcReport dmarc = tls.dmarc();
  *tls.mutable_tls()->mutable_begin_time() = dmarc.begin_time();
  *tls.mutable_tls()->mutable_end_time() = dmarc.end_time();
  v1::TlsPolicyResult* const policy = tls.mutable_tls()->add_policies();
  policy->set_policy_domain("bounce.example");
  policy->set_successful_sessions(9);
  Enter({Usual("1"), tls});
  now_ += 398 * kDay;
  SetClock(now_);
  Enter({Usual("2")});
  EXPECT_EQ(Sources("example.com", 400), "127.0.0.11 2360/2360, 203.0.113.9 0/40");
  EXPECT_EQ(store_->AggregateReports("example.com", 10, "")->items.size(), 2u);
  EXPECT_EQ(store_->TlsResults("bounce.example", 400)->successful_sessions(), 9);
  now_ += 2 * kDay;
  SetClock(now_);
  Enter({Usual("3")});
  // When the clock goes back, the first ones are gone all the same.
  now_ -= 2 * kDay;
  SetClock(now_);
  EXPECT_EQ(Sources("example.com", 400), "127.0.0.11 1180/1180, 203.0.113.9 0/20");
  EXPECT_EQ(store_->AggregateReports("example.com", 10, "")->items.size(), 1u);
  EXPECT_EQ(store_->TlsResults("bounce.example", 400)->successful_sessions(), 0);
}

TEST_F(AggregatesTest, Tls) {
  const auto tls = [&](std::string_view id, std::string_view type, int64_t failed) {
    const v1::DmarcReport dates = Dmarc("x").dmarc();
    cluster::v1::BounceReport report;
    report.mutable_tls()->set_org_name("Google Inc.");
    report.mutable_tls()->set_report_id(std::string(id));
    *report.mutable_tls()->mutable_begin_time() = dates.begin_time();
    *report.mutable_tls()->mutable_end_time() = dates.end_time();
    v1::TlsPolicyResult* const policy = report.mutable_tls()->add_policies();
    policy->set_policy_domain("bounce.example");
    policy->set_successful_sessions(10);
    policy->set_failed_sessions(failed);
    v1::TlsFailure* const failure = policy->add_failures();
    failure->set_result_type(std::string(type));
    failure->set_sessions(failed);
    return report;
  };
  Enter(
      {tls("1", "certificate-expired", 2), tls("1", "certificate-expired", 2), tls("2", "starttls-not-supported", 3)});
  Enter({tls("3", "certificate-expired", 4)});
  const auto results = store_->TlsResults("bounce.example", 30);
  ASSERT_TRUE(results.ok());
  EXPECT_EQ(results->successful_sessions(), 30);
  EXPECT_EQ(results->failed_sessions(), 9);
  ASSERT_EQ(results->failures_size(), 2);
  EXPECT_EQ(results->failures(0).result_type(), "certificate-expired");
  EXPECT_EQ(results->failures(0).sessions(), 6);
  EXPECT_EQ(results->failures(1).sessions(), 3);
  EXPECT_EQ(store_->AggregatesSinceStart().domains.at("bounce.example").tls_failed, 9);
}

TEST_F(AggregatesTest, ReportsNewestFirstInPages) {
  for (int i = 0; i < 7; ++i) {
    SetClock(now_ + i * absl::Hours(10));
    Enter({Dmarc(absl::StrCat(i))});
  }
  std::string seen;
  std::string cursor;
  int pages = 0;
  do {
    const auto page = store_->AggregateReports("example.com", 3, cursor);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const v1::AggregateReport& report : page->items) seen += report.report_id();
    cursor = page->next;
    ++pages;
  } while (!cursor.empty() && pages < 10);
  EXPECT_EQ(seen, "6543210");
  EXPECT_EQ(pages, 3);
  EXPECT_TRUE(store_->AggregateReports("example.co", 3, "")->items.empty());
  EXPECT_TRUE(store_->AggregateReports("example.com", 3, "rubbish").ok());
}

}  // namespace
}  // namespace wavepost
