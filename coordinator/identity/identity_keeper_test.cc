#include "coordinator/identity/identity_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/dns/zone_resolver.h"
#include "common/seal/seal.h"
#include "coordinator/base/dns_client.h"
#include "coordinator/store/store_test_util.h"

namespace wavepost {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Check = v1::RecordCheck;

constexpr char kZone[] =
    "2.0.0.127.bl.example A 127.0.0.2\n"
    "1.2.0.192.in-addr.arpa PTR mail1.example.org\n"
    "mail1.example.org A 192.0.2.1\n"
    "bounce.mail.example MX 10 mx.mail.example\n"
    "bounce.mail.example TXT \"v=spf1 include:_spf.mail.example ~all\"\n"
    "_dmarc.mail.example TXT \"v=DMARC1; p=none\"\n"
    "_spf.mail.example TXT \"v=spf1 ip4:192.0.2.1 ~all\"\n";

class IdentityKeeperTest : public StoreTest {
 protected:
  void SetUp() override {
    Open();
    Attach({"192.0.2.1"});
    dns_ = DnsClient::StartWith([this] {
      auto resolver = *ZoneResolver::Parse(kZone);
      zone_ = resolver.get();
      return resolver;
    });
    Make("mail.example");
  }
  void TearDown() override {
    keeper_.reset();
    dns_->Stop();
  }

  void Attach(const std::vector<std::string>& addresses) {
    NodeAttach node;
    node.node_id = "sender-0";
    for (const std::string& address : addresses) {
      v1::EgressIp& ip = node.egress_ips.emplace_back();
      ip.set_address(address);
      ip.set_ehlo_name("mail1.example.org");
      ip.set_pool("default");
    }
    ASSERT_TRUE(store_->AttachNode(node).ok());
  }

  void Make(const std::string& domain) {
    keeper_ = std::make_unique<IdentityKeeper>(
        IdentityKeeper::Needs{.store = store_.get(),
                              .dns = dns_.get(),
                              .clock = &clock_,
                              .sealer = &sealer_,
                              .ours = {domain, "bounce.mail.example", {"mx.mail.example"}},
                              .zones = {{.zone = "bl.example", .removal_url = "https://bl.example/remove"}},
                              .recheck = absl::Hours(1)});
  }

  // Runs on the resolver's thread.
  void Zone(const std::function<void(ZoneResolver*)>& change) {
    const std::function<Awaitable<absl::Status>(Resolver*)> work = [&](Resolver*) -> Awaitable<absl::Status> {
      change(zone_);
      co_return absl::OkStatus();
    };
    ASSERT_TRUE(dns_->Run(work).ok());
  }
  void Publish(const v1::Identity& identity) {
    Zone([&](ZoneResolver* zone) {
      for (const auto& record : identity.dns_records()) {
        if (record.purpose() != v1::DnsRecord::DKIM) continue;
        ASSERT_TRUE(zone->Add(absl::StrCat(record.owner(), " TXT \"", record.data(), "\"\n")).ok());
      }
    });
  }
  std::vector<std::string> EventTexts(v1::Event::Kind kind) {
    std::vector<std::string> out;
    for (const auto& event : EventsOf(kind)) out.push_back(event.text());
    return out;
  }

