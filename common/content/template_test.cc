#include "common/content/template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace wavepost {
namespace {

using Escape = Template::Escape;
using ::testing::HasSubstr;

const std::vector<std::string> kColumns = {"first", "last", "company"};

struct RenderRow {
  const char* name;
  std::string source;
  Escape escape;
  std::vector<std::string> values;
  std::string want;
};

class RenderTest : public ::testing::TestWithParam<RenderRow> {};

TEST_P(RenderTest, Renders) {
  const RenderRow& row = GetParam();
  const auto compiled = Template::Compile("html", row.source, kColumns, row.escape);
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  std::string out;
  ASSERT_TRUE(compiled->Render(row.values, &out).ok());
  EXPECT_EQ(out, row.want);
}

INSTANTIATE_TEST_SUITE_P(
    Mustache, RenderTest,
    ::testing::Values(
        RenderRow{"Empty", "", Escape::kHtml, {"", "", ""}, ""},
        RenderRow{"Literal", "no tags } {x}", Escape::kHtml, {"", "", ""}, "no tags } {x}"},
        RenderRow{"Variables", "Hi {{first}} {{ last }}!", Escape::kNone, {"Jo", "Li", ""}, "Hi Jo Li!"},
        RenderRow{"HtmlEscaped",
                  "{{first}}",
                  Escape::kHtml,
                  {"<a b=\"c\">&'", "", ""},
                  "&lt;a b=&quot;c&quot;&gt;&amp;&#39;"},
        RenderRow{"TextNotEscaped", "{{first}}", Escape::kNone, {"<&>", "", ""}, "<&>"},
        RenderRow{"RawTriple", "{{{first}}}}", Escape::kHtml, {"<b>", "", ""}, "<b>}"},
        RenderRow{"RawAmpersand", "{{& first }}", Escape::kHtml, {"<b>", "", ""}, "<b>"},
        RenderRow{"ValuesAreNotTemplates", "{{first}}", Escape::kNone, {"{{last}}", "no", ""}, "{{last}}"},
        RenderRow{"SectionShown", "a{{#company}} of {{company}}{{/company}}.", Escape::kNone, {"", "", "X"}, "a of X."},
        RenderRow{"SectionHidden", "a{{#company}} of {{company}}{{/company}}.", Escape::kNone, {"", "", " \n"}, "a."},
        RenderRow{"InvertedShown", "{{^company}}private{{/company}}", Escape::kNone, {"", "", ""}, "private"},
        RenderRow{"InvertedHidden", "{{^company}}private{{/company}}", Escape::kNone, {"", "", "X"}, ""},
        RenderRow{"NestedHidden", "{{#first}}1{{#last}}2{{/last}}3{{/first}}4", Escape::kNone, {"", "y", ""}, "4"},
        RenderRow{"NestedInner", "{{#first}}1{{#last}}2{{/last}}3{{/first}}4", Escape::kNone, {"x", "", ""}, "134"},
        RenderRow{"SectionAtEnd", "{{#first}}1{{/first}}", Escape::kNone, {"", "", ""}, ""},
        RenderRow{"Comment", "a{{! not\nshown }}b", Escape::kNone, {"", "", ""}, "ab"},
        RenderRow{"StandaloneLinesVanish",
                  "a\n  {{#first}}  \nb\n{{/first}}\nc",
                  Escape::kNone,
                  {"x", "", ""},
                  "a\r\nb\r\nc"},
        RenderRow{"StandaloneCrLf", "a\r\n{{! c }}\r\nb", Escape::kNone, {"", "", ""}, "a\r\nb"},
        RenderRow{"StandaloneLastLine", "a\n{{#first}}\nb\n{{/first}}", Escape::kNone, {"x", "", ""}, "a\r\nb\r\n"},
        RenderRow{"NotAloneOnItsLine", "a\n{{#first}} x\n{{/first}}", Escape::kNone, {"y", "", ""}, "a\r\n x\r\n"},
        RenderRow{"VariableKeepsItsLine", "a\n{{first}}\nb", Escape::kNone, {"x", "", ""}, "a\r\nx\r\nb"},
        RenderRow{"LineEndsBecomeCrLf",
                  "a\nb\rc\r\nd\r\re{{first}}",
                  Escape::kNone,
                  {"\n1\r2\r\n", "", ""},
                  "a\r\nb\r\nc\r\nd\r\n\r\ne\r\n1\r\n2\r\n"},
        RenderRow{"ControlsBecomeSpaces",
                  "{{first}}",
                  Escape::kHtml,
                  {std::string("a\0b\x1b\tc\x7f", 7), "", ""},
                  "a b \tc "},
        RenderRow{"QuotedAttribute",
                  "<a href=\"{{first}}\" title='{{last}}'>",
                  Escape::kHtml,
                  {"h?a=1&b=\"", "'", ""},
                  "<a href=\"h?a=1&amp;b=&quot;\" title='&#39;'>"},
        RenderRow{"LessThanInText", "1 < {{first}}", Escape::kHtml, {"2", "", ""}, "1 < 2"},
        RenderRow{"ConditionalComment",
                  "<!--[if mso]>{{first}}<![endif]--><p>{{last}}",
                  Escape::kHtml,
                  {"a-->", "b", ""},
                  "<!--[if mso]>a--&gt;<![endif]--><p>b"}),
    [](const auto& row) { return std::string(row.param.name); });

struct ErrorRow {
  const char* name;
  std::string source;
  std::string want;  // a part of the message
};

class CompileErrorTest : public ::testing::TestWithParam<ErrorRow> {};

TEST_P(CompileErrorTest, SaysWhereAndWhat) {
  const auto compiled = Template::Compile("html", GetParam().source, kColumns, Escape::kHtml);
  ASSERT_EQ(compiled.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(compiled.status().message()), HasSubstr(GetParam().want));
}

INSTANTIATE_TEST_SUITE_P(
    Mustache, CompileErrorTest,
    ::testing::Values(
        ErrorRow{"UnknownVariable", "a\nb {{frist}}",
                 "html:2:3: {{frist}} is not a column; did you mean 'first'? The columns are first, last, company"},
        ErrorRow{"UnknownSection", "{{#x}}{{/x}}", "html:1:1: {{#x}} is not a column; the columns are first, "},
        ErrorRow{"UnknownRaw", "{{{x}}}", "html:1:1: {{x}} is not a column"},
        ErrorRow{"CaseMatters", "{{First}}", "{{First}} is not a column; did you mean 'first'?"},
        ErrorRow{"ColumnCountsCharacters", "äöü {{x}}", "html:1:5: "},
        ErrorRow{"LinesByCrLfOnce", "a\r\nb\rc\n{{x}}", "html:4:1: "},
        ErrorRow{"UnclosedTag", "a {{first", "html:1:3: the tag \"{{first\" is not closed with }}"},
        ErrorRow{"UnclosedOnItsLine", "a {{first\nb {{last}}", "html:1:3: the tag \"{{first\" is not closed"},
        ErrorRow{"UnclosedTriple", "{{{first}}", "is not closed with }}}"},
        ErrorRow{"HalfClosed", "{{first}", "is not closed"},
        ErrorRow{"UnclosedComment", "{{! a\nb", "html:1:1: the tag"}, ErrorRow{"OnlyBraces", "{{", "is not closed"},
        ErrorRow{"NoName", "{{ }}", "html:1:1: the tag has no name"}, ErrorRow{"NoSectionName", "{{#}}", "has no name"},
        ErrorRow{"Dot", "{{.}}", "html:1:1: {{.}} stands outside a section"},
        ErrorRow{"DotInInverted", "{{^first}}{{.}}{{/first}}", "{{.}} stands outside a section"},
        ErrorRow{
            "Partial", "x\n {{> header}}",
            "html:2:2: the partial {{> header}} is not supported: a template cannot include another, nor itself; put "
            "the text of \"header\" here"},
        ErrorRow{"Parent", "{{<layout}}{{/layout}}", "html:1:1: {{<layout}}: inheritance is not supported"},
        ErrorRow{"Block", "{{$title}}x{{/title}}", "html:1:1: {{$title}}: inheritance is not supported"},
        ErrorRow{"Lambda", "{{#upper}}x{{/upper}}", "html:1:1: {{#upper}} is not a column"},
        ErrorRow{"Handlebars", "{{#if first}}x{{/if}}",
                 "html:1:1: {{#if first}} is not Mustache; write {{#first}}...{{/first}}"},
        ErrorRow{"HandlebarsUnless", "{{#unless first}}x{{/unless}}", "write {{^first}}...{{/first}}"},
        ErrorRow{"HandlebarsElse", "{{#first}}x{{else}}y{{/first}}",
                 "html:1:12: {{else}} is not Mustache; close the section and write {{^name}}...{{/name}}"},
        ErrorRow{"DotsMakeNoName", "{{a..b}}", "{{a..b}} is not a name; a dot has a name on both sides"},
        ErrorRow{"DotIntoString", "{{first.name}}",
                 "html:1:1: {{first.name}} looks into the column 'first', which is not declared as JSON"},
        ErrorRow{"OneDelimiter", "a {{=<%=}}", "html:1:3: {{=<%=}} does not give two delimiters"},
        ErrorRow{"ThreeDelimiters", "{{=a b c=}}", "does not give two delimiters"},
        ErrorRow{"DelimiterWithEquals", "{{=<= =>=}}", "does not give two delimiters"},
        ErrorRow{"LongDelimiter", "{{=123456789 >=}}", "does not give two delimiters of at most 8 bytes"},
        ErrorRow{"UnclosedDelimiters", "{{=<% %>}}", "html:1:1: the tag \"{{=<% %>}}\" is not closed with =}}"},
        ErrorRow{"InNewDelimiters", "{{=<% %>=}}\nä <%frist%>",
                 "html:2:3: <%frist%> is not a column; did you mean 'first'?"},
        ErrorRow{"UnclosedInNewDelimiters", "{{=<% %>=}}\n <%first",
                 "html:2:2: the tag \"<%first\" is not closed with %>"},
        ErrorRow{"UnclosedSectionInNewDelimiters", "{{=<% %>=}}<%#first%>",
                 "html:1:12: the section <%#first%> is not closed; write <%/first%> where it ends"},
        ErrorRow{"UnclosedSection", "\n {{#first}} x",
                 "html:2:2: the section {{#first}} is not closed; write {{/first}}"},
        ErrorRow{"InnermostUnclosed", "{{#first}}{{^last}}", "{{^last}} is not closed"},
        ErrorRow{"StrayClose", "a{{/first}}", "html:1:2: {{/first}} closes a section that is not open"},
        ErrorRow{"Crossed", "{{#first}}\n{{#last}}\n{{/first}}",
                 "html:3:1: {{/first}} stands where {{#last}} of line 2"},
        ErrorRow{"UnquotedAttribute", "<a href={{first}}>",
                 "html:1:9: {{first}} stands inside an HTML tag without quotes"},
        ErrorRow{"UnquotedTail", "<a href=http://x/{{first}}>", "without quotes"},
        ErrorRow{"AttributeName", "<td {{first}}>", "without quotes"},
        ErrorRow{"BehindACommentThatEndsOddly", "<!-- x --!><a href={{first}}>", "without quotes"},
        ErrorRow{"TagName", "<{{first}}>", "without quotes"}, ErrorRow{"NotUtf8", "\xff", "html: is not valid UTF-8"},
        ErrorRow{"TooLarge", std::string(kTemplateBytesMax + 1, 'x'), "html: has 1048577 bytes"},
        ErrorRow{"TooManyTags",
                 [] {
                   std::string tags;
                   for (size_t i = 0; i <= kTemplateTagsMax; ++i) tags += "{{!}}";
                   return tags;
                 }(),
                 "more than 10000 tags"},
        ErrorRow{"TooDeep",
                 [] {
                   std::string tags;
                   for (int i = 0; i <= kTemplateDepthMax; ++i) tags += "{{#first}}";
                   return tags;
                 }(),
                 "nested more than 32"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(TemplateTest, GuessesOnlyWhatIsNear) {
  struct Guess {
    const char* name;
    const char* want;  // empty: no guess
  };
  const std::vector<std::string> columns = {"a", "id", "first_name", "firm_name", "Straße"};
  for (const Guess& row : {Guess{"x", ""}, Guess{"A", "'a'"}, Guess{"it", "'id'"}, Guess{"xy", ""},
                           Guess{"FirstName", "'first_name'"}, Guess{"firt_name", "'first_name'"},
                           Guess{"firm-nam", "'firm_name'"}, Guess{"surname", ""}, Guess{"Strasse", "'Straße'"}}) {
    const auto compiled =
        Template::Compile("html", absl::StrCat("{{", row.name, "}}"), columns, Template::Escape::kNone);
    const std::string message(compiled.status().message());
    const size_t guess = message.find("did you mean ");
    EXPECT_EQ(guess != std::string::npos, *row.want != '\0') << message;
    EXPECT_THAT(message, HasSubstr(*row.want == '\0' ? "" : absl::StrCat("did you mean ", row.want, "?")));
  }
}

TEST(TemplateTest, NeededUnlessInsideItsOwnSection) {
  const auto compiled =
      Template::Compile("text", "{{first}} {{#company}}{{company}}{{last}}{{/company}}", kColumns, Escape::kNone);
  ASSERT_TRUE(compiled.ok());
  EXPECT_EQ(compiled->needed(), (std::vector<bool>{true, true, false}));
  EXPECT_EQ(compiled->optional(), (std::vector<bool>{false, false, true}));
}

TEST(TemplateTest, InvertedSectionDoesNotGuard) {
  const auto compiled = Template::Compile("text", "{{^first}}{{first}}{{/first}}", kColumns, Escape::kNone);
  ASSERT_TRUE(compiled.ok());
  EXPECT_TRUE(compiled->needed()[0]);
}

TEST(TemplateTest, RefusesToRenderBeyondTheLimit) {
  std::string source;
  for (int i = 0; i < 5000; ++i) source += "{{first}}";
  const auto compiled = Template::Compile("text", source, kColumns, Escape::kNone);
  ASSERT_TRUE(compiled.ok());
  std::string out;
  EXPECT_EQ(compiled->Render({std::string(1000, 'x'), "", ""}, &out).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_LE(out.size(), kRenderedBytesMax + 1000);
}

}  // namespace
}  // namespace wavepost
