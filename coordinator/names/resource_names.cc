#include "coordinator/names/resource_names.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr size_t kIdBytesMax = 63;
constexpr size_t kNameBytesMax = 1024;
constexpr size_t kDomainBytesMax = 253;
constexpr size_t kAddressBytesMax = 320;
constexpr size_t kSha256HexBytes = 64;

bool IsLower(char c) {
  return c >= 'a' && c <= 'z';
}
bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

bool IsIdTail(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return IsLower(c) || IsDigit(c) || c == '-'; });
}

// Takes "word/rest" apart: drops the word with its slash, if it is there.
bool SkipWord(std::string_view word, std::string_view* rest) {
  if (rest->size() <= word.size() || rest->substr(0, word.size()) != word || (*rest)[word.size()] != '/') return false;
  rest->remove_prefix(word.size() + 1);
  return true;
}

// Takes the text up to the next slash, or all.
std::string_view TakeSegment(std::string_view* rest) {
  const size_t slash = rest->find('/');
  const std::string_view out = rest->substr(0, slash);
  rest->remove_prefix(slash == std::string_view::npos ? rest->size() : slash + 1);
  return out;
}

// Splits "tenants/{tenant}/{rest}"; an empty rest is for the caller to judge.
bool TakeTenant(std::string_view* rest, std::string* tenant) {
  if (rest->size() > kNameBytesMax || rest->ends_with('/') || !SkipWord("tenants", rest)) return false;
  const std::string_view id = TakeSegment(rest);
  if (!IsTenantId(id)) return false;
  *tenant = std::string(id);
  return true;
}

// Splits "{word}/{id}" off the front.
bool TakeId(std::string_view word, std::string_view* rest, std::string* id) {
  if (!SkipWord(word, rest)) return false;
  const std::string_view segment = TakeSegment(rest);
  if (!IsResourceId(segment)) return false;
  *id = std::string(segment);
  return true;
}

// Parses "tenants/{tenant}/{word}/{sha256}".
bool ParseHashed(std::string_view word, std::string_view name, std::string* tenant, std::string* sha256) {
  if (!TakeTenant(&name, tenant) || !SkipWord(word, &name) || !IsSha256Hex(name)) return false;
  *sha256 = std::string(name);
  return true;
}

}  // namespace

bool IsSha256Hex(std::string_view text) {
  return text.size() == kSha256HexBytes &&
         std::all_of(text.begin(), text.end(), [](char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); });
}

bool IsTenantId(std::string_view id) {
  return !id.empty() && id.size() <= kIdBytesMax && IsLower(id[0]) && IsIdTail(id);
}

bool IsResourceId(std::string_view id) {
  return !id.empty() && id.size() <= kIdBytesMax && id[0] != '-' && IsIdTail(id);
}

std::string TenantName::ToString() const {
  return absl::StrCat("tenants/", tenant);
}

std::optional<TenantName> TenantName::Parse(std::string_view name) {
  TenantName out;
  if (!TakeTenant(&name, &out.tenant) || !name.empty()) return std::nullopt;
  return out;
}

std::string SendingDomainName::ToString() const {
  return absl::StrCat("tenants/", tenant, "/sendingDomains/", domain);
}

std::optional<SendingDomainName> SendingDomainName::Parse(std::string_view name) {
  SendingDomainName out;
  if (!TakeTenant(&name, &out.tenant) || !SkipWord("sendingDomains", &name)) return std::nullopt;
  if (name.empty() || name.size() > kDomainBytesMax) return std::nullopt;
  if (!std::all_of(name.begin(), name.end(), [](char c) { return IsLower(c) || IsDigit(c) || c == '-' || c == '.'; })) {
    return std::nullopt;
  }
  out.domain = std::string(name);
  return out;
}

std::string SuppressionName::ToString() const {
  return absl::StrCat("tenants/", tenant, "/suppressions/", address);
}

std::optional<SuppressionName> SuppressionName::Parse(std::string_view name) {
  SuppressionName out;
  if (!TakeTenant(&name, &out.tenant) || !SkipWord("suppressions", &name)) return std::nullopt;
  if (name.empty() || name.size() > kAddressBytesMax) return std::nullopt;
  out.address = std::string(name);
  return out;
}

std::string FileName::ToString() const {
  return absl::StrCat("tenants/", tenant, "/files/", sha256);
}

std::optional<FileName> FileName::Parse(std::string_view name) {
  FileName out;
  if (!ParseHashed("files", name, &out.tenant, &out.sha256)) return std::nullopt;
  return out;
}

std::string CertificateName::ToString() const {
  return absl::StrCat("tenants/", tenant, "/certificates/", sha256);
}

std::optional<CertificateName> CertificateName::Parse(std::string_view name) {
  CertificateName out;
  if (!ParseHashed("certificates", name, &out.tenant, &out.sha256)) return std::nullopt;
  return out;
}

std::string CampaignName::ToString() const {
  return absl::StrCat("tenants/", tenant, "/campaigns/", campaign);
}

std::optional<CampaignName> CampaignName::Parse(std::string_view name) {
  CampaignName out;
  if (!TakeTenant(&name, &out.tenant) || !TakeId("campaigns", &name, &out.campaign) || !name.empty())
    return std::nullopt;
  return out;
}

std::string WaveName::CampaignString() const {
  return absl::StrCat("tenants/", tenant, "/campaigns/", campaign);
}

std::string WaveName::ToString() const {
  return absl::StrCat(CampaignString(), "/waves/", wave);
}

std::optional<WaveName> WaveName::Parse(std::string_view name) {
  WaveName out;
  if (!TakeTenant(&name, &out.tenant) || !TakeId("campaigns", &name, &out.campaign) ||
      !TakeId("waves", &name, &out.wave) || !name.empty()) {
    return std::nullopt;
  }
  return out;
}

std::string RecipientName::ToString() const {
  return absl::StrCat(wave.ToString(), "/recipients/", id.ToString());
}

std::optional<RecipientName> RecipientName::Parse(std::string_view name) {
  RecipientName out;
  if (!TakeTenant(&name, &out.wave.tenant) || !TakeId("campaigns", &name, &out.wave.campaign) ||
      !TakeId("waves", &name, &out.wave.wave) || !SkipWord("recipients", &name)) {
    return std::nullopt;
  }
  const std::optional<RecipientId> id = RecipientId::Parse(name);
  if (!id.has_value()) return std::nullopt;
  out.id = *id;
  return out;
}

std::optional<std::string> TenantPartOf(std::string_view name) {
  std::string tenant;
  if (!TakeTenant(&name, &tenant)) return std::nullopt;
  return absl::StrCat("tenants/", tenant);
}

std::string NodeName(std::string_view node_id) {
  return absl::StrCat("nodes/", Av(node_id));
}

}  // namespace wavepost