  const Sealer sealer_ = Sealer::ForTest();
  std::unique_ptr<DnsClient> dns_;
  ZoneResolver* zone_ = nullptr;
  std::unique_ptr<IdentityKeeper> keeper_;
};

TEST_F(IdentityKeeperTest, MakesKeysAndSaysWhatToPublish) {
  ASSERT_TRUE(keeper_->Start().ok());
  const auto identity = keeper_->Get();
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_EQ(identity->domain(), "mail.example");
  EXPECT_FALSE(identity->has_check_time());
  EXPECT_EQ(identity->dns_records_size(), 6);
  EXPECT_EQ(identity->dns_records(0).data(), "v=spf1 ip4:192.0.2.1 ~all");
  EXPECT_EQ(EventsOf(v1::Event::KEY_CHANGED).size(), 2u);
  const auto stored = store_->GetIdentity();
  EXPECT_EQ(stored->identity().domain(), "mail.example") << "whoever signs asks for it";
  EXPECT_EQ(stored->own().keys_size(), 2);
  // Another start makes no others.
  Make("mail.example");
  ASSERT_TRUE(keeper_->Start().ok());
  EXPECT_EQ(store_->GetIdentity()->own().keys(0).sealed_pem(), stored->own().keys(0).sealed_pem());
}

TEST_F(IdentityKeeperTest, ChecksTellsAndMovesKeys) {
  ASSERT_TRUE(keeper_->Start().ok());
  auto identity = keeper_->Check();
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_EQ(identity->egress_ips(0).reverse_state(), Check::OK);
  EXPECT_THAT(identity->egress_ips(0).listings(), IsEmpty());
  int missing = 0;
  for (const auto& check : identity->checks()) {
    EXPECT_NE(check.state(), Check::WRONG) << check.advice();
    missing += check.state() == Check::MISSING;
  }
  EXPECT_EQ(missing, 2) << "our two keys";
  EXPECT_EQ(EventsOf(v1::Event::IDENTITY_CHANGED).size(), 2u);

  Publish(*identity);
  identity = keeper_->Check();
  ASSERT_TRUE(identity.ok());
  for (const auto& check : identity->checks()) EXPECT_EQ(check.state(), Check::OK) << check.advice();
  const auto with_keys = store_->GetIdentity();
  for (const auto& key : with_keys->own().domain().dkim_keys()) {
    EXPECT_EQ(key.state(), v1::DkimKeyInfo::ACTIVE);
  }
  EXPECT_EQ(EventsOf(v1::Event::IDENTITY_CHANGED).size(), 4u);

  Zone([](ZoneResolver* zone) {
    ASSERT_TRUE(zone->Add("1.2.0.192.bl.example A 127.0.0.2\n").ok());
    zone->Remove("1.2.0.192.in-addr.arpa");
  });
  identity = keeper_->Check();
  ASSERT_TRUE(identity.ok());
  EXPECT_EQ(identity->egress_ips(0).reverse_state(), Check::MISSING);
  ASSERT_EQ(identity->egress_ips(0).listings_size(), 1);
  EXPECT_THAT(identity->egress_ips(0).listings(0).advice(), HasSubstr("https://bl.example/remove"));
  EXPECT_THAT(EventTexts(v1::Event::IDENTITY_CHANGED), Contains(HasSubstr("192.0.2.1 is listed by bl.example")));
  const auto stored = keeper_->Get();
  EXPECT_EQ(stored->egress_ips(0).listings_size(), 1) << "Get shows the last check";
  EXPECT_EQ(stored->check_time().seconds(), absl::ToUnixSeconds(clock_.Now()));

  // The list falls silent: what it said last holds. When it says otherwise, that is told.
  Zone([](ZoneResolver* zone) {
    zone->Remove("2.0.0.127.bl.example");
    zone->Remove("1.2.0.192.bl.example");
  });
  identity = keeper_->Check();
  ASSERT_EQ(identity->egress_ips(0).listings_size(), 1);
  EXPECT_EQ(identity->egress_ips(0).listings(0).state(), v1::Listing::LISTED);
  Zone([](ZoneResolver* zone) { ASSERT_TRUE(zone->Add("2.0.0.127.bl.example A 127.0.0.2\n").ok()); });
  identity = keeper_->Check();
  EXPECT_THAT(identity->egress_ips(0).listings(), IsEmpty());
  EXPECT_THAT(EventTexts(v1::Event::IDENTITY_CHANGED), Contains("192.0.2.1 is no longer listed by bl.example."));
}

TEST_F(IdentityKeeperTest, RecordsFollowTheAddressesThatLive) {
  ASSERT_TRUE(keeper_->Start().ok());
  Attach({"192.0.2.1", "192.0.2.2", "127.0.0.1"});
  const auto identity = keeper_->Check();
  ASSERT_TRUE(identity.ok());
  EXPECT_EQ(identity->dns_records(0).data(), "v=spf1 ip4:192.0.2.1 ip4:192.0.2.2 ~all");
  EXPECT_EQ(identity->checks(0).problem(), "SPF_OLD");
  EXPECT_THAT(identity->checks(0).advice(), HasSubstr("Left out: 127.0.0.1."));
  EXPECT_EQ(identity->egress_ips_size(), 3);
}

TEST_F(IdentityKeeperTest, DelegatedKeysAreOurs) {
  ASSERT_TRUE(MakeDraft(store_.get()).ok());
  cluster::v1::StoredSendingDomain domain;
  domain.mutable_domain()->set_name(absl::StrCat(kTenant, "/sendingDomains/customer.example"));
  domain.mutable_domain()->set_mode(v1::SendingDomain::CNAME);
  auto* key = domain.mutable_domain()->add_dkim_keys();
  key->set_selector("wp1");
  key->set_public_txt("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
  ASSERT_TRUE(store_->CreateSendingDomain(kTenant, domain, {}).ok());
  ASSERT_TRUE(keeper_->Start().ok());
  const auto identity = keeper_->Get();
  const auto& last = *identity->dns_records().rbegin();
  EXPECT_EQ(last.data(), key->public_txt());
  EXPECT_EQ(last.owner(), DelegatedKeyName({.identity_domain = "mail.example"}, domain.domain().name(), "wp1"));
}

TEST_F(IdentityKeeperTest, AnotherDomainHasOtherKeys) {
  ASSERT_TRUE(keeper_->Start().ok());
  const std::string old = store_->GetIdentity()->own().keys(0).sealed_pem();
  Make("other.example");
  ASSERT_TRUE(keeper_->Start().ok());
  const auto stored = store_->GetIdentity();
  EXPECT_EQ(stored->identity().domain(), "other.example");
  EXPECT_EQ(stored->own().domain().name(), "identity/other.example");
  EXPECT_EQ(stored->own().keys_size(), 2);
  EXPECT_NE(stored->own().keys(0).sealed_pem(), old);
}

TEST_F(IdentityKeeperTest, WithoutDomainThereIsNothing) {
  ASSERT_TRUE(keeper_->Start().ok());
  Make("");
  ASSERT_TRUE(keeper_->Start().ok());
  EXPECT_EQ(keeper_->Get().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(keeper_->Check().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(store_->GetIdentity()->identity().domain(), "") << "its keys do not sign any more";
  EXPECT_EQ(store_->GetIdentity()->own().keys_size(), 2) << "and are there should it come back";
}

TEST_F(IdentityKeeperTest, OneCheckAtATimeAndStopEndsIt) {
  ASSERT_TRUE(keeper_->Start().ok());
  Zone([](ZoneResolver* zone) { ASSERT_TRUE(zone->Add("_spf.mail.example TIMEOUT\n").ok()); });
  absl::Status first;
  std::thread checking([&] { first = keeper_->Check().status(); });
  for (int asked = 0; asked == 0;) Zone([&](ZoneResolver* zone) { asked = zone->other_lookups(); });
  const absl::Status second = keeper_->Check().status();
  EXPECT_TRUE(absl::IsResourceExhausted(second)) << second;
  keeper_->Stop();
  checking.join();
  EXPECT_TRUE(absl::IsCancelled(first)) << first;
  EXPECT_TRUE(absl::IsCancelled(keeper_->Check().status()));
}

}  // namespace
}  // namespace wavepost
