// The sender's configuration file (YAML).
#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "common/dns/cares_resolver.h"
#include "common/rpc/credentials.h"
#include "sender/delivery/options.h"
#include "sender/link/coordinator_link.h"
#include "sender/queue/queue_store.h"

namespace wavepost {

struct SenderConfig {
  QueueStore::Options queue;
  LinkOptions link;
  DeliveryOptions delivery;
  CaresResolver::Options dns;
  std::string status_listen;  // gRPC health and reflection; empty: none
  TlsFiles tls;
  absl::Duration stop_grace;  // SIGTERM: how long running transactions may take
  std::string log_level;
  std::string sealing_key_file;             // see LoadServiceSealer
  std::function<void()> on_storage_failed;  // not from the file: how the process asks itself to stop
};

// Errors: kInvalidArgument with a line per problem (file, line, key); kNotFound.
absl::StatusOr<SenderConfig> LoadSenderConfig(const std::string& path);

}  // namespace wavepost
