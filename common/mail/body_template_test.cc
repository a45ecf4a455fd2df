#include "common/mail/body_template.h"

#include <gmime/gmime.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/content/text_wrap.h"

namespace wavepost {
namespace {

using ::testing::HasSubstr;

constexpr absl::string_view kField = "Content-Transfer-Encoding: ";

struct Encoded {
  std::string encoding;
  std::string content;  // as it stands in the message
  std::string text;     // decoded
};

Encoded Take(const std::string& appended) {
  Encoded out;
  EXPECT_TRUE(absl::StartsWith(appended, kField)) << appended;
  const size_t line = appended.find("\r\n\r\n");
  out.encoding = appended.substr(kField.size(), line - kField.size());
  out.content = appended.substr(line + 4);
  out.text = out.content;
  if (out.encoding != "7bit") {
    GMimeEncoding state;
    g_mime_encoding_init_decode(&state, g_mime_content_encoding_from_string(out.encoding.c_str()));
    out.text.assign(out.content.size() + 64, '\0');
    out.text.resize(g_mime_encoding_step(&state, out.content.data(), out.content.size(), out.text.data()));
  }
  return out;
}

struct Compiled {
  BodyTemplate body;
  Template plain;
};

Compiled CompileBoth(const std::string& text, Template::Escape escape = Template::Escape::kNone, bool wrap = false) {
  const TemplateColumns columns{{"a", "b", "list"}, {false, false, true}};
  const auto tokens = TokenizeTemplate("html", text);
  EXPECT_TRUE(tokens.ok()) << tokens.status();
  auto body = BodyTemplate::Compile("html", *tokens, columns, escape, wrap);
  auto plain = Template::Compile("html", *tokens, columns, escape);
  EXPECT_TRUE(body.ok()) << body.status();
  EXPECT_TRUE(plain.ok()) << plain.status();
  return {*std::move(body), *std::move(plain)};
}

// What stands in the message reads as what the template alone renders, but for a line end at the end.
Encoded ExpectSame(const Compiled& compiled, const std::string& a, const std::string& b, const std::string& json = "") {
  const std::vector<std::string> values = {a, b, json};
  std::vector<TemplateValue> trees(3);
  trees[2] = *ParseTemplateJson(json);
  const TemplateRow row{&values, &trees};
  std::string want;
  EXPECT_TRUE(compiled.plain.Render(row, &want).ok());
  std::string appended;
  EXPECT_TRUE(compiled.body.Append(row, &appended).ok());
  const Encoded got = Take(appended);
  if (got.encoding != "base64" && !absl::EndsWith(want, "\r\n")) want += "\r\n";
  EXPECT_EQ(got.text, want) << appended;
  for (size_t start = 0; start < got.content.size();) {
    const size_t end = got.content.find("\r\n", start);
    EXPECT_NE(end, std::string::npos) << "the last line is open";
    if (end == std::string::npos) break;
    EXPECT_LE(end - start, got.encoding == "7bit" ? 998u : 76u);
    start = end + 2;
  }
  return got;
}

TEST(BodyTemplateTest, PicksTheEncodingByContent) {
  struct Row {
    const char* name;
    std::string text;
    std::string a;
    const char* want;
  };
  const std::string line = "A line of plain text that is long enough to be encoded ahead.\n";
  const Row kRows[] = {
      {"ascii", line + "{{a}}\n" + line, "Jo", "7bit"},
      {"value beyond ASCII", line + "{{a}}\n" + line, "Jürgen", "quoted-printable"},
      {"literal beyond ASCII", line + "für {{a}}\n" + line, "Jo", "quoted-printable"},
      {"value all beyond ASCII", "x {{a}}", "アンケートにご協力", "base64"},
      {"literal all beyond ASCII", "アンケートにご協力ください {{a}}", "Jo", "base64"},
      {"long line in pieces", std::string(600, 'x') + "{{a}}" + std::string(400, 'y'), "Jo", "quoted-printable"},
      {"blank left by an empty value", "x {{#a}}{{a}}{{/a}}\ny", "", "quoted-printable"},
      {"mbox separator in pieces", "x\nFr{{a}}", "om here", "quoted-printable"},
      {"boundary in pieces", "x\n--{{a}}", "=_a", "quoted-printable"},
      {"nothing", "{{#a}}x{{/a}}", "", "7bit"},
  };
  for (const Row& row : kRows) {
    EXPECT_EQ(ExpectSame(CompileBoth(row.text), row.a, "").encoding, row.want) << row.name;
  }
}

TEST(BodyTemplateTest, LiteralsAreEncodedAhead) {
  const std::string line = "Schöne Grüße an alle, die hier arbeiten, und an die anderen auch";
  const Compiled compiled = CompileBoth(line + " {{a}} " + line + "\n{{b}}\n");
  const Encoded got = ExpectSame(compiled, "Zoë", "x");
  EXPECT_EQ(got.encoding, "quoted-printable");
  EXPECT_THAT(got.content, HasSubstr("Zo=C3=AB=\r\n Sch=C3=B6ne"));
}

TEST(BodyTemplateTest, HtmlIsEscapedInEveryPlace) {
  const Compiled compiled = CompileBoth(
      "<p style=\"margin:0 0 14px 0;font-size:15px;line-height:23px\"\n title=\"{{a}}\">für {{{b}}} {{a}}</p>\n",
      Template::Escape::kHtml);
  const Encoded got = ExpectSame(compiled, "\"><x", "<b>");
  EXPECT_THAT(got.text, HasSubstr("title=\"&quot;&gt;&lt;x\">für <b> &quot;&gt;&lt;x</p>"));
}

TEST(BodyTemplateTest, ErrorsAreTheTemplates) {
  const auto tokens = TokenizeTemplate("html", "<a href={{a}}>x</a>");
  const auto body = BodyTemplate::Compile("html", *tokens, TemplateColumns{{"a"}, {}}, Template::Escape::kHtml, false);
  EXPECT_TRUE(absl::StartsWith(body.status().message(), "html:1:9: ")) << body.status();
}

TEST(BodyTemplateTest, ListsRepeatLiterals) {
  const std::string item = "- ein längerer Punkt der Liste, der für sich allein steht: ";
  const Compiled compiled = CompileBoth("{{#list}}\n" + item + "{{.}}\n{{/list}}\n{{^list}}nichts{{/list}}");
  ExpectSame(compiled, "", "", "[\"ä\", \"b\", 3]");
  ExpectSame(compiled, "", "", "[]");
}

TEST(BodyTemplateTest, TheLimitIsOnWhatComesOut) {
  const Compiled compiled = CompileBoth("{{#list}}" + std::string(100'000, 'x') + "{{/list}}");
  const std::vector<std::string> values(3);
  std::vector<TemplateValue> trees(3);
  std::string json = "[1";
  for (int i = 0; i < 60; ++i) json += ",1";
  trees[2] = *ParseTemplateJson(json + "]");
  std::string out;
  EXPECT_EQ(compiled.body.Append(TemplateRow{&values, &trees}, &out).code(), absl::StatusCode::kResourceExhausted);
}

TEST(BodyTemplateTest, WrapsWhatIsWider) {
  std::string words;
  for (int i = 0; i < 40; ++i) words += "Wort für Wort ";
  const std::vector<std::string> values = {words, "", ""};
  const Compiled compiled = CompileBoth("{{a}} und {{a}}", Template::Escape::kNone, /*wrap=*/true);
  std::string appended;
  ASSERT_TRUE(compiled.body.Append(TemplateRow{&values, nullptr}, &appended).ok());
  std::string want;
  ASSERT_TRUE(compiled.plain.Render(TemplateRow{&values, nullptr}, &want).ok());
  WrapText(&want);
  if (!absl::EndsWith(want, "\r\n")) want += "\r\n";
  EXPECT_EQ(Take(appended).text, want);
  EXPECT_GT(std::count(want.begin(), want.end(), '\n'), 5);
}

// Any template with any values.
TEST(BodyTemplateTest, RandomTemplatesReadTheSame) {
  std::mt19937 random(4711);
  const std::string pieces[] = {"a",
                                " ",
                                "\t",
                                "=",
                                ".",
                                "\n",
                                "\r\n",
                                "From ",
                                "ü",
                                "--=_",
                                "{{a}}",
                                "{{b}}",
                                "{{{a}}}",
                                "{{#a}}",
                                "{{^b}}",
                                "{{#list}}",
                                "{{.}}",
                                "\n\n",
                                "some text that is long enough to be encoded ahead of time ",
                                "Größe und Maß "};
  const std::string texts[] = {"",    "x",    "ü", " ", "a\nb", "\r\n", ".", "=", "Frömmigkeit und mehr davon",
                               " y ", "From "};
  int rounds = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    std::vector<std::string> open;
    for (int i = static_cast<int>(random() % 40); i >= 0; --i) {
      const std::string& piece = pieces[random() % std::size(pieces)];
      if (piece == "{{.}}" && (open.empty() || open.back() != "list")) continue;
      text += piece;
      if (piece.size() > 3 && (piece[2] == '#' || piece[2] == '^')) open.push_back(piece.substr(3, piece.size() - 5));
      if (!open.empty() && random() % 4 == 0) {
        text += absl::StrCat("{{/", open.back(), "}}");
        open.pop_back();
      }
    }
    while (!open.empty()) {
      text += absl::StrCat("{{/", open.back(), "}}");
      open.pop_back();
    }
    const Compiled compiled = CompileBoth(text);
    ExpectSame(compiled, texts[random() % std::size(texts)], texts[random() % std::size(texts)], "[\"ö\", \"\\n\", 1]");
    ++rounds;
    if (::testing::Test::HasFailure()) {
      FAIL() << text;
    }
  }
  EXPECT_EQ(rounds, 2000);
}

}  // namespace
}  // namespace wavepost
