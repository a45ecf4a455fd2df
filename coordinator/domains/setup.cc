#include "coordinator/domains/setup.h"

#include <openssl/sha.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/base64.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr size_t kNameHashBytes = 10;  // 80 bits, 16 letters
constexpr int kMxPreference = 10;

std::string NameHash(std::string_view name) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(name.data()), name.size(), digest);
  return Base32Encode(std::string_view(reinterpret_cast<const char*>(digest), kNameHashBytes));
}

v1::DnsRecord Make(v1::DnsRecord::Purpose purpose, bool required, std::string owner, std::string type,
                   std::string data) {
  v1::DnsRecord record;
  record.set_owner(std::move(owner));
  record.set_type(std::move(type));
  record.set_data(std::move(data));
  record.set_purpose(purpose);
  record.set_required(required);
  return record;
}

// Whether mail depends on the key: it signs, is about to, or there is no other of its algorithm that does.
bool Required(const v1::SendingDomain& domain, const v1::DkimKeyInfo& key) {
  if (key.state() == v1::DkimKeyInfo::RETIRED) return false;
  if (key.state() != v1::DkimKeyInfo::CREATED) return true;
  return std::none_of(domain.dkim_keys().begin(), domain.dkim_keys().end(), [&](const v1::DkimKeyInfo& other) {
    return other.state() == v1::DkimKeyInfo::ACTIVE && other.algorithm() == key.algorithm();
  });
}

std::string SpfText(const OurNames& ours) {
  return absl::StrCat("v=spf1 include:", SpfName(ours), " ~all");
}

}  // namespace

std::string DomainOf(const v1::SendingDomain& domain) {
  return domain.name().substr(domain.name().rfind('/') + 1);
}

std::string SpfName(const OurNames& ours) {
  return absl::StrCat("_spf.", ours.identity_domain);
}

std::string DmarcProposal(std::string_view reports) {
  return absl::StrCat("v=DMARC1; p=none", reports.empty() ? "" : "; rua=mailto:", Av(reports));
}

std::string DelegatedKeyName(const OurNames& ours, std::string_view domain_name, std::string_view selector) {
  return absl::StrCat(Av(selector), ".", NameHash(domain_name), "._dkim.", ours.identity_domain);
}

std::vector<v1::DnsRecord> RecordsToPublish(const OurNames& ours, const v1::SendingDomain& domain) {
  const std::string name = DomainOf(domain);
  const bool delegated = domain.mode() == v1::SendingDomain::CNAME;
  std::vector<v1::DnsRecord> records;
  const auto add = [&](v1::DnsRecord::Purpose purpose, bool required, std::string owner, std::string type,
                       std::string data) {
    records.push_back(Make(purpose, required, std::move(owner), std::move(type), std::move(data)));
  };

  if (delegated && !ours.identity_domain.empty()) {
    for (std::string_view selector : kFixedSelectors) {
      const auto key = std::find_if(domain.dkim_keys().begin(), domain.dkim_keys().end(),
                                    [&](const v1::DkimKeyInfo& info) { return Av(info.selector()) == Av(selector); });
      add(v1::DnsRecord::DKIM, key != domain.dkim_keys().end() && Required(domain, *key),
          absl::StrCat(Av(selector), "._domainkey.", name), "CNAME", DelegatedKeyName(ours, domain.name(), selector));
    }
  } else if (!delegated) {
    for (const v1::DkimKeyInfo& key : domain.dkim_keys()) {
      add(v1::DnsRecord::DKIM, Required(domain, key), absl::StrCat(key.selector(), "._domainkey.", name), "TXT",
          key.public_txt());
    }
  }

  const std::string return_path = absl::StrCat(Av(kReturnPathLabel), ".", name);
  if (delegated && !ours.return_path_domain.empty()) {
    add(v1::DnsRecord::RETURN_PATH, false, return_path, "CNAME", ours.return_path_domain);
  } else if (!delegated && !ours.mx_hosts.empty()) {
    for (const std::string& host : ours.mx_hosts) {
      add(v1::DnsRecord::RETURN_PATH, false, return_path, "MX", absl::StrCat(kMxPreference, " ", host));
    }
    if (!ours.identity_domain.empty()) add(v1::DnsRecord::RETURN_PATH, false, return_path, "TXT", SpfText(ours));
  }
  if (!ours.identity_domain.empty()) add(v1::DnsRecord::SPF, false, name, "TXT", SpfText(ours));
  add(v1::DnsRecord::DMARC, false, absl::StrCat("_dmarc.", name), "TXT", DmarcProposal(ours.dmarc_reports));
  return records;
}

}  // namespace wavepost
