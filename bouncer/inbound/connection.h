// One client: reads, feeds the dialogue, stores, answers; under a deadline at every wait.
#pragma once

#include <asio/generic/stream_protocol.hpp>
#include <asio/ssl/stream.hpp>
#include <asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "bouncer/inbound/certificates.h"
#include "bouncer/inbound/dialogue.h"
#include "bouncer/inbound/server.h"
#include "common/async/deadline.h"
#include "common/async/tokens.h"

namespace wavepost {

// What all connections of a server share; outlives them. Touched on the server's thread only.
struct InboundShared {
  DialogueShared dialogue;
  std::unique_ptr<Certificates> certificates;  // none: no STARTTLS
  MessageSink* sink;
  InboundServer::Counters counters;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Socket = asio::generic::stream_protocol::socket;

  // name: of the client, for logs and the sink.
  Connection(Socket socket, std::string name, const Dialogue::Client& client, std::shared_ptr<InboundShared> shared);

  // Talks until one side ends it; the socket is closed then. Call once.
  Awaitable<void> Run();

  // No new message: ends at the next point where nothing is lost.
  void BeginDrain();
  // Ends now, whatever it was doing. A message that was handed to the sink may still be stored, unanswered.
  void Abort();

 private:
  // False: the connection is of no more use (closed, timed out, broken).
  Awaitable<bool> Flush();
  Awaitable<bool> Read();
  Awaitable<bool> Handshake();
  Awaitable<void> Store();
  // What the client still says is read and thrown away for a moment: closing at once would take the last reply from it.
  Awaitable<void> Farewell();

  void Arm(Deadline deadline);  // at `deadline` pending reads and writes are cancelled
  Deadline ReadDeadline();
  bool Ending() const { return draining_ && !dialogue_.in_message(); }

  Socket socket_;
  std::optional<asio::ssl::stream<Socket&>> tls_;
  const std::string name_;
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
