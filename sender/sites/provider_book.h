// What is known about providers, from data: which MX hosts are theirs, what they tolerate, what their replies mean.
//
// Immutable after Load; shared by reference count, so that a reload never disturbs a decision that is under way.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/smtp/classify.h"
#include "common/smtp/reply.h"
#include "sender/shaping/shaper.h"
#include "sender/sites/limits.h"

namespace wavepost {

// What to do about a reply that a provider's rule recognises.
enum class ReplyAction {
  kNone,               // only the meaning (reason, fault, scope) differs from the general rules
  kSlowDown,           // cut the message rate
  kFewerConnections,
  kPauseSite,          // for `recovery`
  kSuspendIp,          // this egress IP at this provider, for `recovery`; operators are told
};

struct ReplyRule {
  std::string name;      // unique within the provider
  ReplyAction action = ReplyAction::kNone;
  absl::Duration recovery;  // zero: the ladder decides
  Verdict verdict;       // what replaces the general verdict; verdict.rule points to `name`
  // pattern and phase are private to the implementation
};

struct Provider {
  std::string name;     // "google"
  SiteLimits limits;
  // True: several regions are sites of their own (name "mimecast-eu"); the part of the MX name is in the data.
  // Everything else is private to the implementation.
};

class ProviderBook {
 public:
  // The data that is built in (sender/sites/providers.yaml).
  static std::shared_ptr<const ProviderBook> BuiltIn();
  // Reads and validates a file in the same format. It replaces the built-in data. Errors: kNotFound; kInvalidArgument
  // with a line per problem: unknown keys, a suffix that can never match (trailing dot, empty label, hidden behind
  // another), a rule that does not fire on its sample, or a sample that another rule takes first.
  static absl::StatusOr<std::shared_ptr<const ProviderBook>> Load(const std::string& path);

  struct Site {
    std::string name;      // "google", "mimecast-eu", or the sorted MX names joined by '+', at most 255 bytes
    std::string provider;  // empty: none
    std::string mx_set;    // names the set of MX hosts: domains with the same one can share a connection
    SiteLimits limits;
  };
  // mx_hosts: names, lower case, no final dot, most preferred first, never empty. A provider must own the most
  // preferred hosts (all of equal first preference are given by `first`: how many). Preferences beyond that do not
  // matter, or a backup MX elsewhere would tear a domain off its provider.
  Site SiteOf(std::span<const std::string> mx_hosts, size_t first) const;

  // The provider's rule for a reply, if it has one; otherwise null. The result lives as long as the book.
  const ReplyRule* RuleFor(std::string_view provider, const Reply& reply, Phase phase) const;

  size_t providers() const;

 private:
  struct Data;
  std::shared_ptr<const Data> data_;
};

}  // namespace wavepost
