// Checks which files a campaign refers to. What they are called in the mail is checked where they are put into it
// (common/mail/message.h). Pure, but for the callback.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/rpc/status.h"
#include "wavepost/v1/campaigns_service.pb.h"

namespace wavepost {

// The size of a file by its name, in bytes. kNotFound: there is none.
using FileSizeOf = std::function<absl::StatusOr<int64_t>(const std::string& file)>;

// Appends a violation for each attachment whose file is not there, and one if all together are too large, with paths
// from "campaign.content.". `size_of` is asked for files of the campaign's tenant only, at most kAttachmentsMax times.
//
// tenant: "tenants/{tenant}".
// Errors: what `size_of` returns beside kNotFound: nothing is known about the content then.
absl::Status CheckAttachedFiles(const v1::Content& content, std::string_view tenant, const FileSizeOf& size_of,
                                std::vector<FieldViolation>* bad);

}  // namespace wavepost
