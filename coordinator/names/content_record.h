// What the nodes get for a stored campaign. Pure.
#pragma once

#include <string_view>

#include "wavepost/cluster/v1/coordinator_records.pb.h"
#include "wavepost/cluster/v1/dispatch_service.pb.h"

namespace wavepost {

// With content_id: the SHA-256 of everything else in it, serialized in a fixed order.
cluster::v1::Content ContentOf(const cluster::v1::StoredCampaign& stored, std::string_view message_id_domain);

}  // namespace wavepost
