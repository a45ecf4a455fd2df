// The rules behind Classify() as they are after reading. See rule_file.h for their form on disk.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/smtp/classify.h"

namespace wavepost {

// Which replies a rule looks at.
enum class On : uint8_t { k4 = 1, k5 = 2, k45 = 3 };

struct EnhancedPattern {
  int subject = 0;
  int detail = 0;  // -1: any
};

struct ClassifyRule {
  std::string name;
  std::string origin;  // "recipient.yaml:12"
  On on = On::k45;
  uint16_t phases = 0xffff;               // bits 1 << Phase
  std::vector<int> codes;                 // SMTP codes; empty: any
  std::vector<EnhancedPattern> enhanced;  // empty: any or none
  std::string words;                      // MatchesWords pattern; empty: any text
  std::string unless;                     // MatchesWords pattern that must not match; empty: nothing
  wavepost::v1::Reason reason = wavepost::v1::REASON_UNSPECIFIED;
  wavepost::v1::Fault fault = wavepost::v1::FAULT_UNSPECIFIED;
  Verdict::Scope scope = Verdict::Scope::kRecipient;
  uint8_t flags = 0;  // below
  Phase sample_phase = Phase::kRcpt;
  std::string sample;  // a reply that this rule, and none before it, takes
};

inline constexpr uint8_t kThrottled = 1;        // slow down
inline constexpr uint8_t kTemporaryAnyway = 2;  // temporary even at 5xx
inline constexpr uint8_t kNamesIp = 4;          // the text must name an IP address
inline constexpr uint8_t kConnections = 8;      // slow down by fewer connections
inline constexpr uint8_t kPermanent = 16;       // of a failure without a reply: it is final
inline constexpr uint8_t kVague = 32;           // says next to nothing: another source of the same failure goes first

}  // namespace wavepost
