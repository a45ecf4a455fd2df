#include "bouncer/inbound/mailboxes.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

bool Names(const std::vector<std::string>& names, std::string_view local) {
  return std::any_of(names.begin(), names.end(),
                     [local](const std::string& name) { return EqualsIgnoreCase(name, local); });
}

}  // namespace

Mailboxes::Mailboxes(MailboxNames names, TokenKeys keys) : names_(std::move(names)), keys_(std::move(keys)) {}

Mailboxes::Match Mailboxes::Find(std::string_view path) const {
  if (EqualsIgnoreCase(path, "postmaster")) return {Kind::kKeep, {}};
  const size_t at = path.rfind('@');
  if (at == std::string_view::npos || at + 1 == path.size()) return {};
  const std::string_view local = path.substr(0, at);
  if (EqualsIgnoreCase(path.substr(at + 1), names_.domain)) {
    if (EqualsIgnoreCase(local, "postmaster") || Names(names_.keep, local)) return {Kind::kKeep, {}};
    if (Names(names_.feedback, local)) return {Kind::kFeedback, {}};
    if (Names(names_.aggregate, local)) return {Kind::kAggregate, {}};
  }
  if (const std::optional<std::string> token = UnsubscribeTokenOf(local); token.has_value()) {
    const absl::StatusOr<RecipientId> recipient = CheckUnsubscribeToken(keys_, *token);
    if (!recipient.ok()) return {};
    return {Kind::kUnsubscribe, *recipient};
  }
  const std::optional<std::string> token = TokenOf(local);
  if (!token) return {};
  const absl::StatusOr<RecipientId> recipient = CheckToken(keys_, *token);
  if (!recipient.ok()) return {};
  return {Kind::kReturnPath, *recipient};
}

}  // namespace wavepost
