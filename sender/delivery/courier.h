// One connection's life: opens a session for a group of mail hosts, delivers what has its turn there, says goodbye.
#pragma once

#include "common/async/tokens.h"

namespace wavepost {

class PathGroup;
class Shard;
struct ShardPath;

// The shard has counted it (the path's OnConnecting, couriers_) before it is spawned; it counts itself out at its end.
Awaitable<void> RunCourier(Shard* shard, ShardPath* state, PathGroup* group);

}  // namespace wavepost
