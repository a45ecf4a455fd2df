// What we allow ourselves towards one site from one egress IP, before anything is learned.
#pragma once

#include <limits>

namespace wavepost {

enum class TlsWish { kOpportunistic, kRequired };

struct SiteLimits {
  static constexpr double kUnlimited = std::numeric_limits<double>::infinity();

  int connections = 10;
  int messages_per_connection = 100;
  double connections_per_minute = 100;      // kUnlimited: none
  double messages_per_second = kUnlimited;  // sub-second precision; 0.1 is one in ten seconds
  TlsWish tls = TlsWish::kOpportunistic;

  friend bool operator==(const SiteLimits&, const SiteLimits&) = default;
};

}  // namespace wavepost
