#include "common/mail/message.h"

#include <gmime/gmime.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "common/mail/header_encode.h"

namespace wavepost {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ContentSpec Spec() {
  ContentSpec spec;
  spec.subject = "Hello {{first}}";
  spec.from_name = "Survey Team";
  spec.from_address = "survey@news.example";
  spec.html = "<p>Dear {{first}}{{#company}} of {{company}}{{/company}}</p>";
  spec.text = "Dear {{first}}";
  spec.columns = {"email", "first", "company"};
  return spec;
}

absl::StatusOr<RenderedMessage> Render(const ContentSpec& spec, const std::vector<std::string>& values,
                                       std::string_view address = "jane@example.com") {
  const auto compiled = MessageTemplate::Compile(spec);
  if (!compiled.ok()) return compiled.status();
  return (*compiled)->Render({address, &values, "abc@news.example", absl::FromUnixSeconds(1'700'000'000)});
}

// A message as GMime, which is not ours, reads it.
class Parsed {
 public:
  explicit Parsed(const RenderedMessage& message) : raw_(message.headers + "\r\n" + message.body) {
    g_mime_init();
    GMimeStream* stream = g_mime_stream_mem_new_with_buffer(raw_.data(), raw_.size());
    GMimeParser* parser = g_mime_parser_new_with_stream(stream);
    message_ = g_mime_parser_construct_message(parser, nullptr);
    g_object_unref(parser);
    g_object_unref(stream);
  }
  ~Parsed() {
    if (message_ != nullptr) g_object_unref(message_);
  }

  std::string Header(const char* name) const {
    const char* value = g_mime_object_get_header(GMIME_OBJECT(message_), name);
    return value == nullptr ? "(none)" : value;
  }
  std::string Subject() const { return g_mime_message_get_subject(message_); }
  std::string FromName() const {
    return internet_address_get_name(internet_address_list_get_address(g_mime_message_get_from(message_), 0));
  }
  bool IsAlternative() const {
    GMimeObject* body = g_mime_message_get_mime_part(message_);
    return g_mime_content_type_is_type(g_mime_object_get_content_type(body), "multipart", "alternative");
  }
  int HeaderCount() const {
    return g_mime_header_list_get_count(g_mime_object_get_header_list(GMIME_OBJECT(message_)));
  }

  // "text/plain:TEXT" for each part of the multipart/alternative, line ends as \n.
  std::vector<std::string> Parts() const {
    GMimeObject* body = g_mime_message_get_mime_part(message_);
    if (!GMIME_IS_MULTIPART(body)) return {"not multipart"};
    std::vector<std::string> out;
    for (int i = 0; i < g_mime_multipart_get_count(GMIME_MULTIPART(body)); ++i) {
      GMimeObject* part = g_mime_multipart_get_part(GMIME_MULTIPART(body), i);
      if (!GMIME_IS_TEXT_PART(part)) return {"not text"};
      char* text = g_mime_text_part_get_text(GMIME_TEXT_PART(part));
      char* type = g_mime_content_type_get_mime_type(g_mime_object_get_content_type(part));
      std::string content = text;
      std::erase(content, '\r');
      out.push_back(std::string(type) + ":" + content);
      g_free(type);
      g_free(text);
    }
    return out;
  }

  const std::string& raw() const { return raw_; }

 private:
  std::string raw_;
  GMimeMessage* message_ = nullptr;
};

// What every message must be like, whatever went into it.
void ExpectSound(const Parsed& message, bool ascii = true) {
  const std::string& raw = message.raw();
  size_t line = 0;
  for (size_t i = 0; i < raw.size(); ++i) {
    ASSERT_NE(raw[i], '\0');
    ASSERT_TRUE(!ascii || static_cast<unsigned char>(raw[i]) < 0x80);
    ASSERT_TRUE(raw[i] != '\n' || raw[i - 1] == '\r');
    ASSERT_TRUE(raw[i] != '\r' || raw[i + 1] == '\n');
    line = raw[i] == '\n' ? 0 : line + 1;
    ASSERT_LE(line, kLineBytesMax + 1);  // with its CR
  }
  EXPECT_TRUE(message.IsAlternative());
  EXPECT_EQ(message.Header("Bcc"), "(none)");
  EXPECT_EQ(message.Header("X-Evil"), "(none)");
  EXPECT_EQ(message.Parts().size(), 2u);
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
            "Subject: Hello Jo\r\n"
            "List-Unsubscribe: <https://u.example/acme>\r\n"
            "X-Empty: acme\r\n"
            "To: jane@example.com\r\n"
            "Reply-To: answers@news.example\r\n"
            "Message-ID: <abc@news.example>\r\n"
            "MIME-Version: 1.0\r\n"
            "Content-Type: multipart/alternative;\r\n"
            "\tboundary=\"=_c7f515585c1e8622\"\r\n");
  EXPECT_EQ(message->body,
            "--=_c7f515585c1e8622\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Transfer-Encoding: 7bit\r\n"
            "\r\n"
            "Dear Jo\r\n"
            "\r\n"
            "--=_c7f515585c1e8622\r\n"
            "Content-Type: text/html; charset=utf-8\r\n"
            "Content-Transfer-Encoding: 7bit\r\n"
            "\r\n"
            "<p>Dear Jo of acme</p>\r\n"
            "\r\n"
            "--=_c7f515585c1e8622--\r\n");
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
  EXPECT_THAT(parsed.Parts(),
              ElementsAre("text/plain:Dear " + name, "text/html:<p>Dear " + name + " of Österreich &amp; Söhne</p>"));
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
      "x\r\n--=_c7f515585c1e8622\r\nContent-Type: text/html\r\n\r\nevil",
      "x\r\n--=_c7f515585c1e8622--\r\n",
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
    EXPECT_EQ(parsed.Parts()[1].find("<script>"), std::string::npos);
    EXPECT_EQ(parsed.Parts()[1].find("<h1>body"), std::string::npos);
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
  EXPECT_THAT(parsed.Parts(), ElementsAre("text/plain:" + std::string(5000, 'y') + "\n",
                                          "text/html:<p>" + std::string(5000, 'x') + "Jo</p>\n"));
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
  EXPECT_EQ(Parsed(*message).Parts()[0], "text/plain:Hi Jo <3\n\nStart <https://s.example/?c=A&B>\n");
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
      {{"", "Jo", std::string(5000, 'x')}, "header Subject: is too long"},
  };
  for (const auto& [values, want] : kRows) {
    const absl::Status checked = (*compiled)->CheckValues(values);
    const auto rendered = (*compiled)->Render({"a@b.example", &values, "m@b.example", absl::UnixEpoch()});
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
    EXPECT_EQ((*compiled)->Render({address, &values, "m@b.example", absl::UnixEpoch()}).status().code(),
              absl::StatusCode::kInvalidArgument)
        << address;
  }
  for (std::string_view id :
       {"", "m", "m@b>\r\nX: y", "m m@b.example", "<m@b.example>", "a@b@c", "@b", "ü@b.example"}) {
    EXPECT_EQ((*compiled)->Render({"a@b.example", &values, id, absl::UnixEpoch()}).status().code(),
              absl::StatusCode::kInvalidArgument)
        << id;
  }
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
                 "html:2:2: {{frist}} is not a column; the columns are email, first, company"},
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
        ErrorRow{"TooManyHeaders", [](ContentSpec* s) { s->headers.resize(33); }, "headers: there are 33"},
        ErrorRow{"HeaderTwice",
                 [](ContentSpec* s) {
                   s->headers = {{"X-A", "1"}, {"x-a", "2"}};
                 },
                 "header x-a: is there twice"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(HeaderPolicyTest, RefusesWhatIsNotTheCampaignsToSet) {
  for (const char* name : {"From",
                           "to",
                           "SUBJECT",
                           "Reply-To",
                           "Date",
                           "Message-ID",
                           "MIME-Version",
                           "Sender",
                           "Cc",
                           "Bcc",
                           "Received",
                           "Received-SPF",
                           "Return-Path",
                           "DKIM-Signature",
                           "ARC-Seal",
                           "Authentication-Results",
                           "Content-Type",
                           "content-transfer-encoding",
                           "Resent-To",
                           "Delivered-To",
                           "",
                           "X Y",
                           "X:Y",
                           "X\r\nY",
                           "X-\xC3\xBC",
                           "X\t"}) {
    ContentSpec spec = Spec();
    spec.headers = {{name, "x"}};
    const auto compiled = MessageTemplate::Compile(spec);
    EXPECT_EQ(compiled.status().code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_TRUE(absl::StartsWith(compiled.status().message(), "header ")) << compiled.status();
  }
  for (const char* name :
       {"X-Survey", "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID", "Auto-Submitted", "Precedence"}) {
    ContentSpec spec = Spec();
    spec.headers = {{name, "x"}};
    EXPECT_TRUE(MessageTemplate::Compile(spec).ok()) << name;
  }
}

}  // namespace
}  // namespace wavepost
