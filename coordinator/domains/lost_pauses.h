// Pauses for campaigns whose From domain is lost: made once per loss, ended when the domain is found again.
//
// A process that dies in between leaves pauses that the domain's record does not name; they are known by their creator
// and the beginning of their reason. One that an operator has ended stays ended.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "wavepost/cluster/v1/coordinator_records.pb.h"

namespace wavepost {

class Store;

// Pause.creator of what the coordinator ordered by itself.
inline constexpr std::string_view kCoordinatorCreator = "coordinator";

// Pauses the campaigns that are sending from the domain, and writes the pauses' names into its record. Nothing to do if
// the domain is not LOST, or names pauses already. One caller at a time. Errors: of the store; may be repeated.
absl::Status PauseForLostDomain(Store* store, const cluster::v1::StoredSendingDomain& stored);

// Ends those of domains that are VERIFIED or gone: what a crash between two steps has left. Errors: as above.
absl::Status EndForgottenPauses(Store* store);

// Ends them all; the record keeps their names. Errors: as above.
absl::Status EndLostPauses(Store* store, const cluster::v1::StoredSendingDomain& stored);

}  // namespace wavepost
