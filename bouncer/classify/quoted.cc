#include "bouncer/classify/quoted.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

bool IsReplyCode(std::string_view text, size_t at) {
  if (at + 3 > text.size() || (text[at] != '4' && text[at] != '5') || text[at + 1] < '0' || text[at + 1] > '5' ||
      !IsDigit(text[at + 2])) {
    return false;
  }
  if (at > 0 && std::string_view(" \t\n:;,(\"'<>#[/=").find(text[at - 1]) == std::string_view::npos) return false;
  return at + 3 == text.size() || std::string_view(" \t\n-#:;,.<)\"]").find(text[at + 3]) != std::string_view::npos;
}

// What follows a number that counts something.
bool IsQuantity(std::string_view after) {
  constexpr std::array<std::string_view, 12> kUnits = {"bytes",    "kb",    "mb",   "k ",     "seconds", "minutes",
                                                       "messages", "hours", "days", "octets", "times",   "users"};
  while (!after.empty() && after.front() == ' ') after.remove_prefix(1);
  return std::any_of(kUnits.begin(), kUnits.end(),
                     [after](std::string_view unit) { return StartsWithIgnoreCase(after, unit); });
}

// "5.1.1" right behind the code, past the marks that some put between.
bool EnhancedFollows(std::string_view after) {
  while (!after.empty() && std::string_view(" -#:'\"").find(after.front()) != std::string_view::npos)
    after.remove_prefix(1);
  return EnhancedCode::Parse(after).present();
}

}  // namespace

std::optional<Reply> QuotedReply(std::string_view text) {
  size_t best = std::string_view::npos;
  for (size_t at = 0; at + 3 <= text.size(); ++at) {
    if (!IsReplyCode(text, at)) continue;
    const std::string_view after = text.substr(at + 3);
    if (IsQuantity(after)) continue;
    if (EnhancedFollows(after)) {
      best = at;
      break;
    }
    if (best == std::string_view::npos) best = at;
    at += 2;
  }
  if (best == std::string_view::npos) return std::nullopt;
  std::string line(text.substr(best));
  // "550#5.1.1", "550:5.1.1": ReplyFromText wants a space there.
  if (line.size() > 3 && line[3] != ' ' && line[3] != '-') {
    line = absl::StrCat(Av(text.substr(best, 3)), " ", Av(text.substr(best + 3)));
  }
  // qmail's own last line, which names the other side's address.
  if (const size_t end = line.find("Giving up on "); end != std::string::npos) line.resize(end);
  std::optional<Reply> reply = ReplyFromText(line);
  if (reply && !reply->enhanced.present()) reply->enhanced = EnhancedCode::Find(line, reply->code / 100);
  return reply;
}

}  // namespace wavepost
