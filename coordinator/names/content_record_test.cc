#include "coordinator/names/content_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace wavepost {
namespace {

using testing::ElementsAre;

ContentOptions TestOptions() {
  return {.message_id_domain = "mail.example",
          .return_path_domain = "bounce.mail.example",
          .unsubscribe_url = "https://u.mail.example/u/",
          .feedback_id = "wavepost"};
}

cluster::v1::StoredCampaign TestCampaign() {
  cluster::v1::StoredCampaign stored;
  v1::Campaign& campaign = *stored.mutable_campaign();
  campaign.set_name("tenants/acme/campaigns/spring");
  campaign.set_priority(v1::BULK);
  campaign.mutable_max_age()->set_seconds(3600);
  for (const char* column : {"name", "items", "rows"}) campaign.add_columns(column);
  campaign.add_json_columns("rows");
  campaign.add_json_columns("items");
  campaign.mutable_content()->set_from_address("survey@example.com");
  stored.add_stored_columns("name");
  stored.add_stored_columns("items");
  return stored;
}

TEST(ContentRecordTest, HasWhatTheNodesNeed) {
  const cluster::v1::Content content = ContentOf(TestCampaign(), "", "", TestOptions());
  EXPECT_EQ(content.tenant(), "tenants/acme");
  EXPECT_EQ(content.campaign(), "tenants/acme/campaigns/spring");
  EXPECT_EQ(content.message_id_domain(), "mail.example");
  EXPECT_EQ(content.max_age().seconds(), 3600);
  EXPECT_THAT(content.columns(), ElementsAre("name", "items"));
  EXPECT_THAT(content.json_columns(), ElementsAre("items"));
  EXPECT_EQ(content.content().from_address(), "survey@example.com");
  EXPECT_EQ(content.content().reply_to(), "");
  EXPECT_EQ(content.unsubscribe_url(), "https://u.mail.example/u/");
  EXPECT_EQ(content.unsubscribe_domain(), "bounce.mail.example");
  EXPECT_EQ(content.feedback_id(), "spring:acme:bulk:wavepost");
  EXPECT_EQ(content.files_size(), 0);
  EXPECT_EQ(content.content_id().size(), 32u);
}

struct FromRow {
  const char* name;
  const char* from;
  const char* reply_to;  // the campaign's
  const char* from_wanted;
  const char* reply_wanted;
};

class ContentFromTest : public testing::TestWithParam<FromRow> {};

TEST_P(ContentFromTest, AnswersGoToTheCampaignsAddress) {
  cluster::v1::StoredCampaign campaign = TestCampaign();
  campaign.mutable_campaign()->mutable_content()->set_reply_to(GetParam().reply_to);
  const cluster::v1::Content content = ContentOf(campaign, GetParam().from, "", TestOptions());
  EXPECT_EQ(content.content().from_address(), GetParam().from_wanted);
  EXPECT_EQ(content.content().reply_to(), GetParam().reply_wanted);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, ContentFromTest,
    testing::Values(FromRow{"NotStarted", "", "", "survey@example.com", ""},
                    FromRow{"Own", "survey@example.com", "", "survey@example.com", ""},
                    FromRow{"OwnInOtherLetters", "survey@EXAMPLE.com", "", "survey@example.com", ""},
                    FromRow{"Fallback", "acme@neutral.example", "", "acme@neutral.example", "survey@example.com"},
                    FromRow{"FallbackAndReplyTo", "acme@neutral.example", "Desk <desk@example.com>",
                            "acme@neutral.example", "Desk <desk@example.com>"}),
    [](const auto& row) { return row.param.name; });

struct UnsubscribeRow {
  const char* name;
  v1::Unsubscribe asked;
  v1::Priority priority;
  const char* header;  // a custom one; empty: none
  bool offered;
};

class ContentUnsubscribeTest : public testing::TestWithParam<UnsubscribeRow> {};

TEST_P(ContentUnsubscribeTest, OffersByAskAndPriority) {
  cluster::v1::StoredCampaign campaign = TestCampaign();
  campaign.mutable_campaign()->set_priority(GetParam().priority);
  v1::Content& asked = *campaign.mutable_campaign()->mutable_content();
  asked.set_unsubscribe(GetParam().asked);
  if (*GetParam().header != '\0') asked.add_headers()->set_name(GetParam().header);
  const cluster::v1::Content content = ContentOf(campaign, "", "wpbounce.example.com", TestOptions());
  EXPECT_EQ(content.unsubscribe_url(), GetParam().offered ? "https://u.mail.example/u/" : "");
  EXPECT_EQ(content.unsubscribe_domain(), GetParam().offered ? "wpbounce.example.com" : "");
}

INSTANTIATE_TEST_SUITE_P(
    Rows, ContentUnsubscribeTest,
    testing::Values(UnsubscribeRow{"Bulk", v1::UNSUBSCRIBE_UNSPECIFIED, v1::BULK, "", true},
                    UnsubscribeRow{"Urgent", v1::UNSUBSCRIBE_UNSPECIFIED, v1::URGENT, "", false},
                    UnsubscribeRow{"BulkWithout", v1::UNSUBSCRIBE_NO, v1::BULK, "", false},
                    UnsubscribeRow{"UrgentWith", v1::UNSUBSCRIBE_YES, v1::URGENT, "", true},
                    UnsubscribeRow{"OtherHeader", v1::UNSUBSCRIBE_YES, v1::BULK, "X-List-Unsubscribe", true},
                    UnsubscribeRow{"OwnHeader", v1::UNSUBSCRIBE_YES, v1::BULK, "list-unsubscribe", false}),
    [](const auto& row) { return row.param.name; });

TEST(ContentRecordTest, FeedbackIdIsOursOnlyWhereNobodyGaveOne) {
  cluster::v1::StoredCampaign campaign = TestCampaign();
  campaign.mutable_campaign()->set_priority(v1::URGENT);
  EXPECT_EQ(ContentOf(campaign, "", "", TestOptions()).feedback_id(), "spring:acme:urgent:wavepost");
  EXPECT_EQ(ContentOf(campaign, "", "", ContentOptions()).feedback_id(), "");
  campaign.mutable_campaign()->mutable_content()->add_headers()->set_name("feedback-id");
  EXPECT_EQ(ContentOf(campaign, "", "", TestOptions()).feedback_id(), "");
}

// Whatever changes a message changes the id: nodes keep contents by it.
TEST(ContentRecordTest, TheIdIsOverEverything) {
  const std::string id = ContentOf(TestCampaign(), "", "", TestOptions()).content_id();
  EXPECT_EQ(ContentOf(TestCampaign(), "survey@example.com", "bounce.mail.example", TestOptions()).content_id(), id);
  EXPECT_NE(ContentOf(TestCampaign(), "a@neutral.example", "", TestOptions()).content_id(), id);
  EXPECT_NE(ContentOf(TestCampaign(), "", "wpbounce.example.com", TestOptions()).content_id(), id);
  ContentOptions options = TestOptions();
  options.message_id_domain = "other.example";
  EXPECT_NE(ContentOf(TestCampaign(), "", "", options).content_id(), id);
  cluster::v1::StoredCampaign campaign = TestCampaign();
  campaign.mutable_campaign()->mutable_content()->add_attachments()->set_file("tenants/acme/files/00");
  EXPECT_NE(ContentOf(campaign, "", "", TestOptions()).content_id(), id);
}

}  // namespace
}  // namespace wavepost
