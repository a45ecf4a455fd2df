#include "bench/sim/report.h"

#include <cmath>

#include "absl/strings/str_format.h"
#include "nlohmann/json.hpp"

namespace wavepost::sim {
namespace {

std::string Minutes(double seconds) {
  if (seconds >= 2 * 86400) return absl::StrFormat("%.2f days", seconds / 86400);
  return absl::StrFormat("%.1f min", seconds / 60);
}

double Share(int64_t part, int64_t all) {
  return all > 0 ? static_cast<double>(part) / static_cast<double>(all) : 0;
}

// Of equal tenants, or of all; 1 where nothing was contended.
double JainOf(const KindCounts& kind, double sum) {
  return kind.jain_weight > 0 ? sum / kind.jain_weight : 1;
}

nlohmann::json WaitJson(const WaitHistogram& waits) {
  return {{"count", waits.count()},
          {"p50_s", waits.Quantile(0.5)},
          {"p99_s", waits.Quantile(0.99)},
          {"p999_s", waits.Quantile(0.999)},
          {"max_s", waits.max_s()}};
}

}  // namespace

std::string TableOf(const Report& report, const RunCost& cost) {
  const SimResult& result = report.result;
  std::string out =
      absl::StrFormat("\n%s: %s\n  %d recipients, %d egress IPs, %d sites, seed %d\n\n", report.scenario, report.about,
                      report.recipients, report.ips, report.world.sites.size(), report.seed);
  out += absl::StrFormat("  %-13s %11s %8s %8s %8s %10s %10s %6s %7s %8s\n", "site", "recipients", "wasted", "grey",
                         "early", "optimum", "drained", "ratio", "Jain", "unequal");
  for (size_t i = 0; i < result.kinds.size(); ++i) {
    const KindCounts& kind = result.kinds[i];
    const double drained = static_cast<double>(kind.finished_at) / kSecond;
    const double optimum = report.optimum.kind_drain_s[i];
    out += absl::StrFormat("  %-13s %11d %7.2f%% %7.2f%% %8d %10s %10s %6.2f %7.4f %8.4f\n", report.world.kinds[i],
                           kind.recipients, 100 * Share(kind.throttled + kind.refused, kind.attempts()),
                           100 * Share(kind.greylisted, kind.attempts()), kind.early, Minutes(optimum),
                           Minutes(drained), optimum > 0 ? drained / optimum : 0, JainOf(kind, kind.jain_equal),
                           JainOf(kind, kind.jain_all));
  }
  out += absl::StrFormat(
      "\n  drained in %s; at best %s (%s), as sharded %s\n  wasted %.3f %%, greylisted %.3f %% of all attempts\n"
      "  urgent: %d, until MAIL p50 %.2f s p99 %.2f s, until accepted p50 %.2f s p99 %.2f s\n"
      "  Jain of equal tenants over all sites %.5f, mean of single sites %.5f, lowest %.5f; with unequal audiences "
      "%.5f\n",
      Minutes(report.drain_s), Minutes(report.optimum.drain_s), report.optimum.slowest,
      Minutes(report.optimum.sharded_s), 100 * report.wasted, 100 * report.greylisted, result.urgent_start.count(),
      result.urgent_start.Quantile(0.5), result.urgent_start.Quantile(0.99), result.urgent_accepted.Quantile(0.5),
      result.urgent_accepted.Quantile(0.99), report.jain, report.jain_mean, result.jain_lowest, report.jain_unequal);
  if (result.grey_extra.count() > 0) {
    out += absl::StrFormat("  greylisted and accepted: %d, beyond their window p50 %.1f s p90 %.1f s p99 %.1f s\n",
                           result.grey_extra.count(), result.grey_extra.Quantile(0.5), result.grey_extra.Quantile(0.9),
                           result.grey_extra.Quantile(0.99));
  }
  out += absl::StrFormat("  %d connections, %d events; %.1f s on this machine, peak %.0f MB\n\n", result.connections,
                         result.events, cost.wall_s, cost.peak_rss_mb);
  for (const Mark& mark : report.marks) {
    out += absl::StrFormat("  %-4s %s %.4g (%s %g)\n", mark.met() ? "ok" : "MISS", mark.name, mark.value, mark.relation,
                           mark.limit);
  }
  return out;
}

nlohmann::json JsonOf(const Report& report) {
  const SimResult& result = report.result;
  nlohmann::json kinds = nlohmann::json::array();
  for (size_t i = 0; i < result.kinds.size(); ++i) {
    const KindCounts& kind = result.kinds[i];
    kinds.push_back({{"name", report.world.kinds[i]},
                     {"recipients", kind.recipients},
                     {"urgent", kind.urgent},
                     {"accepted", kind.accepted},
                     {"bounced", kind.bounced},
                     {"throttled", kind.throttled},
                     {"connections_refused", kind.refused},
                     {"greylisted", kind.greylisted},
                     {"greylist_retries_early", kind.early},
                     {"jain", JainOf(kind, kind.jain_equal)},
                     {"jain_unequal", JainOf(kind, kind.jain_all)},
                     {"drain_s", static_cast<double>(kind.finished_at) / kSecond},
                     {"optimum_s", report.optimum.kind_drain_s[i]}});
  }
  nlohmann::json marks = nlohmann::json::array();
  for (const Mark& mark : report.marks) {
    marks.push_back({{"name", mark.name},
                     {"value", mark.value},
                     {"relation", mark.relation},
                     {"limit", mark.limit},
                     {"met", mark.met()}});
  }
  return {{"scenario", report.scenario},
          {"recipients", report.recipients},
          {"ips", report.ips},
          {"sites", report.world.sites.size()},
          {"seed", report.seed},
          {"drain_s", report.drain_s},
          {"optimum_s", report.optimum.drain_s},
          {"optimum_site", report.optimum.slowest},
          {"optimum_as_sharded_s", report.optimum.sharded_s},
          {"drain_ratio", report.drain_ratio},
          {"wasted_share", report.wasted},
          {"greylisted_share", report.greylisted},
          {"jain", report.jain},
          {"jain_sites_mean", report.jain_mean},
          {"jain_sites_lowest", result.jain_lowest},
          {"jain_unequal_audiences", report.jain_unequal},
          {"urgent_until_mail", WaitJson(result.urgent_start)},
          {"urgent_until_accepted", WaitJson(result.urgent_accepted)},
          {"greylisted_beyond_window", WaitJson(result.grey_extra)},
          {"connections", result.connections},
          {"events", result.events},
          {"over_cap", result.over_cap},
          {"undelivered", result.undelivered},
          {"kinds", std::move(kinds)},
          {"marks", std::move(marks)}};
}

}  // namespace wavepost::sim
