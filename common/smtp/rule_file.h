// Reads rules from YAML and refuses what could not work, with file, line and reason.
//
//   words:                        lists of patterns, to be named by rules as <NAME>; labels are for the reader
//     NAME: {LABEL: [PATTERN, ...], ...}      or only [PATTERN, ...]
//   rules:                        of replies; the first that fits decides
//     - name: user-unknown        lower case and dashes; never changes, for it stands in logs
//       on: 5xx                   4xx or 5xx; absent: both
//       phases: [rcpt, data]      connect greeting ehlo starttls mail rcpt data end_of_data rset quit; absent: all
//       codes: [550, 553]         absent: any
//       enhanced: ["1.1", "7.*"]  subject.detail; absent: any or none
//       words: [PATTERN, <NAME>]  one of them must fit; absent: any text
//       unless: [PATTERN, <NAME>] none of them may fit
//       reason: user_unknown      a Reason of outcomes.proto in lower case; absent: unspecified
//       fault: recipient          recipient, sender, content, network; absent: nobody
//       scope: recipient          recipient (also if absent), message, site, egress_ip
//       flags: [throttled]        throttled, temporary_anyway, names_ip, connections, vague, permanent
//                                 (local only)
//       sample: {phase: rcpt, reply: "550 No such user"}   phase rcpt if absent
//   local:                        the same, of failures without a reply: only name, words, unless, reason, fault,
//                                 scope, flags and sample count
//
// PATTERN: see MatchesWords in classify_text.h.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "common/smtp/classify_rules.h"

namespace wavepost {

inline constexpr size_t kRuleFileBytesMax = 1 << 20;

struct RuleSet {
  std::map<std::string, std::string, std::less<>> lists;  // name -> patterns joined by '|'
  std::vector<ClassifyRule> rules;
  std::vector<ClassifyRule> local;
};

// Appends what stands in `yaml` to `set`, whose lists it may name. `file` is for messages.
// kInvalidArgument: "FILE:LINE: what is wrong"; `set` is then of no use.
absl::Status ParseRules(std::string_view yaml, std::string_view file, RuleSet* set);

}  // namespace wavepost
