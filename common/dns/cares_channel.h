// One c-ares channel driven by an io_context: its sockets and timeouts are watched by Asio. For cares_resolver.cc only.
#pragma once

#include <ares.h>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/tokens.h"
#include "common/dns/answer.h"

namespace wavepost {

// Owner:    one thread, that of the io_context.
// Lifetime: may be destroyed at any time outside its own callbacks; running queries end with kCancelled.
class CaresChannel {
 public:
  // A query under way, or done.
  struct Query {
    explicit Query(asio::io_context& io) : done(io, asio::steady_timer::time_point::max()) {}
    CaresChannel* channel = nullptr;
    std::string name;
    RecordType type = RecordType::kMx;
    asio::steady_timer done;  // cancelled when the result is there
    bool finished = false;
    bool edns = true;  // false: sent without, for servers that do not know it
    absl::StatusOr<DnsAnswer> result = absl::CancelledError("lookup stopped");
  };

  // trust_ad: asks for DNSSEC's verdict and believes the servers' AD bit; unset: if all servers are on this host (a
  // loopback address), because the bit is worth as much as the way it came. Untrusted, no answer is authentic.
  //
  // kInvalidArgument: a server that cannot be read.
  static absl::StatusOr<std::unique_ptr<CaresChannel>> Create(asio::io_context& io,
                                                              const std::vector<std::string>& servers,
                                                              absl::Duration timeout, int tries,
                                                              std::optional<bool> trust_ad);
  ~CaresChannel();
  CaresChannel(const CaresChannel&) = delete;
  CaresChannel& operator=(const CaresChannel&) = delete;

  // Sends the query now; await it with Wait. Retries, other servers and TCP are c-ares' business.
  std::shared_ptr<Query> Start(std::string name, RecordType type);

  // The answer (also "no such name" and "no such record"), or kUnavailable, kCancelled, kInvalidArgument.
  static Awaitable<absl::StatusOr<DnsAnswer>> Wait(std::shared_ptr<Query> query);

  // Ends all running queries with kCancelled.
  void CancelAll();

 private:
  // A socket of c-ares. Asio may only watch it, never close it.
  struct Watch {
    explicit Watch(asio::io_context& io) : descriptor(io) {}
    asio::posix::stream_descriptor descriptor;
    bool open = true;
    bool want_read = false;
    bool want_write = false;
    bool reading = false;  // a wait is armed
    bool writing = false;
  };

  explicit CaresChannel(asio::io_context& io) : io_(io), timer_(io), alive_(std::make_shared<bool>(true)) {}

  static void OnSocketState(void* self, ares_socket_t fd, int readable, int writable);
  bool AllServersAreLoopback();
  void Send(std::shared_ptr<Query> query);
  static void OnAnswer(void* query, int status, int timeouts, unsigned char* packet, int size);
  void WatchSocket(ares_socket_t fd, bool readable, bool writable);
  void Arm(ares_socket_t fd, const std::shared_ptr<Watch>& watch);
  void Process(ares_socket_t readable, ares_socket_t writable);
  void ArmTimer();

  asio::io_context& io_;
  asio::steady_timer timer_;
  std::shared_ptr<bool> alive_;  // handlers hold it weakly: they may outlive the channel by one turn of the loop
  ares_channel channel_ = nullptr;
  bool trust_ad_ = false;
  std::unordered_map<ares_socket_t, std::shared_ptr<Watch>> watches_;
};

}  // namespace wavepost
