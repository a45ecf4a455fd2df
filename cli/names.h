// What a person types, as resource names: "spring" means "tenants/default/campaigns/spring".
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"

namespace wavepost::cli {

// Each takes a full resource name as it is. Errors: a usage error that shows the accepted forms.
absl::StatusOr<std::string> TenantName(std::string_view tenant);
absl::StatusOr<std::string> CampaignName(std::string_view text, std::string_view tenant);     // CAMPAIGN
absl::StatusOr<std::string> WaveName(std::string_view text, std::string_view tenant);         // CAMPAIGN/WAVE
absl::StatusOr<std::string> RecipientName(std::string_view text, std::string_view tenant);    // CAMPAIGN/WAVE/w1-2
absl::StatusOr<std::string> DomainName(std::string_view text, std::string_view tenant);       // example.com
absl::StatusOr<std::string> SuppressionName(std::string_view text, std::string_view tenant);  // a@example.com

absl::StatusOr<std::string> FileName(std::string_view text, std::string_view tenant);         // 64 hex digits
absl::StatusOr<std::string> CertificateName(std::string_view text, std::string_view tenant);  // 64 hex digits

// "tenants/t/campaigns/c/waves/w" -> "w"
std::string Leaf(std::string_view name);

struct Mailbox {
  std::string name;  // may be a template; may be empty
  std::string address;
};

// "Name <a@b>", "\"Name, Inc.\" <a@b>" or "a@b". The server checks the address itself.
absl::StatusOr<Mailbox> ParseMailbox(std::string_view text);

struct HeaderLine {
  std::string name;
  std::string value;
};

// "COLUMN=VALUE", as `option` takes it. The value may be empty and have more equals signs.
absl::StatusOr<std::pair<std::string, std::string>> ParseAssignment(std::string_view option, std::string_view text);

// "Name: value"
absl::StatusOr<HeaderLine> ParseHeader(std::string_view text);

}  // namespace wavepost::cli
