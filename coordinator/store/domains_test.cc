// Sending domains: changed in one step, listed over all tenants, kept while mail leaves from them.
#include <gmock/gmock.h>

#include "common/rpc/status.h"
#include "coordinator/store/store_test_util.h"

namespace wavepost {
namespace {

constexpr char kDomain[] = "tenants/acme/sendingDomains/acme.example";

class DomainsTest : public StoreTest {
 protected:
  DomainsTest() { Open(); }

  void Make(std::string_view tenant, std::string_view name) {
    v1::Tenant owner;
    owner.set_name(std::string(tenant));
    ASSERT_TRUE(store_->CreateTenant(owner, {tenant == kTenant ? "make-tenant" : std::string(tenant), "t"}).ok());
    cluster::v1::StoredSendingDomain domain;
    domain.mutable_domain()->set_name(std::string(name));
    ASSERT_TRUE(store_->CreateSendingDomain(tenant, domain, {}).ok());
  }
};

absl::Status Verified(cluster::v1::StoredSendingDomain* domain, std::vector<v1::Event>* events) {
  domain->mutable_domain()->set_state(v1::SendingDomain::VERIFIED);
  v1::Event& event = events->emplace_back();
  event.set_kind(v1::Event::DOMAIN_CHANGED);
  event.set_text("acme.example is verified");
  event.set_tenant("tenants/somebody-else");
  return absl::OkStatus();
}

TEST_F(DomainsTest, AChangeIsStoredWithItsEvents) {
  Make(kTenant, kDomain);
  clock_.Advance(absl::Hours(1));
  const auto changed = store_->ChangeSendingDomain(kDomain, [](auto* domain, auto* events) {
    domain->mutable_domain()->set_name("other");
    domain->mutable_domain()->clear_create_time();
    domain->add_pauses("pauses/7");
    return Verified(domain, events);
  });
  ASSERT_TRUE(changed.ok()) << changed.status();
  EXPECT_EQ(changed->domain().name(), kDomain) << "a name stays";
  Open();
  const auto stored = store_->GetSendingDomain(kDomain);
  EXPECT_EQ(stored->domain().state(), v1::SendingDomain::VERIFIED);
  EXPECT_EQ(stored->domain().create_time().seconds(), 1000000);
  EXPECT_EQ(stored->pauses(0), "pauses/7");
  const auto events = EventsOf(v1::Event::DOMAIN_CHANGED);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].text(), "acme.example is verified");
  EXPECT_EQ(events[0].tenant(), kTenant);
  EXPECT_EQ(events[0].time().seconds(), 1000000 + 3600);
}

