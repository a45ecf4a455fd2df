// The TLS policy that a session went by, as a TLS report names it (RFC 8460 section 4.4). Plain data.
#pragma once

#include <string>
#include <vector>

namespace wavepost {

struct ReportedPolicy {
  std::string type = "no-policy-found";  // or "tlsa", "sts"
  std::vector<std::string> strings;      // lines of the policy file, or "3 1 1 HEX" for each TLSA record
  std::string domain;                    // the recipient domain; for "tlsa" the TLSA base domain: the MX host
  std::vector<std::string> mx;           // "sts": host patterns of the policy
  // What was wrong with the policy itself (RFC 8460 section 4.3.2); it counts against every session that goes by it.
  // Empty: nothing.
  std::string failure_type;

  friend bool operator==(const ReportedPolicy&, const ReportedPolicy&) = default;
};

}  // namespace wavepost
