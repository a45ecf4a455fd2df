// What the queue's calls may ask for, and what of a node's answer a tenant gets to see. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/rpc/auth.h"
#include "google/protobuf/timestamp.pb.h"
#include "wavepost/v1/queue_service.pb.h"

namespace wavepost {

inline constexpr size_t kQueueReasonBytesMax = 500;

// Who it is, as Pause.creator says it: "operator" or "tenants/{tenant}".
std::string CreatorOf(const Caller& caller);

// The selector in its stored form: domain normalised, tenant filled in where caller or campaign say it. `field`: its
// path in the request. Errors: kInvalidArgument (nothing set, bad form, campaign of another tenant than `tenant`),
// kPermissionDenied (a tenant that names what is not its own, a site or an egress IP).
absl::StatusOr<v1::QueueSelector> CheckSelector(const Caller& caller, std::string_view field,
                                                const v1::QueueSelector& selector);

// Errors: kInvalidArgument.
absl::Status CheckReason(std::string_view field, const std::string& reason);
absl::Status CheckEndTime(std::string_view field, const google::protobuf::Timestamp& end_time, absl::Time now);

// An address or a domain in its normal form. Errors: kInvalidArgument.
absl::StatusOr<std::string> CheckAddressOrDomain(const std::string& text);

// Leaves of a path what this caller may see: a tenant no other tenant's recipients, and no pause that is about another
// tenant; where something was taken out, the summary says only what is left. tenant_of_wave: "tenants/{tenant}";
// nothing if there is no such wave.
void HideForeign(const Caller& caller, const std::function<std::optional<std::string>(uint32_t wave)>& tenant_of_wave,
                 v1::PathExplanation* path);

}  // namespace wavepost
