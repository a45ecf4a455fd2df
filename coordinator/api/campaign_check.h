// Checks what a campaign is to send, and works out which columns of its audience are worth storing. Pure.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "wavepost/cluster/v1/coordinator_records.pb.h"
#include "wavepost/v1/campaigns_service.pb.h"

namespace wavepost {

inline constexpr int kCampaignColumnsMax = 256;
inline constexpr size_t kColumnBytesMax = 64;
inline constexpr size_t kDisplayNameBytesMax = 256;

// The campaign as it is stored, under `name` ("tenants/{tenant}/campaigns/{campaign}"), with defaults filled in;
// create_time is left to the store. Errors: kInvalidArgument with the path of each wrong field, "campaign.content.html:
// line 12, column 5: ..."; reason
//         UNKNOWN_VARIABLE where a template uses a name that is no column, BAD_CAMPAIGN otherwise.
absl::StatusOr<cluster::v1::StoredCampaign> CheckCampaign(const v1::Campaign& campaign, std::string_view name,
                                                          std::string_view message_id_domain);

}  // namespace wavepost
