// What is remembered of domains' MTA-STS policies, and when to ask again (RFC 8461 sections 3.1, 3.3, 5.1, 10.2). Pure:
// it is told what was found, and says what to do next.
//
//   policy holds                 used as it is, while record and file are looked at now and then beside it
//   record has a new id          file fetched; the old policy is used until that has succeeded
//   fetch fails, record is gone  the policy is kept until max_age ends: an attacker can suppress both
//   no policy                    record asked for before the first delivery, then every absent_interval
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "common/dns/ttl_cache.h"
#include "sender/tls/mta_sts.h"
#include "wavepost/cluster/v1/sender_records.pb.h"

namespace wavepost {

// Not thread-safe. Time comes in as an argument.
class MtaStsCache {
 public:
  struct Options {
    absl::Duration record_interval = absl::Hours(1);     // between looks at the record while a policy holds
    absl::Duration absent_interval = absl::Minutes(10);  // while none does
    absl::Duration refresh_interval = absl::Hours(24);   // a policy older than this, or than max_age/2, is fetched anew
    absl::Duration retry_interval = absl::Minutes(5);    // after a failed fetch or lookup (section 3.3)
    size_t entries_max = 50'000;                         // the least recently used goes first
  };
  explicit MtaStsCache(Options options) : options_(options), entries_(std::max<size_t>(options.entries_max, 1)) {}

  struct View {
    std::shared_ptr<const MtaStsPolicy> policy;  // null: none holds
    bool known = false;                          // false: this domain was never heard of (look into the store)
    bool ask = false;                            // the record is to be looked at; wait for it only without a policy
    std::string failure_type;  // while no policy holds although the record says so: why (RFC 8460 section 4.3.2.2)
  };
  View Look(std::string_view domain, absl::Time now);

  // The record's id, or that there is no (valid) record. True: fetch the policy file now, and tell how that went.
  bool OnRecord(const std::string& domain, const std::optional<std::string>& id, absl::Time now);
  // The record could not be looked at.
  void OnRecordFailed(const std::string& domain, absl::Time now);
  void OnPolicy(const std::string& domain, const std::string& id, MtaStsPolicy policy, absl::Time now);
  // failure_type: of RFC 8460, e.g. "sts-policy-fetch-error".
  void OnFetchFailed(const std::string& domain, std::string failure_type, absl::Time now);
  // The policy forbade hosts: it may be out of date. The record is asked for again soon (section 5.1, step 5).
  void Doubt(const std::string& domain, absl::Time now);

  // The stored form of the policy that holds; nothing: none does.
  std::optional<cluster::v1::MtaStsState> Save(std::string_view domain, absl::Time now);
  // Takes back what Save gave. Refused (false): expired, from the future, or not a policy.
  bool Restore(const std::string& domain, const cluster::v1::MtaStsState& state, absl::Time now);

  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::shared_ptr<const MtaStsPolicy> policy;
    std::string id;
    absl::Time fetched;
    absl::Time asked = absl::InfinitePast();  // last look at the record
    absl::Time next_ask = absl::InfinitePast();
    std::string failed_id;  // fetch failed for this id; not again before retry_at
    absl::Time retry_at = absl::InfinitePast();
    std::string failure_type;

    bool HoldsAt(absl::Time now) const { return policy != nullptr && now < fetched + policy->max_age; }
  };

  Entry* Find(std::string_view domain, absl::Time now);
  Entry& FindOrAdd(const std::string& domain, absl::Time now);
  void Asked(Entry& entry, absl::Time now) const;
  absl::Time RefreshAt(const Entry& entry) const;

  const Options options_;
  TtlCache<std::shared_ptr<Entry>> entries_;
};

}  // namespace wavepost
