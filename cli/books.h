// The accounting law, held against three counts of the same waves. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "wavepost/v1/campaigns_service.pb.h"

namespace wavepost::cli {

struct Books {
  v1::WaveCounts counts;              // all waves together
  std::vector<std::string> findings;  // for people: each disagreement in a sentence
  bool balanced = true;               // no findings
  bool moved = false;                 // recipients got outcomes during the audit: listed counts were not compared
};

// Adds one recipient to the outcome's count and to `accepted`.
void CountRecipient(const v1::Recipient& recipient, v1::WaveCounts* counts);

// What each side of the law comes to.
int64_t SumOfOutcomes(const v1::WaveCounts& counts);

// Adds a wave: the coordinator's audit before and after the recipients were listed, and their count.
void AddWave(std::string_view wave, const v1::AuditWaveResponse& before, const v1::WaveCounts& listed,
             const v1::AuditWaveResponse& after, Books* books);

}  // namespace wavepost::cli
