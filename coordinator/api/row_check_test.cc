#include "coordinator/api/row_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace wavepost {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct RowRow {
  const char* name;
  void (*change)(v1::Recipient*);
  const char* reason;  // empty: accepted
};

class RowCheckTest : public testing::TestWithParam<RowRow> {};

TEST_P(RowCheckTest, RefusesWithReasonAndPosition) {
  RowRules rules;
  rules.columns = {{.name = "name"}, {.name = "plan", .needed = false}};
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
        RowRow{"HeaderInIt",
               [](v1::Recipient* r) { (*r->mutable_attributes())["name"] = "Jane\r\nBcc: all@example.com"; },
               "BAD_ATTRIBUTE"},
        RowRow{"Nul", [](v1::Recipient* r) { (*r->mutable_attributes())["name"] = std::string("a\0b", 3); },
               "BAD_ATTRIBUTE"},
        RowRow{"Delete", [](v1::Recipient* r) { (*r->mutable_attributes())["name"] = "a\x7f"; }, "BAD_ATTRIBUTE"},
        RowRow{"Latin1", [](v1::Recipient* r) { (*r->mutable_attributes())["plan"] = "J\xfcrgen"; }, "BAD_ATTRIBUTE"}),
    [](const auto& row) { return row.param.name; });

// A campaign whose templates need what a row may lack.
cluster::v1::StoredCampaign RichCampaign() {
  cluster::v1::StoredCampaign stored;
  v1::Campaign& campaign = *stored.mutable_campaign();
  campaign.set_name("tenants/a/campaigns/c");
  for (const char* column : {"name", "desk", "people"}) stored.add_stored_columns(column);
  campaign.add_json_columns("people");
  (*campaign.mutable_defaults())["name"] = "friend";
  v1::Content& content = *campaign.mutable_content();
  content.set_subject("Hello {{name}}");
  content.set_from_address("survey@example.com");
  content.set_reply_to("{{name}} <{{desk}}>");
  content.set_html("<ul>{{#people}}<li>{{first}}</li>{{/people}}</ul>");
  stored.add_optional_columns("people");
  return stored;
}

struct RichRow {
  const char* name;
  void (*change)(v1::Recipient*);
  const char* reason;  // empty: accepted
  const char* description;
};

class RowRenderTest : public testing::TestWithParam<RichRow> {};

TEST_P(RowRenderTest, AcceptsWhatCanBeRendered) {
  const auto rules = RowRules::For(RichCampaign(), {.message_id_domain = "mail.example"});
  ASSERT_TRUE(rules.ok()) << rules.status();
  v1::Recipient row;
  row.set_address("jane@example.com");
  auto& attributes = *row.mutable_attributes();
  attributes["name"] = "Jane";
  attributes["desk"] = "desk@example.com";
  attributes["people"] = R"([{"first": "Ann"}, {"first": "Bo\nb"}])";
  GetParam().change(&row);
  NewRecipient accepted;
  const auto refusal = CheckRow(*rules, 17, &row, &accepted);
  EXPECT_EQ(refusal.has_value() ? refusal->reason() : "", GetParam().reason);
  if (refusal.has_value()) {
    EXPECT_THAT(refusal->description(), HasSubstr(GetParam().description));
    EXPECT_EQ(refusal->position(), 17);
  }
}

void SetValue(v1::Recipient* row, const char* column, const std::string& value) {
  (*row->mutable_attributes())[column] = value;
}

