// DMARC and TLS reports, entered into the books.
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/status_macros.h"
#include "coordinator/store/aggregate_book.h"
#include "coordinator/store/aggregate_rules.h"
#include "coordinator/store/rocks_store_impl.h"

namespace wavepost {
namespace {

absl::StatusOr<OursSet> EgressIps(const Reader& read) {
  OursSet ours;
  absl::Status failed;
  const std::string prefix = NameKey(NameKind::kNode, "");
  RETURN_IF_ERROR(read.Scan(kNames, prefix, PrefixEnd(prefix), [&](std::string_view, std::string_view value) {
    const auto node = Reader::ParseRecord<cluster::v1::StoredNode>(value);
    failed.Update(node.status());
    if (!node.ok()) return false;
    for (const v1::EgressIp& ip : node->egress_ips()) ours.insert(CanonicalIp(ip.address()));
    return true;
  }));
  RETURN_IF_ERROR(failed);
  return ours;
}

}  // namespace

absl::StatusOr<const CoveredDomains*> RocksStore::Covered(Change& change) {
  if (covered_.has_value() && covered_generation_ == writer_.keys_generation) return &*covered_;
  CoveredDomains fresh;
  for (const std::string& domain : options_.own_domains) fresh.Add(domain, "");
  std::map<std::string, std::vector<std::string>> lost;  // domain -> tenants
  std::set<std::string> verified;
  absl::Status failed;
  const std::string prefix = NameKey(NameKind::kDomain, "");
  RETURN_IF_ERROR(change.read().Scan(kNames, prefix, PrefixEnd(prefix), [&](std::string_view, std::string_view value) {
    const auto stored = Reader::ParseRecord<cluster::v1::StoredSendingDomain>(value);
    failed.Update(stored.status());
    if (!stored.ok()) return false;
    // Nobody gets to see reports about a domain by merely naming it.
    const std::string& name = stored->domain().name();
    const std::string domain = name.substr(name.rfind('/') + 1);
    if (stored->domain().state() == v1::SendingDomain::VERIFIED) {
      fresh.Add(domain, TenantOf(name));
      verified.insert(domain);
    } else if (stored->domain().state() == v1::SendingDomain::LOST) {
      lost[domain].push_back(TenantOf(name));
    }
    return true;
  }));
  RETURN_IF_ERROR(failed);
  for (const auto& [domain, tenants] : lost) {
    // Somebody else's by now.
    if (verified.contains(domain)) continue;
    for (const std::string& tenant : tenants) fresh.Add(domain, tenant);
  }
  covered_ = std::move(fresh);
  covered_generation_ = writer_.keys_generation;
  return &*covered_;
}

absl::StatusOr<RocksStore::BounceReports> RocksStore::EnterAggregates(Change& change, const BounceReports& reports) {
  BounceReports aggregates;
  BounceReports others;
  for (const cluster::v1::BounceReport* report : reports) {
    (report->has_dmarc() || report->has_tls() ? aggregates : others).push_back(report);
  }
  if (aggregates.empty()) return others;
  ASSIGN_OR_RETURN(const CoveredDomains* const covered, Covered(change));
  ASSIGN_OR_RETURN(const OursSet ours, EgressIps(change.read()));
  AggregateFigures figures = AggregatesSinceStart();
  AggregateBook book(&change, covered, &ours, &figures);
  for (const cluster::v1::BounceReport* report : aggregates) RETURN_IF_ERROR(book.Add(*report));
  RETURN_IF_ERROR(book.Enter());
  RETURN_IF_ERROR(TrimAggregates(&change));
  std::lock_guard lock(figures_mutex_);
  figures_ = std::move(figures);
  return others;
}

AggregateFigures RocksStore::AggregatesSinceStart() {
  std::lock_guard lock(figures_mutex_);
  return figures_;
}

}  // namespace wavepost
