#include "common/mail/message_headers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "common/mail/message.h"
#include "common/mail/parsed_message_test_util.h"

namespace wavepost {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const std::vector<std::string> kValues = {"", "Jo", "acme"};

// The headers for kValues, or the error.
std::string HeadersOf(const ContentSpec& spec) {
  const auto message = RenderForTest(spec, kValues);
  return message.ok() ? message->headers : std::string(message.status().message());
}

TEST(ReplyToTest, RendersAnAddressOrANameWithOne) {
  struct Row {
    const char* reply_to;
    const char* want;
  };
  const Row kRows[] = {
      {"answers@news.example", "|answers@news.example"},
      {"{{first}}@news.example", "|Jo@news.example"},
      {"Team {{company}} <answers@news.example>", "Team acme|answers@news.example"},
      {"Jürgen <answers@news.example>", "Jürgen|answers@news.example"},
      {"\"Team, \\\"x\\\"\" <answers@news.example>", "Team, \"x\"|answers@news.example"},
      {"Team, all <answers@news.example>", "Team, all|answers@news.example"},
      {"<answers@news.example>", "|answers@news.example"},
      {"answers@Büro.example", "|answers@büro.example"},
  };
  for (const Row& row : kRows) {
    ContentSpec spec = SpecForTest();
    spec.reply_to = row.reply_to;
    const auto message = RenderForTest(spec, kValues);
    ASSERT_TRUE(message.ok()) << row.reply_to << ": " << message.status();
    EXPECT_THAT(ParsedMessage(*message).ReplyTo(), ElementsAre(row.want));
  }
  ContentSpec none = SpecForTest();
  none.reply_to = "{{^company}}x@y.example{{/company}}";
  EXPECT_THAT(HeadersOf(none), Not(HasSubstr("Reply-To")));
}

TEST(ReplyToTest, ImportRefusesWhatIsNotOneAddress) {
  ContentSpec spec = SpecForTest();
  spec.columns.push_back("reply");
  for (const char* reply_to : {"{{reply}}", "Team <{{reply}}>", "{{reply}} <team@news.example>"}) {
    spec.reply_to = reply_to;
    const auto compiled = MessageTemplate::Compile(spec);
    ASSERT_TRUE(compiled.ok()) << compiled.status();
    for (const char* value : {"a@b.example, c@d.example", "a@b.example>, <c@d.example", "a@b.example <c@d.example",
                              "x <a@b.example>, y", "<", ">", "<>", "a@b.example>"}) {
      if (std::string(reply_to) == "{{reply}} <team@news.example>" && !absl::StrContains(value, "<") &&
          !absl::StrContains(value, ">")) {
        continue;  // a name, in quotes
      }
      const std::vector<std::string> values = {"", "Jo", "", value};
      const absl::Status status = (*compiled)->CheckValues(values);
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << reply_to << " with " << value;
      EXPECT_TRUE(absl::StartsWith(status.message(), "reply_to: ")) << status;
      EXPECT_EQ((*compiled)->Render({"a@b.example", &values, "m@b.example", "", absl::UnixEpoch()}).status(), status);
    }
  }
  // What is no address at all.
  spec.reply_to = "{{reply}}";
  const auto compiled = MessageTemplate::Compile(spec);
  for (const char* value : {"x", "x@", "a@b.example\r\nBcc: x@y.example", "a b@c.example", "jürgen@b.example"}) {
    EXPECT_TRUE(absl::StartsWith((*compiled)->CheckValues({"", "Jo", "", value}).message(), "reply_to: ")) << value;
  }
  // A name with two addresses in it is a name.
  spec.reply_to = "{{reply}} <team@news.example>";
  const auto message = RenderForTest(spec, {"", "Jo", "", "a@b.example, c@d.example"});
  ASSERT_TRUE(message.ok());
  EXPECT_THAT(ParsedMessage(*message).ReplyTo(), ElementsAre("a@b.example, c@d.example|team@news.example"));
  // Without variables it is found at once.
  spec.reply_to = "a@b.example, c@d.example";
  EXPECT_TRUE(absl::StartsWith(MessageTemplate::Compile(spec).status().message(), "reply_to: "));
}

TEST(ListUnsubscribeTest, Forms) {
  ContentSpec spec = SpecForTest();
  EXPECT_THAT(HeadersOf(spec), Not(HasSubstr("List-Unsubscribe")));

  spec.unsubscribe_domain = "Bounce.example";
  EXPECT_THAT(HeadersOf(spec),
              HasSubstr("\r\nList-Unsubscribe: <mailto:u+tok3n@bounce.example?subject=unsubscribe>\r\n"));
  EXPECT_THAT(HeadersOf(spec), Not(HasSubstr("List-Unsubscribe-Post")));

  spec.unsubscribe_url = "https://u.example/u/";
  EXPECT_THAT(HeadersOf(spec), HasSubstr("\r\nList-Unsubscribe: <https://u.example/u/tok3n>,\r\n"
                                         "\t<mailto:u+tok3n@bounce.example?subject=unsubscribe>\r\n"));
  EXPECT_THAT(HeadersOf(spec), HasSubstr("\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"));

  spec.unsubscribe_domain = "";
  EXPECT_THAT(HeadersOf(spec), HasSubstr("\r\nList-Unsubscribe: <https://u.example/u/tok3n>\r\n"));
  EXPECT_THAT(HeadersOf(spec), HasSubstr("\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"));

  // One of their own: ours stay away, both of them.
  spec.headers = {{"list-unsubscribe", "<https://theirs.example/{{company}}>"}};
  EXPECT_THAT(HeadersOf(spec), HasSubstr("\r\nlist-unsubscribe: <https://theirs.example/acme>\r\n"));
  EXPECT_THAT(HeadersOf(spec), Not(HasSubstr("u.example")));
  EXPECT_THAT(HeadersOf(spec), Not(HasSubstr("List-Unsubscribe-Post")));
  spec.headers.emplace_back("List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
  EXPECT_THAT(HeadersOf(spec), HasSubstr("\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"));
  spec.headers.back().second = "yes";
  EXPECT_THAT(HeadersOf(spec), HasSubstr("header List-Unsubscribe-Post: must be"));
  spec.headers = {{"List-Unsubscribe-Post", "List-Unsubscribe=One-Click"}};
  EXPECT_THAT(HeadersOf(spec), HasSubstr("header List-Unsubscribe-Post: goes together with"));
}

TEST(ListUnsubscribeTest, NeedsAToken) {
  ContentSpec spec = SpecForTest();
  EXPECT_FALSE((*MessageTemplate::Compile(spec))->offers_unsubscribe());
  spec.unsubscribe_domain = "bounce.example";
  const auto compiled = MessageTemplate::Compile(spec);
  EXPECT_TRUE((*compiled)->offers_unsubscribe());
  for (const char* token : {"", "a>", "a b", "a\r\nBcc: x", "a@b"}) {
    EXPECT_EQ((*compiled)->Render({"a@b.example", &kValues, "m@b.example", token, absl::UnixEpoch()}).status().code(),
              absl::StatusCode::kInvalidArgument)
        << token;
  }
}

TEST(OurFieldsTest, OnlyWhereAskedFor) {
  ContentSpec spec = SpecForTest();
  for (const char* name : {"Precedence", "Auto-Submitted", "Feedback-ID", "Reply-To"}) {
    EXPECT_THAT(HeadersOf(spec), Not(HasSubstr(name)));
  }
  spec.auto_submitted = true;
  spec.feedback_id = "c1:t1:wavepost";
  EXPECT_THAT(HeadersOf(spec), HasSubstr("\r\nFeedback-ID: c1:t1:wavepost\r\nAuto-Submitted: auto-generated\r\n"));
  spec.headers = {{"feedback-id", "theirs"}};
  EXPECT_THAT(HeadersOf(spec), HasSubstr("\r\nfeedback-id: theirs\r\n"));
  EXPECT_THAT(HeadersOf(spec), Not(HasSubstr("c1:t1")));
  spec.headers = {{"Auto-Submitted", "no"}};
  EXPECT_THAT(HeadersOf(spec), HasSubstr("header Auto-Submitted: is set by auto_submitted already"));
}

TEST(DateTest, IsRfc5322) {
  const std::pair<const char*, const char*> kRows[] = {
      {"2026-11-22T11:05:33+00:00", "Date: Sun, 22 Nov 2026 11:05:33 +0000\r\n"},
      {"2024-02-29T23:59:59+00:00", "Date: Thu, 29 Feb 2024 23:59:59 +0000\r\n"},
      {"2027-01-01T01:00:00+02:00", "Date: Thu, 31 Dec 2026 23:00:00 +0000\r\n"},
      {"2026-03-02T00:00:00.999+00:00", "Date: Mon, 02 Mar 2026 00:00:00 +0000\r\n"},
  };
  for (const auto& [text, want] : kRows) {
    absl::Time date;
    std::string error;
    ASSERT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &date, &error)) << error;
    const auto message =
        (*MessageTemplate::Compile(SpecForTest()))->Render({"a@b.example", &kValues, "m@b.example", "", date});
    ASSERT_TRUE(message.ok());
    EXPECT_TRUE(absl::StartsWith(message->headers, want)) << message->headers;
  }
}

