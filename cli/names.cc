#include "cli/names.h"

#include <initializer_list>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "cli/exit_code.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"

namespace wavepost::cli {
namespace {

std::string Trimmed(std::string_view text) {
  return std::string(absl::StripAsciiWhitespace(Av(text)));
}

// Collections below a tenant ("campaigns", "waves") and as many ids, from "ID/ID" or a full name.
absl::StatusOr<std::string> Name(std::string_view text, std::string_view tenant,
                                 std::initializer_list<std::string_view> collections, std::string_view form) {
  const std::vector<std::string> parts = absl::StrSplit(Av(text), '/');
  bool good = !text.empty();
  for (const std::string& part : parts) good = good && !part.empty();
  if (good && parts[0] == "tenants" && parts.size() == 2 + 2 * collections.size()) {
    size_t i = 2;
    for (std::string_view collection : collections) {
      good = good && parts[i] == collection;
      i += 2;
    }
    if (good) return std::string(text);
  }
  if (good && parts[0] != "tenants" && parts.size() == collections.size()) {
    ASSIGN_OR_RETURN(std::string name, TenantName(tenant));
    size_t i = 0;
    for (std::string_view collection : collections) absl::StrAppend(&name, "/", Av(collection), "/", parts[i++]);
    return name;
  }
  return UsageError(absl::StrCat("'", Printable(text, 200).c_str(), "' is no ", Av(form), "; write ", Av(form),
                                 " or the full name, tenants/..."));
}

}  // namespace

absl::StatusOr<std::string> TenantName(std::string_view tenant) {
  std::string_view id = tenant;
  if (id.substr(0, 8) == "tenants/") id.remove_prefix(8);
  if (id.empty() || id.find('/') != std::string_view::npos) {
    return UsageError(
        absl::StrCat("--tenant '", Printable(tenant, 200).c_str(), "' is no tenant; write its id, e.g. default"));
  }
  return absl::StrCat("tenants/", Av(id));
}

absl::StatusOr<std::string> CampaignName(std::string_view text, std::string_view tenant) {
  return Name(text, tenant, {"campaigns"}, "CAMPAIGN");
}

absl::StatusOr<std::string> WaveName(std::string_view text, std::string_view tenant) {
  return Name(text, tenant, {"campaigns", "waves"}, "CAMPAIGN/WAVE");
}

absl::StatusOr<std::string> RecipientName(std::string_view text, std::string_view tenant) {
  return Name(text, tenant, {"campaigns", "waves", "recipients"}, "CAMPAIGN/WAVE/RECIPIENT");
}

absl::StatusOr<std::string> DomainName(std::string_view text, std::string_view tenant) {
  if (text.substr(0, 8) == "tenants/") return Name(text, tenant, {"sendingDomains"}, "DOMAIN");
  if (!text.empty() && text.back() == '.') text.remove_suffix(1);  // as it stands in a zone file
  return Name(AsciiLower(text), tenant, {"sendingDomains"}, "DOMAIN");
}

absl::StatusOr<std::string> FileName(std::string_view text, std::string_view tenant) {
  return Name(text, tenant, {"files"}, "FILE");
}

absl::StatusOr<std::string> CertificateName(std::string_view text, std::string_view tenant) {
  return Name(text, tenant, {"certificates"}, "CERTIFICATE");
}

absl::StatusOr<std::string> SuppressionName(std::string_view text, std::string_view tenant) {
  // A local part may contain a slash (RFC 5321 atext), so this is not cut at slashes.
  if (text.substr(0, 8) == "tenants/" && text.find("/suppressions/") != std::string_view::npos)
    return std::string(text);
  if (text.find('@') == std::string_view::npos) {
    return UsageError(absl::StrCat("'", Printable(text, 200).c_str(), "' is no address; write local@domain"));
  }
  ASSIGN_OR_RETURN(const std::string parent, TenantName(tenant));
  return absl::StrCat(parent, "/suppressions/", AsciiLower(text));
}

std::string Leaf(std::string_view name) {
  const size_t slash = name.rfind('/');
  return std::string(slash == std::string_view::npos ? name : name.substr(slash + 1));
}

absl::StatusOr<Mailbox> ParseMailbox(std::string_view text) {
  Mailbox mailbox;
  const std::string whole = Trimmed(text);
  const size_t open = whole.rfind('<');
  if (open == std::string::npos) {
    mailbox.address = whole;
  } else {
    if (whole.back() != '>') return UsageError("--from: there is text after '>'; write --from \"Name <local@domain>\"");
    mailbox.address = Trimmed(std::string_view(whole).substr(open + 1, whole.size() - open - 2));
    mailbox.name = Trimmed(std::string_view(whole).substr(0, open));
    if (mailbox.name.size() >= 2 && mailbox.name.front() == '"' && mailbox.name.back() == '"') {
      mailbox.name = mailbox.name.substr(1, mailbox.name.size() - 2);
    }
  }
  const size_t at = mailbox.address.rfind('@');
  if (at == std::string::npos || at == 0 || at + 1 == mailbox.address.size() ||
      mailbox.address.find_first_of(" \t\r\n<>") != std::string::npos) {
    return UsageError(absl::StrCat("--from: '", Printable(mailbox.address, 200).c_str(),
                                   "' is no address; write --from \"Name <local@domain>\""));
  }
  return mailbox;
}

absl::StatusOr<std::pair<std::string, std::string>> ParseAssignment(std::string_view option, std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return UsageError(
        absl::StrCat(Av(option), " '", Printable(text, 200).c_str(), "': write ", Av(option), " COLUMN=VALUE"));
  }
  return std::pair(Trimmed(text.substr(0, equals)), std::string(text.substr(equals + 1)));
}

absl::StatusOr<HeaderLine> ParseHeader(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || text.find_first_of("\r\n") != std::string_view::npos) {
    return UsageError(
        absl::StrCat("--header '", Printable(text, 200).c_str(), "': write --header \"Name: value\", in one line"));
  }
  return HeaderLine{Trimmed(text.substr(0, colon)), Trimmed(text.substr(colon + 1))};
}

}  // namespace wavepost::cli
