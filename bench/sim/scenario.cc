#include "bench/sim/scenario.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "bench/sim/audience.h"
#include "bench/sim/egress_sim.h"
#include "coordinator/sharder/hash.h"
#include "sender/shaping/warm_up.h"

namespace wavepost::sim {
namespace {

constexpr int64_t kFullAudience = 10'000'000;
constexpr int64_t kPerIp = 100'000;
constexpr double kDay = 86400;

struct Scenario {
  ScenarioInfo info;
  int64_t recipients = kFullAudience;
  double greylisted_tail = 0;
  std::string halved;
  double halved_at = 0.5;  // of the optimum without it
  bool warm_up = false;
  double urgent_per_ip_second = 0.2;
  double bucket_s = 10;
  bool grey_mark = false;
};

const std::vector<Scenario>& All() {
  static const auto* const all = new std::vector<Scenario>{
      {.info = {"wave10m", "one wave of 10 million from 8 tenants, single messages throughout"}},
      {.info = {"greylist", "the same wave; 30 % of the long tail's own mail hosts and hosters greylist"},
       .greylisted_tail = 0.3,
       .grey_mark = true},
      {.info = {"halved", "the same wave; Outlook halves its tolerance midway"}, .halved = "outlook"},
      {.info = {"warmup", "ten new addresses warm up with the built-in table"},
       .recipients = 4'000'000,
       .warm_up = true,
       .urgent_per_ip_second = 0.002,
       .bucket_s = 6 * 3600},
  };
  return *all;
}

// Equal weights for all, equal audiences for the first six.
std::vector<TenantSpec> Tenants() {
  std::vector<TenantSpec> tenants;
  for (const double share : {15, 15, 15, 15, 15, 15, 6, 4}) tenants.push_back({.share = share});
  return tenants;
}

SimResult Simulate(const Audience& audience, const EgressOptions& base, const RunOptions& options) {
  const size_t ips = audience.ips.size();
  std::vector<SimResult> results(ips);
  std::atomic<size_t> next = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < std::max(1, options.threads); ++i) {
    threads.emplace_back([&] {
      for (size_t ip = next++; ip < ips; ip = next++) {
        EgressOptions mine = base;
        mine.seed = HashPair(options.seed, ip);
        results[ip] = SimulateEgress(audience.ips[ip], audience.loads[ip], audience.urgents[ip], mine);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  SimResult all(base.world->kinds.size(), base.tenants->size());
  for (const SimResult& result : results) all.Merge(result);
  return all;
}

void Conclude(const Scenario& scenario, Report* report) {
  const SimResult& result = report->result;
  KindCounts sum;
  for (const KindCounts& kind : result.kinds) sum.Merge(kind);
  const auto attempts = static_cast<double>(std::max<int64_t>(1, sum.attempts()));
  report->drain_s = static_cast<double>(result.drained_at) / kSecond;
  report->drain_ratio = report->drain_s / report->optimum.drain_s;
  report->wasted = static_cast<double>(sum.throttled + sum.refused) / attempts;
  report->greylisted = static_cast<double>(sum.greylisted) / attempts;
  std::vector<int64_t> equal;
  const std::vector<TenantSpec> tenants = Tenants();
  for (size_t i = 0; i < tenants.size(); ++i) {
    if (tenants[i].share == tenants[0].share) equal.push_back(result.sent_contended[i]);
  }
  report->jain = JainIndex(equal);
  if (sum.jain_weight > 0) {
    report->jain_mean = sum.jain_equal / sum.jain_weight;
    report->jain_unequal = sum.jain_all / sum.jain_weight;
  }
  report->marks = {{"drain / optimum", report->drain_ratio, "<=", 1.10},
                   {"wasted attempts", report->wasted, "<=", 0.01},
                   {"urgent p99 wait, s", result.urgent_start.Quantile(0.99), "<=", 5},
                   {"Jain index of equal tenants", std::min(report->jain, report->jain_mean), ">=", 0.99},
                   {"undelivered", static_cast<double>(result.undelivered), "<=", 0}};
  if (scenario.grey_mark) {
    report->marks.push_back(
        {"greylisted, median wait beyond the window, s", result.grey_extra.Quantile(0.5), "<=", 10});
  }
  if (scenario.warm_up)
    report->marks.push_back({"bulk beyond a day's cap", static_cast<double>(result.over_cap), "<=", 0});
}

}  // namespace

const std::vector<ScenarioInfo>& Scenarios() {
  static const auto* const infos = [] {
    auto* list = new std::vector<ScenarioInfo>;
    for (const Scenario& scenario : All()) list->push_back(scenario.info);
    return list;
  }();
  return *infos;
}

absl::StatusOr<Report> RunScenario(const std::string& name, const RunOptions& options) {
  const auto found = std::find_if(All().begin(), All().end(), [&](const Scenario& s) { return s.info.name == name; });
  if (found == All().end()) return absl::InvalidArgumentError(absl::StrCat("no scenario '", name, "'"));
  const Scenario& scenario = *found;

  Report report;
  report.scenario = scenario.info.name;
  report.about = scenario.info.about;
  report.recipients = options.recipients > 0 ? options.recipients : scenario.recipients;
  if (report.recipients < 1000 || report.recipients > 1'000'000'000) {
    return absl::InvalidArgumentError("recipients: 1,000 to 1,000,000,000");
  }
  const int64_t per_ip = scenario.recipients / (scenario.warm_up ? 10 : scenario.recipients / kPerIp);
  report.ips = options.ips > 0 ? options.ips : static_cast<int>(std::max<int64_t>(2, report.recipients / per_ip));
  if (report.ips > 10'000 || report.ips > report.recipients) return absl::InvalidArgumentError("ips: 1 to 10,000");
  report.seed = options.seed;
  report.bucket_s = scenario.bucket_s;

  const std::vector<TenantSpec> tenants = Tenants();
  std::shared_ptr<WarmUpPlan> warm_up;
  if (scenario.warm_up) {
    warm_up = std::make_shared<WarmUpPlan>();
    warm_up->start = Epoch();
    warm_up->caps = WarmUpPlan::BuiltInCaps();
  }
  WorldOptions world_options{.recipients = report.recipients,
                             .greylisted_tail = scenario.greylisted_tail,
                             .big_providers_only = scenario.warm_up,
                             .seed = options.seed};
  report.world = MakeWorld(world_options);
  AudienceOptions audience_options{
      .ips = report.ips, .tenants = tenants, .threads = options.threads, .seed = options.seed};
  audience_options.urgent_per_second = scenario.urgent_per_ip_second * report.ips;
  // Far enough for a run that is twice as slow as it could be.
  audience_options.urgent_until_s = scenario.warm_up ? 40 * kDay : 3 * 3600;
  const Audience audience = PlanAudience(report.world, audience_options);
  report.optimum = ComputeOptimum(report.world, audience, warm_up.get());
  if (!scenario.halved.empty()) {
    world_options.halved = scenario.halved;
    world_options.halved_at_s = scenario.halved_at * report.optimum.drain_s;
    report.world = MakeWorld(world_options);
    report.optimum = ComputeOptimum(report.world, audience, warm_up.get());
  }
  EgressOptions egress{.world = &report.world, .tenants = &tenants, .warm_up = warm_up, .bucket_s = scenario.bucket_s};
  if (scenario.warm_up) egress.horizon = static_cast<Micros>(60 * kDay) * kSecond;
  report.result = Simulate(audience, egress, options);
  Conclude(scenario, &report);
  return report;
}

}  // namespace wavepost::sim
