// Values of aggregate reports, checked and brought into one form. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"

namespace wavepost {

inline constexpr size_t kReportTextBytesMax = 255;
inline constexpr int64_t kReportCountMax = 1'000'000'000;

// Printable, without white space at the ends, at most kReportTextBytesMax.
std::string ReportText(std::string_view text);

// A word as "pass" or "sts": lower case, without white space at the ends, at most 64 bytes.
std::string ReportWord(std::string_view text);

// IPv4 or IPv6 in its one written form; IPv4 in IPv6 becomes IPv4. Nothing if it is no address.
std::optional<std::string> ReportIp(std::string_view text);

// A-labels, lower case, without a final dot. Nothing if it is no domain.
std::optional<std::string> ReportDomain(std::string_view text);

// 0 to kReportCountMax, in digits; what follows a decimal point is left out. Nothing otherwise.
std::optional<int64_t> ReportCount(std::string_view text);

// From seconds since 1970, or from a date as RFC 3339 writes it (without a zone: UTC). Nothing outside of 2000 to 2100.
std::optional<absl::Time> ReportTime(std::string_view text);

google::protobuf::Timestamp ReportTimestamp(absl::Time time);

// The period is in order: it ends after it begins, and within kReportPeriodMax.
inline constexpr absl::Duration kReportPeriodMax = absl::Hours(24 * 62);
bool IsReportPeriod(absl::Time begin, absl::Time end);

// For reports whose writer gave them no number: the same report gets the same one. "-" and hexadecimal digits.
std::string MadeUpReportId(std::string_view contents);

}  // namespace wavepost
