// The whole simulated internet: wires zone, receivers, ledger and DSNs, and runs them on one thread.
//
// Threads: create, Run and destroy on one thread. Stop, ReloadRecords and PrintCounters may be called from any.
#pragma once

#include <asio/io_context.hpp>
#include <asio/ssl/context.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/async/tokens.h"
#include "tests/testnet/decide.h"
#include "tests/testnet/dns_server.h"
#include "tests/testnet/dns_zone.h"
#include "tests/testnet/dsn_sender.h"
#include "tests/testnet/ledger.h"
#include "tests/testnet/scenario.h"
#include "tests/testnet/session.h"
#include "tests/testnet/smtp_server.h"

namespace wavepost::testnet {

// The scenario's records and those of its record files, as they are now.
absl::StatusOr<std::shared_ptr<const DnsZone>> BuildZone(const Scenario& scenario);

class Testnet {
 public:
  // Everything listens when this returns. Errors: kUnavailable (a port is taken), kFailedPrecondition (the ledger
  // cannot be opened), kInvalidArgument (a record file), kInternal (OpenSSL).
  static absl::StatusOr<std::unique_ptr<Testnet>> Create(Scenario scenario);
  ~Testnet();

  const std::string& dns_address() const { return scenario_.dns_address; }
  uint16_t dns_port() const { return dns_.port(); }
  uint16_t smtp_port() const { return smtp_.port(); }
  // Handlers posted here run on the testnet's thread; main hangs its signals on it.
  asio::io_context& io() { return io_; }

  // Serves until Stop; then for a short grace period what is under way.
  void Run();
  void Stop();

  // Reads the record files again. A file that cannot be read leaves the zone as it was, with a line on stderr.
  void ReloadRecords();
  // One line on stderr.
  void PrintCounters();

 private:
  explicit Testnet(Scenario scenario);
  absl::Status Listen();
  Awaitable<void> StopWhenIdle();

  // Sessions end with the io_context and use what stands above it.
  const Scenario scenario_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<asio::ssl::context> tls_;
  Decider decider_;
  Counters counters_;
  SessionWorld world_;
  asio::io_context io_;
  DnsServer dns_;
  DsnSender dsn_;
  SmtpServer smtp_;
  bool stopping_ = false;
};

}  // namespace wavepost::testnet
