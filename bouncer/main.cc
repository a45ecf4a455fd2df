// wavepost-bouncer: takes what comes back to the return path, understands it, and tells the coordinator.
//
// Usage
//   wavepost-bouncer --config FILE                  serve until SIGTERM or SIGINT
//   wavepost-bouncer --config FILE --check-config   read FILE and the files it names, say what is wrong, end
//   wavepost-bouncer parse [--jsonl] [--explain] FILE|DIR|-   say what mails mean; needs no configuration
//   wavepost-bouncer rules [--check FILE] [--corpus DIR]      list, check and count the rules behind that
//   wavepost-bouncer --version
//
// It is the MX of the return path's domain: over SMTP it takes mail for b+TOKEN and u+TOKEN (unsubscribing) with a
// genuine token, for fbl@ (complaints), dmarc@ and tlsrpt@ (reports), and for postmaster@ and abuse@, which are kept in
// the Maildir DATA_DIR/postmaster. A report is on disk, synced, before its 250, and stays there until the
// coordinator has acknowledged it; the coordinator may be away for any time.
//
// Output
//   stdout: one line when it serves: "ready smtp=HOST:PORT status=HOST:PORT" (status=none without status_listen), and
//   the ports of what else is served: " page=PORT ingest=PORT metrics=PORT"
//   stderr: the log, one line per change of state: time=... level=... event=NAME key=value ...
//
// Signals: SIGTERM, SIGINT: takes no more connections, finishes messages that are under way (at most
// limits.drain_timeout, 20 s), closes, exit 0.
// Exit codes: 0 done, 1 could not start, 2 wrong flag or configuration.
//
// Configuration (YAML), with the defaults of what may be left out; all keys are in bouncer/README.md:
//   data_dir: /var/lib/wavepost/bouncer
//   listen: ["0.0.0.0:2526"]
//   return_path: {domain: bounce.example, token_keys: /etc/wavepost/token_keys}
//   node_id: bouncer-0
//   coordinator: 127.0.0.1:7000
//   status_listen: 127.0.0.1:7012       # gRPC health and reflection; absent: none
//   tls: {certificate: ..., key: ..., authority: ...}
#include <malloc.h>
#include <pthread.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bouncer/app.h"
#include "bouncer/config.h"
#include "bouncer/parse/command.h"
#include "bouncer/rules/rules_command.h"
#include "bouncer/start.h"

namespace {

constexpr int kLargeBlockBytes = 128 * 1024;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

int Complain(const absl::Status& status, int code) {
  std::fprintf(stderr, "wavepost-bouncer: %s\n", std::string(status.message()).c_str());
  return code;
}

std::string HostOf(const std::string& address) {
  return address.substr(0, address.rfind(':'));
}

void SetUpLog() {
  auto logger = std::make_shared<spdlog::logger>("bouncer", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("time=%Y-%m-%dT%H:%M:%S.%eZ level=%l %v", spdlog::pattern_time_type::utc);
  spdlog::set_default_logger(logger);
  spdlog::flush_on(spdlog::level::info);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App flags("Takes bounces at the return path's domain and tells the coordinator.", "wavepost-bouncer");
  std::string config_path;
  bool check_config = false;
  flags.add_option("--config", config_path, "YAML file, see bouncer/README.md")->type_name("FILE");
  flags.add_flag("--check-config", check_config, "read the configuration, say what is wrong, end");
  wavepost::ParseOptions parse_options;
  CLI::App* const parse = flags.add_subcommand("parse", "say what bounces and other mails that came back mean");
  parse->add_option("path", parse_options.path, "a mail, a folder of mails, or - for the standard input")->required();
  parse->add_flag("--jsonl", parse_options.jsonl, "one JSON object per reported recipient");
  parse->add_flag("--explain", parse_options.explain, "also which rule and which format decided");
  std::vector<std::string> without;
  parse->add_option("--without", without, "rules and formats to do without, for cross-checks")->delimiter(',');
  wavepost::RulesOptions rules_options;
  CLI::App* const rules = flags.add_subcommand("rules", "list the rules that read bounces, or check or count them");
  rules->add_option("--check", rules_options.check, "a YAML file of rules to try in front of ours")->type_name("FILE");
  rules->add_option("--corpus", rules_options.corpus, "a folder of mails to count over")->type_name("DIR");
  flags.set_version_flag("--version", "wavepost-bouncer 0.1.0");
  try {
    flags.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return flags.exit(error) == 0 ? 0 : kExitUsage;
  }
  if (rules->parsed()) {
    const absl::Status done = wavepost::RunRulesCommand(rules_options, stdout);
    return done.ok() ? 0 : Complain(done, kExitFailed);
  }
  if (parse->parsed()) {
    if (!without.empty()) wavepost::SwitchOff(without);
    const absl::Status parsed = wavepost::RunParse(parse_options, stdout, stderr);
    return parsed.ok() ? 0 : Complain(parsed, kExitFailed);
  }
  // Not left to CLI11, which would name this before it names an unknown flag.
  if (config_path.empty()) {
    return Complain(absl::InvalidArgumentError("--config FILE is missing; try --help"), kExitUsage);
  }

  const absl::StatusOr<wavepost::BouncerConfig> config = wavepost::LoadBouncerConfig(config_path);
  if (!config.ok()) return Complain(config.status(), kExitUsage);
  // Before anything classifies.
  const absl::Status rules_used = wavepost::UseRules(*config);
  if (!rules_used.ok()) return Complain(rules_used, kExitUsage);
  if (check_config) {
    const absl::Status files = wavepost::CheckFiles(*config);
    if (!files.ok()) return Complain(files, kExitUsage);
    std::printf("%s: OK\n", config_path.c_str());
    return 0;
  }

  const absl::Status room = wavepost::CheckDescriptors(*config, wavepost::RaiseDescriptorLimit());
  if (!room.ok()) return Complain(room, kExitFailed);

  // Before any thread: all of them inherit the mask, and the signals wait for sigwait below.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  // What a large message held goes back to the system at once, however such messages come and go: malloc would
  // otherwise learn to keep blocks of their size, in pieces that no other message fits.
  mallopt(M_MMAP_THRESHOLD, kLargeBlockBytes);
  SetUpLog();

  auto app = wavepost::BouncerApp::Start(*config);
  if (!app.ok()) return Complain(app.status(), kExitFailed);
  std::string status = "none";
  if ((*app)->status_port() != 0) status = HostOf(config->status_listen) + ":" + std::to_string((*app)->status_port());
  std::string line =
      "ready smtp=" + HostOf(config->listen.front()) + ":" + std::to_string((*app)->smtp_port()) + " status=" + status;
  if ((*app)->page_port() != 0) line += " page=" + std::to_string((*app)->page_port());
  if ((*app)->ingest_port() != 0) line += " ingest=" + std::to_string((*app)->ingest_port());
  if ((*app)->metrics_port() != 0) line += " metrics=" + std::to_string((*app)->metrics_port());
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);

  int signal = 0;
  sigwait(&signals, &signal);
  spdlog::info("event=stopping signal={}", signal);
  (*app)->Stop();
  return 0;
}
