// The table behind Classify(): one row per thing that servers say, first match decides.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "common/smtp/classify.h"

namespace wavepost {

// Which replies a row looks at.
enum class On : uint8_t { k4 = 1, k5 = 2, k45 = 3 };

struct ClassifyRule {
  std::string_view name;
  On on;
  uint16_t phases;            // bits 1 << Phase; kAnyPhase
  std::string_view codes;     // SMTP codes: "550|553"; empty: any
  std::string_view enhanced;  // subject.detail: "1.1|7.*"; empty: any or none
  std::string_view words;     // MatchesWords pattern; empty: any text
  std::string_view unless;    // MatchesWords pattern that must not match; empty: nothing
  wavepost::v1::Reason reason;
  wavepost::v1::Fault fault;
  Verdict::Scope scope;
  uint8_t flags;  // kThrottled, kTemporaryAnyway, kNamesIp, kConnections
  Phase sample_phase;
  std::string_view sample;  // a reply that this row, and none before it, takes
};

inline constexpr uint16_t kAnyPhase = 0xffff;
inline constexpr uint8_t kThrottled = 1;        // slow down
inline constexpr uint8_t kTemporaryAnyway = 2;  // temporary even at 5xx
inline constexpr uint8_t kConnections = 8;      // ... by fewer connections
inline constexpr uint8_t kNamesIp = 4;          // the text must name an IP address

std::span<const ClassifyRule> ClassifyRules();

}  // namespace wavepost
