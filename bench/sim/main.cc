// wavepost-sim: how fast, how politely and how fairly would Wavepost send?  bench/sim/README.md explains the model.
//
// Exit code: 0 all marks met, 1 a mark was missed, 2 wrong use.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "bench/sim/report.h"
#include "bench/sim/scenario.h"
#include "bench/sim/svg.h"
#include "nlohmann/json.hpp"

namespace {

double PeakRssMb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Simulates Wavepost's sharding, shaping, greylisting memory and fair queues against modelled receivers in "
      "virtual "
      "time. The same seed gives the same numbers. Each scenario ends with its marks.");
  std::string scenario = "all", json, svg;
  wavepost::sim::RunOptions options;
  std::string names = "which one, or all:";
  for (const auto& info : wavepost::sim::Scenarios()) names += "\n" + info.name + ": " + info.about;
  app.add_option("--scenario", scenario, names)->capture_default_str();
  app.add_option("--recipients", options.recipients,
                 "bulk recipients; default 10 million (warmup: 4 million). Fewer have fewer addresses and domains, so "
                 "that each keeps its load; below 200,000 the first seconds weigh too much")
      ->check(CLI::Range(int64_t{1000}, int64_t{1'000'000'000}));
  app.add_option("--ips", options.ips, "egress IPs; default: one per 100,000 recipients (warmup: 400,000)")
      ->check(CLI::Range(1, 10000));
  app.add_option("--threads", options.threads, "does not change the numbers")->check(CLI::Range(1, 256));
  app.add_option("--seed", options.seed, "of all that is random")->capture_default_str();
  app.add_option("--json", json, "write the numbers to this file");
  app.add_option("--svg", svg, "write plots to this folder, which is made");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }

  std::vector<std::string> chosen;
  for (const auto& info : wavepost::sim::Scenarios()) {
    if (scenario == "all" || scenario == info.name) chosen.push_back(info.name);
  }
  if (chosen.empty()) {
    std::fprintf(stderr, "wavepost-sim: no scenario '%s'; there are: all", scenario.c_str());
    for (const auto& info : wavepost::sim::Scenarios()) std::fprintf(stderr, ", %s", info.name.c_str());
    std::fprintf(stderr, "\n");
    return 2;
  }

  bool met = true;
  nlohmann::json all = nlohmann::json::array();
  for (const std::string& name : chosen) {
    const auto start = std::chrono::steady_clock::now();
    const auto report = wavepost::sim::RunScenario(name, options);
    if (!report.ok()) {
      std::fprintf(stderr, "wavepost-sim: %s\n", std::string(report.status().message()).c_str());
      return 2;
    }
    const wavepost::sim::RunCost cost = {
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), PeakRssMb()};
    std::fputs(TableOf(*report, cost).c_str(), stdout);
    std::fflush(stdout);
    nlohmann::json entry = JsonOf(*report);
    entry["wall_s"] = cost.wall_s;
    entry["peak_rss_mb"] = cost.peak_rss_mb;
    all.push_back(std::move(entry));
    for (const auto& mark : report->marks) met = met && mark.met();
    if (!svg.empty()) {
      const absl::Status written = wavepost::sim::WritePlots(*report, svg);
      if (!written.ok()) {
        std::fprintf(stderr, "wavepost-sim: %s\n", std::string(written.message()).c_str());
        return 2;
      }
    }
  }
  if (!json.empty()) {
    std::ofstream file(json);
    file << all.dump(2) << "\n";
    if (!file.flush()) {
      std::fprintf(stderr, "wavepost-sim: cannot write %s\n", json.c_str());
      return 2;
    }
  }
  return met ? 0 : 1;
}
