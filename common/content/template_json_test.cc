// Templates over JSON columns: what the specification's cases do not show, and Check.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/content/template.h"

namespace wavepost {
namespace {

using Escape = Template::Escape;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Columns of all rows here; the last three are JSON.
const TemplateColumns kJsonColumns = {{"first", "company", "person.name", "person", "people", "order.items"},
                                      {false, false, false, true, true, true}};

struct JsonRow {
  std::vector<std::string> values;
  std::vector<TemplateValue> trees;

  TemplateRow row() const { return {&values, &trees}; }
};

// values: in the order of kJsonColumns; missing ones are empty.
JsonRow MakeJsonRow(std::vector<std::string> values) {
  values.resize(kJsonColumns.names.size());
  JsonRow out{values, std::vector<TemplateValue>(values.size())};
  for (size_t i = 0; i < values.size(); ++i) {
    if (!kJsonColumns.json[i]) continue;
    auto tree = ParseTemplateJson(values[i]);
    EXPECT_TRUE(tree.ok()) << tree.status();
    if (tree.ok()) out.trees[i] = *std::move(tree);
  }
  return out;
}

struct JsonRenderRow {
  const char* name;
  std::string source;
  std::vector<std::string> values;
  std::string want;
};

class RenderJsonTest : public ::testing::TestWithParam<JsonRenderRow> {};

TEST_P(RenderJsonTest, Renders) {
  const auto compiled = Template::Compile("html", GetParam().source, kJsonColumns, Escape::kHtml);
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  const JsonRow row = MakeJsonRow(GetParam().values);
  std::string out;
  ASSERT_TRUE(compiled->Render(row.row(), &out).ok());
  EXPECT_EQ(out, GetParam().want);
}

constexpr char kTwoPeople[] = R"([{"name": "Ann", "tags": ["a", "b"]}, {"name": "Bo & Co", "tags": []}])";

INSTANTIATE_TEST_SUITE_P(
    Mustache, RenderJsonTest,
    ::testing::Values(
        JsonRenderRow{"List",
                      "{{#people}}<b>{{name}}</b>{{/people}}",
                      {"", "", "", "", kTwoPeople},
                      "<b>Ann</b><b>Bo &amp; Co</b>"},
        JsonRenderRow{"ListInList",
                      "{{#people}}{{name}}:{{#tags}}{{.}}{{/tags}}{{^tags}}none{{/tags}};{{/people}}",
                      {"", "", "", "", kTwoPeople},
                      "Ann:ab;Bo &amp; Co:none;"},
        JsonRenderRow{"InnerNamesHideOuterOnes",
                      "{{#people}}{{#tags}}{{name}}{{age}}{{/tags}}{{/people}}",
                      {"", "", "", "", R"([{"name": "out", "age": 7, "tags": [{"name": "in"}]}])"},
                      "in7"},
        JsonRenderRow{"ColumnsAreSeenFromInside",
                      "{{#people}}{{first}} {{name}},{{/people}}",
                      {"Jo", "", "", "", kTwoPeople},
                      "Jo Ann,Jo Bo &amp; Co,"},
        JsonRenderRow{"JsonHidesColumns",
                      "{{#people}}{{first}},{{/people}}",
                      {"Jo", "", "", "", R"([{"first": "Al"}, {}])"},
                      "Al,Jo,"},
        JsonRenderRow{"WholeNameFirst", "{{person.name}}", {"", "", "flat", R"({"name": "deep"})"}, "flat"},
        JsonRenderRow{"Path", "{{person.address.city}}", {"", "", "", R"({"address": {"city": "Ulm"}})"}, "Ulm"},
        JsonRenderRow{"DottedJsonColumn",
                      "{{#order.items}}{{.}},{{/order.items}}",
                      {"", "", "", "", "", R"(["x", 1, true, null, 2.50])"},
                      "x,1,true,,2.50,"},
        JsonRenderRow{"ObjectAndScalarSections",
                      "{{#person}}{{age}}{{#age}} is {{.}}{{/age}}{{/person}}",
                      {"", "", "", R"({"age": 0})"},
                      "0 is 0"},
        JsonRenderRow{"StringSectionPushesItsValue", "{{#first}}{{.}}!{{/first}}", {"<Jo>"}, "&lt;Jo&gt;!"},
        JsonRenderRow{"StringSectionInsideList",
                      "{{#people}}{{#company}}{{.}}/{{name}} {{/company}}{{/people}}",
                      {"", "X", "", "", kTwoPeople},
                      "X/Ann X/Bo &amp; Co "},
        JsonRenderRow{"ListInsideStringSection",
                      "{{#first}}{{#people}}{{.}}{{/people}}{{.}}{{/first}}",
                      {"Jo", "", "", "", "[1, 2]"},
                      "12Jo"},
        JsonRenderRow{"EmptyCellHidesTheSection", "a{{#people}}x{{/people}}{{^people}}y{{/people}}", {}, "ay"},
        JsonRenderRow{"LineEndsAndControls",
                      "{{#people}}{{.}}{{/people}}",
                      {"", "", "", "", R"(["a\nb\u0000\u001b<"])"},
                      "a\r\nb  &lt;"},
        JsonRenderRow{"QuotedAttribute",
                      "{{#people}}<a title=\"{{.}}\" href='{{.}}'>{{/people}}",
                      {"", "", "", "", R"(["\" onclick='x'"])"},
                      "<a title=\"&quot; onclick=&#39;x&#39;\" href='&quot; onclick=&#39;x&#39;'>"},
        JsonRenderRow{"ValuesAreNotTemplates", "{{{person.x}}}", {"", "", "", R"({"x": "{{first}}"})"}, "{{first}}"},
        JsonRenderRow{"ListAsVariableIsNothing", "[{{people}}]", {"", "", "", "", "[1]"}, "[]"},
        JsonRenderRow{"NewDelimiters",
                      "{{=<% %>=}}<%#people%>{{<%name%>}}<%/people%><%={{ }}=%>{{first}}",
                      {"Jo", "", "", "", kTwoPeople},
                      "{{Ann}}{{Bo &amp; Co}}Jo"},
        JsonRenderRow{"TripleInNewDelimiters", "{{=<% %>=}}<%{first}%><%& first%>", {"<"}, "<<"}),
    [](const auto& row) { return std::string(row.param.name); });

struct CheckRow {
  const char* name;
  std::string source;
  std::vector<std::string> values;
  std::string want;  // a part of the message; empty: OK
};

class CheckTest : public ::testing::TestWithParam<CheckRow> {};

TEST_P(CheckTest, NamesWhatIsMissing) {
  const auto compiled = Template::Compile("html", GetParam().source, kJsonColumns, Escape::kHtml);
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  const JsonRow row = MakeJsonRow(GetParam().values);
  const absl::Status status = compiled->Check(row.row());
  if (GetParam().want.empty()) {
    EXPECT_TRUE(status.ok()) << status;
  } else {
    ASSERT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), StartsWith(GetParam().want));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Mustache, CheckTest,
    ::testing::Values(
        CheckRow{"Full", "{{first}}{{#people}}{{name}}{{/people}}", {"Jo", "", "", "", kTwoPeople}, ""},
        CheckRow{"Column", "a\n {{first}}", {" "}, "'first' has no value, and html:2:2 needs one"},
        CheckRow{"ColumnOfHiddenSection", "{{#company}}{{first}}{{/company}}", {}, "'first' has no value"},
        CheckRow{"OwnSection", "{{#first}}{{first}}{{.}}{{/first}}", {}, ""},
        CheckRow{"OneOfAList",
                 "{{#people}}\n{{name}}{{/people}}",
                 {"", "", "", "", R"([{"name": "a"}, {"name": "b"}, {"name": ""}])"},
                 "'people[2].name' has no value, and html:2:1 needs one"},
        CheckRow{
            "NullInAList", "{{#people}}{{.}}{{/people}}", {"", "", "", "", "[1, null]"}, "'people[1]' has no value"},
        CheckRow{"OwnSectionInList",
                 "{{#people}}{{#name}}{{name}}{{/name}}{{/people}}",
                 {"", "", "", "", R"([{"name": "a"}, {}, {"name": null}])"},
                 ""},
        CheckRow{"ListInList",
                 "{{#people}}{{#tags}}{{t}}{{/tags}}{{/people}}",
                 {"", "", "", "", R"([{"tags": []}, {"tags": [{"t": 0}, {"u": 1}]}])"},
                 "'people[1].tags[1].t' has no value"},
        CheckRow{"ListOfLists",
                 "{{#people}}{{#.}}{{x.y}}{{/.}}{{/people}}",
                 {"", "", "", "", R"([[], [{"x": {"y": 1}}, {"x": {}}]])"},
                 "'people[1][1].x.y' has no value"},
        CheckRow{"Guess",
                 "{{#people}}{{nmae}}{{/people}}",
                 {"", "", "", "", kTwoPeople},
                 "'people[0].nmae' has no value, and html:1:12 needs one; did you mean 'name'?"},
        CheckRow{"Path", "{{person.age}}", {"", "", "", "{}"}, "'person.age' has no value"},
        CheckRow{"EmptyCell", "{{person.age}}", {}, "'person.age' has no value, and html:1:1 needs one"},
        CheckRow{
            "ColumnBehindJson", "{{#people}}{{first}}{{/people}}", {"", "", "", "", "[{}]"}, "'first' has no value"},
        CheckRow{"ColumnBehindEmptyList", "{{#people}}{{first}}{{/people}}", {}, ""},
        CheckRow{"InsideInverted", "{{^people}}{{person.age}}{{/people}}", {}, "'person.age' has no value"},
        CheckRow{"List", "{{people}}", {"", "", "", "", "[1]"}, "'people' is a list, and html:1:1 needs one value"},
        CheckRow{"Object",
                 "{{#people}}{{.}}{{/people}}",
                 {"", "", "", "", "[{}]"},
                 "'people[0]' is an object, and html:1:12 needs one value; use a section there, or a dot and a name"},
        CheckRow{"ZeroAndFalseAreValues", "{{person.n}}{{person.f}}", {"", "", "", R"({"n": 0, "f": false})"}, ""}),
    [](const auto& row) { return std::string(row.param.name); });

