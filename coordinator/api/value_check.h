// Checks one value of a recipient, from an import or a campaign's default. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace wavepost {

inline constexpr size_t kAttributeBytesMax = 4096;
inline constexpr size_t kJsonAttributeBytesMax = 64 * 1024;

struct ValueProblem {
  std::string_view reason;  // of v1.ImportRecipientsResponse.Refusal: "ATTRIBUTE_TOO_LARGE", "BAD_ATTRIBUTE"
  std::string what;         // "is not valid UTF-8 ..."; the caller puts the column in front
};

// Nothing if the value can be stored. Text: UTF-8 without control characters other than TAB. JSON: within the limits of
// ParseTemplateJson; blank counts as text.
std::optional<ValueProblem> CheckValue(std::string_view value, bool is_json);

// The part of CheckValue for JSON that needs no parser: size and encoding.
std::optional<ValueProblem> CheckJsonSize(std::string_view value);

}  // namespace wavepost
