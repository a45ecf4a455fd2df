// The DKIM keys of our own domain: made here, sealed, and moved on by what DNS shows (coordinator/domains/rotation.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "wavepost/cluster/v1/coordinator_records.pb.h"
#include "wavepost/v1/domains_service.pb.h"

namespace wavepost {

class Sealer;

// The operator publishes our keys by hand. After a year a successor is made and waits, without end, for its record; the
// old pair signs meanwhile.
inline constexpr absl::Duration kOwnKeysRenewAfter = absl::Hours(24 * 365);

// Name under which our keys are sealed and stored, like a sending domain's: "identity/mail.example".
std::string OwnDomainName(std::string_view identity_domain);

// True if there are none, or those that sign are old and no others wait.
bool OwnKeysDue(const v1::SendingDomain& own, absl::Time now);

// A pair of keys, CREATED, with their sealed halves. Takes a tenth of a second.
struct OwnKeyPair {
  std::vector<v1::DkimKeyInfo> infos;
  std::vector<cluster::v1::SealedKey> sealed;
};
// Errors: kInternal (OpenSSL).
absl::StatusOr<OwnKeyPair> MakeOwnKeys(const v1::SendingDomain& own, const Sealer& sealer, absl::Time now);

// What checks and time do to the keys; private halves that are past use are dropped. Returns a sentence per change.
// Pure. checks: of the last look, those of other records are passed over.
std::vector<std::string> MoveOwnKeys(const std::vector<v1::RecordCheck>& checks, absl::Time now,
                                     cluster::v1::StoredSendingDomain* own);

}  // namespace wavepost
