// What delivery needs to know about this node and its operator's wishes.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"

namespace wavepost {

// A source address of this node.
struct EgressAddress {
  std::string address;    // textual
  std::string ehlo_name;  // what it says in EHLO
};

// How long each phase of the dialogue may take: RFC 5321 section 4.5.3.2, where it names one.
struct SmtpTimeouts {
  absl::Duration dns = absl::Seconds(60);
  absl::Duration connect = absl::Seconds(30);
  absl::Duration greeting = absl::Minutes(5);
  absl::Duration command = absl::Minutes(5);       // EHLO, MAIL, RCPT, RSET
  absl::Duration data = absl::Minutes(2);          // the 354
  absl::Duration block = absl::Minutes(3);         // the message's bytes
  absl::Duration end_of_data = absl::Minutes(10);  // the reply to the final dot: impatience here makes duplicates
  absl::Duration tls = absl::Seconds(60);
  absl::Duration quit = absl::Seconds(5);
  absl::Duration idle = absl::Seconds(1);  // an open connection waits this long for more work
};

struct DeliveryOptions {
  std::vector<EgressAddress> egress;
  int smtp_port = 25;
  bool starttls = true;           // opportunistic: used where offered
  bool allow_private_mx = false;  // tests: MX hosts on loopback and private addresses are fine
  int connections_max = 500;      // of the node
  int lane_connections_max = 10;  // per recipient domain and egress IP, as a start
  int messages_per_connection = 100;
  int io_threads = 1;
  int cpu_threads = 2;     // render and sign
  double clock_scale = 1;  // divides retry and pause durations; 1 in production
  SmtpTimeouts timeouts;
  uint64_t seed = 1;  // of jitter and shuffles
};

}  // namespace wavepost
