// What delivery needs to know about this node and its operator's wishes.
#pragma once

#include <string>
#include <vector>

#include "sender/smtp/timeouts.h"

namespace wavepost {

// A source address of this node.
struct EgressAddress {
  std::string address;    // textual
  std::string ehlo_name;  // what it says in EHLO
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
