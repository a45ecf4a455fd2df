// Fuzzes the template compiler and the text that is derived from HTML: whatever compiles renders, within the limits.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "common/content/html_text.h"
#include "common/content/template.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using wavepost::Template;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::vector<std::string> columns = {"a", "b", "name"};
  const std::vector<std::string> values = {"1 < 2", "", "x\ry\nz"};

  const auto tokens = wavepost::TokenizeTemplate("html", text);
  if (!tokens.ok()) return 0;
  const auto html = Template::Compile("html", *tokens, columns, Template::Escape::kHtml);
  std::string out;
  if (html.ok() && html->Render(values, &out).ok()) {
    for (size_t i = 0; i < out.size(); ++i) {
      if (out[i] == '\n' && (i == 0 || out[i - 1] != '\r')) std::abort();
      if (out[i] == '\r' && (i + 1 == out.size() || out[i + 1] != '\n')) std::abort();
    }
  }
  const auto derived = wavepost::TextFromHtml(*tokens);
  if (derived.ok()) (void)Template::Compile("text", *derived, columns, Template::Escape::kNone);
  return 0;
}
