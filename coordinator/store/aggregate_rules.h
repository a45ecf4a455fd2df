// What a DMARC or TLS report means for the books: divided among the domains that are ours or our tenants', summed up,
// put into a sentence. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "wavepost/cluster/v1/bounce_feed_service.pb.h"
#include "wavepost/v1/reports_service.pb.h"

namespace wavepost {

// Of one report; the others become one with the address kOtherSource. A spoofed domain can have any number.
inline constexpr size_t kSourcesOfReportMax = 1'000;
inline constexpr size_t kFailuresOfReportMax = 200;
inline constexpr size_t kDomainsOfReportMax = 50;
inline constexpr char kOtherSource[] = "other";
// Reports come within days. Older ones are refused, so that nobody fills in the past; so are those from the future.
inline constexpr absl::Duration kAggregateAgeMax = absl::Hours(24 * 35);
inline constexpr absl::Duration kAggregateFutureMax = absl::Hours(24 * 2);

// Domains whose reports are kept, with the tenants ("tenants/{tenant}") whose sending domain each is; none: our own.
class CoveredDomains {
 public:
  static constexpr size_t kTenantsMax = 3;  // of one domain

  void Add(std::string_view domain, std::string_view tenant);
  // `domain` itself or the nearest one above it that is covered. Empty: none.
  std::string_view Nearest(std::string_view domain) const;
  // Some covered domain lies below `domain`.
  bool IsAbove(std::string_view domain) const { return above_.contains(domain); }
  const std::vector<std::string>& TenantsOf(std::string_view domain) const;
  size_t size() const { return tenants_.size(); }

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> tenants_;
  std::set<std::string, std::less<>> above_;
};

// What a report says about one covered domain.
struct AggregateEntry {
  std::string domain;
  // The report is known by it: nobody's second copy has another one.
  std::string identity;
  int64_t day = 0;              // days since 1970 (UTC) on which its period begins
  v1::AggregateReport summary;  // receive_time is not set

  // DMARC. One per address; `ours` is set.
  std::vector<v1::DmarcSource> sources;
  // TLS. sessions are 0 for none.
  int64_t successful_sessions = 0;
  int64_t failed_sessions = 0;
  std::vector<v1::TlsFailure> failures;

  std::string text;  // for people
};

using OursSet = absl::flat_hash_set<std::string>;  // egress IPs, as canonical text

// What can be told of a report before its rows are looked at: the covered domains that it names as its subject, each
// once, at most kDomainsOfReportMax; and whether any row of it may be about a covered domain. A DMARC report names the
// domain of the policy (RFC 7489 section 7.2), and its rows are about that one and those below it.
std::vector<std::string> DomainsNamed(const cluster::v1::BounceReport& report, const CoveredDomains& covered);
bool MayConcern(const cluster::v1::BounceReport& report, const CoveredDomains& covered);

// Entries, at most kDomainsOfReportMax; none if nothing in the report is about a covered domain. A row of a DMARC
// report belongs to the covered domain nearest to its header_from; rows without one to that of the report's domain.
std::vector<AggregateEntry> DivideReport(const cluster::v1::BounceReport& report, const CoveredDomains& covered,
                                         const OursSet& ours);

// The report's dates allow it to be entered now.
bool IsTimely(const cluster::v1::BounceReport& report, absl::Time now);

// An address in its one written form, as the bouncer writes them; what is none stays as it is.
std::string CanonicalIp(std::string_view address);

}  // namespace wavepost
