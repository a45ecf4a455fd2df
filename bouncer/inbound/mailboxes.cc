#include "bouncer/inbound/mailboxes.h"

#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "common/base/strings.h"

namespace wavepost {

Mailboxes::Mailboxes(std::string domain, TokenKeys keys) : domain_(std::move(domain)), keys_(std::move(keys)) {}

Mailboxes::Match Mailboxes::Find(std::string_view path) const {
  if (EqualsIgnoreCase(path, "postmaster")) return {Kind::kPostmaster, {}};
  const size_t at = path.rfind('@');
  if (at == std::string_view::npos || at + 1 == path.size()) return {};
  const std::string_view local = path.substr(0, at);
  if (EqualsIgnoreCase(local, "postmaster") && EqualsIgnoreCase(path.substr(at + 1), domain_)) {
    return {Kind::kPostmaster, {}};
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
