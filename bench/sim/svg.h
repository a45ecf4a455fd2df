// Plots as SVG files, written by hand: no library, nothing to install, and a browser shows them.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "bench/sim/scenario.h"

namespace wavepost::sim {

// Into `folder`, which is made: SCENARIO-progress.svg (share of each kind's recipients accepted over time),
// SCENARIO-rates.svg (messages a second at those that throttle, and what they tolerate), SCENARIO-waits.svg (waits of
// single messages).
absl::Status WritePlots(const Report& report, const std::string& folder);

}  // namespace wavepost::sim
