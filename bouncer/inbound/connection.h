// One client: reads, feeds the dialogue, stores, answers; under a deadline at every wait.
#pragma once

#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "bouncer/inbound/dialogue.h"
#include "bouncer/inbound/limits.h"
#include "bouncer/inbound/server.h"
#include "common/async/deadline.h"
#include "common/async/tokens.h"

namespace wavepost {

// What all connections of a server share; outlives them. Touched on the server's thread only.
struct InboundShared {
  std::string hostname;
  InboundLimits limits;
  Mailboxes mailboxes;
  HeadBudget budget;
  MessageSink* sink;
  InboundServer::Counters counters;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(asio::ip::tcp::socket socket, std::string client, std::shared_ptr<InboundShared> shared);

  // Talks until one side ends it; the socket is closed then. Call once.
  Awaitable<void> Run();

  // No new message: ends at the next point where nothing is lost.
  void BeginDrain();
  // Ends now, whatever it was doing. A message that was handed to the store may still be stored, unanswered.
  void Abort();

 private:
  // False: the connection is of no more use (closed, timed out, broken).
  Awaitable<bool> Flush();
  Awaitable<bool> Read();
  Awaitable<void> Store();

  void Arm(Deadline deadline);  // at `deadline` pending reads and writes are cancelled
  Deadline ReadDeadline();

  asio::ip::tcp::socket socket_;
  const std::string client_;  // its address
  const std::shared_ptr<InboundShared> shared_;
  Dialogue dialogue_;
  asio::steady_timer watchdog_;
  asio::steady_timer stored_signal_;
  Deadline deadline_;
  std::optional<Deadline> command_deadline_;  // of the command that is being waited for
  std::optional<Deadline> message_deadline_;
  std::optional<absl::Status> stored_;
  bool timed_out_ = false;
  bool draining_ = false;
  bool reading_ = false;
  bool aborted_ = false;
};

}  // namespace wavepost
