// The part of the IdentityService that is no transport.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "wavepost/v1/identity_service.pb.h"

namespace wavepost {

struct ApiContext;

// tenant: "tenants/{tenant}", which the caller may see. language, format: as in GetAllowListSheetRequest.
// Errors: kInvalidArgument (each field that is wrong), kNotFound (tenant), of the store. Blocks for the disk.
absl::StatusOr<v1::AllowListSheet> MakeAllowListSheet(const ApiContext* api, std::string_view tenant,
                                                      const std::string& language, const std::string& format);

}  // namespace wavepost
