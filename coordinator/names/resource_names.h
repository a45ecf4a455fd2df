// Resource names (AIP-122): parsed and formatted in one place. Pure.
//
//   tenants/{tenant}
//   tenants/{tenant}/sendingDomains/{domain}
//   tenants/{tenant}/suppressions/{address}
//   tenants/{tenant}/files/{sha256}
//   tenants/{tenant}/certificates/{sha256}
//   tenants/{tenant}/campaigns/{campaign}
//   tenants/{tenant}/campaigns/{campaign}/waves/{wave}
//   tenants/{tenant}/campaigns/{campaign}/waves/{wave}/recipients/w{number}-{index}
//   nodes/{node}
//
// Every Parse returns nothing for a name of another form, so that a name that parsed can be put into a key or a
// message.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/recipient_id.h"

namespace wavepost {

// [a-z][a-z0-9-]{0,62}
bool IsTenantId(std::string_view id);
// [a-z0-9][a-z0-9-]{0,62}: campaigns, waves, pools, nodes, bouncers.
bool IsResourceId(std::string_view id);

// What IsTenantId and IsResourceId want, for error messages.
inline constexpr std::string_view kTenantIdRule =
    "must be 1 to 63 characters of a-z, 0-9 and '-', and begin with a letter";
inline constexpr std::string_view kResourceIdRule =
    "must be 1 to 63 characters of a-z, 0-9 and '-', and begin with a letter or digit";

// SHA-256 as 64 lower case hexadecimal digits.
bool IsSha256Hex(std::string_view text);

struct TenantName {
  std::string tenant;
  std::string ToString() const;
  static std::optional<TenantName> Parse(std::string_view name);
};

struct SendingDomainName {
  std::string tenant;
  std::string domain;  // [a-z0-9.-]+; not checked further
  std::string ToString() const;
  static std::optional<SendingDomainName> Parse(std::string_view name);
};

struct SuppressionName {
  std::string tenant;
  std::string address;  // as in the name: may contain '/', is not checked
  std::string ToString() const;
  static std::optional<SuppressionName> Parse(std::string_view name);
};

struct FileName {
  std::string tenant;
  std::string sha256;  // 64 lower case hexadecimal digits
  std::string ToString() const;
  static std::optional<FileName> Parse(std::string_view name);
};

struct CertificateName {
  std::string tenant;
  std::string sha256;  // as in FileName
  std::string ToString() const;
  static std::optional<CertificateName> Parse(std::string_view name);
};

struct CampaignName {
  std::string tenant;
  std::string campaign;
  std::string ToString() const;
  static std::optional<CampaignName> Parse(std::string_view name);
};

struct WaveName {
  std::string tenant;
  std::string campaign;
  std::string wave;
  std::string ToString() const;
  std::string CampaignString() const;
  static std::optional<WaveName> Parse(std::string_view name);
};

struct RecipientName {
  WaveName wave;
  RecipientId id;
  std::string ToString() const;
  static std::optional<RecipientName> Parse(std::string_view name);
};

// "tenants/{tenant}" at the head of any of the names above; nothing if there is none.
std::optional<std::string> TenantPartOf(std::string_view name);

std::string NodeName(std::string_view node_id);

}  // namespace wavepost
