// Everything that a client of the inbound server can use up, and how much of it there is.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace wavepost {

struct InboundLimits {
  int64_t message_bytes_max = 10 << 20;  // more is refused with 552
  size_t head_bytes_max = 1 << 20;       // of a message; what comes behind is counted and thrown away
  size_t heads_bytes_max = 64 << 20;     // of all messages together; beyond that 452
  size_t recipients_max = 100;           // per message
  int errors_max = 20;                   // wrong commands and refused recipients of a connection, then 421
  int idle_commands_max = 200;           // commands since the last message, then 421
  size_t connections_max = 500;
  size_t connections_per_client_max = 50;              // an IPv4 address, or an IPv6 /64
  absl::Duration command_timeout = absl::Minutes(5);   // until a command is complete (RFC 5321 4.5.3.2.7)
  absl::Duration data_timeout = absl::Minutes(3);      // between two pieces of a message
  absl::Duration message_timeout = absl::Minutes(10);  // from the 354 to the final dot
  absl::Duration drain_timeout = absl::Seconds(20);    // at the end: for messages that are under way
};

}  // namespace wavepost
