#include "coordinator/metrics/metrics.h"

#include "common/base/clock.h"
#include "common/metrics/metrics_server.h"
#include "coordinator/metrics/collect.h"

namespace wavepost {

Metrics::Metrics(Store* store, const Clock* clock)
    : server_(std::make_unique<MetricsServer>([store, clock] { return CollectMetrics(store, clock->Now()); }, clock)) {}

Metrics::~Metrics() = default;

absl::Status Metrics::Start(const std::string& listen) {
  return server_->Start(listen);
}

int Metrics::port() const {
  return server_->port();
}

void Metrics::Stop() {
  server_->Stop();
}

std::string Metrics::Text() const {
  return server_->Text();
}

}  // namespace wavepost