TEST_F(DomainsTest, ARefusedChangeLeavesNothing) {
  Make(kTenant, kDomain);
  const auto refused = store_->ChangeSendingDomain(kDomain, [](auto* domain, auto* events) {
    EXPECT_TRUE(Verified(domain, events).ok());
    return absl::AbortedError("changed my mind");
  });
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(store_->GetSendingDomain(kDomain)->domain().state(), v1::SendingDomain::STATE_UNSPECIFIED);
  EXPECT_TRUE(EventsOf(v1::Event::DOMAIN_CHANGED).empty());
  EXPECT_EQ(store_->ChangeSendingDomain("tenants/acme/sendingDomains/none", Verified).status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(DomainsTest, ARepeatedRequestChangesNothingMore) {
  Make(kTenant, kDomain);
  const auto add_key = [](auto* stored, auto*) {
    stored->add_keys()->set_sealed_pem("x");
    return absl::OkStatus();
  };
  for (int i = 0; i < 2; ++i) {
    const auto changed = store_->ChangeSendingDomain(kDomain, add_key, {"id", "hash"});
    ASSERT_TRUE(changed.ok()) << changed.status();
    EXPECT_EQ(changed->keys_size(), 1);
  }
  EXPECT_EQ(ReasonOf(store_->ChangeSendingDomain(kDomain, add_key, {"id", "other"}).status()), "REQUEST_ID_REUSED");
  EXPECT_EQ(store_->ChangeSendingDomain(kDomain, add_key)->keys_size(), 2);
}

TEST_F(DomainsTest, ListsThoseOfAllTenants) {
  Make(kTenant, kDomain);
  Make("tenants/b", "tenants/b/sendingDomains/b.example");
  Make("tenants/c", "tenants/c/sendingDomains/c.example");
  std::vector<std::string> names;
  std::string cursor;
  do {
    const auto page = store_->ListAllSendingDomains(2, cursor);
    ASSERT_TRUE(page.ok());
    for (const auto& stored : page->items) names.push_back(stored.domain().name());
    cursor = page->next;
  } while (!cursor.empty() && names.size() < 10);
  EXPECT_THAT(
      names, testing::ElementsAre(kDomain, "tenants/b/sendingDomains/b.example", "tenants/c/sendingDomains/c.example"));
}

TEST_F(DomainsTest, TheGenerationRisesWithKeysAndStatesOnly) {
  Make(kTenant, kDomain);
  int64_t last = store_->KeysGeneration();
  const auto rises = [&] {
    const bool risen = store_->KeysGeneration() > last;
    last = store_->KeysGeneration();
    return risen;
  };
  const auto change = [&](const std::function<void(cluster::v1::StoredSendingDomain*)>& alter) {
    ASSERT_TRUE(store_
                    ->ChangeSendingDomain(kDomain,
                                          [&](auto* domain, auto*) {
                                            alter(domain);
                                            return absl::OkStatus();
                                          })
                    .ok());
  };
  change([](auto* stored) { stored->mutable_domain()->set_state(v1::SendingDomain::VERIFIED); });
  EXPECT_TRUE(rises());
  change([](auto* stored) {
    stored->mutable_domain()->mutable_check_time()->set_seconds(5);
    stored->mutable_domain()->add_checks()->set_state(v1::RecordCheck::OK);
    stored->mutable_domain()->set_failed_checks(1);
    stored->mutable_next_check_time()->set_seconds(9);
  });
  EXPECT_FALSE(rises()) << "a look that changed nothing";
  change([](auto* stored) { stored->mutable_domain()->add_dkim_keys()->set_selector("wp1"); });
  EXPECT_TRUE(rises());
  change([](auto* stored) { stored->add_keys()->set_sealed_pem("x"); });
  EXPECT_TRUE(rises());
  change([](auto* stored) { stored->clear_keys(); });
  EXPECT_TRUE(rises());
  Make("tenants/b", "tenants/b/sendingDomains/b.example");
  EXPECT_TRUE(rises());
  EXPECT_TRUE(store_->DeleteSendingDomain("tenants/b/sendingDomains/b.example").ok());
  EXPECT_TRUE(rises());
  cluster::v1::StoredCertificate certificate;
  certificate.mutable_certificate()->set_name("tenants/acme/certificates/1");
  ASSERT_TRUE(store_->CreateCertificate(kTenant, certificate).ok());
  EXPECT_TRUE(rises());
  ASSERT_TRUE(store_->WarnCertificate("tenants/acme/certificates/1", 30, "soon").ok());
  EXPECT_FALSE(rises());
  ASSERT_TRUE(store_->DeleteCertificate("tenants/acme/certificates/1").ok());
  EXPECT_TRUE(rises());
}

TEST_F(DomainsTest, ADomainStaysWhileAWaveRunsFromIt) {
  Make(kTenant, kDomain);
  Make(kTenant, "tenants/acme/sendingDomains/other.example");
  Make("tenants/b", "tenants/b/sendingDomains/acme.example");
  ASSERT_TRUE(MakeDraft(store_.get()).ok());
  ASSERT_TRUE(store_->ImportChunk(kWave, Rows(0, 1), {}, {}).ok());
  EXPECT_THAT(*store_->CampaignsSendingFrom(kDomain), testing::IsEmpty());
  ASSERT_TRUE(store_->StartWave(kWave, {.token_key_id = 1, .from_address = "hello@acme.example"}).ok());
  for (int opened = 0; opened < 2; ++opened) {
    EXPECT_THAT(*store_->CampaignsSendingFrom(kDomain), testing::ElementsAre(kCampaign));
    EXPECT_THAT(*store_->CampaignsSendingFrom("tenants/b/sendingDomains/acme.example"), testing::IsEmpty());
    EXPECT_EQ(ReasonOf(store_->DeleteSendingDomain(kDomain)), "DOMAIN_IN_USE");
    Open();
  }
  EXPECT_TRUE(store_->DeleteSendingDomain("tenants/acme/sendingDomains/other.example").ok());
  EXPECT_TRUE(store_->DeleteSendingDomain("tenants/b/sendingDomains/acme.example").ok());

  ASSERT_TRUE(PlanAll(store_.get()).ok());
  ASSERT_TRUE(Apply(store_.get(), {Outcome(1, 0, v1::DELIVERED)}).ok());
  ASSERT_EQ(store_->GetWave(kWave)->wave().state(), v1::Wave::COMPLETED);
  EXPECT_THAT(*store_->CampaignsSendingFrom(kDomain), testing::IsEmpty());
  EXPECT_TRUE(store_->DeleteSendingDomain(kDomain).ok());
  EXPECT_EQ(store_->GetSendingDomain(kDomain).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_->DeleteSendingDomain(kDomain).code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace wavepost
