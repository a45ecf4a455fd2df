#include "bouncer/inbound/mailboxes.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

bool Names(const std::vector<std::string>& names, std::string_view local) {
  return std::any_of(names.begin(), names.end(),
                     [local](const std::string& name) { return EqualsIgnoreCase(name, local); });
}

// kind: what it is if the token is genuine.
Mailboxes::Match MatchOf(Mailboxes::Kind kind, const absl::StatusOr<RecipientId>& checked, std::string_view token) {
  if (checked.ok()) return {.kind = kind, .recipient = *checked};
  if (!absl::IsNotFound(checked.status())) return {};
  return {.kind = Mailboxes::Kind::kUnknownKey, .key_id = KeyIdOfToken(token).value_or(0)};
}

}  // namespace

Mailboxes::Mailboxes(MailboxNames names, TokenKeys keys) : names_(std::move(names)), keys_(std::move(keys)) {}

Mailboxes::Match Mailboxes::Find(std::string_view path) const {
  if (EqualsIgnoreCase(path, "postmaster")) return {.kind = Kind::kKeep};
  const size_t at = path.rfind('@');
  if (at == std::string_view::npos || at + 1 == path.size()) return {};
  const std::string_view local = path.substr(0, at);
  if (EqualsIgnoreCase(path.substr(at + 1), names_.domain)) {
    if (EqualsIgnoreCase(local, "postmaster") || Names(names_.keep, local)) return {.kind = Kind::kKeep};
    if (Names(names_.feedback, local)) return {.kind = Kind::kFeedback};
    if (Names(names_.aggregate, local)) return {.kind = Kind::kAggregate};
  }
  if (const std::optional<std::string> token = UnsubscribeTokenOf(local); token.has_value()) {
    return MatchOf(Kind::kUnsubscribe, CheckUnsubscribeToken(keys_, *token), *token);
  }
  const std::optional<std::string> token = TokenOf(local);
  if (!token) return {};
  return MatchOf(Kind::kReturnPath, CheckToken(keys_, *token), *token);
}

}  // namespace wavepost
