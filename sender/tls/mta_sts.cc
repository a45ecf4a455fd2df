#include "sender/tls/mta_sts.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "common/dns/names.h"

namespace wavepost {
namespace {

constexpr std::string_view kVersion = "STSv1";
constexpr size_t kIdBytesMax = 32;
constexpr size_t kMaxAgeDigitsMax = 10;
constexpr std::string_view kSpaces = " \t";

std::string_view Trimmed(std::string_view s) {
  const size_t begin = s.find_first_not_of(kSpaces);
  if (begin == std::string_view::npos) return {};
  return s.substr(begin, s.find_last_not_of(kSpaces) - begin + 1);
}

bool IsAlnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Takes the text up to `delimiter` off *rest.
std::string_view TakeUntil(std::string_view* rest, char delimiter) {
  const size_t end = rest->find(delimiter);
  const std::string_view piece = rest->substr(0, end);
  *rest = end == std::string_view::npos ? std::string_view() : rest->substr(end + 1);
  return piece;
}

// A host name, or "*." and one.
std::optional<std::string> ReadMx(std::string_view value) {
  const bool wild = value.starts_with("*.");
  const std::optional<std::string> name = NormalizeHostName(wild ? value.substr(2) : value);
  if (!name) return std::nullopt;
  return wild ? "*." + *name : *name;
}

absl::StatusOr<absl::Duration> ReadMaxAge(std::string_view value) {
  const bool digits = value.find_first_not_of("0123456789") == std::string_view::npos;
  int64_t seconds = 0;
  if (value.empty() || value.size() > kMaxAgeDigitsMax || !digits || !absl::SimpleAtoi(Av(value), &seconds))
    return absl::InvalidArgumentError("max_age is not a number of seconds");
  if (absl::Seconds(seconds) > kMtaStsMaxAgeMax) return absl::InvalidArgumentError("max_age is more than a year");
  return absl::Seconds(seconds);
}

std::optional<MtaStsMode> ReadMode(std::string_view value) {
  for (MtaStsMode mode : {MtaStsMode::kNone, MtaStsMode::kTesting, MtaStsMode::kEnforce}) {
    if (value == MtaStsModeName(mode)) return mode;
  }
  return std::nullopt;
}

// The fields of a policy file as they come.
class PolicyReader {
 public:
  absl::Status Take(std::string_view line) {
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return absl::InvalidArgumentError("no colon");
    const std::string_view key = Trimmed(line.substr(0, colon));
    const std::string_view value = Trimmed(line.substr(colon + 1));
    if (key == "version" && !has_version_) {
      has_version_ = true;
      if (value != kVersion) return absl::InvalidArgumentError("version is not STSv1");
    } else if (key == "mode" && !mode_) {
      mode_ = ReadMode(value);
      if (!mode_) return absl::InvalidArgumentError("unknown mode");
    } else if (key == "max_age" && !max_age_) {
      const absl::StatusOr<absl::Duration> age = ReadMaxAge(value);
      if (!age.ok()) return age.status();
      max_age_ = *age;
    } else if (key == "mx") {
      std::optional<std::string> mx = ReadMx(value);
      if (!mx) return absl::InvalidArgumentError("mx is no host name");
      if (mx_.size() >= kMtaStsMxMax) return absl::InvalidArgumentError("too many mx");
      mx_.push_back(*std::move(mx));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<MtaStsPolicy> Finish() {
    if (!has_version_) return absl::InvalidArgumentError("no version");
    if (!mode_) return absl::InvalidArgumentError("no mode");
    if (!max_age_) return absl::InvalidArgumentError("no max_age");
    if (mx_.empty() && *mode_ != MtaStsMode::kNone) return absl::InvalidArgumentError("no mx");
    return MtaStsPolicy{*mode_, std::move(mx_), *max_age_};
  }

 private:
  bool has_version_ = false;
  std::optional<MtaStsMode> mode_;
  std::optional<absl::Duration> max_age_;
  std::vector<std::string> mx_;
};

// The id of one record; nothing when it is not valid. Its version has been seen.
std::optional<std::string> ReadRecordId(std::string_view fields) {
  while (!fields.empty()) {
    const std::string_view field = Trimmed(TakeUntil(&fields, ';'));
    if (!field.starts_with("id=")) continue;
    const std::string_view id = field.substr(3);
    if (id.empty() || id.size() > kIdBytesMax || !std::all_of(id.begin(), id.end(), IsAlnum)) return std::nullopt;
    return std::string(id);
  }
  return std::nullopt;
}

}  // namespace

std::string_view MtaStsModeName(MtaStsMode mode) {
  switch (mode) {
    case MtaStsMode::kNone:
      return "none";
    case MtaStsMode::kTesting:
      return "testing";
    case MtaStsMode::kEnforce:
      return "enforce";
  }
  return "none";
}

std::optional<std::string> ParseMtaStsRecord(const std::vector<std::string>& texts) {
  std::optional<std::string> id;
  int records = 0;
  for (const std::string& text : texts) {
    std::string_view rest = text;
    const bool has_fields = rest.find(';') != std::string_view::npos;
    // Nothing may stand before the version; spaces may stand behind it.
    const std::string_view version = TakeUntil(&rest, ';');
    if (!has_fields || !version.starts_with("v=STSv1") || Trimmed(version) != "v=STSv1") continue;
    ++records;
    id = ReadRecordId(rest);
  }
  if (records != 1) return std::nullopt;
  return id;
}

absl::StatusOr<MtaStsPolicy> ParseMtaStsPolicy(std::string_view text) {
  if (text.size() > kMtaStsPolicyBytesMax) return absl::InvalidArgumentError("MTA-STS policy: longer than 64 KiB");
  PolicyReader reader;
  for (int number = 1; !text.empty(); ++number) {
    std::string_view line = TakeUntil(&text, '\n');
    if (line.ends_with('\r')) line.remove_suffix(1);
    const auto is_control = [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7F; };
    absl::Status status;
    if (std::any_of(line.begin(), line.end(), is_control)) {
      status = absl::InvalidArgumentError("a control character");
    } else if (!Trimmed(line).empty()) {
      status = reader.Take(line);
    }
    if (!status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("MTA-STS policy, line ", number, ": ", status.message()));
    }
  }
  absl::StatusOr<MtaStsPolicy> policy = reader.Finish();
  if (!policy.ok()) return absl::InvalidArgumentError(absl::StrCat("MTA-STS policy: ", policy.status().message()));
  return policy;
}

bool MtaStsAllows(const MtaStsPolicy& policy, std::string_view host) {
  const size_t dot = host.find('.');
  // "*.example.com" covers what has exactly one label before ".example.com".
  const std::string_view parent = dot == std::string_view::npos || dot == 0 ? std::string_view() : host.substr(dot + 1);
  return std::any_of(policy.mx.begin(), policy.mx.end(), [&](std::string_view mx) {
    return mx.starts_with("*.") ? !parent.empty() && mx.substr(2) == parent : mx == host;
  });
}

std::vector<std::string> MtaStsPolicyLines(const MtaStsPolicy& policy) {
  std::vector<std::string> lines = {"version: STSv1", absl::StrCat("mode: ", Av(MtaStsModeName(policy.mode)))};
  for (const std::string& mx : policy.mx) lines.push_back("mx: " + mx);
  lines.push_back(absl::StrCat("max_age: ", absl::ToInt64Seconds(policy.max_age)));
  return lines;
}

}  // namespace wavepost
