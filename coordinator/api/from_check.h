// Which address the mail of a wave leaves from, and whether it may: the campaign's own if its domain is verified, else
// the tenant's fallback, else the wave does not start.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/config/coordinator_config.h"
#include "wavepost/v1/campaigns_service.pb.h"
#include "wavepost/v1/certificates_service.pb.h"
#include "wavepost/v1/domains_service.pb.h"
#include "wavepost/v1/tenants_service.pb.h"

namespace wavepost {

class Store;

// What the decision rests on.
struct FromFacts {
  v1::Campaign campaign;
  v1::Tenant tenant;
  std::optional<v1::SendingDomain> own;       // of the campaign's From address; nothing: the tenant has no such domain
  std::optional<v1::SendingDomain> fallback;  // of the tenant's fallback address, likewise
  std::vector<v1::Certificate> certificates;  // of the tenant; read only for content.smime
};

struct FromChoice {
  std::string from_address;           // where `refusal` is set: the campaign's own
  std::string return_path_domain;     // empty: the configured one
  std::vector<std::string> warnings;  // for whoever looks at the campaign; with the refusal's sentence
  // Not OK: a wave does not start. kFailedPrecondition, reason FROM_DOMAIN_NOT_VERIFIED, NO_CERTIFICATE or
  // CERTIFICATE_EXPIRED, with what to do.
  absl::Status refusal;
};

// Pure. now: a certificate has to be valid from now on for the campaign's max_age.
FromChoice ChooseFrom(const FromFacts& facts, const DomainPolicy& policy, absl::Time now);

// The same with the facts of the store. Errors: of the store; a refusal is none.
absl::StatusOr<FromChoice> LookUpFrom(Store* store, const DomainPolicy& policy, absl::Time now,
                                      const v1::Campaign& campaign);

}  // namespace wavepost
