// Sends the late DSNs: waits until each is due, finds the return path's mail host in the testnet's own zone, and speaks
// SMTP to it. Writes dsn_sent or dsn_failed into the ledger, one line per DSN in the end.
//
// Owner: lives on the io_context given to the constructor; call from its thread only.
// Lifetime: after Stop() run the io_context until it is out of work, then destroy.
#pragma once

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/async/tokens.h"
#include "tests/testnet/dns_server.h"
#include "tests/testnet/dsn.h"
#include "tests/testnet/session.h"

namespace wavepost::testnet {

class DsnSender {
 public:
  static constexpr size_t kPendingMax = 100'000;  // beyond, a DSN fails at once
  static constexpr absl::Duration kDialogueMax = absl::Seconds(60);

  // All must outlive it. dns: whose zone tells where DSNs go.
  DsnSender(asio::io_context* io, SessionWorld* world, const DnsServer* dns);
  ~DsnSender();

  void Start();
  void Add(DsnOrder order, absl::Time due);
  // What waits is written down as failed at once; what is being sent, by the destructor, unless it has ended by then.
  void Stop();
  bool idle() const { return active_.empty(); }

 private:
  struct Item {
    absl::Time due;
    uint64_t number;
    int attempts;
    std::shared_ptr<const DsnOrder> order;
    // std::priority_queue gives the largest first.
    friend bool operator<(const Item& a, const Item& b) { return a.due != b.due ? a.due > b.due : a.number > b.number; }
  };
  struct Outcome {
    bool sent = false;
    bool retry = true;
    int code = 0;
    std::string text;
  };

  bool HasRoom() const { return active_.size() < static_cast<size_t>(world_.scenario->dsn.connections); }
  Awaitable<void> Run();
  Awaitable<void> Deliver(Item item);
  Awaitable<Outcome> Attempt(std::shared_ptr<const DsnOrder> order, uint64_t number);
  Awaitable<Outcome> Converse(std::shared_ptr<asio::ip::tcp::socket> socket, std::shared_ptr<const DsnOrder> order,
                              uint64_t number);
  std::vector<uint32_t> Destinations(const DsnOrder& order) const;
  void Finish(const DsnOrder& order, const Outcome& outcome);

  asio::io_context& io_;
  SessionWorld& world_;
  const DnsServer& dns_;
  asio::steady_timer timer_;
  std::priority_queue<Item> pending_;
  uint64_t next_number_ = 1;
  std::map<uint64_t, std::shared_ptr<const DsnOrder>> active_;  // by number
  bool stopping_ = false;
};

}  // namespace wavepost::testnet
