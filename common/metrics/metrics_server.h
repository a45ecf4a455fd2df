// Figures for Prometheus over HTTP at "/metrics". Any thread may call; Start and Stop one at a time.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace prometheus {
struct MetricFamily;
}

namespace wavepost {

class Clock;

class MetricsServer {
 public:
  using Collect = std::function<std::vector<prometheus::MetricFamily>()>;

  // `collect` is called on a thread of the server, one call at a time; a second question within five seconds gets the
  // same answer. What it uses, and the clock, must outlive this.
  MetricsServer(Collect collect, const Clock* clock);
  ~MetricsServer();  // as Stop()

  // Serves on "HOST:PORT"; port 0: a free one. Errors: kInvalidArgument (not of that form), kUnavailable (port taken,
  // says so).
  absl::Status Start(const std::string& listen);
  // The port that it listens on; 0 before Start.
  int port() const;
  // Idempotent. A question that is being answered is answered first.
  void Stop();

  // The text that "/metrics" has now.
  std::string Text() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wavepost
