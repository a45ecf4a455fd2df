// Fuzzes the template compiler, JSON values and the text that is derived from HTML: whatever compiles renders, within
// the limits. The input is a template, or JSON and a template with a NUL between them.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "common/content/html_text.h"
#include "common/content/template.h"
#include "common/content/text_wrap.h"

namespace {

using wavepost::Template;
using wavepost::TemplateColumns;
using wavepost::TemplateRow;
using wavepost::TemplateValue;

// Line ends are CRLF, and no other control character but TAB is there.
void CheckText(const std::string& out) {
  for (size_t i = 0; i < out.size(); ++i) {
    if (out[i] == '\n' && (i == 0 || out[i - 1] != '\r')) std::abort();
    if (out[i] == '\r' && (i + 1 == out.size() || out[i + 1] != '\n')) std::abort();
    const auto c = static_cast<unsigned char>(out[i]);
    if ((c < 0x20 && c != '\r' && c != '\n' && c != '\t') || c == 0x7F) std::abort();
  }
}

// Wrapping adds and removes white space only.
void CheckWrapped(std::string text) {
  const auto ink = [](std::string s) {
    std::erase_if(s, [](char c) { return c == ' ' || c == '\r' || c == '\n'; });
    return s;
  };
  const std::string before = ink(text);
  wavepost::WrapText(&text);
  if (ink(text) != before) std::abort();
  CheckText(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string_view json = R"([{"name": "x", "a": ["<", 1.50, null]}, {"b": {"c": true}}])";
  const size_t nul = text.find('\0');
  if (nul != std::string_view::npos) {
    json = text.substr(0, nul);
    text.remove_prefix(nul + 1);
  }
  const TemplateColumns columns = {{"a", "b", "name", "j", "a.b"}, {false, false, false, true, false}};
  const std::vector<std::string> values = {"1 < 2", "", "x\ry\nz", "", "dotted"};
  std::vector<TemplateValue> trees(columns.names.size());
  const auto tree = wavepost::ParseTemplateJson(json);
  if (tree.ok()) trees[3] = *tree;
  const TemplateRow row{&values, &trees};

  const auto tokens = wavepost::TokenizeTemplate("html", text);
  if (!tokens.ok()) return 0;
  for (const auto names : {Template::Names::kDeclared, Template::Names::kAsPublished}) {
    const auto html = Template::Compile("html", *tokens, columns, Template::Escape::kHtml, names);
    std::string out;
    if (!html.ok()) continue;
    (void)html->Check(row);
    if (!html->Render(row, &out).ok()) continue;
    CheckText(out);
    if (out.size() > html->SizeBound(values) && !html->uses_json()) std::abort();
  }
  const auto derived = wavepost::TextFromHtml(*tokens);
  if (!derived.ok()) return 0;
  const auto plain = Template::Compile("text", *derived, columns, Template::Escape::kNone);
  std::string out;
  if (plain.ok() && plain->Render(row, &out).ok()) CheckWrapped(out);
  return 0;
}
