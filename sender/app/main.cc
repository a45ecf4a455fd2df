// wavepost-sender: delivers mail from its own egress IPs.
//
// What it does: attaches to the coordinator, takes batches of recipients into its own queue on disk, and delivers them:
// one message per recipient, rendered and signed just before it leaves, from the egress IP that the coordinator chose.
// Temporary failures wait in the queue and are tried again from the same IP with the same envelope. Outcomes go to the
// coordinator through an outbox. Without the coordinator it goes on with what it holds (until its lease ends).
//
// Usage:    wavepost-sender --config FILE [--check-config]
//           wavepost-sender classify-reply [--phase rcpt] [--provider NAME] [TEXT]    what a reply means
//           wavepost-sender classify-reply --jsonl < LINES                            the same for scripts
//           wavepost-sender check-providers FILE                                      proves a file of providers
// Ready:    prints "ready status=HOST:PORT" (or "ready") on standard output.
// Signals:  SIGTERM, SIGINT: takes nothing new, finishes running transactions (stop_grace), leaves the queue on its
//           volume. SIGHUP: reads the provider data again.
// Exit:     0 stopped as asked; 1 could not start or the disk failed; 2 wrong usage or configuration.
//
// Configuration (YAML; default in brackets):
//   node_id           stable name of this node                                   [sender-0]
//   data_dir          queue, outbox, learned state; one process at a time        [var/sender]
//   memory_mb         RocksDB's write buffers and cache                          [64]
//   queue_max         recipients held at most                                    [20000000]
//   coordinator       HOST:PORT                                                  [127.0.0.1:7000]
//   credit_window     recipients taken ahead of what is queued                   [50000]
//   egress_ips        list of {address, ehlo_name, pool [default], region [default], weight [1]} required; also,
//                     see sender/README.md: warm_up {start, caps, overflow}, socks5 {address, user, password},
//                     proxy {address}
//   dns               servers ["ip:port"; the system's], timeout [5s], tries [3], cache_ttl_max [1h],
//                     ipv4, ipv6 [true], trust_ad [if every server is on loopback]
//   smtp              port [25], starttls, chunking [true], connections_max [500], lanes_max [40000],
//                     allow_private_mx [false; tests only],
//                     timeouts: dns, connect, greeting, command, data, block, end_of_data, tls, idle (RFC 5321 4.5.3.2)
//   sites             connections [10], messages_per_connection [100], connections_per_minute [100],
//                     messages_per_second [none]: of sites without provider; providers [built in]: a file
//   tls_policy        require [], mta_sts, dane [true], authorities [the system's], reports {folder, contact,
//                     ...}                                                       [none]
//   ceilings          messages_per_second, tenants {name: messages a second}      [none]
//   clock_scale       divides retry waits, for tests and demos                   [1]
//   io_threads, cpu_threads                                                      [1, number of cores]
//   status_listen     gRPC health and reflection, HOST:PORT                      [none]
//   tls               certificate, key, authority (PEM files)                    [none: loopback only]
//   sealing_key_file  seals DKIM and S/MIME keys on disk: lines "ID HEX"; also the environment's WAVEPOST_SEALING_KEY
//                                                                                [data_dir/sealing.keys, made]
//   stop_grace        see Signals                                                [30s]
//   log_level         debug, info, warning, error                                [info]
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <string>

#include "common/log/log.h"
#include "common/log/signals.h"
#include "sender/app/app.h"
#include "sender/app/classify_reply.h"

int main(int argc, char** argv) {
  CLI::App cli("Delivers mail from its own egress IPs. One process per data folder.");
  std::string config_path;
  bool check_only = false;
  cli.add_option("--config", config_path, "YAML configuration file; its keys: sender/README.md");
  cli.add_flag("--check-config", check_only, "Read the configuration, say what is wrong with it, and end");
  cli.set_version_flag("--version", "wavepost-sender 0.1.0");
  wavepost::ClassifyReplyOptions classify_options;
  CLI::App* classify = cli.add_subcommand("classify-reply", "Says what the sender makes of a reply");
  classify->add_option("TEXT", classify_options.text, "The reply; standard input if absent");
  classify->add_option("--phase", classify_options.phase,
                       "What it answered: greeting, ehlo, mail, rcpt, end_of_data...");
  classify->add_option("--provider", classify_options.provider, "Ask the rules of this provider first");
  classify->add_option("--providers", classify_options.providers_file, "A file instead of the built-in providers.yaml");
  classify->add_flag("--jsonl", classify_options.jsonl, "Read lines {\"id\",\"reply\"} and write lines of JSON");
  std::string providers_path;
  CLI::App* check_providers = cli.add_subcommand("check-providers", "Proves a file of providers");
  check_providers->add_option("FILE", providers_path, "In the format of sender/sites/providers.yaml")->required();
  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return cli.exit(error) == 0 ? 0 : 2;
  }
  if (classify->parsed()) return wavepost::RunClassifyReply(classify_options, std::cin, std::cout, std::cerr);
  if (check_providers->parsed()) return wavepost::RunCheckProviders(providers_path, std::cout, std::cerr);
  if (config_path.empty()) {
    std::cerr << "--config is required\n";
    return 2;
  }
  auto config = wavepost::LoadSenderConfig(config_path);
  if (!config.ok()) {
    std::cerr << config.status().message() << "\n";
    return 2;
  }
  if (check_only) {
    std::cout << config_path << ": ok\n";
    return 0;
  }
  wavepost::BlockStopSignals();
  wavepost::SetUpLogging("sender", config->log_level);
  config->on_storage_failed = [] { ::kill(::getpid(), SIGTERM); };
  auto app = wavepost::SenderApp::Start(*std::move(config));
  if (!app.ok()) {
    std::cerr << "wavepost-sender: " << app.status().message() << "\n";
    return 1;
  }
  if ((*app)->status_port() != 0) {
    std::printf("ready status=127.0.0.1:%d\n", (*app)->status_port());
  } else {
    std::printf("ready\n");
  }
  std::fflush(stdout);
  wavepost::WaitForStopSignal([&] { (*app)->Reload(); });
  (*app)->Stop();
  return (*app)->storage_failed() ? 1 : 0;
}
