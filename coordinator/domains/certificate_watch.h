// Tells of S/MIME certificates before they end.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "wavepost/v1/certificates_service.pb.h"

namespace wavepost {

class Store;

// The step that has been reached: 30, 14, 7, 3, 1 or, when it has ended, 0 days left. Nothing before that.
std::optional<int> DaysLeftStep(absl::Time not_after, absl::Time now);

// "the S/MIME certificate for news@a.example (issued by CN=...) ends on 2026-01-31, in 14 days: ..."
std::string ExpiryText(const v1::Certificate& certificate, absl::Time now);

// One pass over the certificates of all tenants: an event for each that has reached a step since the last pass.
// Errors: of the store.
absl::Status WarnOfCertificates(Store* store, absl::Time now);

}  // namespace wavepost
