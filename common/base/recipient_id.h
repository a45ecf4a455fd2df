// Names one recipient in the whole cluster: the wave's number and the position within it.
//
// Travels in VERP tokens, batches and queue keys; the text form "w12-345" is the last part of resource names and logs.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace wavepost {

struct RecipientId {
  uint32_t wave = 0;   // the coordinator's number of the wave; 0 is never given out
  uint32_t index = 0;  // position in the wave, from 0

  uint64_t packed() const { return static_cast<uint64_t>(wave) << 32 | index; }
  static RecipientId FromPacked(uint64_t packed) {
    return {static_cast<uint32_t>(packed >> 32), static_cast<uint32_t>(packed)};
  }

  std::string ToString() const { return absl::StrCat("w", wave, "-", index); }

  // The inverse of ToString; nothing for any other text.
  static std::optional<RecipientId> Parse(std::string_view text) {
    const size_t dash = text.find('-');
    if (text.size() < 4 || text[0] != 'w' || dash == std::string_view::npos) return std::nullopt;
    RecipientId id;
    if (!absl::SimpleAtoi(absl::string_view(text.data() + 1, dash - 1), &id.wave) ||
        !absl::SimpleAtoi(absl::string_view(text.data() + dash + 1, text.size() - dash - 1), &id.index) ||
        id.ToString() != text) {
      return std::nullopt;
    }
    return id;
  }

  friend auto operator<=>(const RecipientId&, const RecipientId&) = default;
};

}  // namespace wavepost
