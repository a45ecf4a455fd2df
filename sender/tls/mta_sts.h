// MTA-STS (RFC 8461): what a domain's TXT record and policy file say, and which MX hosts a policy allows. Pure; both
// texts are hostile.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace wavepost {

enum class MtaStsMode { kNone, kTesting, kEnforce };

struct MtaStsPolicy {
  MtaStsMode mode = MtaStsMode::kNone;
  std::vector<std::string> mx;  // "mx.example.com" or "*.example.com"; lower case; empty only if mode is kNone
  absl::Duration max_age;

  friend bool operator==(const MtaStsPolicy&, const MtaStsPolicy&) = default;
};

inline constexpr size_t kMtaStsPolicyBytesMax = 64 * 1024;
inline constexpr size_t kMtaStsMxMax = 100;
inline constexpr absl::Duration kMtaStsMaxAgeMax = absl::Seconds(31557600);  // section 3.2

std::string_view MtaStsModeName(MtaStsMode mode);  // "enforce"

// The id of the domain's MTA-STS record, from all TXT strings of "_mta-sts.DOMAIN". Nothing: the domain has no policy,
// which is also the meaning of two records and of one that breaks section 3.1. Fields other than `id` are not looked
// at.
std::optional<std::string> ParseMtaStsRecord(const std::vector<std::string>& texts);

// Reads a policy file (section 3.2). Fields come in any order, unknown ones are ignored, of a repeated one (other than
// mx) the first counts; lines end with LF or CRLF, blank ones and spaces at either end of a line are forgiven.
//
// kInvalidArgument, with the line: no version STSv1, mode or max_age; no mx although the mode is not `none`; an mx that
// is neither host name nor pattern; control characters; a line without colon; a limit exceeded.
absl::StatusOr<MtaStsPolicy> ParseMtaStsPolicy(std::string_view text);

// Section 4.1: is `host` (lower case, no final dot) one of the policy's? "*" stands for exactly one label.
bool MtaStsAllows(const MtaStsPolicy& policy, std::string_view host);

// The policy as lines of a policy file, for reports (RFC 8460 section 4.4).
std::vector<std::string> MtaStsPolicyLines(const MtaStsPolicy& policy);

}  // namespace wavepost