INSTANTIATE_TEST_SUITE_P(
    Rows, RowRenderTest,
    testing::Values(
        RichRow{"Good", [](v1::Recipient*) {}, "", ""},
        RichRow{"NoPeople", [](v1::Recipient* r) { r->mutable_attributes()->erase("people"); }, "", ""},
        RichRow{"DefaultName", [](v1::Recipient* r) { SetValue(r, "name", " "); }, "", ""},
        RichRow{"NoJson", [](v1::Recipient* r) { SetValue(r, "people", "Ann, Bob"); }, "BAD_ATTRIBUTE",
                "'people' is not JSON"},
        RichRow{"JsonInLatin1", [](v1::Recipient* r) { SetValue(r, "people", "[{\"first\": \"J\xfcrgen\"}]"); },
                "BAD_ATTRIBUTE", "'people' is not valid UTF-8 at byte 14"},
        RichRow{"JsonOf64KB", [](v1::Recipient* r) { SetValue(r, "people", "[" + std::string(65'534, ' ') + "]"); }, "",
                ""},
        RichRow{"JsonTooLarge", [](v1::Recipient* r) { SetValue(r, "people", "[" + std::string(65'535, ' ') + "]"); },
                "ATTRIBUTE_TOO_LARGE", "'people' has 65537 bytes"},
        RichRow{"JsonTooDeep",
                [](v1::Recipient* r) { SetValue(r, "people", std::string(17, '[') + std::string(17, ']')); },
                "BAD_ATTRIBUTE", "16 deep"},
        RichRow{"JsonLacksAValue",
                [](v1::Recipient* r) { SetValue(r, "people", R"([{"first": "Ann"}, {"last": "Bell"}])"); },
                "MISSING_ATTRIBUTE", "people[1]"},
        RichRow{"ReplyToIsNoAddress", [](v1::Recipient* r) { SetValue(r, "desk", "the desk"); }, "CANNOT_RENDER",
                "reply_to"},
        RichRow{"ReplyToIsTwo", [](v1::Recipient* r) { SetValue(r, "desk", "a@example.com>, <b@example.com"); },
                "CANNOT_RENDER", "reply_to"},
        RichRow{"HeaderTooLong", [](v1::Recipient* r) { SetValue(r, "name", std::string(4096, 'x')); }, "CANNOT_RENDER",
                "is longer than 4096 bytes"}),
    [](const auto& row) { return row.param.name; });

TEST(RowCheckDefaultsTest, StandInForWhatIsMissing) {
  const auto rules = RowRules::For(RichCampaign(), {});
  ASSERT_TRUE(rules.ok()) << rules.status();
  v1::Recipient row;
  row.set_address("jane@example.com");
  SetValue(&row, "desk", "desk@example.com");
  NewRecipient accepted;
  const auto refusal = CheckRow(*rules, 1, &row, &accepted);
  ASSERT_FALSE(refusal.has_value()) << refusal->ShortDebugString();
  EXPECT_THAT(accepted.recipient.values(), ElementsAre("friend", "desk@example.com", ""));
}

// Rows that cannot fail are not tried one by one; those that can are.
TEST(RowRulesTest, TriesOnlyWhatCanFail) {
  cluster::v1::StoredCampaign campaign;
  campaign.mutable_campaign()->set_name("tenants/a/campaigns/c");
  campaign.add_stored_columns("name");
  v1::Content& content = *campaign.mutable_campaign()->mutable_content();
  content.set_subject("Hello");
  content.set_from_address("survey@example.com");
  content.set_html("<p>{{name}}</p>");
  EXPECT_EQ(RowRules::For(campaign, {})->message, nullptr);

  std::string many;
  for (int i = 0; i < 1000; ++i) many += "{{name}} ";
  content.set_html(many);
  const auto rules = RowRules::For(campaign, {});
  ASSERT_NE(rules->message, nullptr);
  EXPECT_FALSE(rules->try_all);
  EXPECT_LT(rules->try_above_bytes, 4096u);
  const auto refuses = [&rules](const std::string& name) {
    v1::Recipient row;
    row.set_address("jane@example.com");
    SetValue(&row, "name", name);
    NewRecipient accepted;
    const auto refusal = CheckRow(*rules, 1, &row, &accepted);
    return refusal.has_value() && refusal->reason() == "CANNOT_RENDER";
  };
  EXPECT_FALSE(refuses(std::string(4096, 'x')));
  EXPECT_TRUE(refuses(std::string(4096, '"')));

  content.set_html("{{=<% %>=}}" + std::string(2, ' ') + "<%name%>");
  EXPECT_EQ(RowRules::For(campaign, {})->try_above_bytes, 0u);
  content.set_html("<p>{{name}}</p>");
  content.set_subject("Hello {{name}}");
  EXPECT_TRUE(RowRules::For(campaign, {})->try_all);
}

}  // namespace
}  // namespace wavepost