TEST(HostileValuesTest, WhatShowsNothingIsNoSubject) {
  ContentSpec spec = SpecForTest();
  spec.subject = "{{first}}";
  for (const char* value : {"\xE2\x80\xA8", "\xC2\x85"}) {  // line separator, next line
    std::vector<std::string> values = kValues;
    const auto column = std::find(spec.columns.begin(), spec.columns.end(), "first");
    values[static_cast<size_t>(column - spec.columns.begin())] = value;
    const auto compiled = MessageTemplate::Compile(spec);
    ASSERT_TRUE(compiled.ok()) << compiled.status();
    EXPECT_THAT(std::string((*compiled)->CheckValues(values).message()), testing::HasSubstr("subject: is empty"));
  }
}

TEST(ListUnsubscribeTest, AnOwnOneIsEmptyForNobody) {
  ContentSpec spec = SpecForTest();
  spec.headers = {{"List-Unsubscribe", "{{#first}}<https://x.example/{{first}}>{{/first}}"}};
  const auto compiled = MessageTemplate::Compile(spec);
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  std::vector<std::string> values = kValues;
  const auto column = std::find(spec.columns.begin(), spec.columns.end(), "first");
  values[static_cast<size_t>(column - spec.columns.begin())] = "";
  EXPECT_FALSE((*compiled)->CheckValues(values).ok());
}

