// Every case of the Mustache specification's core modules (tests/data/mustache), its data given as JSON columns and,
// where it can be, as strings.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <fstream>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <vector>

#include "common/content/template.h"

namespace wavepost {
namespace {

using ::nlohmann::json;
using ::testing::HasSubstr;

struct SpecCase {
  std::string module;
  json test;
};

void PrintTo(const SpecCase& spec, std::ostream* out) {
  *out << spec.test.dump(2);
}

std::vector<SpecCase> SpecCases() {
  std::vector<SpecCase> out;
  for (const char* module : {"comments", "delimiters", "interpolation", "inverted", "sections"}) {
    std::ifstream file(std::string(WAVEPOST_SOURCE_DIR) + "/tests/data/mustache/" + module + ".json");
    const json cases = json::parse(file, nullptr, /*allow_exceptions=*/false);
    if (cases.is_discarded()) continue;  // HasAllCases tells
    for (const json& test : cases.at("tests")) out.push_back({module, test});
  }
  return out;
}

std::string TestName(const ::testing::TestParamInfo<SpecCase>& info) {
  std::string out = info.param.module + "_";
  for (char c : info.param.test.at("name").get<std::string>()) {
    if (isalnum(static_cast<unsigned char>(c))) out += c;
  }
  return out + std::to_string(info.index);
}

// We write CRLF where the specification keeps the line ends of the template.
std::string WithCrLf(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) out += '\r';
    out += text[i];
  }
  return out;
}

// The data as columns: each name of its object, or "." for data that is no object.
struct SpecRow {
  TemplateColumns columns;
  std::vector<std::string> values;
  std::vector<TemplateValue> trees;

  void Add(const std::string& name, const json& value, bool strings_as_json) {
    const bool as_json = strings_as_json || !value.is_string();
    columns.names.push_back(name);
    columns.json.push_back(as_json);
    values.push_back(as_json ? "" : value.get<std::string>());
    const auto tree = ParseTemplateJson(as_json ? value.dump() : "");
    ASSERT_TRUE(tree.ok()) << tree.status();
    trees.push_back(*tree);
  }
};

class MustacheSpecTest : public ::testing::TestWithParam<SpecCase> {};

TEST_P(MustacheSpecTest, Passes) {
  const json& test = GetParam().test;
  const json& data = test.at("data");
  const std::string source = test.at("template").get<std::string>();
  for (bool strings_as_json : {false, true}) {
    SpecRow row;
    if (data.is_object()) {
      for (const auto& [name, value] : data.items()) row.Add(name, value, strings_as_json);
    } else {
      row.Add(".", data, strings_as_json);
    }
    const auto compiled =
        Template::Compile("case", source, row.columns, Template::Escape::kHtml, Template::Names::kAsPublished);
    if (test.contains("partials")) {
      ASSERT_FALSE(compiled.ok());
      EXPECT_THAT(std::string(compiled.status().message()), HasSubstr("is not supported: a template cannot include"));
      continue;
    }
    ASSERT_TRUE(compiled.ok()) << compiled.status();
    std::string out;
    ASSERT_TRUE(compiled->Render(TemplateRow{&row.values, &row.trees}, &out).ok());
    EXPECT_EQ(out, WithCrLf(test.at("expected").get<std::string>())) << "strings as JSON: " << strings_as_json;
  }
}

INSTANTIATE_TEST_SUITE_P(Core, MustacheSpecTest, ::testing::ValuesIn(SpecCases()), TestName);

// A pinned file that is cut short would pass silently.
TEST(MustacheSpecTest, HasAllCases) {
  EXPECT_EQ(SpecCases().size(), 12u + 14u + 42u + 22u + 34u);
}

}  // namespace
}  // namespace wavepost
