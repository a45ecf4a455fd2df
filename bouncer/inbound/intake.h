// From a message and the recipients that its envelope names to the records that the outbox keeps. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "common/base/recipient_id.h"
#include "wavepost/cluster/v1/bounce_feed_service.pb.h"

namespace wavepost {

// One record per recipient, sequence 0. A message that is no report is recorded too. For those who unsubscribe the fact
// that they wrote is enough: what they wrote is not looked at.
std::vector<cluster::v1::BounceReport> MakeBounceReports(std::string_view message,
                                                         const std::vector<RecipientId>& recipients,
                                                         const std::vector<RecipientId>& unsubscribes, absl::Time now);

}  // namespace wavepost
