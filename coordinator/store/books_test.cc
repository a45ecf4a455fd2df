// Tenants, campaigns, waves, nodes, events: what is created once and listed.
#include <gmock/gmock.h>

#include "common/rpc/status.h"
#include "coordinator/store/store_test_util.h"

namespace wavepost {
namespace {

class BooksTest : public StoreTest {
 protected:
  BooksTest() { Open(); }
};

v1::Tenant Tenant(std::string name) {
  v1::Tenant tenant;
  tenant.set_name(std::move(name));
  return tenant;
}

TEST_F(BooksTest, ARequestIdGetsItsFirstAnswerAgain) {
  ASSERT_TRUE(store_->CreateTenant(Tenant("tenants/a"), {"id", "hash"}).ok());
  clock_.Advance(absl::Hours(1));
  const auto again = store_->CreateTenant(Tenant("tenants/a"), {"id", "hash"});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->create_time().seconds(), 1000000);
  EXPECT_EQ(store_->CreateTenant(Tenant("tenants/a"), {"new", "hash"}).status().code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(store_->CreateTenant(Tenant("tenants/a"), {}).status().code(), absl::StatusCode::kAlreadyExists);
}

TEST_F(BooksTest, ARequestIdOfAnotherRequestIsRefused) {
  ASSERT_TRUE(store_->CreateTenant(Tenant("tenants/a"), {"id", "hash"}).ok());
  const absl::Status reused = store_->CreateTenant(Tenant("tenants/b"), {"id", "other"}).status();
  EXPECT_EQ(reused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(reused), "REQUEST_ID_REUSED");
  EXPECT_EQ(store_->GetTenant("tenants/b").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(BooksTest, ListsInPagesWithoutGapsOrStrangers) {
  for (const char* name : {"tenants/a", "tenants/ab", "tenants/b", "tenants/c", "tenants/d"}) {
    ASSERT_TRUE(store_->CreateTenant(Tenant(name), {}).ok());
  }
  std::vector<std::string> names;
  std::string cursor;
  int pages = 0;
  do {
    const auto page = store_->ListTenants(2, cursor);
    ASSERT_TRUE(page.ok());
    for (const v1::Tenant& tenant : page->items) names.push_back(tenant.name());
    cursor = page->next;
    ++pages;
  } while (!cursor.empty() && pages < 10);
  EXPECT_THAT(names, testing::ElementsAre("tenants/a", "tenants/ab", "tenants/b", "tenants/c", "tenants/d"));
  EXPECT_EQ(pages, 3);

  for (const char* name : {"tenants/a/sendingDomains/x.example", "tenants/ab/sendingDomains/y.example"}) {
    cluster::v1::StoredSendingDomain domain;
    domain.mutable_domain()->set_name(name);
    domain.add_keys()->set_sealed_pem("sealed");
    ASSERT_TRUE(store_->CreateSendingDomain(std::string(name, std::string(name).find("/sending")), domain, {}).ok());
  }
  const auto domains = store_->ListSendingDomains("tenants/a", 0, "");
  ASSERT_TRUE(domains.ok());
  ASSERT_EQ(domains->items.size(), 1u);
  EXPECT_EQ(domains->items[0].domain().name(), "tenants/a/sendingDomains/x.example");
  EXPECT_EQ(store_->GetSendingDomain("tenants/ab/sendingDomains/y.example")->keys(0).sealed_pem(), "sealed");
}

TEST_F(BooksTest, ATenantIsChangedInPlaceAndKeepsItsNameAndKeys) {
  ASSERT_TRUE(store_->CreateTenant(Tenant("tenants/a"), {}).ok());
  cluster::v1::StoredApiKey key;
  key.set_name("tenants/a/apiKeys/1");
  key.set_secret_sha256("hash");
  ASSERT_TRUE(store_->AddApiKey("tenants/a", key).ok());
  clock_.Advance(absl::Hours(1));
  const auto changed = store_->UpdateTenant("tenants/a", [](v1::Tenant* tenant) {
    tenant->set_name("tenants/b");
    tenant->clear_create_time();
    tenant->set_fallback_from_address("mail@a.example");
    return absl::OkStatus();
  });
  ASSERT_TRUE(changed.ok()) << changed.status();
  EXPECT_EQ(changed->name(), "tenants/a");
  EXPECT_EQ(changed->create_time().seconds(), 1000000);
  Open();
  EXPECT_EQ(store_->GetTenant("tenants/a")->tenant().fallback_from_address(), "mail@a.example");
  EXPECT_EQ(store_->GetTenant("tenants/a")->api_keys_size(), 1);

  const auto refuse = [](v1::Tenant* tenant) {
    tenant->set_display_name("no");
    return absl::InvalidArgumentError("refused");
  };
  EXPECT_EQ(store_->UpdateTenant("tenants/a", refuse).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(store_->GetTenant("tenants/a")->tenant().display_name(), "");
  EXPECT_EQ(store_->UpdateTenant("tenants/none", refuse).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(BooksTest, FindsTheTenantOfAKey) {
  ASSERT_TRUE(store_->CreateTenant(Tenant("tenants/a"), {}).ok());
  cluster::v1::StoredApiKey key;
  key.set_name("tenants/a/apiKeys/1");
  key.set_secret_sha256(std::string("\0\xffhash", 6));
  EXPECT_TRUE(store_->AddApiKey("tenants/a", key).ok());
  EXPECT_TRUE(store_->AddApiKey("tenants/a", key).ok());  // again
  EXPECT_EQ(store_->TenantOfKey(key.secret_sha256()).value(), "tenants/a");
  EXPECT_EQ(store_->GetTenant("tenants/a")->api_keys_size(), 1);
  EXPECT_EQ(store_->TenantOfKey("x").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_->AddApiKey("tenants/none", key).code(), absl::StatusCode::kNotFound);
}

TEST_F(BooksTest, WavesGetNumbersThatRiseAcrossRestarts) {
  ASSERT_TRUE(MakeDraft(store_.get()).ok());
  Open();
  const std::string second = std::string(kCampaign) + "/waves/reminder";
  ASSERT_TRUE(store_->CreateWave(kCampaign, second, {}).ok());
  EXPECT_EQ(store_->GetWave(kWave)->number(), 1u);
  EXPECT_EQ(store_->GetWave(second)->number(), 2u);
  EXPECT_EQ(store_->GetWaveByNumber(2)->wave().name(), second);
  EXPECT_EQ(store_->GetWaveByNumber(3).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_->CreateWave(kCampaign, second, {}).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(store_->CreateWave("tenants/acme/campaigns/none", "x", {}).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_->ListWaves(kCampaign, 0, "")->items.size(), 2u);
  EXPECT_EQ(store_->ListCampaigns(kTenant, 0, "")->items.size(), 1u);
}

TEST_F(BooksTest, AWaveStartsOnceAndNotEmpty) {
  ASSERT_TRUE(MakeDraft(store_.get()).ok());
  EXPECT_EQ(ReasonOf(store_->StartWave(kWave, {.token_key_id = 1}).status()), "NO_RECIPIENTS");
  ASSERT_TRUE(store_->ImportChunk(kWave, Rows(0, 3), {}, {}).ok());
  EXPECT_THAT(*store_->WavesToPlan(), testing::IsEmpty());
  const WaveStart start = {.token_key_id = 1, .from_address = "a@x.example", .return_path_domain = "r.x.example"};
  EXPECT_EQ(store_->StartWave(kWave, start)->state(), v1::Wave::RUNNING);
  ASSERT_EQ(store_->WavesToPlan()->size(), 1u);
  EXPECT_EQ(store_->WavesToPlan()->at(0).number, 1u);
  EXPECT_FALSE(store_->WavesToPlan()->at(0).urgent);
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(store_->StartWave(kWave, {.token_key_id = 2, .from_address = "b@x.example"})->start_time().seconds(),
            1000000);
  EXPECT_EQ(store_->GetWave(kWave)->wave().from_address(), "a@x.example");
  EXPECT_EQ(store_->GetWave(kWave)->return_path_domain(), "r.x.example");
  EXPECT_EQ(store_->GetWave(kWave)->token_key_id(), 1u);
  EXPECT_EQ(EventsOf(v1::Event::WAVE_STARTED).size(), 1u);
}

TEST_F(BooksTest, AnEgressIpMovesToTheNodeThatAttachedLast) {
  v1::EgressIp a, b;
  a.set_address("127.0.0.11");
  b.set_address("127.0.0.12");
  EXPECT_EQ(store_->AttachNode({.node_id = "sender-0", .egress_ips = {a, b}})->epoch(), 1);
  EXPECT_EQ(store_->AttachNode({.node_id = "sender-1", .egress_ips = {b}})->epoch(), 1);
  Open();
  EXPECT_EQ(store_->AttachNode({.node_id = "sender-1", .egress_ips = {b}})->epoch(), 2);
  const auto nodes = store_->ListNodes();
  ASSERT_EQ(nodes->size(), 2u);
  EXPECT_EQ((*nodes)[0].egress_ips_size(), 1);
  EXPECT_EQ((*nodes)[0].egress_ips(0).address(), "127.0.0.11");
  EXPECT_EQ((*nodes)[1].egress_ips(0).address(), "127.0.0.12");
  EXPECT_EQ(store_->GetBouncer("bouncer-0")->report_sequence(), 0);
}

TEST_F(BooksTest, EventsGoOnWhereTheyWere) {
  v1::Event event;
  event.set_kind(v1::Event::NODE_CHANGED);
  event.set_text("one");
  ASSERT_TRUE(store_->AppendEvent(event).ok());
  Open();
  event.set_text("two");
  ASSERT_TRUE(store_->AppendEvent(event).ok());
  const auto events = store_->Events(0, 10);
  ASSERT_EQ(events->size(), 2u);
  EXPECT_LT((*events)[0].sequence(), (*events)[1].sequence());
  EXPECT_EQ(store_->Events((*events)[0].sequence(), 10)->at(0).text(), "two");
  EXPECT_TRUE(store_->Events((*events)[1].sequence(), 10)->empty());
  EXPECT_TRUE(store_->Events(INT64_MAX, 10)->empty());
  EXPECT_EQ(store_->Events(-5, 1)->size(), 1u);
}

TEST_F(BooksTest, TellsItsListenerAfterTheChangeCanBeRead) {
  std::vector<size_t> seen;
  store_->OnChange([&] { seen.push_back(store_->ListTenants(10, "")->items.size()); });
  ASSERT_TRUE(store_->CreateTenant(Tenant("tenants/a"), {}).ok());
  ASSERT_TRUE(store_->CreateTenant(Tenant("tenants/b"), {}).ok());
  EXPECT_THAT(seen, testing::ElementsAre(1, 2));
}

TEST_F(BooksTest, TheFolderIsLocked) {
  EXPECT_EQ(TryOpen().status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace wavepost
