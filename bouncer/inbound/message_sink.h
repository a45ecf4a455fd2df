// Where the SMTP server puts what it has taken in.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "bouncer/intake/envelope.h"

namespace wavepost {

// A message that is complete and waits to be stored.
struct TakenMessage {
  // The first InboundLimits::head_bytes_max bytes; everything if the envelope says aggregate or keep.
  std::string head;
  Envelope envelope;  // never empty
};

class MessageSink {
 public:
  using Done = std::function<void(absl::Status)>;
  virtual ~MessageSink() = default;

  // Works out what the message says and stores it. `client` is the address of who brought it, for logs. `done` runs
  // exactly once, on any thread (the caller's too); it must be short. OK is a promise (the client forgets the message
  // then): everything that is to be kept of it is on disk, synced.
  //
  // Called on the server's thread; never waits. At most one message per connection is on its way, and their bytes
  // count against InboundLimits::memory_bytes_max until `done`.
  //
  // Errors become replies: kResourceExhausted (full: come back later) 452, everything else 451.
  virtual void Take(TakenMessage message, std::string client, Done done) = 0;
};

}  // namespace wavepost
