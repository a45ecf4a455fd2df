#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/time/time.h"
#include "common/base/strings.h"
#include "common/smtp/classify.h"

namespace wavepost {
namespace {

constexpr size_t kTextBytesMax = 1024;
constexpr size_t kWordsBackMax = 8;  // how far before the number a word about coming back may stand
constexpr absl::Duration kHintMax = absl::Hours(24);

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80;
}

// Numbers, words and "00:04:30" apart; "5m" becomes "5" and "m".
std::vector<std::string> Tokens(std::string_view text) {
  const std::string lower = AsciiLower(text.substr(0, kTextBytesMax));
  std::vector<std::string> out;
  size_t i = 0;
  while (i < lower.size()) {
    const size_t start = i;
    if (IsDigit(lower[i])) {
      while (i < lower.size() &&
             (IsDigit(lower[i]) || (lower[i] == ':' && i + 1 < lower.size() && IsDigit(lower[i + 1]))))
        ++i;
      // "4.7.1", "192.0.2.1", "1.5": not numbers that we read.
      if (i + 1 < lower.size() && lower[i] == '.' && IsDigit(lower[i + 1])) {
        while (i < lower.size() && (IsDigit(lower[i]) || lower[i] == '.')) ++i;
        out.emplace_back("#");
        continue;
      }
    } else if (IsLetter(lower[i])) {
      while (i < lower.size() && IsLetter(lower[i])) ++i;
    } else {
      ++i;
      continue;
    }
    out.push_back(lower.substr(start, i - start));
  }
  return out;
}

std::optional<absl::Duration> Unit(std::string_view word) {
  struct Row {
    std::string_view prefix;
    bool whole;  // the word must be this, not only start so
    absl::Duration unit;
  };
  static const std::array<Row, 25> kRows = {{
      {"s", true, absl::Seconds(1)},
      {"sec", false, absl::Seconds(1)},  // sec, secs, second, secondes
      {"sek", false, absl::Seconds(1)},  // Sekunden, sekund
      {"seg", false, absl::Seconds(1)},  // segundos
      {"m", true, absl::Minutes(1)},
      {"min", false, absl::Minutes(1)},  // min, mins, minute, Minuten, minutos,
                                         // minuti, minut
      {"h", true, absl::Hours(1)},
      {"hr", false, absl::Hours(1)},
      {"hour", false, absl::Hours(1)},
      {"heure", false, absl::Hours(1)},
      {"hora", false, absl::Hours(1)},
      {"stunde", false, absl::Hours(1)},
      {"std", true, absl::Hours(1)},
      {"ora", true, absl::Hours(1)},
      {"ore", true, absl::Hours(1)},
      {"godzin", false, absl::Hours(1)},
      {"uur", true, absl::Hours(1)},
      {"сек", false, absl::Seconds(1)},
      {"мин", false, absl::Minutes(1)},
      {"час", false, absl::Hours(1)},
      {"秒", false, absl::Seconds(1)},
      {"分", false, absl::Minutes(1)},
      {"小时", false, absl::Hours(1)},
      {"小時", false, absl::Hours(1)},
      {"時間", false, absl::Hours(1)},
  }};
  for (const Row& row : kRows) {
    if (row.whole ? word == row.prefix : word.starts_with(row.prefix)) return row.unit;
  }
  return std::nullopt;
}

// Words about coming back, by their beginnings: "greylisted for 5 minutes", "come back in", "in 4 Minuten erneut".
bool IsReturnWord(std::string_view word) {
  static constexpr std::string_view kPrefixes[] = {
      "retry",
      "retri",
      "again",
      "wait",
      "back",
      "later",
      "greylist",
      "graylist",
      "defer",
      "delay",
      "resend",
      "resume",
      "erneut",
      "wieder",
      "sp\xc3\xa4ter",
      "spaeter",
      "warten",
      "versuch",
      "reessa",
      "r\303\251essa",
      "nouveau",
      "intent",
      "reintent",
      "nuevo",
      "riprova",
      "tente",
      "ponownie",
      "sp\xc3\xb3"
      "buj",
      "opnieuw",
      "повтор",
      "Повтор",
      "попроб",
      "Попроб",
  };
  for (std::string_view prefix : kPrefixes) {
    if (word.starts_with(prefix)) return true;
  }
  return false;
}

// "300秒后": Chinese and Japanese say "after" behind the unit, in the same run of letters.
bool SaysAfter(std::string_view word) {
  return word.find("后") != std::string_view::npos || word.find("後") != std::string_view::npos;
}

// "10 messages per 60 seconds" is a limit, not a time to come back.
bool IsRateWord(std::string_view word) {
  return word == "per" || word == "every" || word == "each" || word == "pro" || word == "par" || word == "por" ||
         word == "last" || word == "than" || word == "older" || word == "within";
}

// "hh:mm:ss" or "mm:ss".
std::optional<absl::Duration> ClockTime(std::string_view token) {
  int64_t total = 0;
  int parts = 0;
  while (true) {
    const size_t colon = token.find(':');
    int64_t value = 0;
    if (token.substr(0, colon).size() > 4 || !absl::SimpleAtoi(Av(token.substr(0, colon)), &value)) return std::nullopt;
    if (parts > 0 && value > 59) return std::nullopt;
    total = total * 60 + value;
    if (++parts > 3) return std::nullopt;
    if (colon == std::string_view::npos) break;
    token.remove_prefix(colon + 1);
  }
  if (parts < 2) return std::nullopt;
  return absl::Seconds(total);
}

bool AskedToReturn(const std::vector<std::string>& tokens, size_t number, size_t behind) {
  if (number > 0 && IsRateWord(tokens[number - 1])) return false;
  for (size_t back = 1; back <= kWordsBackMax && back <= number; ++back) {
    if (IsReturnWord(tokens[number - back])) return true;
  }
  // "in 4 Minuten erneut", "wait" first in English but last elsewhere.
  if (number == 0 || (tokens[number - 1] != "in" && tokens[number - 1] != "after" && tokens[number - 1] != "nach"))
    return false;
  for (size_t i = behind; i < tokens.size() && i < behind + 3; ++i) {
    if (IsReturnWord(tokens[i])) return true;
  }
  return false;
}

}  // namespace

std::optional<absl::Duration> ParseRetryHint(std::string_view text) {
  const std::vector<std::string> tokens = Tokens(text);
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (!IsDigit(tokens[i][0])) continue;
    std::optional<absl::Duration> hint;
    size_t behind = i + 1;
    if (tokens[i].find(':') != std::string::npos) {
      hint = ClockTime(tokens[i]);
    } else {
      // "4 minutes, 30 seconds" adds up.
      size_t number_at = i;
      while (number_at + 1 < tokens.size()) {
        int64_t number = 0;
        const std::optional<absl::Duration> unit = Unit(tokens[number_at + 1]);
        if (!unit || tokens[number_at].size() > 7 || !absl::SimpleAtoi(tokens[number_at], &number)) break;
        hint = hint.value_or(absl::ZeroDuration()) + number * *unit;
        number_at = behind = number_at + 2;
        if (number_at < tokens.size() && (tokens[number_at] == "and" || tokens[number_at] == "und")) ++number_at;
      }
    }
    if (!hint || *hint < absl::Seconds(1) || *hint > kHintMax) continue;
    if (SaysAfter(tokens[behind - 1]) || AskedToReturn(tokens, i, behind)) return hint;
  }
  return std::nullopt;
}

}  // namespace wavepost
