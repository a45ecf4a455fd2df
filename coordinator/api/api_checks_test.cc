#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/rpc/status.h"
#include "coordinator/api/campaign_check.h"
#include "coordinator/api/request.h"
#include "coordinator/api/row_check.h"
#include "coordinator/names/content_record.h"
#include "wavepost/v1/tenants_service.pb.h"

namespace wavepost {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

v1::Campaign Good() {
  v1::Campaign campaign;
  campaign.add_columns("email");
  campaign.add_columns("name");
  campaign.add_columns("plan");
  auto& content = *campaign.mutable_content();
  content.set_subject("Hello {{name}}");
  content.set_from_address("survey@example.com");
  content.set_html("<p>Hello {{name}}</p>\n{{#plan}}<p>{{plan}}</p>{{/plan}}");
  return campaign;
}

TEST(CampaignCheckTest, StoresOnlyWhatIsUsedWithDefaults) {
  const auto stored = CheckCampaign(Good(), "tenants/a/campaigns/c", "bounce.example");
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_EQ(stored->campaign().name(), "tenants/a/campaigns/c");
  EXPECT_THAT(stored->stored_columns(), ElementsAre("name", "plan"));
  EXPECT_THAT(stored->optional_columns(), ElementsAre("plan"));
  EXPECT_EQ(stored->campaign().pool(), "default");
  EXPECT_EQ(stored->campaign().max_age().seconds(), 72 * 3600);
  EXPECT_EQ(stored->content_id().size(), 32u);
  const cluster::v1::Content content = ContentOf(*stored, "bounce.example");
  EXPECT_EQ(content.content_id(), stored->content_id());
  EXPECT_EQ(content.tenant(), "tenants/a");
  EXPECT_NE(ContentOf(*stored, "other.example").content_id(), stored->content_id());
}

struct BadCampaignRow {
  const char* name;
  void (*change)(v1::Campaign*);
  const char* reason;
  const char* field;
  const char* description;
};

class BadCampaignTest : public testing::TestWithParam<BadCampaignRow> {};

TEST_P(BadCampaignTest, NamesFieldAndPlace) {
  v1::Campaign campaign = Good();
  GetParam().change(&campaign);
  const absl::Status status = CheckCampaign(campaign, "tenants/a/campaigns/c", "b.example").status();
  ASSERT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_EQ(ReasonOf(status), GetParam().reason);
  EXPECT_EQ(ViolationsOf(status).at(0).field, GetParam().field);
  EXPECT_THAT(ViolationsOf(status).at(0).description, HasSubstr(GetParam().description));
}

INSTANTIATE_TEST_SUITE_P(
    Rows, BadCampaignTest,
    testing::Values(
        BadCampaignRow{"UnknownVariable",
                       [](v1::Campaign* c) { c->mutable_content()->set_html("<p>\n Hi {{frist_name}}</p>"); },
                       "UNKNOWN_VARIABLE", "campaign.content.html", "line 2, column 5: {{frist_name}}"},
        BadCampaignRow{"Unclosed", [](v1::Campaign* c) { c->mutable_content()->set_subject("Hi {{name"); },
                       "BAD_CAMPAIGN", "campaign.content.subject", "line 1, column 4"},
        BadCampaignRow{"NoContent", [](v1::Campaign* c) { c->clear_content(); }, "BAD_CAMPAIGN", "campaign.content",
                       "required"},
        BadCampaignRow{"BadFrom", [](v1::Campaign* c) { c->mutable_content()->set_from_address("nobody"); },
                       "BAD_CAMPAIGN", "campaign.content.from_address", ""},
        BadCampaignRow{"OurHeader",
                       [](v1::Campaign* c) {
                         auto* header = c->mutable_content()->add_headers();
                         header->set_name("X-Fine");
                         header->set_value("a");
                         header = c->mutable_content()->add_headers();
                         header->set_name("DKIM-Signature");
                         header->set_value("x");
                       },
                       "BAD_CAMPAIGN", "campaign.content.headers[1]", ""},
        BadCampaignRow{"ColumnTwice", [](v1::Campaign* c) { c->add_columns("name"); }, "BAD_CAMPAIGN",
                       "campaign.columns[3]", "twice"},
        BadCampaignRow{"BadPool", [](v1::Campaign* c) { c->set_pool("My Pool"); }, "BAD_CAMPAIGN", "campaign.pool",
                       "a-z"},
        BadCampaignRow{"ShortAge", [](v1::Campaign* c) { c->mutable_max_age()->set_seconds(59); }, "BAD_CAMPAIGN",
                       "campaign.max_age", "1 minute"},
        BadCampaignRow{"LongAge", [](v1::Campaign* c) { c->mutable_max_age()->set_seconds(31 * 24 * 3600); },
                       "BAD_CAMPAIGN", "campaign.max_age", "30 days"}),
    [](const auto& row) { return row.param.name; });

struct RowRow {
  const char* name;
  void (*change)(v1::Recipient*);
  const char* reason;  // empty: accepted
};

class RowCheckTest : public testing::TestWithParam<RowRow> {};

TEST_P(RowCheckTest, RefusesWithReasonAndPosition) {
  RowRules rules;
  rules.columns = {{"name", true}, {"plan", false}};
  v1::Recipient row;
  row.set_address("Jane.Doe@Example.COM");
  (*row.mutable_attributes())["name"] = "J\xc3\xbcrgen";
  (*row.mutable_attributes())["unused"] = std::string(5000, '\n');
  GetParam().change(&row);
  NewRecipient accepted;
  const auto refusal = CheckRow(rules, 17, &row, &accepted);
  if (std::string(GetParam().reason).empty()) {
    ASSERT_FALSE(refusal.has_value()) << refusal->ShortDebugString();
    EXPECT_EQ(accepted.position, 17);
    EXPECT_EQ(accepted.recipient.address(), "Jane.Doe@example.com");
    EXPECT_EQ(accepted.recipient.values_size(), 2);
  } else {
    ASSERT_TRUE(refusal.has_value());
    EXPECT_EQ(refusal->reason(), GetParam().reason);
    EXPECT_EQ(refusal->position(), 17);
    EXPECT_NE(refusal->description(), "");
    EXPECT_LE(refusal->address().size(), 320u);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Rows, RowCheckTest,
    testing::Values(
        RowRow{"Good", [](v1::Recipient*) {}, ""},
        RowRow{"Tab", [](v1::Recipient* r) { (*r->mutable_attributes())["name"] = "a\tb"; }, ""},
        RowRow{"FourKib", [](v1::Recipient* r) { (*r->mutable_attributes())["plan"] = std::string(4096, 'x'); }, ""},
        RowRow{"Malformed", [](v1::Recipient* r) { r->set_address("jane"); }, "MALFORMED_ADDRESS"},
        RowRow{"LongAddress", [](v1::Recipient* r) { r->set_address(std::string(10000, 'a') + "@x.example"); },
               "MALFORMED_ADDRESS"},
        RowRow{"Missing", [](v1::Recipient* r) { r->mutable_attributes()->erase("name"); }, "MISSING_ATTRIBUTE"},
        RowRow{"Blank", [](v1::Recipient* r) { (*r->mutable_attributes())["name"] = " \t"; }, "MISSING_ATTRIBUTE"},
        RowRow{"TooLarge", [](v1::Recipient* r) { (*r->mutable_attributes())["plan"] = std::string(4097, 'x'); },
               "ATTRIBUTE_TOO_LARGE"},
        RowRow{"Newline", [](v1::Recipient* r) { (*r->mutable_attributes())["name"] = "a\nb"; }, "BAD_ATTRIBUTE"},
        RowRow{"Nul", [](v1::Recipient* r) { (*r->mutable_attributes())["name"] = std::string("a\0b", 3); },
               "BAD_ATTRIBUTE"},
        RowRow{"Delete", [](v1::Recipient* r) { (*r->mutable_attributes())["name"] = "a\x7f"; }, "BAD_ATTRIBUTE"},
        RowRow{"Latin1", [](v1::Recipient* r) { (*r->mutable_attributes())["plan"] = "J\xfcrgen"; }, "BAD_ATTRIBUTE"}),
    [](const auto& row) { return row.param.name; });

TEST(RequestTest, HashLeavesOutTheIdAndScopesIt) {
  v1::CreateTenantRequest request;
  request.set_tenant_id("a");
  EXPECT_EQ(RequestKeyOf("CreateTenant", "", request)->id, "");
  request.set_request_id("1");
  const auto first = RequestKeyOf("CreateTenant", "", request);
  request.set_request_id("2");
  const auto second = RequestKeyOf("CreateTenant", "", request);
  EXPECT_NE(first->id, second->id);
  EXPECT_EQ(first->request_sha256, second->request_sha256);
  request.set_tenant_id("b");
  EXPECT_NE(RequestKeyOf("CreateTenant", "", request)->request_sha256, second->request_sha256);
  EXPECT_NE(RequestKeyOf("Other", "", request)->id, second->id);
  request.set_request_id(std::string(65, 'x'));
  EXPECT_EQ(RequestKeyOf("CreateTenant", "", request).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(RequestTest, PageTokensAreForTheirListingOnly) {
  const std::string cursor("a\0\xff", 3);
  const std::string token = PageToken("waves of x", cursor);
  EXPECT_EQ(*PageCursor("waves of x", token), cursor);
  EXPECT_EQ(*PageCursor("waves of x", ""), "");
  EXPECT_EQ(PageToken("waves of x", ""), "");
  EXPECT_FALSE(PageCursor("waves of y", token).ok());
  EXPECT_FALSE(PageCursor("waves of x", "nonsense").ok());
  EXPECT_FALSE(PageCursor("waves of x", std::string(100'000, 'A')).ok());
}

TEST(RequestTest, PageSizes) {
  EXPECT_EQ(*CheckedPageSize(0), 100);
  EXPECT_EQ(*CheckedPageSize(7), 7);
  EXPECT_EQ(*CheckedPageSize(1'000'000), 1000);
  EXPECT_FALSE(CheckedPageSize(-1).ok());
}

}  // namespace
}  // namespace wavepost