// Whatever a value holds, in whatever field: the same fields as with a harmless one, all in 7 bits and in lines that
// fit, and what is shown is what was meant.
TEST(HostileValuesTest, StayInTheirField) {
  ContentSpec spec = SpecForTest();
  spec.from_name = "{{first}}";
  spec.reply_to = "{{first}} <answers@news.example>";
  spec.headers = {{"X-Note", "{{first}}"}, {"X-Other", "a"}};
  const auto compiled = MessageTemplate::Compile(spec);
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  const int fields = ParsedMessage(*RenderForTest(spec, kValues)).HeaderCount();
  struct Row {
    const char* name;
    std::string value;
    std::string shown;
  };
  std::string words;
  for (int i = 0; i < 400; ++i) words += "wort ";
  words.pop_back();
  const Row kRows[] = {
      {"CRLF", "x\r\nBcc: evil@evil.example", "x Bcc: evil@evil.example"},
      {"LF", "x\nBcc: y", "x Bcc: y"},
      {"CR", "x\rBcc: y", "x Bcc: y"},
      {"NUL", std::string("x\0y", 3), "x y"},
      {"end of headers", "x\r\n\r\nbody", "x body"},
      {"folded", "x\r\n\tBcc: y", "x Bcc: y"},
      {"Bcc at the start", "Bcc: x", "Bcc: x"},
      {"NEL", "x\xC2\x85y", "x y"},
      {"line separator", "x\xE2\x80\xA8y", "x y"},
      {"umlaut", "Jürgen Größe", "Jürgen Größe"},
      {"emoji", "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB \xF0\x9F\x8E\x89",
       "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB \xF0\x9F\x8E\x89"},
      {"right to left", "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D \xD8\xB3\xD9\x84\xD8\xA7\xD9\x85",
       "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D \xD8\xB3\xD9\x84\xD8\xA7\xD9\x85"},
      {"japanese", "アンケートにご協力ください", "アンケートにご協力ください"},
      {"endless word", std::string(3000, 'x'), std::string(3000, 'x')},
      {"word of 998", std::string(998, 'x'), std::string(998, 'x')},
      {"many words", words, words},
      {"looks encoded", "=?utf-8?q?=0D=0ABcc:_x?=", "=?utf-8?q?=0D=0ABcc:_x?="},
      {"quotes", "\"a\" \\ b", "\"a\" \\ b"},
      {"comma", "a, b", "a, b"},
      {"template", "{{company}}", "{{company}}"},
  };
  for (const Row& row : kRows) {
    const std::vector<std::string> values = {"", row.value, ""};
    ASSERT_TRUE((*compiled)->CheckValues(values).ok()) << row.name << (*compiled)->CheckValues(values);
    const auto message = RenderForTest(spec, values);
    ASSERT_TRUE(message.ok()) << row.name;
    const ParsedMessage parsed(*message);
    ExpectSoundBytes(parsed.raw());
    EXPECT_EQ(parsed.HeaderCount(), fields) << row.name;
    EXPECT_EQ(parsed.Header("Bcc"), "(none)") << row.name;
    EXPECT_EQ(parsed.Subject(), "Hello " + row.shown) << row.name;
    EXPECT_EQ(parsed.FromName(), row.shown) << row.name;
    EXPECT_EQ(parsed.Header("X-Other"), "a") << row.name;
    EXPECT_THAT(parsed.ReplyTo(), ElementsAre(row.shown + "|answers@news.example")) << row.name;
  }
}

}  // namespace
}  // namespace wavepost
