#include "bouncer/report/html_plain.h"

#include <gtest/gtest.h>

#include <string>

namespace wavepost {
namespace {

struct HtmlRow {
  std::string name;
  std::string html;
  std::string want;
};

class PlainFromHtmlTest : public ::testing::TestWithParam<HtmlRow> {};

TEST_P(PlainFromHtmlTest, Reads) {
  EXPECT_EQ(PlainFromHtml(GetParam().html, 1000), GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, PlainFromHtmlTest,
    ::testing::Values(HtmlRow{"Plain", "a b", "a b"}, HtmlRow{"Inline", "a<b>b</b> <i>c</i>", "ab c"},
                      HtmlRow{"Blocks", "<p>one</p><p>two<br>three</p>", "one\ntwo\nthree\n"},
                      HtmlRow{"Spaces", "a \n\t b&nbsp;c", "a b c"},
                      HtmlRow{"Cells", "<tr><td>550</td><td>5.1.1</td></tr>", "550 5.1.1\n"},
                      HtmlRow{"References", "&lt;a@b&gt; &amp; &auml;&#228;&#xE4; &unknown; &",
                              "<a@b> & äää &unknown; &"},
                      HtmlRow{"StyleAndScript", "<style>p{}</style>x<script>1<2</script>y", "xy"},
                      HtmlRow{"Comment", "a<!-- b > c -->d", "ad"},
                      HtmlRow{"Doctype", "<!DOCTYPE html><html>a</html>", "a"},
                      HtmlRow{"AttributeWithBracket", "<a title=\"x > y\" href='b'>c</a>", "c"},
                      HtmlRow{"UnescapedAddress", "to <a.b@example.com> failed", "to <a.b@example.com> failed"},
                      HtmlRow{"LessThan", "1 < 2", "1 < 2"}, HtmlRow{"Preformatted", "<pre>a\n  b</pre>", "a\nb\n"},
                      HtmlRow{"OfficeTags", "<o:p>a</o:p>", "a"}, HtmlRow{"UnclosedTag", "a<b", "a"},
                      HtmlRow{"UnclosedQuote", "<a href=\"x>y</a>z", "yz"}, HtmlRow{"UnclosedComment", "a<!-- b", "a"},
                      HtmlRow{"UnclosedScript", "a<script>b", "a"}, HtmlRow{"ControlReference", "a&#7;b", "a b"}),
    [](const auto& row) { return row.param.name; });

TEST(PlainFromHtmlLimits, CutsAndIsFast) {
  EXPECT_LE(PlainFromHtml(std::string(5000, 'x'), 1000).size(), 1000u);
  for (const std::string piece : {"<a =\"", "<!--", "<script", "&#", "<", "</", "<p>", "</script"}) {
    std::string html;
    while (html.size() < 256 * 1024) html += piece;
    EXPECT_LE(PlainFromHtml(html, 256 * 1024).size(), 256u * 1024);
  }
}

TEST(LooksLikeHtmlTest, Tells) {
  EXPECT_TRUE(LooksLikeHtml(" \n<HTML><body>"));
  EXPECT_TRUE(LooksLikeHtml("<!DOCTYPE HTML PUBLIC>"));
  EXPECT_FALSE(LooksLikeHtml("<a@b.example>: unknown"));
  EXPECT_FALSE(LooksLikeHtml(""));
}

}  // namespace
}  // namespace wavepost
