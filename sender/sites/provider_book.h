// What is known about providers, from data: which MX hosts are theirs, what they tolerate, what their replies mean.
//
// Immutable after Load; shared by reference count, so that a reload never disturbs a decision that is under way. Any
// thread may ask. The format of the data: README.md.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/smtp/classify.h"
#include "common/smtp/reply.h"
#include "sender/sites/limits.h"

namespace wavepost {

struct ProviderData;  // provider_data.h

// What to do about a reply that a provider's rule recognises.
enum class ReplyAction {
  kNone,      // only the meaning (reason, fault, scope) differs from the general rules
  kSlowDown,  // cut the message rate
  kFewerConnections,
  kPauseSite,  // for `recovery`
  kSuspendIp,  // this egress IP at this provider, for `recovery`; operators are told
};

// "none", "slow_down", "fewer_connections", "pause_site", "suspend_ip"
std::string_view ReplyActionName(ReplyAction action);

struct ReplyRule {
  std::string name;  // unique within the provider
  ReplyAction action = ReplyAction::kNone;
  absl::Duration recovery;  // zero: the ladder decides
  // What replaces the general verdict; verdict.rule points to `name`. A permanent one stands for 5xx replies only. Has
  // no retry_hint: Judge() adds the one of the text.
  Verdict verdict;
};

struct Provider {
  std::string name;  // "google"
  SiteLimits limits;
};

class ProviderBook {
 public:
  // The data that is built in (sender/sites/providers.yaml), parsed once.
  static std::shared_ptr<const ProviderBook> BuiltIn();
  // Reads and validates a file in the same format. It replaces the built-in data. Errors: kNotFound; kInvalidArgument
  // with a line per problem: unknown keys, a suffix that can never match (trailing dot, empty label, hidden behind
  // another), a rule that does not fire on its sample, or a sample that another rule takes first.
  static absl::StatusOr<std::shared_ptr<const ProviderBook>> Load(const std::string& path);
  // The same from text; `name` stands for the file in messages.
  static absl::StatusOr<std::shared_ptr<const ProviderBook>> Parse(std::string_view text, const std::string& name);

  struct Site {
    std::string name;      // "google", "mimecast-eu", or the sorted MX names joined by '+', at most 255 bytes
    std::string provider;  // empty: none
    // Names the MX hosts with what is preferred, at most 255 bytes: domains with the same one can share a connection.
    std::string mx_set;
    SiteLimits limits;
  };
  // mx_hosts: names, lower case, no final dot, most preferred first, never empty. A provider must own the most
  // preferred hosts (all of equal first preference are given by `first`: how many). Preferences beyond that do not
  // matter, or a backup MX elsewhere would tear a domain off its provider. The order within a preference does not
  // matter either. Cost: a few hash look-ups per preferred host.
  Site SiteOf(std::span<const std::string> mx_hosts, size_t first) const;

  // The provider's rule for a reply, if it has one; otherwise null. The result lives as long as the book.
  const ReplyRule* RuleFor(std::string_view provider, const Reply& reply, Phase phase) const;

  // What a reply of this provider (empty: unknown) means: the general verdict, or the one of the provider's rule.
  struct Judgement {
    Verdict verdict;                  // verdict.rule lives as long as the book
    const ReplyRule* rule = nullptr;  // null: no rule of the provider fires
  };
  Judgement Judge(std::string_view provider, const Reply& reply, Phase phase) const;

  // Null: not known by this name. Lives as long as the book.
  const Provider* Find(std::string_view name) const;
  size_t providers() const;
  size_t rules() const;

  explicit ProviderBook(std::shared_ptr<const ProviderData> data);  // for Load and Parse

 private:
  std::shared_ptr<const ProviderData> data_;
};

}  // namespace wavepost
