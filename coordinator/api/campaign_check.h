// Checks what a campaign is to send, and works out which columns of its audience are worth storing. Pure, but for the
// callbacks.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "coordinator/api/attachment_check.h"
#include "coordinator/names/content_record.h"
#include "wavepost/cluster/v1/coordinator_records.pb.h"
#include "wavepost/v1/campaigns_service.pb.h"

namespace wavepost {

inline constexpr int kCampaignColumnsMax = 256;
inline constexpr size_t kColumnBytesMax = 64;
inline constexpr size_t kDisplayNameBytesMax = 256;

// Where attachments are looked up.
struct CampaignFiles {
  FileSizeOf size_of;
  // The bytes of a file that size_of knows. Asked for last, when nothing else is wrong.
  std::function<absl::StatusOr<std::string>(const std::string& file)> read;
};

// The campaign as it is stored, under `name` ("tenants/{tenant}/campaigns/{campaign}"), with defaults filled in;
// create_time is left to the store.
//
// options: what the configuration adds to each message; it is compiled with it.
// Errors:  kInvalidArgument with the path of each wrong field, "campaign.content.html: line 12, column 5: ..."; reason
//          UNKNOWN_VARIABLE where a template uses a name that is no column, BAD_CAMPAIGN otherwise. Those of `files`.
absl::StatusOr<cluster::v1::StoredCampaign> CheckCampaign(const v1::Campaign& campaign, std::string_view name,
                                                          const ContentOptions& options, const CampaignFiles& files);

}  // namespace wavepost
