// Which header fields a campaign may set, and which of them have a syntax of their own.
#pragma once

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"

namespace wavepost {

inline constexpr size_t kHeaderNameBytesMax = 64;

// Errors: kInvalidArgument if `name` is not a field name (RFC 5322 section 2.2), or a field that we set from the
//         content (From, Subject...), that only servers on the way may set (Received, Authentication-Results...), that
//         would add recipients (Cc, Bcc, Resent-*), that describes a body which is ours (Content-*, MIME-Version), or
//         that is kept for us (X-Wavepost-*). List-Unsubscribe, List-Unsubscribe-Post and Feedback-ID are allowed.
absl::Status CheckCustomHeaderName(std::string_view name);

// True for fields in whose values encoded words (RFC 2047 section 5) are not understood: List-*, References...
bool IsStructuredHeader(std::string_view name);

}  // namespace wavepost