struct JsonErrorRow {
  const char* source;
  const char* want;
};

TEST(TemplateJsonTest, CompileErrors) {
  const JsonErrorRow kRows[] = {
      {"{{persn.age}}", "html:1:1: {{persn.age}} is not a column"},
      {"{{people.}}", "{{people.}} is not a name; a dot has a name on both sides"},
      {"{{#people}}{{a..b}}{{/people}}", "html:1:12: {{a..b}} is not a name"},
      {"{{#each people}}{{name}}{{/each}}",
       "html:1:1: {{#each people}} is not Mustache; write {{#people}}...{{/people}}"},
      {"{{#people}}{{#if x}}{{/if}}{{/people}}", "html:1:12: {{#if x}} is not Mustache"},
      {"{{#people}}{{name}}{{/people}}{{name}}", "html:1:31: {{name}} is not a column"},
      {"{{#people}}<a href={{url}}>{{/people}}", "html:1:20: {{url}} stands inside an HTML tag without quotes"},
  };
  for (const JsonErrorRow& row : kRows) {
    const auto compiled = Template::Compile("html", row.source, kJsonColumns, Escape::kHtml);
    ASSERT_EQ(compiled.status().code(), absl::StatusCode::kInvalidArgument) << row.source;
    EXPECT_THAT(std::string(compiled.status().message()), HasSubstr(row.want));
  }
}

