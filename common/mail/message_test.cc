#include "common/mail/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "common/mail/dkim.h"
#include "common/mail/parsed_message_test_util.h"

namespace wavepost {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ContentSpec Spec() {
  return SpecForTest();
}

absl::StatusOr<RenderedMessage> Render(const ContentSpec& spec, const std::vector<std::string>& values,
                                       std::string_view address = "jane@example.com") {
  return RenderForTest(spec, values, address);
}

using Parsed = ParsedMessage;

void ExpectSound(const ParsedMessage& message, bool ascii = true) {
  ExpectSoundBytes(message.raw(), ascii);
  EXPECT_EQ(message.Structure(), "alternative(text/plain,text/html)");
  EXPECT_EQ(message.Header("Bcc"), "(none)");
  EXPECT_EQ(message.Header("X-Evil"), "(none)");
}

TEST(MessageTest, Golden) {
  ContentSpec spec = Spec();
  spec.reply_to = "answers@news.example";
  spec.headers = {{"List-Unsubscribe", "<https://u.example/{{company}}>"},
                  {"X-Empty", "{{#company}}{{company}}{{/company}}"}};
  const auto message = Render(spec, {"", "Jo", "acme"});
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(message->headers,
            "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
            "From: Survey Team <survey@news.example>\r\n"
            "To: jane@example.com\r\n"
            "Reply-To: answers@news.example\r\n"
            "Subject: Hello Jo\r\n"
            "List-Unsubscribe: <https://u.example/acme>\r\n"
            "X-Empty: acme\r\n"
            "Message-ID: <abc@news.example>\r\n"
            "MIME-Version: 1.0\r\n");
  EXPECT_EQ(message->content_headers,
            "Content-Type: multipart/alternative;\r\n"
            "\tboundary=\"=_al4v3igdwiqes5ntwontdopwg\"\r\n");
  EXPECT_EQ(message->body,
            "--=_al4v3igdwiqes5ntwontdopwg\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Transfer-Encoding: 7bit\r\n"
            "\r\n"
            "Dear Jo\r\n"
            "\r\n"
            "--=_al4v3igdwiqes5ntwontdopwg\r\n"
            "Content-Type: text/html; charset=utf-8\r\n"
            "Content-Transfer-Encoding: 7bit\r\n"
            "\r\n"
            "<p>Dear Jo of acme</p>\r\n"
            "\r\n"
            "--=_al4v3igdwiqes5ntwontdopwg--\r\n");
  EXPECT_FALSE(message->needs_8bit);
  EXPECT_FALSE(message->needs_smtputf8);
}

TEST(MessageTest, UmlautsAndEmojiComeThrough) {
  ContentSpec spec = Spec();
  spec.from_name = "Umfrage für {{company}}";
  spec.headers = {{"X-Note", "{{first}}"}};
  const std::string name = "Jürgen \xF0\x9F\x8E\x89 Größe";
  const auto message = Render(spec, {"", name, "Österreich & Söhne"});
  ASSERT_TRUE(message.ok()) << message.status();
  const Parsed parsed(*message);
  ExpectSound(parsed);
  EXPECT_EQ(parsed.Subject(), "Hello " + name);
  EXPECT_EQ(parsed.FromName(), "Umfrage für Österreich & Söhne");
  EXPECT_EQ(parsed.Header("X-Note"), name);
  EXPECT_EQ(parsed.PartOf("text/plain"), "Dear " + name);
  EXPECT_EQ(parsed.PartOf("text/html"), "<p>Dear " + name + " of Österreich &amp; Söhne</p>");
}

// Attributes that try to leave their place: the message must have the same shape as with a harmless one.
TEST(MessageTest, AttributesCannotInject) {
  ContentSpec spec = Spec();
  spec.from_name = "{{first}}";
  spec.headers = {{"X-Note", "{{first}}"}, {"X-Other", "a"}};
  const auto harmless = Render(spec, {"", "Jo", ""});
  ASSERT_TRUE(harmless.ok()) << harmless.status();
  const int headers = Parsed(*harmless).HeaderCount();
  const std::string kAttacks[] = {
      "x\r\nBcc: evil@evil.example",
      "x\nX-Evil: 1",
      "x\rX-Evil: 1",
      "x\r\n\r\n<h1>body</h1>",
      std::string("x\0\r\nX-Evil: 1", 13),
      "ü\r\nX-Evil: 1\r\n ü",
      "\r\n.\r\nMAIL FROM:<evil@evil.example>\r\n",
      "x\r\n--=_al4v3igdwiqes5ntwontdopwg\r\nContent-Type: text/html\r\n\r\nevil",
      "x\r\n--=_al4v3igdwiqes5ntwontdopwg--\r\n",
      "\"><script>alert(1)</script>",
      "=?utf-8?q?=0D=0AX-Evil:_1?=",
      "{{company}}{{{first}}}",
      "\xE2\x80\xA8X-Evil: 1",
      std::string(2000, 'x'),
      "x\"@evil.example, <evil@evil.example>",
  };
  for (const std::string& attack : kAttacks) {
    const auto message = Render(spec, {"", attack, ""});
    ASSERT_TRUE(message.ok()) << attack << message.status();
    const Parsed parsed(*message);
    ExpectSound(parsed);
    EXPECT_EQ(parsed.HeaderCount(), headers) << attack;
    EXPECT_EQ(parsed.Header("X-Other"), "a");
    EXPECT_THAT(parsed.Header("From"), HasSubstr("<survey@news.example>"));
    EXPECT_EQ(parsed.PartOf("text/html").find("<script>"), std::string::npos);
    EXPECT_EQ(parsed.PartOf("text/html").find("<h1>body"), std::string::npos);
  }
}

TEST(MessageTest, LongLinesAreWrapped) {
  ContentSpec spec = Spec();
  spec.html = "<p>" + std::string(5000, 'x') + "{{first}}</p>";
  spec.text = std::string(5000, 'y');
  const auto message = Render(spec, {"", "Jo", ""});
  ASSERT_TRUE(message.ok());
  const Parsed parsed(*message);
  ExpectSound(parsed);
  EXPECT_EQ(parsed.PartOf("text/plain"), std::string(5000, 'y') + "\n");
  EXPECT_EQ(parsed.PartOf("text/html"), "<p>" + std::string(5000, 'x') + "Jo</p>\n");
}

TEST(MessageTest, TextIsDerivedFromHtml) {
  ContentSpec spec = Spec();
  spec.text = "";
  spec.html =
      "<h1>Hi {{first}}</h1><p>{{#company}}<a href=\"https://s.example/?c={{company}}\">Start</a>{{/company}}</p>";
  const auto compiled = MessageTemplate::Compile(spec);
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  EXPECT_THAT((*compiled)->variables(), ElementsAre("first"));
  EXPECT_THAT((*compiled)->section_variables(), ElementsAre("company"));
  const auto message = Render(spec, {"", "Jo <3", "A&B"});
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(Parsed(*message).PartOf("text/plain"), "Hi Jo <3\n\nStart <https://s.example/?c=A&B>\n");
}

// The section that made `company` optional in the HTML switches an attribute, and is gone in the text.
TEST(MessageTest, DerivedTextNeedsNoMoreThanTheHtml) {
  ContentSpec spec = Spec();
  spec.text = "";
  spec.html = "{{first}} <a {{#company}}href=\"https://s.example/{{company}}\"{{/company}}>Start</a>";
  const auto compiled = MessageTemplate::Compile(spec);
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  EXPECT_THAT((*compiled)->variables(), ElementsAre("first"));
  EXPECT_TRUE(Render(spec, {"", "Jo", ""}).ok());
}

TEST(MessageTest, NeedsSmtputf8ForUtf8LocalPart) {
  const auto message = Render(Spec(), {"", "Jo", ""}, "jürgen@example.com");
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_TRUE(message->needs_smtputf8);
  EXPECT_TRUE(message->needs_8bit);
  const Parsed parsed(*message);
  ExpectSound(parsed, /*ascii=*/false);
  EXPECT_THAT(message->headers, HasSubstr("\r\nTo: jürgen@example.com\r\n"));
}

TEST(MessageTest, VariablesAndSections) {
  const auto compiled = MessageTemplate::Compile(Spec());
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  EXPECT_THAT((*compiled)->variables(), ElementsAre("first"));
  EXPECT_THAT((*compiled)->section_variables(), ElementsAre("company"));
}

TEST(MessageTest, CheckValuesAgreesWithRender) {
  ContentSpec spec = Spec();
  spec.headers = {{"List-Id", "<{{company}}.x.example>"}};
  spec.subject = "{{#company}}Hello {{company}}{{/company}}";
  const auto compiled = MessageTemplate::Compile(spec);
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  const std::pair<std::vector<std::string>, std::string> kRows[] = {
      {{"", "Jo", "acme"}, ""},
      {{"", "", "acme"}, "first: has no value"},
      {{"", " \t", "acme"}, "first: has no value"},
      {{"", "Jo"}, "2 values for 3 columns"},
      {{"", "J\xF6", "acme"}, "first: is not valid UTF-8"},
      {{"", "Jo", "Öl"}, "header List-Id: only ASCII"},
      {{"", "Jo", std::string(5000, 'x')}, "subject: is longer than 4096 bytes"},
  };
  for (const auto& [values, want] : kRows) {
    const absl::Status checked = (*compiled)->CheckValues(values);
    const auto rendered = (*compiled)->Render({"a@b.example", &values, "m@b.example", "", absl::UnixEpoch()});
    EXPECT_EQ(checked, rendered.status());
    EXPECT_EQ(checked.ok(), want.empty());
    EXPECT_THAT(std::string(checked.message()), HasSubstr(want));
  }
}

TEST(MessageTest, EmptySubjectIsRefusedWithItsValues) {
  ContentSpec spec = Spec();
  spec.subject = "{{#company}}x{{/company}}";
  EXPECT_THAT(std::string(Render(spec, {"", "Jo", ""}).status().message()), HasSubstr("subject: is empty"));
}

TEST(MessageTest, HugeValuesAreCheckedByRendering) {
  ContentSpec spec = Spec();
  for (int i = 0; i < 100; ++i) spec.text += "{{company}}";
  const auto compiled = MessageTemplate::Compile(spec);
  ASSERT_TRUE(compiled.ok());
  EXPECT_EQ((*compiled)->CheckValues({"", "Jo", std::string(50'000, 'x')}).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE((*compiled)->CheckValues({"", "Jo", std::string(30'000, 'x')}).ok());
}

TEST(MessageTest, RefusesAddressesAndIdsThatBreakHeaders) {
  const auto compiled = MessageTemplate::Compile(Spec());
  ASSERT_TRUE(compiled.ok());
  const std::vector<std::string> values = {"", "Jo", ""};
  for (std::string_view address : {"", "jane", "a@b.example\r\nBcc: x@y.example", "@b.example", "a@"}) {
    EXPECT_EQ((*compiled)->Render({address, &values, "m@b.example", "", absl::UnixEpoch()}).status().code(),
              absl::StatusCode::kInvalidArgument)
        << address;
  }
  for (std::string_view id :
       {"", "m", "m@b>\r\nX: y", "m m@b.example", "<m@b.example>", "a@b@c", "@b", "ü@b.example"}) {
    EXPECT_EQ((*compiled)->Render({"a@b.example", &values, id, "", absl::UnixEpoch()}).status().code(),
              absl::StatusCode::kInvalidArgument)
        << id;
  }
}

TEST(MessageTest, SameRecipientSameBytesOthersOthers) {
  const auto first = Render(Spec(), {"", "Jo", "acme"});
  const auto again = Render(Spec(), {"", "Jo", "acme"});
  const auto other = Render(Spec(), {"", "Jo", "umbrella"});
  ASSERT_TRUE(first.ok() && again.ok() && other.ok());
  EXPECT_EQ(first->headers + first->content_headers + first->body,
            again->headers + again->content_headers + again->body);
  EXPECT_NE(first->body, other->body);
  EXPECT_EQ(first->content_headers, other->content_headers);  // the boundary is the campaign's
  ContentSpec changed = Spec();
  changed.html += "!";
  EXPECT_NE(Render(changed, {"", "Jo", "acme"})->content_headers, first->content_headers);
}

TEST(MessageTest, BodyWithoutVariablesIsMadeOnce) {
  ContentSpec spec = Spec();
  spec.html = "<p>Grüße an alle</p>";
  spec.text = "";
  const auto compiled = MessageTemplate::Compile(spec);
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  ASSERT_NE((*compiled)->fixed_body(), nullptr);
  const std::vector<std::string> values = {"", "Jo", ""};
  const MessageTemplate::Recipient recipient{"a@b.example", &values, "m@b.example", "", absl::UnixEpoch()};
  const auto whole = (*compiled)->Render(recipient);
  ASSERT_TRUE(whole.ok()) << whole.status();
  EXPECT_EQ(whole->body, *(*compiled)->fixed_body());
  EXPECT_EQ(whole->body_hash, DkimBodyHash(whole->body));
  EXPECT_EQ(Parsed(*whole).PartOf("text/html"), "<p>Grüße an alle</p>\n");
  EXPECT_EQ(Parsed(*whole).Subject(), "Hello Jo");
  const auto around = (*compiled)->Render(recipient, {.omit_fixed_body = true, .room = 10});
  ASSERT_TRUE(around.ok());
  EXPECT_EQ(around->body, "");
  EXPECT_EQ(around->body_hash, whole->body_hash);
  EXPECT_EQ(around->headers, whole->headers);
  const auto roomy = (*compiled)->Render(recipient, {.omit_fixed_body = false, .room = 10});
  ASSERT_TRUE(roomy.ok());
  const size_t room = 10 + whole->headers.size() + whole->content_headers.size() + 2;
  EXPECT_EQ(roomy->body.substr(room), whole->body);
  // One that varies is not hashed ahead.
  const auto varies = MessageTemplate::Compile(Spec());
  EXPECT_EQ((*varies)->fixed_body(), nullptr);
  EXPECT_EQ((*varies)->Render(recipient, {.omit_fixed_body = true, .room = {}})->body_hash, "");
  EXPECT_NE((*varies)->Render(recipient, {.omit_fixed_body = true, .room = {}})->body, "");
}

TEST(MessageTest, JsonColumns) {
  ContentSpec spec = Spec();
  spec.columns.push_back("people");
  spec.json_columns = {"people"};
  spec.html = "<ul>{{#people}}<li>{{name}}</li>{{/people}}</ul>";
  spec.text = "{{#people}}- {{name}}\n{{/people}}{{first}}";
  const auto compiled = MessageTemplate::Compile(spec);
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  const std::vector<std::string> good = {"", "Jo", "", R"([{"name": "Zoë <3"}, {"name": "Bo"}])"};
  ASSERT_TRUE((*compiled)->CheckValues(good).ok()) << (*compiled)->CheckValues(good);
  const auto message = Render(spec, good);
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(Parsed(*message).PartOf("text/html"), "<ul><li>Zoë &lt;3</li><li>Bo</li></ul>\n");
  EXPECT_EQ(Parsed(*message).PartOf("text/plain"), "- Zoë <3\n- Bo\nJo\n");
  const std::pair<std::string, std::string> kBad[] = {
      {"[{\"name\": ", "people: "}, {"[{\"name\": \"\"}]", "name"}, {"[{}]", "name"}};
  for (const auto& [json, want] : kBad) {
    const absl::Status status = (*compiled)->CheckValues({"", "Jo", "", json});
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << json;
    EXPECT_THAT(std::string(status.message()), HasSubstr(want));
  }
  // Lists repeat literals: the limit is on what comes out.
  ContentSpec large = spec;
  large.html = "{{#people}}" + std::string(100'000, 'x') + "{{/people}}";
  const auto big = MessageTemplate::Compile(large);
  ASSERT_TRUE(big.ok()) << big.status();
  std::string many = R"([{"name":1})";
  for (int i = 0; i < 60; ++i) many += R"(,{"name":1})";
  EXPECT_EQ((*big)->CheckValues({"", "Jo", "", many + "]"}).code(), absl::StatusCode::kResourceExhausted);
}

struct ErrorRow {
  const char* name;
  void (*change)(ContentSpec*);
  const char* want;
};

class SpecErrorTest : public ::testing::TestWithParam<ErrorRow> {};

TEST_P(SpecErrorTest, NamesTheField) {
  ContentSpec spec = Spec();
  GetParam().change(&spec);
  const auto compiled = MessageTemplate::Compile(spec);
  ASSERT_EQ(compiled.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(absl::StartsWith(compiled.status().message(), GetParam().want)) << compiled.status();
}

INSTANTIATE_TEST_SUITE_P(
    Content, SpecErrorTest,
    ::testing::Values(
        ErrorRow{"HtmlVariable", [](ContentSpec* s) { s->html = "\n {{frist}}"; },
                 "html:2:2: {{frist}} is not a column"},
        ErrorRow{"TextTag", [](ContentSpec* s) { s->text = "{{first"; }, "text:1:1: the tag \"{{first\" is not closed"},
        ErrorRow{"SubjectVariable", [](ContentSpec* s) { s->subject = "x {{y}}"; },
                 "subject:1:3: {{y}} is not a column"},
        ErrorRow{"FromNameSection", [](ContentSpec* s) { s->from_name = "{{#first}}"; }, "from_name:1:1: the section"},
        ErrorRow{"HeaderVariable",
                 [](ContentSpec* s) {
                   s->headers = {{"X-A", "{{z}}"}};
                 },
                 "header X-A:1:1: {{z}}"},
        ErrorRow{"EmptySubject", [](ContentSpec* s) { s->subject = " "; }, "subject: is empty"},
        ErrorRow{"EmptyHtml", [](ContentSpec* s) { s->html = ""; }, "html: is empty"},
        ErrorRow{"NoTextToDerive", [](ContentSpec* s) { s->text = "", s->html = "<img src=x>"; },
                 "text: cannot be derived"},
        ErrorRow{"UnbalancedDerived",
                 [](ContentSpec* s) { s->text = "", s->html = "a<b title=\"{{#first}}\">b</b>{{/first}}"; },
                 "text: none was given, and none can be derived"},
        ErrorRow{"FromAddress", [](ContentSpec* s) { s->from_address = "Jane <a@b.example>"; },
                 "from_address: the address contains '>'"},
        ErrorRow{"FromTemplate", [](ContentSpec* s) { s->from_address = "{{first}}"; }, "from_address: there is no @"},
        ErrorRow{"FromUtf8", [](ContentSpec* s) { s->from_address = "ü@b.example"; }, "from_address: the part before"},
        ErrorRow{"ReplyTo", [](ContentSpec* s) { s->reply_to = "x\r\nBcc: y@z.example"; }, "reply_to: "},
        ErrorRow{"ColumnTwice", [](ContentSpec* s) { s->columns.push_back("first"); },
                 "columns: \"first\" is there twice"},
        ErrorRow{"TooManyColumns", [](ContentSpec* s) { s->columns.resize(257); }, "columns: there are 257"},
        ErrorRow{"JsonColumnUnknown", [](ContentSpec* s) { s->json_columns = {"x"}; },
                 "json_columns: \"x\" is not a column"},
        ErrorRow{"FeedbackId", [](ContentSpec* s) { s->feedback_id = "ü"; }, "feedback_id: "},
        ErrorRow{"UnsubscribeUrl", [](ContentSpec* s) { s->unsubscribe_url = "http://u.example/"; },
                 "unsubscribe_url: must start with https://"},
        ErrorRow{"UnsubscribeUrlBreaks", [](ContentSpec* s) { s->unsubscribe_url = "https://u.example/>,<x"; },
                 "unsubscribe_url: "},
        ErrorRow{"UnsubscribeDomain", [](ContentSpec* s) { s->unsubscribe_domain = "x>\r\nBcc: y"; },
                 "unsubscribe_domain: "},
        ErrorRow{"SubjectTooLong", [](ContentSpec* s) { s->subject = std::string(5000, 'x'); },
                 "subject: is longer than 4096 bytes"},
        ErrorRow{"TooManyHeaders", [](ContentSpec* s) { s->headers.resize(33); }, "headers: there are 33"},
        ErrorRow{"HeaderTwice",
                 [](ContentSpec* s) {
                   s->headers = {{"X-A", "1"}, {"x-a", "2"}};
                 },
                 "header x-a: is there twice"}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace wavepost
