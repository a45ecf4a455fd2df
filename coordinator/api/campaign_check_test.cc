#include "coordinator/api/campaign_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/rpc/status.h"

namespace wavepost {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kName[] = "tenants/a/campaigns/c";

// A file's name says what is in it; here its first digit is its size in MB.
std::string FileOf(char megabytes, const std::string& tenant = "a") {
  return absl::StrCat("tenants/", tenant, "/files/", std::string(64, megabytes));
}

CampaignFiles TestFiles() {
  const auto size_of = [](const std::string& file) -> absl::StatusOr<int64_t> {
    if (file.back() == 'f') return absl::NotFoundError("no such file");
    if (file.back() == 'e') return absl::UnavailableError("the disk");
    return (file.back() - '0') * int64_t{1 << 20};
  };
  const auto read = [size_of](const std::string& file) -> absl::StatusOr<std::string> {
    const absl::StatusOr<int64_t> size = size_of(file);
    if (!size.ok()) return size.status();
    return std::string(static_cast<size_t>(*size), 'x');
  };
  return {.size_of = size_of, .read = read};
}

absl::StatusOr<cluster::v1::StoredCampaign> Check(const v1::Campaign& campaign) {
  const ContentOptions options{.message_id_domain = "mail.example",
                               .return_path_domain = "bounce.mail.example",
                               .unsubscribe_url = "https://u.mail.example/u/",
                               .feedback_id = "wavepost"};
  return CheckCampaign(campaign, kName, options, TestFiles());
}

v1::Attachment* Attach(v1::Campaign* campaign, const std::string& file, const std::string& name,
                       const std::string& type = "application/pdf", const std::string& content_id = "") {
  v1::Attachment* out = campaign->mutable_content()->add_attachments();
  out->set_file(file);
  out->set_file_name(name);
  out->set_content_type(type);
  out->set_content_id(content_id);
  return out;
}

v1::Campaign GoodCampaign() {
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
  v1::Campaign campaign = GoodCampaign();
  campaign.add_warnings("the caller's own");
  const auto stored = Check(campaign);
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_EQ(stored->campaign().name(), kName);
  EXPECT_THAT(stored->stored_columns(), ElementsAre("name", "plan"));
  EXPECT_THAT(stored->optional_columns(), ElementsAre("plan"));
  EXPECT_EQ(stored->campaign().pool(), "default");
  EXPECT_EQ(stored->campaign().priority(), v1::BULK);
  EXPECT_EQ(stored->campaign().max_age().seconds(), 72 * 3600);
  EXPECT_EQ(stored->campaign().warnings_size(), 0);
}

// Wherever a template may stand, what it uses is stored.
TEST(CampaignCheckTest, EveryTemplateCounts) {
  v1::Campaign campaign = GoodCampaign();
  for (const char* column : {"from", "desk", "segment", "greeting", "unused"}) campaign.add_columns(column);
  v1::Content& content = *campaign.mutable_content();
  content.set_from_name("{{from}} at Example");
  content.set_reply_to("{{desk}}@example.com");
  content.set_text("{{greeting}}");
  v1::Header& header = *content.add_headers();
  header.set_name("X-Segment");
  header.set_value("{{segment}}");
  const auto stored = Check(campaign);
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_THAT(stored->stored_columns(), ElementsAre("name", "plan", "from", "desk", "segment", "greeting"));
}

TEST(CampaignCheckTest, TakesAttachmentsPicturesDefaultsAndJson) {
  v1::Campaign campaign = GoodCampaign();
  Attach(&campaign, FileOf('4'), "Übersicht 2026.pdf");
  Attach(&campaign, FileOf('6'), "", "image/png", "logo");
  campaign.add_columns("people");
  campaign.add_json_columns("people");
  campaign.mutable_content()->set_html("<img src=\"cid:logo\">{{name}} {{#people}}{{first}}{{/people}}");
  (*campaign.mutable_defaults())["name"] = "friend";
  (*campaign.mutable_defaults())["people"] = R"([{"first": "Ann"}])";
  const auto stored = Check(campaign);
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_EQ(stored->campaign().content().attachments_size(), 2);
  EXPECT_EQ(stored->campaign().defaults().at("name"), "friend");
}

TEST(CampaignCheckTest, DoesNotBlameTheCallerForTheDisk) {
  v1::Campaign campaign = GoodCampaign();
  Attach(&campaign, FileOf('e'), "a.pdf");
  EXPECT_EQ(Check(campaign).status().code(), absl::StatusCode::kUnavailable);
}

// All of it at once, so that nobody has to ask ten times.
TEST(CampaignCheckTest, NamesAllThatIsWrong) {
  v1::Campaign campaign = GoodCampaign();
  campaign.set_pool("My Pool");
  Attach(&campaign, FileOf('f'), "a.pdf");
  (*campaign.mutable_defaults())["nmae"] = "x";
  campaign.mutable_content()->set_html("{{frist}}");
  std::vector<std::string> fields;
  for (const FieldViolation& violation : ViolationsOf(Check(campaign).status())) fields.push_back(violation.field);
  EXPECT_THAT(fields, ElementsAre("campaign.pool", "campaign.defaults[nmae]", "campaign.content.attachments[0].file",
                                  "campaign.content.html"));
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
  v1::Campaign campaign = GoodCampaign();
  GetParam().change(&campaign);
  const absl::Status status = Check(campaign).status();
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
        BadCampaignRow{"Recursion", [](v1::Campaign* c) { c->mutable_content()->set_html("<p>{{> self}}</p>"); },
                       "BAD_CAMPAIGN", "campaign.content.html", "line 1, column 4"},
        BadCampaignRow{"CrossedSections",
                       [](v1::Campaign* c) {
                         c->mutable_content()->set_html("<p>\n{{#name}}\n{{#plan}}{{/name}}{{/plan}}");
                       },
                       "BAD_CAMPAIGN", "campaign.content.html", "line 3"},
        BadCampaignRow{"Latin1Html", [](v1::Campaign* c) { c->mutable_content()->set_html("<p>J\xfcrgen</p>"); },
                       "BAD_CAMPAIGN", "campaign.content.html", "UTF-8"},
        BadCampaignRow{"Latin1Subject", [](v1::Campaign* c) { c->mutable_content()->set_subject("J\xfcrgen"); },
                       "BAD_CAMPAIGN", "campaign.content.subject", "UTF-8"},
        BadCampaignRow{"FromIsNoTemplate",
                       [](v1::Campaign* c) { c->mutable_content()->set_from_address("{{name}}@example.com"); },
                       "BAD_CAMPAIGN", "campaign.content.from_address", "is no template"},
        BadCampaignRow{"HeaderInHeader",
                       [](v1::Campaign* c) {
                         auto* header = c->mutable_content()->add_headers();
                         header->set_name("X-A: b\r\nBcc");
                         header->set_value("all@example.com");
                       },
                       "BAD_CAMPAIGN", "campaign.content.headers[0]", ""},
        BadCampaignRow{"NoFile", [](v1::Campaign* c) { Attach(c, "", "a.pdf"); }, "BAD_CAMPAIGN",
                       "campaign.content.attachments[0].file", "upload"},
        BadCampaignRow{"FileIsAPath", [](v1::Campaign* c) { Attach(c, "/etc/passwd", "a.pdf"); }, "BAD_CAMPAIGN",
                       "campaign.content.attachments[0].file", "the name that an upload returns"},
        BadCampaignRow{"FileGone", [](v1::Campaign* c) { Attach(c, FileOf('f'), "a.pdf"); }, "BAD_CAMPAIGN",
                       "campaign.content.attachments[0].file", "does not exist; upload"},
        BadCampaignRow{"FileOfAnother", [](v1::Campaign* c) { Attach(c, FileOf('1', "b"), "a.pdf"); },
                       "BAD_CAMPAIGN", "campaign.content.attachments[0].file", "does not exist"},
        BadCampaignRow{"TooMuchTogether",
                       [](v1::Campaign* c) {
                         Attach(c, FileOf('9'), "a.pdf");
                         Attach(c, FileOf('2'), "b.pdf");
                       },
                       "BAD_CAMPAIGN", "campaign.content.attachments", "11 MB together; at most 10 MB"},
        BadCampaignRow{"TypeWithParameter",
                       [](v1::Campaign* c) {
                         Attach(c, FileOf('1'), "a.pdf");
                         Attach(c, FileOf('1'), "b.txt", "text/plain; charset=latin1");
                       },
                       "BAD_CAMPAIGN", "campaign.content.attachments[1].content_type", "without parameters"},
        BadCampaignRow{"TypeWithHeader",
                       [](v1::Campaign* c) { Attach(c, FileOf('1'), "a.pdf", "a/b\r\nBcc: x@example.com"); },
                       "BAD_CAMPAIGN", "campaign.content.attachments[0].content_type", "type/subtype"},
        BadCampaignRow{"NoFileName", [](v1::Campaign* c) { Attach(c, FileOf('1'), ""); }, "BAD_CAMPAIGN",
                       "campaign.content.attachments[0].file_name", "give the name"},
        BadCampaignRow{"FileNameWithHeader",
                       [](v1::Campaign* c) { Attach(c, FileOf('1'), "a.pdf\r\nBcc: x@example.com"); },
                       "BAD_CAMPAIGN", "campaign.content.attachments[0].file_name", "control characters"},
        BadCampaignRow{"FileNameWithFolder", [](v1::Campaign* c) { Attach(c, FileOf('1'), "..\\a.pdf"); },
                       "BAD_CAMPAIGN", "campaign.content.attachments[0].file_name", "slashes"},
        BadCampaignRow{"FileNameInLatin1", [](v1::Campaign* c) { Attach(c, FileOf('1'), "J\xfcrgen.pdf"); },
                       "BAD_CAMPAIGN", "campaign.content.attachments[0].file_name", "UTF-8"},
        BadCampaignRow{"ContentIdWithSpace",
                       [](v1::Campaign* c) { Attach(c, FileOf('1'), "", "image/png", "my logo"); }, "BAD_CAMPAIGN",
                       "campaign.content.attachments[0].content_id", "letters"},
        BadCampaignRow{"ContentIdTwice",
                       [](v1::Campaign* c) {
                         c->mutable_content()->set_html("{{name}}<img src='cid:logo'>");
                         Attach(c, FileOf('1'), "", "image/png", "logo");
                         Attach(c, FileOf('2'), "", "image/png", "logo");
                       },
                       "BAD_CAMPAIGN", "campaign.content.attachments[1].content_id", "twice"},
        BadCampaignRow{"PictureThatIsNotThere",
                       [](v1::Campaign* c) { c->mutable_content()->set_html("<p>{{name}}\n<img src='cid:logo'>"); },
                       "BAD_CAMPAIGN", "campaign.content.html", "line 2, column 11: the picture cid:logo"},
        BadCampaignRow{"DefaultOfNoColumn", [](v1::Campaign* c) { (*c->mutable_defaults())["nmae"] = "x"; },
                       "BAD_CAMPAIGN", "campaign.defaults[nmae]", "correct the name"},
        BadCampaignRow{"BlankDefault", [](v1::Campaign* c) { (*c->mutable_defaults())["name"] = " "; },
                       "BAD_CAMPAIGN", "campaign.defaults[name]", "blank"},
        BadCampaignRow{"DefaultWithHeader",
                       [](v1::Campaign* c) { (*c->mutable_defaults())["name"] = "x\r\nBcc: a@example.com"; },
                       "BAD_CAMPAIGN", "campaign.defaults[name]", "line break"},
        BadCampaignRow{"DefaultInLatin1", [](v1::Campaign* c) { (*c->mutable_defaults())["name"] = "J\xfcrgen"; },
                       "BAD_CAMPAIGN", "campaign.defaults[name]", "UTF-8 at byte 2"},
        BadCampaignRow{"DefaultIsNoJson",
                       [](v1::Campaign* c) {
                         c->add_json_columns("plan");
                         (*c->mutable_defaults())["plan"] = "{gold}";
                       },
                       "BAD_CAMPAIGN", "campaign.defaults[plan]", "is not JSON"},
        BadCampaignRow{"JsonColumnOfNoColumn", [](v1::Campaign* c) { c->add_json_columns("plans"); },
                       "BAD_CAMPAIGN", "campaign.json_columns[0]", "is not a column"},
        BadCampaignRow{"JsonColumnTwice",
                       [](v1::Campaign* c) {
                         c->add_json_columns("plan");
                         c->add_json_columns("plan");
                       },
                       "BAD_CAMPAIGN", "campaign.json_columns[1]", "twice"},
        BadCampaignRow{"UnknownUnsubscribe",
                       [](v1::Campaign* c) { c->mutable_content()->set_unsubscribe(static_cast<v1::Unsubscribe>(7)); },
                       "BAD_CAMPAIGN", "campaign.content.unsubscribe", "7 is none of the choices"},
        BadCampaignRow{"UnknownPriority", [](v1::Campaign* c) { c->set_priority(static_cast<v1::Priority>(9)); },
                       "BAD_CAMPAIGN", "campaign.priority", "9 is no priority"},
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

}  // namespace
}  // namespace wavepost
