// The life of DKIM keys: created -> published (seen in DNS) -> active -> retired -> removed. Pure.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "wavepost/v1/domains_service.pb.h"

namespace wavepost {

// A key that follows another one waits this long after its record was first seen: resolvers that were told "no such
// name" forget it (RFC 2308). A domain's first keys sign at once.
inline constexpr absl::Duration kActivateAfter = absl::Hours(1);
// Mail signed by a retired key is still under way: max_age of a campaign is 30 days, so its record stays as long.
inline constexpr absl::Duration kDestroyAfter = absl::Hours(24 * 7);  // the private half
inline constexpr absl::Duration kRemoveAfter = absl::Hours(24 * 30);  // the record
// CNAME mode only: keys are made anew when the active ones are this old.
inline constexpr absl::Duration kRotateAfter = absl::Hours(24 * 180);

// Selectors for a new pair of keys at `now`: in TXT mode "wpYYYYMMDD" and "wpYYYYMMDDe" (Ed25519), with "-2", "-3"...
// behind the date where that day has keys already; in CNAME mode the pair of "wp1", "wp1e" and "wp2", "wp2e" that is
// free, or two empty strings: both are in use.
struct SelectorPair {
  std::string rsa;
  std::string ed25519;
};
SelectorPair NextSelectors(const v1::SendingDomain& domain, absl::Time now);

// What time and the last checks do to the keys of a domain.
struct KeyStep {
  std::string selector;
  v1::DkimKeyInfo::State from;
  v1::DkimKeyInfo::State to;  // STATE_UNSPECIFIED: removed, row and all
};

// Moves the keys of `domain` on: a key whose record check is OK becomes PUBLISHED; PUBLISHED ones become ACTIVE as a
// pair when both are due, and retire those before them; RETIRED ones go. One that is PUBLISHED and whose record is gone
// again is CREATED once more. Sets dkim_selector. Returns what changed, in order. destroy: selectors whose private half
// is to be destroyed, if that has not been done.
std::vector<KeyStep> AdvanceKeys(v1::SendingDomain* domain, absl::Time now, std::vector<std::string>* destroy);

// Keys are there that do not sign yet.
bool RotationUnderWay(const v1::SendingDomain& domain);

// True if new keys are to be made by themselves: in CNAME mode when the active ones are old; in both modes when there
// are none at all.
bool RotationDue(const v1::SendingDomain& domain, absl::Time now);

}  // namespace wavepost
