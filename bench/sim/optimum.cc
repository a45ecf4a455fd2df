#include "bench/sim/optimum.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace wavepost::sim {
namespace {

constexpr double kDay = 86400;
constexpr double kLongest = 400 * kDay;

// When `amount` messages have left at rate(t), which changes only at `change` and at midnights.
double TimeFor(double amount, const SiteSpec& site, const WarmUpPlan* warm_up) {
  double t = 0;
  while (t < kLongest) {
    double rate = FluidRate(site, t);
    double until = t < site.receiver->change_at ? site.receiver->change_at : kLongest;
    if (warm_up != nullptr) {
      const auto day = static_cast<size_t>(t / kDay);
      if (day < warm_up->caps.size()) {
        rate = std::min(rate, static_cast<double>(warm_up->caps[day]) / kDay);
        until = std::min(until, static_cast<double>(day + 1) * kDay);
      }
    }
    if (amount <= rate * (until - t)) return t + amount / rate;
    amount -= rate * (until - t);
    t = until;
  }
  return kLongest;
}

// The same with what does not depend on the rate.
double DrainOf(double amount, const SiteSpec& site, const WarmUpPlan* warm_up) {
  const ReceiverSpec& receiver = *site.receiver;
  const double first = (receiver.connect_s + receiver.message_s) * kLatencyMean;
  // A burst allowance is a gift that comes on top of the rate once.
  const double gift = std::isinf(receiver.rate) ? 0 : receiver.burst;
  // Who greylists takes nothing before its window has passed.
  const double window = receiver.greylisting == Greylisting::kNone ? 0 : receiver.window_s;
  return TimeFor(std::max(0.0, amount - gift), site, warm_up) + first + window;
}

}  // namespace

double FluidRate(const SiteSpec& site, double at_s) {
  const ReceiverSpec& theirs = *site.receiver;
  const SiteLimits& ours = site.site.limits;
  const double connections = std::min<double>(ours.connections, theirs.ConnectionsAt(at_s));
  const double per_connection = std::min(ours.messages_per_connection, theirs.messages_per_connection);
  const double cycle = (theirs.message_s + theirs.connect_s / per_connection) * kLatencyMean;
  const double per_minute = std::min(ours.connections_per_minute, theirs.connections_per_minute);
  return std::min(
      {theirs.RateAt(at_s), ours.messages_per_second, connections / cycle, per_minute / 60 * per_connection});
}

Optimum ComputeOptimum(const World& world, const Audience& audience, const WarmUpPlan* warm_up) {
  // What each site has to take, and from how many addresses, and at most from one.
  std::vector<double> amount(world.sites.size());
  std::vector<int> ips(world.sites.size());
  std::vector<size_t> last_ip(world.sites.size(), SIZE_MAX);
  std::vector<double> here(world.sites.size()), most(world.sites.size());
  for (size_t ip = 0; ip < audience.loads.size(); ++ip) {
    for (const Load& load : audience.loads[ip]) {
      const uint32_t site = world.domains[load.domain].site;
      amount[site] += load.count;
      if (last_ip[site] != ip) {
        ++ips[site];
        last_ip[site] = ip;
        here[site] = 0;
      }
      here[site] += load.count;
      most[site] = std::max(most[site], here[site]);
    }
  }
  Optimum optimum;
  optimum.kind_drain_s.resize(world.kinds.size());
  for (size_t i = 0; i < world.sites.size(); ++i) {
    if (ips[i] == 0) continue;
    const SiteSpec& site = world.sites[i];
    const double drain = DrainOf(amount[i] / ips[i], site, warm_up);
    optimum.sharded_s = std::max(optimum.sharded_s, DrainOf(most[i], site, warm_up));
    double& kind = optimum.kind_drain_s[site.kind];
    kind = std::max(kind, drain);
    if (drain > optimum.drain_s) {
      optimum.drain_s = drain;
      optimum.slowest = world.kinds[site.kind];
    }
  }
  return optimum;
}

}  // namespace wavepost::sim
