#include "common/mail/header_policy.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr std::string_view kOurs[] = {"from", "to", "subject", "reply-to", "date", "message-id", "mime-version"};
// What servers and readers act on, or write themselves.
constexpr std::string_view kForbidden[] = {
    "sender",
    "cc",
    "bcc",
    "return-path",
    "delivered-to",
    "delivery-date",
    "x-original-to",
    "x-received",
    "original-recipient",
    "envelope-to",
    "apparently-to",
    "errors-to",
    "return-receipt-to",
    "disposition-notification-to",
    "domainkey-signature",
};
constexpr std::string_view kForbiddenPrefixes[] = {"received", "dkim-",    "arc-",        "authentication-results",
                                                   "resent-",  "content-", "x-envelope-", "x-wavepost-"};
constexpr std::string_view kStructured[] = {"in-reply-to", "references", "auto-submitted", "precedence",
                                            "importance",  "priority",   "x-priority",     "feedback-id"};

template <size_t kSize>
bool IsIn(const std::string_view (&list)[kSize], std::string_view name) {
  return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

}  // namespace

absl::Status CheckCustomHeaderName(std::string_view name) {
  const bool well_formed =
      !name.empty() && name.size() <= kHeaderNameBytesMax &&
      std::all_of(name.begin(), name.end(), [](char c) { return c > 0x20 && c < 0x7F && c != ':'; });
  if (!well_formed) {
    return absl::InvalidArgumentError(absl::StrCat("is not a header name: 1 to ", kHeaderNameBytesMax,
                                                   " ASCII characters without spaces and colons"));
  }
  const std::string lower = AsciiLower(name);
  if (IsIn(kOurs, lower)) return absl::InvalidArgumentError("is set from the content's own fields; leave it out here");
  const bool forbidden =
      IsIn(kForbidden, lower) ||
      std::any_of(std::begin(kForbiddenPrefixes), std::end(kForbiddenPrefixes),
                  [&](std::string_view prefix) { return lower.compare(0, prefix.size(), prefix) == 0; });
  if (forbidden) return absl::InvalidArgumentError("may not be set by a campaign; leave it out");
  return absl::OkStatus();
}

bool IsStructuredHeader(std::string_view name) {
  return StartsWithIgnoreCase(name, "list-") || IsIn(kStructured, AsciiLower(name));
}

}  // namespace wavepost
