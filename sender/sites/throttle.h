// What a throttling reply complains about: the words that policy, provider rules and the shaper share.
#pragma once

namespace wavepost {

// What a throttling reply complains about.
enum class Throttle {
  kRate,         // too much, too fast, "try later", 421 4.7.x: the message rate
  kConnections,  // too many connections at a time
  kPause,        // stay away for a while (a hint, a block of minutes): a pause, and the rate is cut
};

}  // namespace wavepost
