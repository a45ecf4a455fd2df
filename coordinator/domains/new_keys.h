// Makes a pair of DKIM keys, RSA-2048 and Ed25519, for storing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/domains/rotation.h"
#include "wavepost/cluster/v1/coordinator_records.pb.h"
#include "wavepost/v1/domains_service.pb.h"

namespace wavepost {

class Sealer;

struct NewKeys {
  std::vector<v1::DkimKeyInfo> infos;           // CREATED
  std::vector<cluster::v1::SealedKey> secrets;  // their private halves
};

// What a private half is sealed for.
std::string DkimSealContext(std::string_view domain_name, std::string_view selector);

// Takes about a tenth of a second: not on the store's writer thread. domain_name: the resource's.
// Errors: kInternal (OpenSSL).
absl::StatusOr<NewKeys> MakeKeyPair(const Sealer& sealer, std::string_view domain_name, const SelectorPair& selectors,
                                    absl::Time now);

// Puts them behind the keys that are there; sets dkim_selector if the domain has none.
void AddKeys(const NewKeys& keys, cluster::v1::StoredSendingDomain* stored);

}  // namespace wavepost
