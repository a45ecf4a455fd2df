#include "tests/testnet/testnet.h"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>
#include <chrono>
#include <cstdio>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/async/deadline.h"
#include "common/base/status_macros.h"
#include "common/mail/dkim_verify.h"
#include "tests/testnet/certificate.h"

namespace wavepost::testnet {
namespace {

constexpr absl::Duration kStopMax = absl::Seconds(8);
constexpr absl::Duration kStopPoll = absl::Milliseconds(10);

std::string DkimWord(std::string_view message, const DnsZone& zone) {
  const DkimCheck check = VerifyDkim(
      message, [&](const std::string& name) { return zone.Txt(name); }, absl::Now());
  if (check.result == DkimResult::kPass) return "pass";
  return check.result == DkimResult::kNone ? "none" : "fail";
}

}  // namespace

absl::StatusOr<std::shared_ptr<const DnsZone>> BuildZone(const Scenario& scenario) {
  auto zone = std::make_shared<DnsZone>(scenario.dns_ttl);
  for (const DnsRecord& record : scenario.records) zone->Add(record);
  for (const std::string& name : scenario.dns_servfail) zone->AddServfail(name);
  for (const std::string& name : scenario.dns_silent) zone->AddSilent(name);
  for (const std::string& path : scenario.record_files) {
    ASSIGN_OR_RETURN(std::vector<DnsRecord> records, LoadDnsRecords(path, scenario.dns_ttl));
    for (DnsRecord& record : records) zone->Add(std::move(record));
  }
  return zone;
}

Testnet::Testnet(Scenario scenario)
    : scenario_(std::move(scenario)),
      decider_(&scenario_),
      io_(1),  // one thread: no locks inside
      dns_(&io_),
      dsn_(&io_, &world_, &dns_),
      smtp_(&io_, &world_) {
  world_.scenario = &scenario_;
  world_.decider = &decider_;
  world_.counters = &counters_;
  world_.verify_dkim = [this](std::string_view message) { return DkimWord(message, dns_.zone()); };
  world_.send_dsn = [this](DsnOrder order, absl::Time due) { dsn_.Add(std::move(order), due); };
}

Testnet::~Testnet() = default;

absl::StatusOr<std::unique_ptr<Testnet>> Testnet::Create(Scenario scenario) {
  std::unique_ptr<Testnet> testnet(new Testnet(std::move(scenario)));
  RETURN_IF_ERROR(testnet->Listen());
  return testnet;
}

absl::Status Testnet::Listen() {
  ASSIGN_OR_RETURN(std::shared_ptr<const DnsZone> zone, BuildZone(scenario_));
  dns_.SetZone(std::move(zone));
  ASSIGN_OR_RETURN(tls_, MakeSelfSignedContext("testnet.invalid"));
  smtp_.SetTls(tls_.get());
  RETURN_IF_ERROR(dns_.Listen(scenario_.dns_address, scenario_.dns_port));
  RETURN_IF_ERROR(smtp_.Listen(scenario_.smtp_port));
  // Last, so that a start that fails leaves no empty ledger.
  ASSIGN_OR_RETURN(ledger_, Ledger::Open(scenario_.ledger, scenario_.discard_ledger));
  world_.ledger = ledger_.get();
  return absl::OkStatus();
}

void Testnet::Run() {
  dns_.Start();
  dsn_.Start();
  smtp_.Start();
  io_.run();
}

void Testnet::Stop() {
  asio::post(io_, [this] {
    if (std::exchange(stopping_, true)) return;
    smtp_.Stop();
    dsn_.Stop();
    asio::co_spawn(io_, StopWhenIdle(), asio::detached);
  });
}

Awaitable<void> Testnet::StopWhenIdle() {
  const Deadline last = DeadlineAfter(kStopMax);
  while (std::chrono::steady_clock::now() < last && (!smtp_.idle() || !dsn_.idle())) {
    co_await SleepUntil(DeadlineAfter(kStopPoll));
  }
  // Names resolve until the last session is over.
  dns_.Stop();
  io_.stop();
}

void Testnet::ReloadRecords() {
  asio::post(io_, [this] {
    absl::StatusOr<std::shared_ptr<const DnsZone>> zone = BuildZone(scenario_);
    if (!zone.ok()) {
      std::fprintf(stderr, "wavepost-testnet: records not reloaded: %s\n",
                   std::string(zone.status().message()).c_str());
      return;
    }
    std::fprintf(stderr, "wavepost-testnet: %zu records\n", (*zone)->records());
    dns_.SetZone(*std::move(zone));
  });
}

void Testnet::PrintCounters() {
  asio::post(io_, [this] {
    const Counters& c = counters_;
    const Decider::Counts& d = decider_.counts();
    const std::string line = absl::StrCat(
        "wavepost-testnet: connections=", c.connections, " connections_open=", c.connections_open,
        " messages=", c.messages, " accepted=", c.accepted, " refused=", c.refused, " deferred=", c.deferred,
        " disconnected=", c.disconnected, " greylisted=", d.greylisted, " greylisted_early=", d.greylisted_early,
        " limited=", d.limited, " dsn_pending=", c.dsn_pending, " dsn_sent=", c.dsn_sent, " dsn_failed=", c.dsn_failed,
        " dkim_checked=", c.dkim_checked, " dkim_failed=", c.dkim_failed, " ledger_errors=", c.ledger_errors, "\n");
    std::fputs(line.c_str(), stderr);
    std::fflush(stderr);
  });
}

}  // namespace wavepost::testnet
