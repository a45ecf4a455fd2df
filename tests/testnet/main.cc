// wavepost-testnet: the simulated internet that demo, tests and benches send to.
//
//   wavepost-testnet --config FILE [--check-config]
//
// One process, one thread, loopback only. It answers DNS for every name of the scenario (UDP and TCP, one port) and
// runs SMTP receivers on many 127.x addresses (one port for all). The scenario (YAML, see README.md here) says how each
// domain behaves: takes mail, greylists, defers, refuses, limits, delays, hangs up, offers STARTTLS, bounces later by
// DSN. Everything that it takes or refuses is a line of JSON in the ledger, written before the sender gets its reply.
//
// When all sockets listen, one line goes to stdout: "ready dns=127.0.0.1:PORT smtp_port=PORT".
//
// Signals   SIGTERM, SIGINT  stop: no new connections, what is under way may end (8 s at most)
//           SIGHUP           read the record files again
//           SIGUSR1          counters on stderr
// Exit      0 after a stop by signal, or when --check-config found nothing wrong
//           1 a port is taken, or the ledger cannot be written
//           2 a wrong flag or a wrong scenario; stderr names file, line and key
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "tests/testnet/scenario.h"
#include "tests/testnet/testnet.h"

namespace wavepost::testnet {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

int Fail(int exit_code, const absl::Status& status) {
  std::fprintf(stderr, "wavepost-testnet: %s\n", std::string(status.message()).c_str());
  return exit_code;
}

// A socket per receiver and per connection: the usual soft limit of 1024 is too low, the hard one is not.
void RaiseDescriptorLimit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int Main(int argc, char** argv) {
  CLI::App app("The simulated internet: DNS and SMTP receivers on loopback, driven by a scenario.", "wavepost-testnet");
  std::string config;
  bool check_only = false;
  app.add_option("--config", config, "the scenario, a YAML file")->type_name("FILE");
  app.add_flag("--check-config", check_only, "read the scenario, say what is wrong with it, and exit");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  // Not CLI11's `required`: that would hide an unknown flag behind "--config is required".
  if (config.empty()) {
    return Fail(kExitUsage, absl::InvalidArgumentError("--config FILE is required; --help tells more"));
  }

  absl::StatusOr<Scenario> scenario = LoadScenario(config);
  if (!scenario.ok()) return Fail(kExitUsage, scenario.status());
  if (check_only) {
    std::printf("%s: ok: %zu profiles, %zu sites, %zu receivers, %zu records\n", config.c_str(),
                scenario->profiles.size(), scenario->sites.size(), scenario->receivers.size(),
                scenario->records.size());
    return 0;
  }
  RaiseDescriptorLimit();
  absl::StatusOr<std::unique_ptr<Testnet>> testnet = Testnet::Create(*std::move(scenario));
  if (!testnet.ok()) return Fail(kExitFailed, testnet.status());

  asio::signal_set signals((*testnet)->io(), SIGTERM, SIGINT, SIGHUP);
  signals.add(SIGUSR1);
  std::function<void(asio::error_code, int)> on_signal = [&](asio::error_code error, int signal) {
    if (error) return;
    if (signal == SIGHUP) (*testnet)->ReloadRecords();
    if (signal == SIGUSR1) (*testnet)->PrintCounters();
    if (signal == SIGTERM || signal == SIGINT) (*testnet)->Stop();
    signals.async_wait(on_signal);
  };
  signals.async_wait(on_signal);
  std::printf("ready dns=%s:%u smtp_port=%u\n", (*testnet)->dns_address().c_str(), (*testnet)->dns_port(),
              (*testnet)->smtp_port());
  std::fflush(stdout);
  (*testnet)->Run();
  return 0;
}

}  // namespace
}  // namespace wavepost::testnet

int main(int argc, char** argv) {
  return wavepost::testnet::Main(argc, argv);
}
