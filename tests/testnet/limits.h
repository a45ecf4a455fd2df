// Counts what one client does at one site: open connections, new ones and messages in a window. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "tests/testnet/scenario.h"

namespace wavepost::testnet {

class LimitBook {
 public:
  enum class Verdict { kOk, kTooManyOpen, kTooFast };

  // Counts a new connection if it is within the limits; only then Close must follow.
  Verdict Open(const LimitPolicy& policy, size_t site, uint32_t client_ip, absl::Time now);
  void Close(size_t site, uint32_t client_ip);

  // Counts a message if it is within the limits. What is refused does not count.
  Verdict Message(const LimitPolicy& policy, size_t site, uint32_t client_ip, absl::Time now);

  size_t size() const { return clients_.size(); }

  // Above this, clients without connections whose window is over are forgotten.
  static constexpr size_t kClientsMax = 100'000;

 private:
  struct Client {
    int open = 0;
    absl::Time window_start = absl::InfinitePast();  // a window begins with the first event after the last one ended
    int connections = 0;
    int messages = 0;
  };
  Client& Current(const LimitPolicy& policy, size_t site, uint32_t client_ip, absl::Time now);

  absl::flat_hash_map<std::pair<size_t, uint32_t>, Client> clients_;
};

}  // namespace wavepost::testnet
