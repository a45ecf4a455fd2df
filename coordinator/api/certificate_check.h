// From an uploaded PKCS#12 file to the record that is stored. Pure.
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/names/resource_names.h"
#include "wavepost/cluster/v1/coordinator_records.pb.h"
#include "wavepost/v1/certificates_service.pb.h"

namespace wavepost {

class Sealer;

// The record, with its key sealed. Neither password nor key stand in an error.
//
// now:    a certificate that has ended, or does not hold yet, is refused.
// Errors: kInvalidArgument, reason BAD_CERTIFICATE, with the field ("pkcs12" or "password") and what to do; of
//         Sealer::Seal.
absl::StatusOr<cluster::v1::StoredCertificate> CheckCertificate(const v1::CreateCertificateRequest& request,
                                                                const TenantName& parent, const Sealer& sealer,
                                                                absl::Time now);

}  // namespace wavepost
