// What the keeper does to domains over days, with a zone that changes and a process that may die.
#include "coordinator/domains/domain_keeper.h"

#include <gmock/gmock.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/rpc/status.h"
#include "coordinator/domains/keeper_fixture.h"

namespace wavepost {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class DomainKeeperTest : public KeeperTest {
 protected:
  // VERIFIED, and the time of the next look not reached.
  void MakeVerified(v1::SendingDomain::Mode mode = v1::SendingDomain::TXT) {
    MakeDomain(mode);
    Publish();
    ASSERT_EQ(Verify().state(), v1::SendingDomain::VERIFIED) << Domain().DebugString();
  }
  void MakeLost() {
    MakeVerified();
    StartFrom("news@a.example");
    Unpublish();
    for (int i = 0; i < 3; ++i) Round(absl::Hours(24));
    ASSERT_EQ(Domain().state(), v1::SendingDomain::LOST);
  }
};

TEST_F(DomainKeeperTest, ADomainIsVerifiedOnceItsKeysAreSeen) {
  MakeDomain();
  v1::SendingDomain domain = Verify();
  EXPECT_EQ(domain.state(), v1::SendingDomain::UNVERIFIED);
  ASSERT_FALSE(domain.checks().empty());
  EXPECT_EQ(domain.checks(0).state(), v1::RecordCheck::MISSING);
  EXPECT_THAT(Texts(v1::Event::DOMAIN_CHANGED), IsEmpty());

  Publish();
  domain = Verify();
  EXPECT_EQ(domain.state(), v1::SendingDomain::VERIFIED);
  EXPECT_EQ(FromProtoTime(domain.check_time()), clock_.Now());
  for (const v1::DkimKeyInfo& key : domain.dkim_keys()) EXPECT_EQ(key.state(), v1::DkimKeyInfo::ACTIVE);
  EXPECT_THAT(Texts(v1::Event::DOMAIN_CHANGED), ElementsAre("a.example is verified"));
  EXPECT_THAT(Texts(v1::Event::KEY_CHANGED), Contains(HasSubstr("signs from now on")).Times(2));
  Verify();
  EXPECT_THAT(Texts(v1::Event::DOMAIN_CHANGED), SizeIs(1)) << "told once";
  EXPECT_EQ(keeper_->Verify("tenants/acme/sendingDomains/none").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(DomainKeeperTest, RoundsLookWhenALookIsDue) {
  MakeDomain();
  const auto looked = [&] { return FromProtoTime(Domain().check_time()) == clock_.Now(); };
  Round(absl::Minutes(59));
  EXPECT_FALSE(looked());
  Round(absl::Minutes(1));
  EXPECT_TRUE(looked());
  Round(absl::Minutes(59));
  EXPECT_FALSE(looked()) << "hourly while it is being set up";
  Round(absl::Minutes(1));
  EXPECT_TRUE(looked());
  Publish();
  Round(absl::Hours(1));
  EXPECT_EQ(Domain().state(), v1::SendingDomain::VERIFIED);
  Round(absl::Hours(23));
  EXPECT_FALSE(looked());
  Round(absl::Hours(1));
  EXPECT_TRUE(looked());
}

TEST_F(DomainKeeperTest, ALostDomainPausesWhatIsSendingFromItAndFoundAgainEndsThat) {
  MakeVerified();
  StartFrom("news@a.example");
  v1::Pause other;
  other.set_creator("operator");
  other.mutable_selector()->set_domain("x.example");
  ASSERT_TRUE(store_->CreatePause(other, "", {}).ok());
  Unpublish();
  Round(absl::Hours(24));
  EXPECT_EQ(Domain().state(), v1::SendingDomain::VERIFIED);
  EXPECT_EQ(Domain().failed_checks(), 1);
  EXPECT_THAT(Texts(v1::Event::DOMAIN_CHANGED), Contains(HasSubstr("a record is not in order any more")));
  for (int i = 0; i < 5; ++i) Verify();
  EXPECT_EQ(Domain().failed_checks(), 1) << "looks at the same hour count once";
  Round(absl::Hours(1));
  EXPECT_EQ(Domain().failed_checks(), 2);
  EXPECT_EQ(Domain().state(), v1::SendingDomain::VERIFIED);
  EXPECT_THAT(Pauses(), SizeIs(1));
  Round(absl::Hours(1));
  EXPECT_EQ(Domain().state(), v1::SendingDomain::LOST);
  ASSERT_THAT(Pauses(), SizeIs(2));
  EXPECT_EQ(Pauses()[1].creator(), "coordinator");
  EXPECT_EQ(Pauses()[1].selector().campaign(), kCampaign);
  EXPECT_EQ(Pauses()[1].selector().tenant(), kTenant);
  EXPECT_THAT(Pauses()[1].reason(), HasSubstr("_domainkey.a.example")) << "says which record";
  EXPECT_THAT(Texts(v1::Event::DOMAIN_CHANGED).back(), HasSubstr("a.example is lost"));
  EXPECT_THAT(Texts(v1::Event::DOMAIN_CHANGED).back(), HasSubstr(Domain().checks(0).advice()));
  for (int i = 0; i < 3; ++i) Round(absl::Hours(1));
  EXPECT_THAT(Pauses(), SizeIs(2)) << "once per loss";

  Publish();
  Round(absl::Hours(1));
  EXPECT_EQ(Domain().state(), v1::SendingDomain::VERIFIED);
  EXPECT_EQ(Domain().failed_checks(), 0);
  ASSERT_THAT(Pauses(), SizeIs(1));
  EXPECT_EQ(Pauses()[0].creator(), "operator");
  EXPECT_EQ(store_->GetSendingDomain(kKept)->pauses_size(), 0);
  EXPECT_THAT(Texts(v1::Event::DOMAIN_CHANGED).back(), HasSubstr("is verified again"));
}

TEST_F(DomainKeeperTest, WhoDoesNotAnswerLosesNothing) {
  MakeVerified();
  Fail();
  for (int i = 0; i < 10; ++i) Round(absl::Hours(24));
  EXPECT_EQ(Domain().state(), v1::SendingDomain::VERIFIED);
  EXPECT_EQ(Domain().checks(0).state(), v1::RecordCheck::UNKNOWN);
  EXPECT_EQ(Domain().failed_checks(), 0);
}

TEST_F(DomainKeeperTest, ThePolicyMayOnlyWarn) {
  policy_.pause_lost = false;
  MakeKeeper();
  MakeLost();
  EXPECT_THAT(Pauses(), IsEmpty());
  EXPECT_THAT(Texts(v1::Event::DOMAIN_CHANGED).back(), HasSubstr("Waves that run go on"));
}

TEST_F(DomainKeeperTest, MailFromElsewhereIsNotPaused) {
  MakeVerified();
  StartFrom("news@other.example");
  Unpublish();
  for (int i = 0; i < 3; ++i) Round(absl::Hours(24));
  ASSERT_EQ(Domain().state(), v1::SendingDomain::LOST);
  EXPECT_THAT(Pauses(), IsEmpty());
}

TEST_F(DomainKeeperTest, APauseThatWasNotWrittenDownIsFoundAgain) {
  MakeLost();
  const auto forget = [](auto* stored, auto*) {  // as if the process had died in between
    stored->clear_pauses();
    return absl::OkStatus();
  };
  ASSERT_TRUE(store_->ChangeSendingDomain(kKept, forget).ok());
  MakeKeeper();
  Round(absl::Hours(1));
  ASSERT_THAT(Pauses(), SizeIs(1)) << "no second one";
  EXPECT_THAT(store_->GetSendingDomain(kKept)->pauses(), ElementsAre(Pauses()[0].name()));

  ASSERT_TRUE(store_->ChangeSendingDomain(kKept, forget).ok());
  Publish();
  Round(absl::Hours(1));
  EXPECT_THAT(Pauses(), IsEmpty()) << "ends though nobody wrote it down";
}

TEST_F(DomainKeeperTest, PausesOfADomainThatIsGoneOrInOrderAreEnded) {
  MakeVerified();
  for (const char* domain : {kKept, "tenants/acme/sendingDomains/gone.example"}) {
    v1::Pause pause;
    pause.set_creator("coordinator");
    pause.mutable_selector()->set_campaign(kCampaign);
    pause.set_reason(absl::StrCat("sending domain ", domain, " is lost. Why."));
    ASSERT_TRUE(store_->CreatePause(pause, "", {}).ok());
  }
  v1::Pause other;
  other.set_creator("operator");
  other.mutable_selector()->set_campaign(kCampaign);
  other.set_reason("sending domain tenants/acme/sendingDomains/gone.example is lost. Says a person.");
  ASSERT_TRUE(store_->CreatePause(other, "", {}).ok());
  Round(absl::Minutes(1));
  ASSERT_THAT(Pauses(), SizeIs(1));
  EXPECT_EQ(Pauses()[0].creator(), "operator");
}

TEST_F(DomainKeeperTest, AProcessThatDiesBeforeThePauseMakesItLater) {
  MakeLost();
  ASSERT_TRUE(store_->EndPause(Pauses()[0].name()).ok());
  ASSERT_TRUE(store_
                  ->ChangeSendingDomain(kKept,
                                        [](auto* stored, auto*) {
                                          stored->clear_pauses();
                                          return absl::OkStatus();
                                        })
                  .ok());
  Round(absl::Hours(1));
  EXPECT_THAT(Pauses(), SizeIs(1));
}

TEST_F(DomainKeeperTest, APauseThatAnOperatorEndedStaysEnded) {
  MakeLost();
  ASSERT_TRUE(store_->EndPause(Pauses()[0].name()).ok());
  Round(absl::Hours(1));
  EXPECT_THAT(Pauses(), IsEmpty());
  Publish();
  Round(absl::Hours(1));
  EXPECT_EQ(Domain().state(), v1::SendingDomain::VERIFIED);
}

TEST_F(DomainKeeperTest, KeysAreRotatedAndTheOldOnesDestroyed) {
  MakeVerified();
  const std::string first = Domain().dkim_selector();
  clock_.Advance(absl::Hours(24));
  const auto rotated = keeper_->Rotate(kKept, {"id", "hash"});
  ASSERT_TRUE(rotated.ok()) << rotated.status();
  ASSERT_EQ(rotated->dkim_keys_size(), 4);
  EXPECT_EQ(rotated->dkim_selector(), first);
  const std::string second = rotated->dkim_keys(2).selector();
  EXPECT_NE(second, first);
  EXPECT_THAT(rotated->dns_records(), Contains(testing::ResultOf([](const auto& record) { return record.owner(); },
                                                                 second + "._domainkey.a.example")));
  EXPECT_EQ(keeper_->Rotate(kKept, {"id", "hash"})->dkim_keys_size(), 4) << "a retry";
  EXPECT_EQ(ReasonOf(keeper_->Rotate(kKept, {}).status()), "ROTATION_UNDER_WAY");

  Verify();
  EXPECT_EQ(Domain().state(), v1::SendingDomain::VERIFIED) << "a rotation costs no verification";
  Publish();
  Verify();
  EXPECT_EQ(Domain().dkim_keys(2).state(), v1::DkimKeyInfo::PUBLISHED);
  EXPECT_EQ(Domain().dkim_selector(), first);
  Round(absl::Minutes(59));
  EXPECT_EQ(Domain().dkim_selector(), first);
  Round(absl::Minutes(1));
  EXPECT_EQ(Domain().dkim_selector(), second) << "a look of its own when they are due";

  auto stored = store_->GetSendingDomain(kKept);
  ASSERT_EQ(stored->keys_size(), 4);
  EXPECT_TRUE(sealer_.Open(stored->keys(2).sealed_pem(), DkimSealContext(kKept, second)).ok());
  Round(absl::Hours(24 * 7));
  stored = store_->GetSendingDomain(kKept);
  ASSERT_EQ(stored->keys_size(), 2) << "private halves are gone";
  EXPECT_EQ(stored->keys(0).selector(), second);
  EXPECT_EQ(stored->domain().dkim_keys_size(), 4) << "their records stay";
  Round(absl::Hours(24 * 23));
  EXPECT_EQ(Domain().dkim_keys_size(), 2);
  EXPECT_THAT(Texts(v1::Event::KEY_CHANGED), Contains(HasSubstr("is removed")).Times(2));
}

TEST_F(DomainKeeperTest, InCnameModeKeysAreRotatedByThemselves) {
  MakeVerified(v1::SendingDomain::CNAME);
  EXPECT_EQ(Domain().dkim_selector(), "wp1");
  for (int day = 0; day < 179; day += 7) Round(absl::Hours(24 * 7));
  ASSERT_EQ(Domain().dkim_keys_size(), 4);
  Publish();
  Round(absl::Hours(1));
  Round(absl::Hours(1));
  EXPECT_EQ(Domain().dkim_selector(), "wp2");
  EXPECT_EQ(ReasonOf(keeper_->Rotate(kKept, {}).status()), "NO_FREE_SELECTOR");
}

TEST_F(DomainKeeperTest, ADomainOfAnOldFolderGetsKeys) {
  cluster::v1::StoredSendingDomain old;
  old.mutable_domain()->set_name(kKept);
  ASSERT_TRUE(store_->CreateSendingDomain(kTenant, old, {}).ok());
  Round(absl::ZeroDuration());
  EXPECT_EQ(Domain().dkim_keys_size(), 2);
  EXPECT_EQ(store_->GetSendingDomain(kKept)->keys_size(), 2);
  EXPECT_EQ(Domain().state(), v1::SendingDomain::UNVERIFIED);
  Round(absl::Hours(24));
  EXPECT_EQ(Domain().dkim_keys_size(), 2);
}

TEST_F(DomainKeeperTest, TheReturnPathIsItsOwnNameWhileThatLeadsToUs) {
  MakeVerified();
  EXPECT_EQ(Domain().return_path_domain(), "");
  InZone([](ZoneResolver* zone) {
    EXPECT_TRUE(zone->Add("wpbounce.a.example MX 10 mx.op.example\n"
                          "wpbounce.a.example TXT \"v=spf1 include:_spf.op.example ~all\"\n")
                    .ok());
  });
  EXPECT_EQ(Verify().return_path_domain(), "wpbounce.a.example");
  InZone([](ZoneResolver* zone) { zone->Remove("wpbounce.a.example"); });
  EXPECT_EQ(Verify().return_path_domain(), "");
}

TEST_F(DomainKeeperTest, SoManyVerificationsOfATenantAndStopEndsThem) {
  MakeDomain();
  const cluster::v1::StoredSendingDomain first = *store_->GetSendingDomain(kKept);
  std::vector<std::string> names = {kKept};
  for (const char* domain : {"b.example", "c.example"}) {
    cluster::v1::StoredSendingDomain stored = first;
    names.push_back(absl::StrCat(kTenant, "/sendingDomains/", domain));
    stored.mutable_domain()->set_name(names.back());
    ASSERT_TRUE(store_->CreateSendingDomain(kTenant, stored, {}).ok());
  }
  ASSERT_EQ(names.size(), static_cast<size_t>(DomainKeeper::kVerifiesOfTenantMax));
  InZone([&](ZoneResolver* zone) {
    for (const v1::DkimKeyInfo& key : first.domain().dkim_keys()) {
      for (const char* domain : {"a.example", "b.example", "c.example"}) {
        EXPECT_TRUE(zone->Add(absl::StrCat(key.selector(), "._domainkey.", domain, " TIMEOUT\n")).ok());
      }
    }
  });
  std::atomic<int> cancelled = 0;
  std::vector<std::thread> callers;
  for (const std::string& name : names) {
    callers.emplace_back([&] { cancelled += absl::IsCancelled(keeper_->Verify(name).status()) ? 1 : 0; });
  }
  int asked = 0;
  while (asked < DomainKeeper::kVerifiesOfTenantMax) {
    InZone([&](ZoneResolver* zone) { asked = zone->other_lookups(); });
    std::this_thread::yield();
  }
  EXPECT_EQ(ReasonOf(keeper_->Verify(kKept).status()), "TOO_MANY_VERIFICATIONS");
  EXPECT_EQ(keeper_->Verify("tenants/b/sendingDomains/a.example").status().code(), absl::StatusCode::kNotFound)
      << "other tenants do not wait";
  dns_->Stop();
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(cancelled, DomainKeeper::kVerifiesOfTenantMax);
  EXPECT_FALSE(Domain().has_check_time()) << "a look that was stopped says nothing";
}

TEST_F(DomainKeeperTest, StartsAndStops) {
  keeper_->Start();
  keeper_->Stop();
  keeper_->Stop();
  EXPECT_EQ(keeper_->Verify(kKept).status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(DomainKeeperTest, TellsOfCertificatesThatEnd) {
  cluster::v1::StoredCertificate stored;
  stored.mutable_certificate()->set_name("tenants/acme/certificates/c");
  stored.mutable_certificate()->add_addresses("news@a.example");
  stored.mutable_certificate()->set_issuer("CN=Test CA");
  *stored.mutable_certificate()->mutable_not_after() = ToProtoTime(clock_.Now() + absl::Hours(24 * 40));
  ASSERT_TRUE(store_->CreateCertificate(kTenant, stored).ok());
  for (int hour = 0; hour < 24 * 45; hour += 12) Round(absl::Hours(12));
  EXPECT_THAT(Texts(v1::Event::CERTIFICATE_EXPIRES),
              ElementsAre(HasSubstr("in 30 days"), HasSubstr("in 14 days"), HasSubstr("in 7 days"),
                          HasSubstr("in 3 days"), HasSubstr("in 1 day:"), HasSubstr(" ended on ")));
}

}  // namespace
}  // namespace wavepost
