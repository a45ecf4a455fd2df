// Who may do what, and what errors say: the public API over real gRPC.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "common/rpc/status.h"
#include "coordinator/app/cluster_test_util.h"

namespace wavepost {
namespace {

using testing::HasSubstr;

constexpr char kOperatorKey[] = "operator-key-of-this-test";

class AccessTest : public ClusterTest {
 protected:
  AccessTest() { StartCoordinator({kOperatorKey}); }

  // A new tenant with a key, which comes back.
  std::string MakeTenant(const std::string& id) {
    v1::CreateTenantRequest request;
    request.set_tenant_id(id);
    v1::Tenant tenant;
    const absl::Status made = CheckCall(tenants_->CreateTenant(NewCall(kOperatorKey).get(), request, &tenant));
    EXPECT_TRUE(made.ok()) << made;
    v1::CreateApiKeyRequest key_request;
    key_request.set_parent(tenant.name());
    v1::CreateApiKeyResponse key;
    const absl::Status keyed = CheckCall(tenants_->CreateApiKey(NewCall(kOperatorKey).get(), key_request, &key));
    EXPECT_TRUE(keyed.ok()) << keyed;
    return key.secret();
  }

  absl::Status GetTenant(const std::string& name, const std::string& key) {
    v1::GetTenantRequest request;
    request.set_name(name);
    v1::Tenant tenant;
    return CheckCall(tenants_->GetTenant(NewCall(key).get(), request, &tenant));
  }
};

TEST_F(AccessTest, CallersProveWhoTheyAre) {
  EXPECT_TRUE(GetTenant("tenants/default", kOperatorKey).ok());
  EXPECT_EQ(GetTenant("tenants/default", "").code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(GetTenant("tenants/default", "wrong").code(), absl::StatusCode::kUnauthenticated);
  const auto context = NewCall();
  context->AddMetadata("authorization", "Basic abc");
  v1::GetTenantRequest request;
  v1::Tenant tenant;
  EXPECT_EQ(CheckCall(tenants_->GetTenant(context.get(), request, &tenant)).code(), absl::StatusCode::kUnauthenticated);
  // Streams too.
  v1::ImportRecipientsRequest chunk;
  chunk.set_parent("tenants/default/campaigns/c/waves/w");
  EXPECT_EQ(Import(chunk).status().code(), absl::StatusCode::kUnauthenticated);
  const auto watch_context = NewCall("wrong");
  v1::WatchWaveRequest watch;
  watch.set_name(chunk.parent());
  EXPECT_EQ(CheckCall(campaigns_->WatchWave(watch_context.get(), watch)->Finish()).code(),
            absl::StatusCode::kUnauthenticated);
}

TEST_F(AccessTest, TenantsSeeThemselvesOnly) {
  const std::string acme = MakeTenant("acme");
  const std::string bolt = MakeTenant("bolt");
  EXPECT_TRUE(GetTenant("tenants/acme", acme).ok());
  // What is another's and what does not exist look the same.
  const absl::Status others = GetTenant("tenants/bolt", acme);
  const absl::Status none = GetTenant("tenants/none", acme);
  EXPECT_EQ(others.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(none.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(others.message(), "tenants/bolt does not exist");
  EXPECT_EQ(none.message(), "tenants/none does not exist");

  const std::string wave = MakeWave("tenants/acme", acme);
  v1::ImportRecipientsRequest chunk;
  chunk.set_parent(wave);
  AddRow(&chunk, "a@example.com");
  EXPECT_EQ(Import(chunk, bolt).status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(Import(chunk, acme).ok());

  v1::GetWaveRequest get;
  get.set_name(wave);
  v1::Wave out;
  EXPECT_EQ(CheckCall(campaigns_->GetWave(NewCall(bolt).get(), get, &out)).code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(CheckCall(campaigns_->GetWave(NewCall(acme).get(), get, &out)).ok());
  v1::GetRecipientRequest recipient;
  recipient.set_name(wave + "/recipients/w1-0");
  v1::Recipient found;
  EXPECT_TRUE(CheckCall(campaigns_->GetRecipient(NewCall(acme).get(), recipient, &found)).ok());
  EXPECT_EQ(found.address(), "a@example.com");
  EXPECT_EQ(CheckCall(campaigns_->GetRecipient(NewCall(bolt).get(), recipient, &found)).code(),
            absl::StatusCode::kNotFound);
  // A number of another wave under one's own name finds nothing.
  recipient.set_name(wave + "/recipients/w2-0");
  EXPECT_EQ(CheckCall(campaigns_->GetRecipient(NewCall(acme).get(), recipient, &found)).code(),
            absl::StatusCode::kNotFound);

  v1::ListEventsRequest events;
  events.set_parent("tenants/acme");
  v1::ListEventsResponse log;
  ASSERT_TRUE(CheckCall(events_->ListEvents(NewCall(acme).get(), events, &log)).ok());
  ASSERT_EQ(log.events_size(), 1);
  EXPECT_EQ(log.events(0).kind(), v1::Event::IMPORTED);
  EXPECT_TRUE(log.at_end());
  EXPECT_EQ(CheckCall(events_->ListEvents(NewCall(bolt).get(), events, &log)).code(), absl::StatusCode::kNotFound);
  events.set_parent("");
  EXPECT_FALSE(CheckCall(events_->ListEvents(NewCall(acme).get(), events, &log)).ok())
      << "all events are for operators";

  v1::CreateSuppressionRequest suppress;
  suppress.set_parent("tenants/acme");
  suppress.mutable_suppression()->set_address("x@example.com");
  v1::Suppression suppression;
  EXPECT_EQ(CheckCall(suppressions_->CreateSuppression(NewCall(bolt).get(), suppress, &suppression)).code(),
            absl::StatusCode::kNotFound);

  v1::ListNodesResponse nodes;
  EXPECT_EQ(CheckCall(nodes_->ListNodes(NewCall(acme).get(), {}, &nodes)).code(), absl::StatusCode::kPermissionDenied);
  v1::ListTenantsResponse tenants;
  EXPECT_EQ(CheckCall(tenants_->ListTenants(NewCall(acme).get(), {}, &tenants)).code(),
            absl::StatusCode::kPermissionDenied);
  ASSERT_TRUE(CheckCall(tenants_->ListTenants(NewCall(kOperatorKey).get(), {}, &tenants)).ok());
  EXPECT_EQ(tenants.tenants_size(), 3);
}

TEST_F(AccessTest, RetriesAreRecognised) {
  v1::CreateTenantRequest request;
  request.set_tenant_id("acme");
  request.set_request_id("r1");
  v1::Tenant first, second;
  ASSERT_TRUE(CheckCall(tenants_->CreateTenant(NewCall(kOperatorKey).get(), request, &first)).ok());
  ASSERT_TRUE(CheckCall(tenants_->CreateTenant(NewCall(kOperatorKey).get(), request, &second)).ok());
  EXPECT_EQ(first.SerializeAsString(), second.SerializeAsString());
  request.set_request_id("r2");
  EXPECT_EQ(CheckCall(tenants_->CreateTenant(NewCall(kOperatorKey).get(), request, &second)).code(),
            absl::StatusCode::kAlreadyExists);
  request.set_request_id("r1");
  request.set_tenant_id("bolt");
  EXPECT_FALSE(CheckCall(tenants_->CreateTenant(NewCall(kOperatorKey).get(), request, &second)).ok());

  v1::CreateApiKeyRequest key_request;
  key_request.set_parent("tenants/acme");
  key_request.set_request_id("k1");
  v1::CreateApiKeyResponse key;
  ASSERT_TRUE(CheckCall(tenants_->CreateApiKey(NewCall(kOperatorKey).get(), key_request, &key)).ok());
  EXPECT_EQ(CheckCall(tenants_->CreateApiKey(NewCall(kOperatorKey).get(), key_request, &key)).code(),
            absl::StatusCode::kAlreadyExists);
}

TEST_F(AccessTest, ErrorsNameTheField) {
  v1::CreateCampaignRequest request;
  request.set_parent("tenants/default");
  request.mutable_campaign()->add_columns("first_name");
  auto& content = *request.mutable_campaign()->mutable_content();
  content.set_subject("Hi");
  content.set_from_address("survey@example.com");
  content.set_html("<p>Hello\n{{frist_name}}</p>");
  v1::Campaign campaign;
  const absl::Status bad = CheckCall(campaigns_->CreateCampaign(NewCall(kOperatorKey).get(), request, &campaign));
  EXPECT_EQ(bad.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(bad), "UNKNOWN_VARIABLE");
  EXPECT_EQ(ViolationsOf(bad).at(0).field, "campaign.content.html");
  EXPECT_THAT(ViolationsOf(bad).at(0).description, HasSubstr("line 2, column 1"));
  request.set_parent("tenants/none");
  content.set_html("<p>Hello {{first_name}}</p>");
  EXPECT_EQ(CheckCall(campaigns_->CreateCampaign(NewCall(kOperatorKey).get(), request, &campaign)).code(),
            absl::StatusCode::kNotFound);
  request.set_parent("tenants/default");
  EXPECT_TRUE(CheckCall(campaigns_->CreateCampaign(NewCall(kOperatorKey).get(), request, &campaign)).ok());
  EXPECT_THAT(campaign.name(), testing::StartsWith("tenants/default/campaigns/c")) << "a name is made up";
}

TEST_F(AccessTest, SuppressionsComeAndGo) {
  v1::CreateSuppressionRequest request;
  request.set_parent("tenants/default");
  request.mutable_suppression()->set_address("not an address");
  v1::Suppression made;
  const absl::Status bad = CheckCall(suppressions_->CreateSuppression(NewCall(kOperatorKey).get(), request, &made));
  EXPECT_EQ(ViolationsOf(bad).at(0).field, "suppression.address");
  request.mutable_suppression()->set_address("Jane/Doe@Example.com");
  request.mutable_suppression()->set_evidence("asked by phone");
  ASSERT_TRUE(CheckCall(suppressions_->CreateSuppression(NewCall(kOperatorKey).get(), request, &made)).ok());
  EXPECT_EQ(made.name(), "tenants/default/suppressions/jane/doe@example.com");
  v1::GetSuppressionRequest get;
  get.set_name("tenants/default/suppressions/JANE/doe@example.com");
  v1::Suppression found;
  ASSERT_TRUE(CheckCall(suppressions_->GetSuppression(NewCall(kOperatorKey).get(), get, &found)).ok());
  EXPECT_EQ(found.evidence(), "asked by phone");
  v1::DeleteSuppressionRequest remove;
  remove.set_name(made.name());
  v1::DeleteSuppressionResponse removed;
  EXPECT_EQ(
      ViolationsOf(CheckCall(suppressions_->DeleteSuppression(NewCall(kOperatorKey).get(), remove, &removed))).size(),
      2u);
  remove.set_who("jane@example.com");
  remove.set_why("changed her mind");
  EXPECT_TRUE(CheckCall(suppressions_->DeleteSuppression(NewCall(kOperatorKey).get(), remove, &removed)).ok());
  EXPECT_EQ(CheckCall(suppressions_->GetSuppression(NewCall(kOperatorKey).get(), get, &found)).code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace wavepost
