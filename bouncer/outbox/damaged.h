// What can still be read of a record that does not parse.
#pragma once

#include <string_view>

#include "wavepost/cluster/v1/bounce_feed_service.pb.h"

namespace wavepost {

// Every field that stands before the damage, by its number on the wire; texts that are not UTF-8 (earlier versions
// stored such) are made so. If that names no recipient and nothing aggregate, the status says so to people. The
// sequence is the caller's. Pure.
cluster::v1::BounceReport RescueRecord(std::string_view bytes);

}  // namespace wavepost
