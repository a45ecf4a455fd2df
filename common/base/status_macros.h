// Early return on a Status that is not OK. Add context once per layer with Annotate, in the caller's words.
#pragma once

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace wavepost {

// Puts "context: " before the message; keeps code and payloads. OK stays OK.
inline absl::Status Annotate(const absl::Status& status, std::string_view context) {
  if (status.ok()) return status;
  absl::Status out(status.code(),
                   absl::StrCat(absl::string_view(context.data(), context.size()), ": ", status.message()));
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) { out.SetPayload(url, payload); });
  return out;
}

}  // namespace wavepost

#define WP_CONCAT_INNER(a, b) a##b
#define WP_CONCAT(a, b) WP_CONCAT_INNER(a, b)

#define RETURN_IF_ERROR(expression)        \
  do {                                     \
    absl::Status wp_status = (expression); \
    if (!wp_status.ok()) return wp_status; \
  } while (false)

#define ASSIGN_OR_RETURN(lhs, expression) ASSIGN_OR_RETURN_IMPL(WP_CONCAT(wp_statusor_, __LINE__), lhs, expression)
#define ASSIGN_OR_RETURN_IMPL(temp, lhs, expression) \
  auto temp = (expression);                          \
  if (!temp.ok()) return temp.status();              \
  lhs = std::move(temp).value()
