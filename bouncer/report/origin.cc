#include "bouncer/report/origin.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr size_t kAddressBytesMax = 320;

bool IsAddressByte(char c) {
  const auto b = static_cast<uint8_t>(c);
  return b > 0x20 && b != 0x7F && std::string_view("<>()[],;:\"\\").find(c) == std::string_view::npos;
}

}  // namespace

bool IsFromMailSystem(const HeaderFields& headers) {
  constexpr std::array<std::string_view, 10> kSenders = {
      "mailer-daemon", "postmaster", "mail delivery s", "mail delivery subsystem", "mailerdaemon", "mail-daemon",
      "maildelivery",  "mmdf",       "uucp@",           "system administrator"};
  if (headers.Get("return-path") == "<>") return true;
  const std::string from = AsciiLower(headers.Get("from"));
  const std::string path = AsciiLower(headers.Get("return-path"));
  if (headers.Has("from") && (from.empty() || from == "<>")) return true;
  return std::any_of(kSenders.begin(), kSenders.end(), [&](std::string_view sender) {
    return from.find(sender) != std::string::npos || path.find(sender) != std::string::npos;
  });
}

bool IsListMail(const HeaderFields& headers) {
  for (const std::string_view name : {"list-id", "list-post", "x-beenthere", "mailing-list", "x-mailing-list"}) {
    if (headers.Has(name)) return true;
  }
  return EqualsIgnoreCase(headers.Get("precedence"), "list");
}

std::string_view WithoutReplyPrefixes(std::string_view subject) {
  constexpr std::array<std::string_view, 14> kPrefixes = {
      "re:", "aw:", "sv:", "antw:", "odp:", "r:", "rif:", "res:", "vs:", "ynt:", "fw:", "fwd:", "wg:", "tr:"};
  for (int left = 10; left > 0; --left) {
    while (subject.starts_with(' ')) subject.remove_prefix(1);
    const auto* found = std::find_if(kPrefixes.begin(), kPrefixes.end(), [subject](std::string_view prefix) {
      return StartsWithIgnoreCase(subject, prefix);
    });
    if (found == kPrefixes.end()) break;
    subject.remove_prefix(found->size());
  }
  return subject;
}

bool IsAnswer(const HeaderFields& headers) {
  if (headers.Has("in-reply-to") || headers.Has("references")) return true;
  const std::string_view subject = headers.Get("subject");
  return WithoutReplyPrefixes(subject).size() != subject.size();
}

std::vector<std::string> AddressesIn(std::string_view field, size_t count_max) {
  std::vector<std::string> out;
  size_t last_end = 0;
  for (size_t at = field.find('@'); at != std::string_view::npos && out.size() < count_max;
       at = field.find('@', at + 1)) {
    size_t start = at;
    if (at >= 2 && field[at - 1] == '"') {
      // A quoted local part may have anything in it.
      const size_t first = at > kAddressBytesMax ? at - kAddressBytesMax : 0;
      const size_t quote = field.substr(first, at - 1 - first).rfind('"');
      if (quote != std::string_view::npos) start = first + quote;
    } else {
      while (start > 0 && at - start < kAddressBytesMax && IsAddressByte(field[start - 1]) && field[start - 1] != '@') {
        --start;
      }
    }
    size_t end = at + 1;
    while (end < field.size() && end - at <= kAddressBytesMax &&
           (IsAddressByte(field[end]) || field[end] == '[' || field[end] == ']'))
      ++end;
    while (end > at + 1 && (field[end - 1] == '.' || field[end - 1] == '\'')) --end;
    while (start < at && field[start] == '\'') ++start;
    if (start == at || end == at + 1) continue;
    if (end - start > kAddressBytesMax) {
      at = end - 1;
      continue;
    }
    std::string address(field.substr(start, end - start));
    // A name that looks like an address: "a@b" <c@d>.
    const bool in_brackets = start > 0 && field[start - 1] == '<';
    if (in_brackets && !out.empty() &&
        field.substr(last_end, start - last_end).find_first_of(",;") == std::string_view::npos) {
      out.pop_back();
    }
    last_end = end;
    if (std::find(out.begin(), out.end(), address) == out.end()) out.push_back(std::move(address));
    at = end - 1;
  }
  return out;
}

}  // namespace wavepost
