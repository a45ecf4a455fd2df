#include "coordinator/store/keys.h"

#include <openssl/sha.h>

#include <array>

#include "common/base/strings.h"
#include "common/storage/db.h"

namespace wavepost {
namespace {

constexpr size_t kAddressHashBytes = 16;
constexpr char kSeparator = '\0';  // stands in no name, and before all that does

std::string HashOf(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> hash;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash.data());
  return std::string(reinterpret_cast<const char*>(hash.data()), kAddressHashBytes);
}

}  // namespace

std::vector<std::string> FamilyNames() {
  return {"names",  "waves",    "recipients", "states", "addresses", "batches",    "suppressions", "suppression_log",
          "events", "requests", "orders",     "drops",  "warm_up",   "file_bytes", "soft_bounces", "aggregates"};
}

std::string NameKey(NameKind kind, std::string_view name) {
  std::string key(1, static_cast<char>(kind));
  key += name;
  return key;
}

std::string WaveKey(uint32_t wave) {
  std::string key;
  AppendBig32(wave, &key);
  return key;
}

std::string RecipientKey(RecipientId id) {
  std::string key;
  AppendBig64(id.packed(), &key);
  return key;
}

RecipientId ParseRecipientKey(std::string_view key) {
  return RecipientId::FromPacked(ReadBig64(key));
}

std::string AddressKey(uint32_t wave, std::string_view normalized_address) {
  return WaveKey(wave) + HashOf(normalized_address);
}

std::string BatchPrefix(std::string_view node) {
  return std::string(node) + kSeparator;
}

std::string BatchKey(std::string_view node, int64_t sequence) {
  return BatchPrefix(node) + SequenceKey(sequence);
}

std::string SuppressionPrefix(std::string_view tenant) {
  return std::string(tenant) + kSeparator;
}

std::string SuppressionRowKey(std::string_view tenant, std::string_view address) {
  return SuppressionPrefix(tenant) + AsciiLower(address);
}

std::string SequenceKey(int64_t sequence) {
  std::string key;
  AppendBig64(static_cast<uint64_t>(sequence), &key);
  return key;
}

int64_t ParseSequenceKey(std::string_view key) {
  return static_cast<int64_t>(ReadBig64(key));
}

std::string WarmUpPrefix(int64_t day) {
  std::string key;
  AppendBig32(static_cast<uint32_t>(day), &key);
  return key;
}

std::string WarmUpRowKey(int64_t day, std::string_view egress_ip, std::string_view domain) {
  std::string key = WarmUpPrefix(day);
  key += egress_ip;
  key += kSeparator;
  key += domain;
  return key;
}

std::string RequestRowKey(std::string_view parent, std::string_view request_id) {
  std::string key(parent);
  key += kSeparator;
  key += request_id;
  return key;
}

std::string AggregatePrefix(AggregateRow row, int64_t day) {
  std::string key(1, static_cast<char>(row));
  AppendBig32(static_cast<uint32_t>(day), &key);
  return key;
}

std::string AggregatePrefix(AggregateRow row, int64_t day, std::string_view domain) {
  std::string key = AggregatePrefix(row, day);
  key += domain;
  key += kSeparator;
  return key;
}

std::string AggregateCountPrefix(std::string_view domain) {
  std::string key(1, static_cast<char>(AggregateRow::kCount));
  key += domain;
  key += kSeparator;
  return key;
}

std::string AggregateCountKey(std::string_view domain, int64_t day) {
  std::string key = AggregateCountPrefix(domain);
  AppendBig32(static_cast<uint32_t>(day), &key);
  return key;
}

std::string AggregateHash(std::string_view text) {
  return HashOf(text);
}

std::string PrefixEnd(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(end.back() + 1);
  return end;
}

std::string TenantOf(std::string_view resource_name) {
  const size_t first = resource_name.find('/');
  if (first == std::string_view::npos) return std::string(resource_name);
  return std::string(resource_name.substr(0, resource_name.find('/', first + 1)));
}

}  // namespace wavepost
