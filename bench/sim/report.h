// Reports for people (a table) and for programs (JSON).
#pragma once

#include <string>

#include "bench/sim/scenario.h"
#include "nlohmann/json_fwd.hpp"

namespace wavepost::sim {

// What the run itself cost; not part of what repeats.
struct RunCost {
  double wall_s = 0;
  double peak_rss_mb = 0;
};

std::string TableOf(const Report& report, const RunCost& cost);
// Everything that is the same for the same seed.
nlohmann::json JsonOf(const Report& report);

}  // namespace wavepost::sim
