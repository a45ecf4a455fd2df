// Tells the coordinator what came back, from the outbox, in order, until it has acknowledged it.
//
// Owner:    a thread of its own, because reading the outbox blocks on the disk. gRPC's threads only post to it.
// Lifetime: Stop() before the outbox goes away. Outages of any length are survived: reports wait in the outbox.
// Order:    strictly by sequence. After a reconnection it goes on behind the last acknowledged report, so that the
//           coordinator may see a report again, and skips it by its sequence.
// Greeting: the coordinator answers the hello with its mark, and nothing is told or forgotten before. A mark above all
//           that this folder can have told says that the folder is an old copy: it gets a new id (see outbox.h). A
//           coordinator that answers nothing is waited for: acknowledge_timeout, then a new stream.
// Limits:   kWindow reports unacknowledged on the wire; kMessageBytesMax per message.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bouncer/outbox/outbox.h"
#include "common/rpc/credentials.h"

namespace wavepost {

// Sequences are a folder's, so the name under which they are told is too: see outbox.h. At most 63 characters.
std::string NameAtCoordinator(std::string_view node_id, std::string_view folder_id);

class Feed {
 public:
  static constexpr size_t kWindow = 1000;
  static constexpr size_t kMessageBytesMax = 1 << 20;

  struct Options {
    std::string bouncer_id;   // the node's; the coordinator hears NameAtCoordinator
    std::string coordinator;  // "HOST:PORT"
    TlsFiles tls;
    absl::Duration backoff_min = absl::Milliseconds(200);
    absl::Duration backoff_max = absl::Seconds(10);
    // A stream that answers no hello, or acknowledges nothing of what was sent, for so long is cut and made anew (a
    // half-dead connection).
    absl::Duration acknowledge_timeout = absl::Seconds(30);
    uint64_t seed = 0;  // of the jitter, and of new ids: another one for each process
  };

  // Starts trying at once and goes on until Stop(). Does not wait for the coordinator.
  // Errors: those of ChannelCredentialsFor.
  static absl::StatusOr<std::unique_ptr<Feed>> Start(Options options, Outbox* outbox);
  ~Feed();  // as Stop()

  // New reports are durable. Any thread; cheap.
  void Wake();

  // Cuts the stream and ends the thread. Idempotent.
  void Stop();

  // For status pages and tests; any thread.
  bool connected() const;  // a sign of life came on the stream that is open now
  int64_t streams_opened() const;

 private:
  class Impl;
  explicit Feed(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wavepost
