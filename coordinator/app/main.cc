// NAME
//     wavepost-coordinator - accepts campaigns, decides who sends what, keeps the books
//
// SYNOPSIS
//     wavepost-coordinator --config FILE [--check-config]
//     wavepost-coordinator --version
//
// DESCRIPTION
//     Serves the public API (wavepost.v1: tenants, sending domains, campaigns, files,
//     certificates, events, suppressions, queue, nodes, identity) and the
//     internal streams (wavepost.cluster.v1: Dispatch for senders, BounceFeed for bouncers) on one port, with
//     reflection and grpc.health.v1. What it has acknowledged is on disk; it may be killed at any instant.
//
//     When it serves, it prints one line on standard output, "ready grpc=HOST:PORT", and logs to standard error, one
//     logfmt line per state change. SIGTERM or SIGINT: it takes no more work, answers what is under way, closes its
//     books and exits 0.
//
// CONFIGURATION (YAML; paths are relative to the working directory)
//     listen: 127.0.0.1:7000      where to listen. Port 0 takes a free one. Beyond loopback it needs tls and auth.
//     data_dir: ./var/coordinator the books (RocksDB), mode 0700; one process at a time.
//     memory_mb: 256              write buffers and caches of the books.
//     return_path:                required
//       domain: bounce.example    bounces come back to b+TOKEN@domain: its MX is the bouncer.
//       token_keys: FILE          lines "ID HEX" (ID 1 to 255, 64 hexadecimal digits), '#' comments; the first one
//                                 signs. The bouncer has the same file. Make one:
//                                 echo "1 $(openssl rand -hex 32)" > FILE
//       mx_hosts: [NAME]          what customers enter as MX of their own return paths. Default: the domain itself
//     message_id_domain:          domain of Message-IDs. Default: return_path.domain.
//     identity:                   who we are in DNS. 'wavepost identity show' prints what to publish
//       domain: mail.example      our own: _spf.DOMAIN for customers' SPF, keys behind customers' CNAMEs, a
//                                 signature of ours under each mail. Default: none (and then no CNAME mode)
//       feedback_id: NAME         last part of Feedback-ID, 5 to 15 letters. Default: no such field
//       dnsbl_zones: FILE         block lists to look our addresses up in (YAML). Default: built in
//       recheck: 1h               how often records, reverse names and block lists are looked at (5m to 168h)
//     unsubscribe:
//       url: https://HOST/PATH    one-click unsubscribing (RFC 8058). Default: by mail only
//     from_domains:
//       unverified: refuse        whether waves start whose From domain is not verified: refuse, allow (tests)
//       on_lost: pause            when a domain's records are gone: pause its campaigns, or only warn
//       recheck: 24h              1h to 168h
//     dns:
//       servers: [IP:PORT]        Default: the system's
//     sealing_key_file: FILE      seals private keys in the data folder: lines "ID HEX" as token_keys, the first seals.
//                                 Default: the environment's WAVEPOST_SEALING_KEY, else data_dir/sealing.keys, which is
//                                 made: keep a copy elsewhere
//     metrics_listen: HOST:PORT   Prometheus metrics over HTTP. Default: none
//     lease: 1h                   how long a sender may go on starting transactions without a word from here
//                                 (5s to 168h)
//     status_listen: HOST:PORT    health and reflection once more, in clear text, for probes that know no TLS.
//                                 Default: none; the main port answers them too.
//     tls:                        PEM files. With tls, senders and bouncers must show a certificate of the authority.
//       certificate: FILE
//       key: FILE
//       authority: FILE
//     auth:
//       operator_key_file: FILE   one key per line, 16 to 512 characters. Callers send "authorization: Bearer KEY",
//                                 with one of these (operators) or with a tenant's API key. Without it, on loopback
//                                 only, a caller without a key is an operator.
//
// EXIT STATUS
//     0  stopped by a signal, or the configuration is good (--check-config)
//     1  could not start: port in use, data folder locked or of another version, certificate unreadable
//     2  bad command line or configuration; each problem on a line of its own, with file, line and key
//
// DIAGNOSTICS
//     event=node_attached, node_detached, node_refused, bouncer_attached, bouncer_detached; wave_started;
//     sending_domain_created, domain_changed, key_changed, identity_changed, certificate_expires (warnings, and events
//     of the API); sealing_key_beside_data;
//     planning_failed (a warning: it is tried again); started, stopped.
//
// STANDARDS
//     gRPC health checking; google.rpc.Status details (AIP-193).

#include <signal.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <string>

#include "coordinator/app/coordinator_app.h"
#include "coordinator/base/log.h"
#include "coordinator/config/coordinator_config.h"

namespace {

constexpr char kVersion[] = "wavepost-coordinator 0.1.0";
constexpr int kExitStart = 1;
constexpr int kExitUsage = 2;

// "127.0.0.1" of "127.0.0.1:7000", "[::1]" of "[::1]:7000".
std::string HostOf(const std::string& listen) {
  return listen.substr(0, listen.rfind(':'));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App cli("Accepts campaigns, decides who sends what, keeps the books.");
  std::string config_path;
  bool check_only = false;
  cli.add_option("--config", config_path, "Configuration file (YAML)")->required();
  cli.add_flag("--check-config", check_only, "Check the configuration and exit");
  cli.set_version_flag("--version", kVersion);
  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return cli.exit(error) == 0 ? 0 : kExitUsage;
  }

  auto config = wavepost::CoordinatorConfig::Load(config_path);
  if (!config.ok()) {
    std::cerr << config.status().message() << "\n";
    return kExitUsage;
  }
  if (check_only) {
    std::cout << config_path << ": ok\n";
    return 0;
  }

  // Blocked before any thread is started, so that sigwait below is the only one who sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);

  wavepost::InitLogging();
  const std::string host = HostOf(config->listen);
  auto app = wavepost::CoordinatorApp::Start(*std::move(config));
  if (!app.ok()) {
    std::cerr << "wavepost-coordinator: " << app.status().message() << "\n";
    return kExitStart;
  }
  std::cout << "ready grpc=" << host << ":" << (*app)->port() << std::endl;

  int received = 0;
  sigwait(&signals, &received);
  wavepost::LogInfo("stopping", {{"signal", received == SIGTERM ? "SIGTERM" : "SIGINT"}});
  (*app)->Stop();
  return 0;
}
