// A whole bouncer in an object: main runs one, a test holds one beside the rest of a cluster.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "bouncer/config.h"
#include "bouncer/inbound/server.h"

namespace wavepost {

class BouncerApp {
 public:
  // Serves when it returns. The coordinator need not be there.
  // Errors: kNotFound, kInvalidArgument (files that the configuration names), kUnavailable (a port is in use),
  // kFailedPrecondition (data folder locked or of another version; clear text beyond loopback). Nothing is left
  // running.
  static absl::StatusOr<std::unique_ptr<BouncerApp>> Start(const BouncerConfig& config);
  ~BouncerApp();  // as Stop()

  int smtp_port() const;    // of the first listener
  int status_port() const;  // 0: none; likewise the others
  int page_port() const;    // of the unsubscribe page
  int ingest_port() const;
  int metrics_port() const;

  const InboundServer::Counters& counters() const;
  bool feed_connected() const;
  int64_t waiting() const;  // reports that the coordinator has not acknowledged

  // Takes no more connections, finishes the messages that are under way (limits.drain_timeout), then ends everything.
  // What is not acknowledged stays in the outbox. Blocks. Idempotent.
  void Stop();

 private:
  class Impl;
  explicit BouncerApp(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wavepost
