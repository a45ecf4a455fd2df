#include "coordinator/api/value_check.h"

#include <algorithm>
#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "common/content/template_value.h"

namespace wavepost {
namespace {

ValueProblem TooLarge(std::string_view value, size_t bytes_max) {
  return {"ATTRIBUTE_TOO_LARGE",
          absl::StrCat("has ", value.size(), " bytes; at most ", bytes_max, " are allowed; shorten it")};
}

bool IsControl(char c) {
  const auto byte = static_cast<uint8_t>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

// The longest head of `value` that is UTF-8 has this many bytes.
size_t Utf8Head(std::string_view value) {
  size_t head = 0;
  while (head < value.size()) {
    size_t length = 1;
    while (length <= 4 && head + length <= value.size() && !IsUtf8(value.substr(head, length))) ++length;
    if (length > 4 || head + length > value.size()) break;
    head += length;
  }
  return head;
}

ValueProblem NotUtf8(std::string_view value) {
  return {"BAD_ATTRIBUTE", absl::StrCat("is not valid UTF-8 at byte ", Utf8Head(value) + 1,
                                        "; save the list as UTF-8 (it may be Latin-1 or Windows-1252)")};
}

}  // namespace

std::optional<ValueProblem> CheckJsonSize(std::string_view value) {
  if (value.size() > kJsonAttributeBytesMax) return TooLarge(value, kJsonAttributeBytesMax);
  if (!IsUtf8(value)) return NotUtf8(value);
  return std::nullopt;
}

std::optional<ValueProblem> CheckValue(std::string_view value, bool is_json) {
  if (is_json && HasValue(value)) {
    if (auto problem = CheckJsonSize(value)) return problem;
    const TemplateJsonLimits limits{.bytes_max = kJsonAttributeBytesMax};
    const absl::StatusOr<TemplateValue> parsed = ParseTemplateJson(value, limits);
    if (parsed.ok()) return std::nullopt;
    return ValueProblem{"BAD_ATTRIBUTE", absl::StrCat(parsed.status().message(), "; correct it in the list")};
  }
  if (value.size() > kAttributeBytesMax) return TooLarge(value, kAttributeBytesMax);
  const auto control = std::find_if(value.begin(), value.end(), IsControl);
  if (control != value.end()) {
    return ValueProblem{
        "BAD_ATTRIBUTE",
        absl::StrCat("has a ", *control == '\r' || *control == '\n' ? "line break" : "control character",
                     " in it (byte ", control - value.begin() + 1, "); take it out")};
  }
  if (!IsUtf8(value)) return NotUtf8(value);
  return std::nullopt;
}

}  // namespace wavepost
