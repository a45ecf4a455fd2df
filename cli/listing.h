// Walks the pages of a campaign's waves and recipients.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/cli.h"
#include "wavepost/v1/campaigns_service.pb.h"

namespace wavepost::cli {

inline constexpr size_t kWavesMax = 10000;

// All waves of a campaign, by name. Errors: the server's; kResourceExhausted beyond kWavesMax.
absl::StatusOr<std::vector<v1::Wave>> ListWaves(const Cli& cli, const std::string& campaign);

// Calls `visit` for every recipient of a wave in store order, holding one page at a time. `outcomes` empty: all.
// Stops at the first error, be it the server's or one that `visit` returns.
absl::Status ForEachRecipient(const Cli& cli, const std::string& wave, const std::vector<v1::Outcome>& outcomes,
                              const std::function<absl::Status(const v1::Recipient&)>& visit);

}  // namespace wavepost::cli