TEST(TemplateJsonTest, KnowsWhichColumnsItNeeds) {
  const auto compiled = Template::Compile(
      "html", "{{person.age}}{{#people}}{{first}}{{people}}{{/people}}{{#order.items}}{{x}}{{/order.items}}",
      kJsonColumns, Escape::kHtml);
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  EXPECT_EQ(compiled->needed(), (std::vector<bool>{false, false, false, true, false, false}));
  EXPECT_EQ(compiled->optional(), (std::vector<bool>{true, false, false, false, true, true}));
  EXPECT_TRUE(compiled->uses_json());
  EXPECT_GT(compiled->SizeBound(std::vector<std::string>(6)), kRenderedBytesMax);
}

TEST(TemplateJsonTest, RendersWithoutTrees) {
  const auto compiled =
      Template::Compile("html", "{{^people}}-{{person.age}}-{{/people}}", kJsonColumns, Escape::kHtml);
  ASSERT_TRUE(compiled.ok());
  std::string out;
  ASSERT_TRUE(compiled->Render(std::vector<std::string>(6), &out).ok());
  EXPECT_EQ(out, "--");
}

// A list inside itself, level after level: few bytes that would be rendered for hours.
TEST(TemplateJsonTest, WorkIsBounded) {
  std::string list = "[0";
  for (int i = 1; i < 1000; ++i) list += ",0";
  const JsonRow row = MakeJsonRow({"", "", "", "", list + "]"});
  std::string source;
  for (int i = 0; i < 8; ++i) source += "{{#people}}";
  source += "{{first}}";
  for (int i = 0; i < 8; ++i) source += "{{/people}}";
  const auto compiled = Template::Compile("html", source, kJsonColumns, Escape::kHtml);
  ASSERT_TRUE(compiled.ok());
  std::string out;
  EXPECT_EQ(compiled->Render(row.row(), &out).code(), absl::StatusCode::kResourceExhausted);
  const auto twice =
      Template::Compile("html", "{{#people}}{{#people}}x{{/people}}{{/people}}", kJsonColumns, Escape::kHtml);
  ASSERT_TRUE(twice.ok());
  EXPECT_EQ(twice->Render(row.row(), &out).code(), absl::StatusCode::kResourceExhausted);
  const JsonRow with_first = MakeJsonRow({"x", "", "", "", list + "]"});
  EXPECT_EQ(compiled->Check(with_first.row()).code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace wavepost
