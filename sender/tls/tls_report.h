// The counting and the wording of TLS reports (RFC 8460). Pure: no files, no clock, no DNS. tls_reporter.h drives it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "sender/tls/policy_book.h"
#include "sender/tls/reported_policy.h"
#include "sender/tls/tls_demand.h"
#include "wavepost/cluster/v1/sender_records.pb.h"

namespace wavepost {

// One try at a host that came as far as TLS (or to its absence), or was not made because of the policy. A host that
// could not be reached is none.
struct TlsSession {
  std::string domain;  // of the recipient
  std::shared_ptr<const ReportedPolicy> policy;
  std::string failure_type;  // RFC 8460 section 4.3; empty: success
  std::string reason;        // for people
  std::string sending_ip, mx_host, receiving_ip;
};

// From a plan and how it went. outcome: ignored if the plan refused the host.
TlsSession SessionOf(const std::string& domain, const std::string& mx_host, const HostPlan& plan,
                     const TlsOutcome& outcome, const std::string& sending_ip, const std::string& receiving_ip);

// Who reports.
struct TlsReportIdentity {
  std::string organization;  // "Example Mailers"
  std::string contact;       // "smtp-tls@example.com"
  std::string submitter;     // domain, for file names and report ids: "example.com"
  std::string node;          // tells apart the reports of several senders: "sender-0"
};

// Counters by UTC day and recipient domain. Not thread-safe.
class TlsReportBook {
 public:
  struct Limits {
    size_t domains_max = 50'000;  // of all days together; sessions of others are only counted as lost
    size_t policies_max = 16;     // of a domain and day; beyond it, those of a type are counted together
    size_t failures_max = 64;     // rows of a policy; beyond it, those of a type are counted together
  };
  using Key = std::pair<int64_t, std::string>;  // days since 1970 UTC, recipient domain

  explicit TlsReportBook(Limits limits) : limits_(limits) {}

  void Count(const TlsSession& session, absl::Time now);

  // Adds what was stored before a restart. For a key that is there already, the stored counts are added to it.
  void Restore(const cluster::v1::TlsReportState& state);

  // nullptr: nothing counted.
  const cluster::v1::TlsReportState* Find(const Key& key) const;
  std::vector<Key> Keys() const;
  void Remove(const Key& key);

  // Which counters have changed since the last call.
  std::vector<Key> TakeChanged();

  size_t size() const { return days_.size(); }
  uint64_t sessions_lost() const { return sessions_lost_; }

 private:
  const Limits limits_;
  std::map<Key, cluster::v1::TlsReportState> days_;
  std::set<Key> changed_;
  uint64_t sessions_lost_ = 0;
};

int64_t UtcDay(absl::Time time);

// RFC 8460 section 4.4. end: of the time that is reported, exclusive; the end of the day or, on the day itself, now.
std::string TlsReportJson(const cluster::v1::TlsReportState& state, const TlsReportIdentity& identity, absl::Time end);

// Section 5.1, without an extension: "example.com!recipient.example!1470013200!1470099599!sender-0".
std::string TlsReportFileName(const cluster::v1::TlsReportState& state, const TlsReportIdentity& identity,
                              absl::Time end);

// Where a domain wants its reports, from all TXT strings of "_smtp._tls.DOMAIN" (section 3): mailto: and https: URIs.
// Empty: it wants none, which is also the meaning of two records.
std::vector<std::string> ParseTlsRptRecord(const std::vector<std::string>& texts);

}  // namespace wavepost
