// One connection's life: opens a session for a lane, delivers what is due there, says goodbye.
#pragma once

#include "common/async/tokens.h"

namespace wavepost {

class Shard;
struct ShardLane;

// The shard has counted it (lane.connections, couriers_) before it is spawned; it counts itself out at its end.
Awaitable<void> RunCourier(Shard* shard, ShardLane* state);

}  // namespace wavepost
