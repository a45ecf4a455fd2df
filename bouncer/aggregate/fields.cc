#include "bouncer/aggregate/fields.h"

#include <arpa/inet.h>

#include <array>
#include <cstring>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "common/mail/address.h"
#include "common/mail/dkim_hash.h"

namespace wavepost {
namespace {

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  const size_t start = text.find_first_not_of(kSpace);
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(kSpace) - start + 1);
}

bool IsV4Mapped(const std::array<unsigned char, 16>& v6) {
  constexpr std::array<unsigned char, 12> kPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  return std::memcmp(v6.data(), kPrefix.data(), kPrefix.size()) == 0;
}

std::string WrittenIp(int family, const void* bytes) {
  std::array<char, INET6_ADDRSTRLEN> out;
  const char* text = inet_ntop(family, bytes, out.data(), out.size());
  return text == nullptr ? std::string() : std::string(text);
}

}  // namespace

std::string ReportText(std::string_view text) {
  // Cut first: foreign texts may be long.
  return std::string(Trimmed(Printable(Trimmed(text).substr(0, 4 * kReportTextBytesMax), kReportTextBytesMax)));
}

std::string ReportWord(std::string_view text) {
  return AsciiLower(Printable(Trimmed(text).substr(0, 256), 64));
}

std::optional<std::string> ReportIp(std::string_view text) {
  const std::string word(Trimmed(text).substr(0, 64));
  std::array<unsigned char, 16> bytes = {};
  if (inet_pton(AF_INET, word.c_str(), bytes.data()) == 1) return WrittenIp(AF_INET, bytes.data());
  if (inet_pton(AF_INET6, word.c_str(), bytes.data()) != 1) return std::nullopt;
  if (IsV4Mapped(bytes)) return WrittenIp(AF_INET, bytes.data() + 12);
  return WrittenIp(AF_INET6, bytes.data());
}

std::optional<std::string> ReportDomain(std::string_view text) {
  std::string_view word = Trimmed(text);
  if (!word.empty() && word.back() == '.') word.remove_suffix(1);
  if (word.empty() || word.size() > 4 * kDomainBytesMax) return std::nullopt;
  auto domain = ParseDomain(word);
  if (!domain.ok()) return std::nullopt;
  return *std::move(domain);
}

std::optional<int64_t> ReportCount(std::string_view text) {
  std::string_view word = Trimmed(text);
  word = word.substr(0, word.find('.'));
  int64_t count = 0;
  // SimpleAtoi takes signs and white space, which are no digits.
  if (word.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  if (!absl::SimpleAtoi(Av(word), &count) || count > kReportCountMax) return std::nullopt;
  return count;
}

std::optional<absl::Time> ReportTime(std::string_view text) {
  const std::string word(Trimmed(text).substr(0, 64));
  std::string_view digits = word;
  digits = digits.substr(0, digits.find('.'));
  int64_t seconds = 0;
  absl::Time time;
  std::string error;
  if (digits.find_first_not_of("0123456789") == std::string_view::npos && absl::SimpleAtoi(Av(digits), &seconds)) {
    time = absl::FromUnixSeconds(seconds);
  } else if (!absl::ParseTime(absl::RFC3339_full, word, &time, &error) &&
             !absl::ParseTime("%Y-%m-%dT%H:%M:%E*S", word, &time, &error) &&
             !absl::ParseTime("%Y-%m-%d %H:%M:%E*S", word, &time, &error)) {
    return std::nullopt;
  }
  if (time < absl::FromCivil(absl::CivilDay(2000, 1, 1), absl::UTCTimeZone()) ||
      time >= absl::FromCivil(absl::CivilDay(2100, 1, 1), absl::UTCTimeZone())) {
    return std::nullopt;
  }
  return time;
}

google::protobuf::Timestamp ReportTimestamp(absl::Time time) {
  google::protobuf::Timestamp out;
  out.set_seconds(absl::ToUnixSeconds(time));
  return out;
}

bool IsReportPeriod(absl::Time begin, absl::Time end) {
  return begin <= end && end - begin <= kReportPeriodMax;
}

std::string MadeUpReportId(std::string_view contents) {
  const auto digest = Sha256(contents);
  const std::string_view start(reinterpret_cast<const char*>(digest.data()), 16);
  return absl::StrCat("-", absl::BytesToHexString(Av(start)));
}

}  // namespace wavepost
