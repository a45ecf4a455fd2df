// Turns what the store holds into Prometheus families.
#pragma once

#include <prometheus/metric_family.h>

#include <cstddef>
#include <vector>

#include "absl/time/time.h"

namespace wavepost {

class Store;

inline constexpr size_t kMetricsSeriesMax = 30'000;  // in one answer

// Blocks for the disk. What the store fails to give is left out.
std::vector<prometheus::MetricFamily> CollectMetrics(Store* store, absl::Time now);

}  // namespace wavepost
