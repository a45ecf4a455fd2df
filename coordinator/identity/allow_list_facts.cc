#include "coordinator/identity/allow_list_facts.h"

#include <algorithm>
#include <asio/ip/address.hpp>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/mail/address.h"
#include "coordinator/identity/address_block.h"
#include "coordinator/store/store.h"

namespace wavepost {
namespace {

constexpr int kCampaignsPage = 20;  // a campaign may hold megabytes of template
constexpr int kDomainsPage = 200;
constexpr char kDefaultPool[] = "default";

// What the tenant's campaigns use.
struct Used {
  std::set<std::string> pools;
  std::set<std::string> addresses;
};

absl::StatusOr<Used> ReadCampaigns(Store* store, std::string_view tenant) {
  Used used;
  std::string cursor;
  int read = 0;
  do {
    ASSIGN_OR_RETURN(const auto page, store->ListCampaigns(tenant, kCampaignsPage, cursor));
    for (const v1::Campaign& campaign : page.items) {
      used.pools.insert(campaign.pool().empty() ? kDefaultPool : campaign.pool());
      if (!campaign.content().from_address().empty()) used.addresses.insert(campaign.content().from_address());
    }
    read += static_cast<int>(page.items.size());
    cursor = page.next;
  } while (!cursor.empty() && read < kCampaignsRead);
  return used;
}

std::string DomainPart(const std::string& address) {
  const absl::StatusOr<Address> parsed = ParseAddress(address);
  return parsed.ok() ? parsed->domain : AsciiLower(address.substr(address.rfind('@') + 1));
}

void AddIps(const std::vector<cluster::v1::StoredNode>& nodes, const std::set<std::string>& pools,
            AllowListFacts* facts) {
  std::map<asio::ip::address, AllowListFacts::Ip> all;
  for (const auto& node : nodes) {
    for (const v1::EgressIp& ip : node.egress_ips()) {
      const std::optional<asio::ip::address> address = ParseEgressAddress(ip.address());
      const std::string pool = ip.pool().empty() ? kDefaultPool : ip.pool();
      if (!address.has_value() || (!pools.empty() && !pools.contains(pool))) continue;
      all[*address] = {address->to_string(), ip.ehlo_name(), pool, ip.region().empty() ? "default" : ip.region()};
    }
  }
  // Where the cluster has addresses that the world can see, the others are of no use to a recipient.
  const bool any_public =
      std::any_of(all.begin(), all.end(), [](const auto& entry) { return IsPublicAddress(entry.first); });
  std::vector<asio::ip::address> shown;
  for (const auto& [address, ip] : all) {
    if ((any_public && !IsPublicAddress(address)) || facts->ips.size() == kSheetIpsMax) continue;
    facts->ips.push_back(ip);
    shown.push_back(address);
  }
  for (const AddressBlock& block : CoverExactly(shown)) facts->blocks.push_back(BlockText(block));
}

void AddSigning(const std::string& domain, const v1::SendingDomain& keys, AllowListFacts* facts) {
  for (const v1::DkimKeyInfo& key : keys.dkim_keys()) {
    if (key.state() == v1::DkimKeyInfo::ACTIVE) facts->dkim.push_back({domain, key.selector(), key.algorithm()});
  }
}

}  // namespace

absl::StatusOr<AllowListFacts> LoadAllowListFacts(Store* store, std::string_view tenant, const OurNames& ours,
                                                  std::string_view unsubscribe_url, absl::Time now) {
  ASSIGN_OR_RETURN(const auto stored, store->GetTenant(tenant));
  ASSIGN_OR_RETURN(Used used, ReadCampaigns(store, tenant));
  ASSIGN_OR_RETURN(const auto nodes, store->ListNodes());
  ASSIGN_OR_RETURN(const auto identity, store->GetIdentity());
  AllowListFacts facts;
  facts.made = now;
  facts.unsubscribe_url = std::string(unsubscribe_url);
  facts.tenant = stored.tenant().display_name().empty() ? std::string(tenant.substr(tenant.rfind('/') + 1))
                                                        : stored.tenant().display_name();
  AddIps(nodes, used.pools, &facts);
  if (!stored.tenant().fallback_from_address().empty()) used.addresses.insert(stored.tenant().fallback_from_address());
  std::set<std::string> from_domains, return_paths;
  if (!ours.return_path_domain.empty()) return_paths.insert(ours.return_path_domain);
  std::string cursor;
  do {
    ASSIGN_OR_RETURN(const auto page, store->ListSendingDomains(tenant, kDomainsPage, cursor));
    for (const auto& sending : page.items) {
      // A domain whose records nobody has seen is nothing to let in: anybody could have entered it.
      if (sending.domain().state() != v1::SendingDomain::VERIFIED) continue;
      const std::string domain = DomainOf(sending.domain());
      from_domains.insert(domain);
      AddSigning(domain, sending.domain(), &facts);
      if (!sending.domain().return_path_domain().empty()) return_paths.insert(sending.domain().return_path_domain());
    }
    cursor = page.next;
  } while (!cursor.empty());
  for (const std::string& address : used.addresses) {
    if (!from_domains.contains(DomainPart(address)) || facts.from_addresses.size() == kSheetAddressesMax) continue;
    facts.from_addresses.push_back(address);
  }
  if (!ours.identity_domain.empty()) {
    facts.spf_name = SpfName(ours);
    if (identity.identity().domain() == ours.identity_domain) {
      AddSigning(ours.identity_domain, identity.own().domain(), &facts);
    }
  }
  facts.from_domains.assign(from_domains.begin(), from_domains.end());
  facts.return_paths.assign(return_paths.begin(), return_paths.end());
  return facts;
}

}  // namespace wavepost
