// What signs the mail of a tenant's From domain: DKIM keys that are ACTIVE, ours behind them, S/MIME keys. Opens what
// is sealed; blocks for the disk.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "wavepost/cluster/v1/dispatch_service.pb.h"

namespace wavepost {

class Sealer;
class Store;

// The key set, with its version. Without a sending domain, or with one that is not VERIFIED: our own keys only.
//
// tenant: "tenants/{tenant}". from_domain: A-labels, lower case.
// Errors: of the store, and of Sealer::Open: mail that should be signed must not leave unsigned because a key cannot be
//         read.
absl::StatusOr<cluster::v1::KeySet> LoadKeySet(Store* store, const Sealer& sealer, std::string_view tenant,
                                               std::string_view from_domain);

}  // namespace wavepost
