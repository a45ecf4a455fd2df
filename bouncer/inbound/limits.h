// Everything that a client of the inbound server can use up, and how much of it there is.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace wavepost {

struct InboundLimits {
  int64_t message_bytes_max = 10 << 20;  // more is refused with 552
  size_t head_bytes_max = 1 << 20;       // of a report; what comes behind is counted and thrown away
  size_t memory_bytes_max = 96 << 20;    // buffers of all connections and messages; beyond: 452, 454 (TLS), 421
  size_t recipients_max = 100;           // per message
  int hops_max = 50;                     // Received fields; more is a loop: 554
  int errors_max = 20;                   // wrong commands and refused recipients of a connection, then 421
  int idle_commands_max = 200;           // commands since the last message, then 421
  size_t connections_max = 500;
  size_t connections_per_client_max = 50;  // an IPv4 address, or an IPv6 /64

  // Messages, by token bucket: so many at once, then as they come back over time; 0: no limit. Then 450.
  int64_t client_messages_per_minute = 6'000;           // an IPv4 address, or an IPv6 /64
  int64_t network_messages_per_minute = 30'000;         // an IPv4 /24, or an IPv6 /48
  int64_t recipient_messages_per_hour = 1'000;          // for one recipient (token)
  absl::Duration command_timeout = absl::Minutes(5);    // until a command is complete (RFC 5321 4.5.3.2.7)
  absl::Duration handshake_timeout = absl::Minutes(1);  // of TLS
  absl::Duration data_timeout = absl::Minutes(3);       // between two pieces of a message
  absl::Duration message_timeout = absl::Minutes(10);   // from the 354 (or the first chunk) to the end of the message
  absl::Duration drain_timeout = absl::Seconds(20);     // at the end: for messages that are under way
};

}  // namespace wavepost
