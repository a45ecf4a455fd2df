#include "tests/testnet/limits.h"

namespace wavepost::testnet {

LimitBook::Client& LimitBook::Current(const LimitPolicy& policy, size_t site, uint32_t client_ip, absl::Time now) {
  if (clients_.size() >= kClientsMax) {
    absl::erase_if(clients_, [&](const auto& entry) {
      return entry.second.open == 0 && now - entry.second.window_start >= policy.window;
    });
  }
  Client& client = clients_[{site, client_ip}];
  if (now - client.window_start >= policy.window) {
    client.window_start = now;
    client.connections = 0;
    client.messages = 0;
  }
  return client;
}

LimitBook::Verdict LimitBook::Open(const LimitPolicy& policy, size_t site, uint32_t client_ip, absl::Time now) {
  Client& client = Current(policy, site, client_ip, now);
  if (policy.connections_open > 0 && client.open >= policy.connections_open) return Verdict::kTooManyOpen;
  if (policy.connections > 0 && client.connections >= policy.connections) return Verdict::kTooFast;
  ++client.open;
  ++client.connections;
  return Verdict::kOk;
}

void LimitBook::Close(size_t site, uint32_t client_ip) {
  const auto found = clients_.find({site, client_ip});
  if (found != clients_.end() && found->second.open > 0) --found->second.open;
}

LimitBook::Verdict LimitBook::Message(const LimitPolicy& policy, size_t site, uint32_t client_ip, absl::Time now) {
  Client& client = Current(policy, site, client_ip, now);
  if (policy.messages > 0 && client.messages >= policy.messages) return Verdict::kTooFast;
  ++client.messages;
  return Verdict::kOk;
}

}  // namespace wavepost::testnet
