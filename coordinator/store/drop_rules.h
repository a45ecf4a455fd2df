// Which waves and recipients a drop takes in, as far as the coordinator can tell. Pure.
#pragma once

#include <string_view>

#include "wavepost/cluster/v1/coordinator_records.pb.h"
#include "wavepost/v1/queue_service.pb.h"

namespace wavepost {

// Whether there is anything for the coordinator in it: it names a campaign, and no site (only nodes know sites).
bool DropsHere(const v1::QueueSelector& selector);

// The wave had been started when the drop was ordered.
bool Concerns(const cluster::v1::StoredDrop& drop, const cluster::v1::StoredWave& wave);

// egress_ip: that the recipient was assigned; empty: none yet, so that a drop for one IP does not take it in.
bool TakesIn(const v1::QueueSelector& selector, std::string_view address, std::string_view egress_ip);

}  // namespace wavepost
