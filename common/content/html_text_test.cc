#include "common/content/html_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/base/status_macros.h"
#include "common/content/template.h"

namespace wavepost {
namespace {

using ::testing::HasSubstr;

// Derives the text, renders it for one recipient, and shows line ends as \n.
absl::StatusOr<std::string> Derive(const std::string& html, const std::string& name = "Jo",
                                   const std::string& url = "u") {
  const std::vector<std::string> columns = {"name", "url"};
  ASSIGN_OR_RETURN(const auto tokens, TokenizeTemplate("html", html));
  ASSIGN_OR_RETURN(const auto text, TextFromHtml(tokens));
  ASSIGN_OR_RETURN(const auto compiled, Template::Compile("text", text, columns, Template::Escape::kNone));
  std::string out;
  RETURN_IF_ERROR(compiled.Render({name, url}, &out));
  std::erase(out, '\r');
  return out;
}

struct Row {
  const char* name;
  std::string html;
  std::string want;
};

class TextFromHtmlTest : public ::testing::TestWithParam<Row> {};

TEST_P(TextFromHtmlTest, Reads) {
  const auto text = Derive(GetParam().html);
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(*text, GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(
    Html, TextFromHtmlTest,
    ::testing::Values(
        Row{"Paragraphs", "<html><body><p>Dear\n {{name}},</p><p>two <b>bold</b>.</p></body></html>",
            "Dear Jo,\n\ntwo bold.\n"},
        Row{"Breaks", "a<br>b<br/>c", "a\nb\nc\n"},
        Row{"Headings", "<h1>Title</h1>text<h2>More</h2>", "Title\n\ntext\n\nMore\n"},
        Row{"HeadAndStyleSkipped", "<head><title>T {{name}}</title><style>p{x:y}</style></head><p>a</p>", "a\n"},
        Row{"HiddenSkipped", "<div style=\"Display : none\">pre {{name}}</div><p>a</p>", "a\n"},
        Row{"Lists", "<p>x</p><ul><li>one</li><li><p>two</p></li></ul><p>y</p><ol><li>a<li>b</ol>",
            "x\n\n- one\n- two\n\ny\n\n1. a\n2. b\n"},
        Row{"Link", "<a href=\"{{url}}\">Start</a> now", "Start <u> now\n"},
        Row{"LinkIsItsLabel", "<a href=\"{{url}}\">{{url}}</a>", "u\n"},
        Row{"LinkToAnchor", "<a href=\"#top\">Top</a>", "Top\n"},
        Row{"Mailto", "<a href=\"mailto:a@example.com?subject=x\">a@example.com</a>", "a@example.com\n"},
        Row{"ImageAlt", "<img src=x alt=\"Logo of {{name}}\"><p>a", "Logo of Jo\n\na\n"},
        Row{"TableRows", "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc\n"},
        Row{"Entities", "a &amp; b &lt;c&gt; f&uuml;r&nbsp;Sie", "a & b <c> für Sie\n"},
        Row{"EntityBracesAreText", "&#123;&#123;name}} {{name}}", "{{name}} Jo\n"},
        Row{"NothingIsEscapedInText", "{{name}} {{{name}}}", "Jo Jo\n"},
        Row{"SectionShown", "<p>A</p>{{#name}}<p>b {{name}}</p>{{/name}}<p>C</p>", "A\n\nb Jo\n\nC\n"},
        Row{"SectionHidden", "<p>A</p>{{^name}}<p>b</p>{{/name}}<p>C</p>", "A\n\nC\n"},
        Row{"SectionAroundTableRow",
            "<table><tr><td>a</td></tr>{{^name}}<tr><td>b</td></tr>{{/name}}<tr><td>c</td></tr></table>", "a\nc\n"},
        Row{"SectionKeepsTheSpace", "Dear {{#name}}{{name}}{{/name}}{{^name}}guest{{/name}}, hi", "Dear Jo, hi\n"},
        Row{"SectionFirst", "{{#name}}<p>A</p>{{/name}}", "A\n\n"},
        Row{"SectionAroundAttribute", "<a {{#name}}class=\"{{name}}\"{{/name}} href=\"x\">y</a>", "y <x>\n"},
        Row{"TwoBreaksMakeABlankLine", "a<br><br>b<br><br><br>c<div>d</div><br><div>e</div>", "a\n\nb\n\nc\nd\n\ne\n"},
        Row{"BreakBehindASection", "<div>A</div>{{#name}}<br>B{{/name}}", "A\n\nB\n"},
        Row{"BreakAtTheEndOfABlock", "<div>a<br></div><div>b</div>", "a\nb\n"},
        Row{"ListInList", "<ul><li>a<ul><li>b</li><li>c<ol start=9><li>d<li>e</ol></ul></li><li>f</ul>",
            "- a\n  - b\n  - c\n    9. d\n    10. e\n- f\n"},
        Row{"ItemHangs", "<ol><li>a<br>b<p>c</p></li></ol>", "1. a\n   b\n\n   c\n"},
        Row{"EmptyItem", "<ul><li></li><li>a</li></ul>", "-\n- a\n"},
        Row{"RepeatedItemsAreNotNumbered", "<ol>{{#name}}<li>{{.}}</li>{{/name}}<li>b</li></ol>", "- Jo\n- b\n"},
        Row{"Quote", "a<blockquote>b<br>c</blockquote>d", "a\n\n  b\n  c\n\nd\n"},
        Row{"Definitions", "<dl><dt>a</dt><dd>b</dd></dl>", "a\n  b\n"},
        Row{"Preformatted", "<pre>a\nb\n\n\nc</pre>", "a\nb\n\nc\n"},
        Row{"DataTable",
            "<table><thead><tr><th>Day</th><th>Open</th></tr></thead><tr><td><p>Mon</p></td><td>9<br>to 5</td></tr>"
            "<tr><td></td><td>x</td></tr></table>",
            "Day | Open\nMon | 9 to 5\n| x\n"},
        Row{"DataTableWithRepeatedRows",
            "<table><tr><th>Day</th><th>Who</th></tr>{{#name}}<tr><td>1</td><td>{{.}}</td></tr>{{/name}}</table>x",
            "Day | Who\n1 | Jo\n\nx\n"},
        Row{"TableForLayout", "<table role=presentation><tr><th>a</th><td>b</td></tr></table>", "a b\n"},
        Row{"DataInsideLayout",
            "<table><tr><td>x<table><tr><th>a</th><td>b</td></tr></table></td><td>y</td></tr></table>",
            "x\n\na | b\n\ny\n"},
        Row{"Button",
            "Go: <a href=x style='padding: 8px; background-color:#00f'>Yes</a> <a class='my-btn' href=y>No</a> or not",
            "Go:\nYes <x>\nNo <y>\nor not\n"},
        Row{"ButtonsInCells",
            "<table><tr><td><a role=button href=x>1</a></td><td><a role=button href=y>2</a></td></tr></table>",
            "1 <x>\n2 <y>\n"},
        Row{"ButtonInItem", "<ul><li><a class=button href=x>1</a></ul>", "- 1 <x>\n"},
        Row{"PaddedLinkIsNoButton", "a <a href=x style='padding:1px'>b</a> c", "a b <x> c\n"},
        Row{"LinkShowsItsTarget", "<a href='https://a.example/'>https://a.example</a>", "https://a.example\n"},
        Row{"LinkInItemShowsItsTarget", "<ul><li><a href=u> u </a></ul>", "- u\n"},
        Row{"LinkOfAPicture", "<a href=u><img src=x></a>", "<u>\n"},
        Row{"LinkOfBlocks", "a<a href=u><div>b</div></a>c", "a\nb\n<u>c\n"},
        Row{"Phone", "<a href='tel:+4930123'>030 / 123</a>", "030 / 123\n"},
        Row{"Script", "<a href='javascript:x()'>y</a>", "y\n"},
        Row{"SpaceAtTheLinkOnce", "a <a href=u> b</a>", "a b <u>\n"},
        Row{"InvisibleSkipped", "<p style='visibility: hidden'>x</p>a", "a\n"},
        Row{"NewDelimitersInHtml", "{{=<% %>=}}<p>{{<%name%>}}</p>", "{{Jo}}\n"},
        Row{"CommentsSkipped", "<!--[if mso]>{{name}}<![endif]-->a", "a\n"},
        Row{"Invisible",
            "a\xC2\xAD"
            "b&#8203;c",
            "abc\n"},
        Row{"ForgedMark",
            "a\xF4\x8F\xBF\xB0"
            "7\xF4\x8F\xBF\xB1"
            "b",
            "ab\n"}),
    [](const auto& row) { return std::string(row.param.name); });

std::string Repeat(const std::string& what, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += what;
  return out;
}

// " a0 a1 a2 ..."
std::string Numbered(int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += " a" + std::to_string(i);
  return out;
}

TEST(TextFromHtmlTest, RefusesWhatHasNoTextOrIsTooMuch) {
  const Row kRows[] = {{"empty", "", "holds no text"},
                       {"picture", "<p><img src=x></p>", "holds no text"},
                       {"section only", "{{#name}} {{/name}}", "holds no text"},
                       {"tags", Repeat("<p>", 20'001), "too many tags"},
                       {"misnested", Repeat("<font size=1>", 1'000) + Repeat("<p>", 1'500), "too many tags"},
                       {"reopened", "<p><b x='" + std::string(900'000, 'y') + "'>" + Repeat("<p>x", 19'000), "again"},
                       {"attributes", "<p" + Numbered(600) + ">x", "too many attributes"},
                       {"attributes behind a comment", "<!-- a --!><p" + Numbered(600) + ">x", "too many attributes"},
                       {"deep", Repeat("<div>", 600) + "x", "too deeply"}};
  for (const Row& row : kRows) {
    const auto text = Derive(row.html);
    EXPECT_EQ(text.status().code(), absl::StatusCode::kInvalidArgument) << row.name;
    EXPECT_THAT(std::string(text.status().message()), HasSubstr(row.want)) << row.name;
  }
}

// Elements that nest only through tables: each level must cost the same.
TEST(TextFromHtmlTest, NestedLinksAreWalkedOnce) {
  EXPECT_TRUE(Derive(Repeat("<a href=x>y<table><tr><td>", 80)).ok());
}

}  // namespace
}  // namespace wavepost
