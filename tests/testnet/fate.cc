#include "tests/testnet/fate.h"

#include <array>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"

namespace wavepost::testnet {
namespace {

constexpr size_t kFateTextBytesMax = 400;  // leaves room for the address within a reply line of 512 octets
constexpr int kTimesMax = 1000;

std::string_view Trim(std::string_view s) {
  const size_t first = s.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return s.substr(first, s.find_last_not_of(" \t\r") - first + 1);
}

// Cuts the first word off `*rest`.
std::string_view TakeWord(std::string_view* rest) {
  *rest = Trim(*rest);
  const size_t end = rest->find_first_of(" \t");
  const std::string_view word = rest->substr(0, end);
  *rest = end == std::string_view::npos ? std::string_view{} : Trim(rest->substr(end));
  return word;
}

bool IsReplyCode(std::string_view word) {
  return word.size() == 3 && (word[0] == '4' || word[0] == '5') && word[1] >= '0' && word[1] <= '5' && word[2] >= '0' &&
         word[2] <= '9';
}

// RFC 3463 section 2: class "." subject "." detail, at most three digits each.
bool IsStatus(std::string_view word) {
  int dots = 0;
  size_t digits = 0;
  for (const char c : word) {
    if (c == '.') {
      if (digits == 0) return false;
      ++dots;
      digits = 0;
    } else if (c < '0' || c > '9' || ++digits > 3) {
      return false;
    }
  }
  return dots == 2 && digits > 0 && (word[0] == '4' || word[0] == '5') && word[1] == '.';
}

absl::Status Wrong(std::string_view what, std::string_view text) {
  return absl::InvalidArgumentError(absl::StrCat(Av(what), ", in '", Printable(text, 100), "'"));
}

}  // namespace

absl::StatusOr<Fate> ParseFate(std::string_view text) {
  if (text.size() > kFateTextBytesMax) return Wrong("a fate has at most 400 bytes", text);
  Fate fate;
  std::string_view rest = text;
  std::string_view word = TakeWord(&rest);
  while (true) {
    if (word == "once") {
      fate.times = 1;
    } else if (absl::StartsWith(Av(word), "times=")) {
      if (!absl::SimpleAtoi(Av(word.substr(6)), &fate.times) || fate.times < 1 || fate.times > kTimesMax) {
        return Wrong("times= wants a number from 1 to 1000", text);
      }
    } else if (absl::StartsWith(Av(word), "after=")) {
      absl::Duration after;
      if (!absl::ParseDuration(Av(word.substr(6)), &after) || after < absl::ZeroDuration()) {
        return Wrong("after= wants a duration such as 30s or 5m", text);
      }
      fate.after = after;
    } else {
      break;
    }
    word = TakeWord(&rest);
  }
  if (word == "accept") {
    if (!rest.empty()) return Wrong("nothing may follow 'accept'", text);
    return fate;
  }
  if (word == "dsn") {
    fate.kind = Fate::Kind::kDsn;
    fate.status = std::string(TakeWord(&rest));
    if (!IsStatus(fate.status)) return Wrong("'dsn' wants a status such as 5.1.1", text);
    fate.text = rest.empty() ? "Delivery failed" : std::string(rest);
    return fate;
  }
  fate.kind = Fate::Kind::kReplyAtRcpt;
  if (word == "data") {
    fate.kind = Fate::Kind::kReplyAfterData;
    word = TakeWord(&rest);
  }
  if (!IsReplyCode(word) || !absl::SimpleAtoi(Av(word), &fate.code)) {
    return Wrong("a fate is 'accept', 'dsn STATUS text', '[data] CODE text' with a code from 400 to 559", text);
  }
  std::string_view after_status = rest;
  const std::string_view status = TakeWord(&after_status);
  if (IsStatus(status)) {
    if (status[0] != word[0]) return Wrong("code and enhanced status code differ in class", text);
    fate.status = std::string(status);
    rest = after_status;
  } else {
    fate.status = absl::StrCat(Av(word.substr(0, 1)), ".0.0");
  }
  fate.text = rest.empty() ? "Refused by scenario" : std::string(rest);
  if (fate.after.has_value()) return Wrong("after= belongs to 'dsn' only", text);
  return fate;
}

std::optional<Fate> FateOfLocalPart(std::string_view local) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kNamed = {{
      {"unknown-", "550 5.1.1 User unknown"},
      {"full-", "452 4.2.2 Mailbox full"},
      {"tempfail-", "451 4.3.0 Temporary failure, as asked for"},
      {"permfail-", "550 5.0.0 Permanent failure, as asked for"},
      {"spam-", "data 554 5.7.1 Message refused as unwanted content"},
      {"bounce-", "dsn 5.1.1 User unknown"},
  }};
  for (const auto& [prefix, fate] : kNamed) {
    if (StartsWithIgnoreCase(local, prefix)) return *ParseFate(fate);
  }
  std::string_view prefix;
  std::string_view rest = local;
  if (StartsWithIgnoreCase(rest, "data-")) {
    prefix = "data ";
    rest.remove_prefix(5);
  } else if (StartsWithIgnoreCase(rest, "once-")) {
    prefix = "once ";
    rest.remove_prefix(5);
  }
  if (rest.size() < 4 || rest[3] != '-' || !IsReplyCode(rest.substr(0, 3))) return std::nullopt;
  absl::StatusOr<Fate> fate = ParseFate(absl::StrCat(Av(prefix), Av(rest.substr(0, 3)), " As the local part asks for"));
  if (!fate.ok()) return std::nullopt;
  return *std::move(fate);
}

absl::Status FateTable::AddText(std::string_view text, const std::string& name) {
  size_t line_number = 0;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = Trim(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    ++line_number;
    if (line.empty() || line[0] == '#') continue;
    const std::string_view address = TakeWord(&line);
    if (address.find('@') == std::string_view::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, ":", line_number, ": a line is 'address fate', this one starts with no address"));
    }
    const auto known = by_text_.find(Av(line));
    uint32_t index = 0;
    if (known != by_text_.end()) {
      index = known->second;
    } else {
      absl::StatusOr<Fate> fate = ParseFate(line);
      if (!fate.ok()) return Annotate(fate.status(), absl::StrCat(name, ":", line_number));
      index = static_cast<uint32_t>(fates_.size());
      fates_.push_back(*std::move(fate));
      by_text_.emplace(std::string(line), index);
    }
    by_address_[AsciiLower(address)] = index;
  }
  return absl::OkStatus();
}

const Fate* FateTable::Find(std::string_view address) const {
  const auto found = by_address_.find(Av(address));
  return found == by_address_.end() ? nullptr : &fates_[found->second];
}

}  // namespace wavepost::testnet
