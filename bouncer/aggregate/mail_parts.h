// Finds the parts of a mail in which a report may be.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"

namespace wavepost {

inline constexpr size_t kAggregateMailBytesMax = 10 << 20;
inline constexpr size_t kAggregateMailPartsMax = 100;
inline constexpr size_t kAggregateMailDepthMax = 10;

// Calls `part` with each part of the mail (also of mails in it) that can be a report, decoded, in order, until it
// returns false. Goes by what the bytes are; types and file names are often wrong. Returns the address in From, cut and
// printable, possibly empty. The mail is cut at the limits above and those of mime_head.h for lines, headers and
// nesting; parts beyond are not found. Memory: twice the mail, and the part.
std::string ForEachReportPart(std::string_view message, absl::FunctionRef<bool(std::string_view)> part);

}  // namespace wavepost
