#include "sender/queue/keys.h"

#include <algorithm>

#include "common/mail/address.h"
#include "common/storage/db.h"

namespace wavepost {
namespace {

constexpr size_t kLaneTail = 4 + 1;   // wave, kind
constexpr size_t kEntryTail = 8 + 4;  // due time, index
// Retries sort first; nothing depends on it.
constexpr char kRetryKind = 0;
constexpr char kFreshKind = 1;

}  // namespace

std::string DomainPrefix(std::string_view egress_ip, std::string_view domain) {
  std::string out;
  out.reserve(egress_ip.size() + domain.size() + 2 + kLaneTail + kEntryTail);
  out.append(egress_ip);
  out.push_back('\0');
  out.append(domain);
  out.push_back('\0');
  return out;
}

std::string LanePrefix(const LaneKey& lane) {
  std::string out = DomainPrefix(lane.egress_ip, lane.domain);
  AppendBig32(lane.wave, &out);
  out.push_back(lane.retry ? kRetryKind : kFreshKind);
  return out;
}

std::string LaneEnd(const LaneKey& lane) {
  std::string out = LanePrefix(lane);
  ++out.back();
  return out;
}

std::string QueueKey(const LaneKey& lane, int64_t due_ms, RecipientId id) {
  std::string out = LanePrefix(lane);
  AppendBig64(static_cast<uint64_t>(std::max<int64_t>(due_ms, 0)), &out);
  AppendBig32(id.index, &out);
  return out;
}

LaneKey RetryLane(LaneKey lane) {
  lane.retry = true;
  return lane;
}

std::optional<QueuePlace> ParseQueueKey(std::string_view key) {
  // Neither name holds a NUL; the numbers behind them may.
  const size_t ip_end = key.find('\0');
  if (ip_end == std::string_view::npos) return std::nullopt;
  const size_t domain_end = key.find('\0', ip_end + 1);
  if (domain_end == std::string_view::npos || domain_end == ip_end + 1) return std::nullopt;
  const std::string_view tail = key.substr(domain_end + 1);
  if (tail.size() != kLaneTail + kEntryTail || (tail[4] != kRetryKind && tail[4] != kFreshKind)) return std::nullopt;
  const uint32_t wave = ReadBig32(tail);
  return QueuePlace{{.egress_ip = std::string(key.substr(0, ip_end)),
                     .domain = std::string(key.substr(ip_end + 1, domain_end - ip_end - 1)),
                     .wave = wave,
                     .retry = tail[4] == kRetryKind},
                    static_cast<int64_t>(ReadBig64(tail.substr(kLaneTail))),
                    RecipientId{wave, ReadBig32(tail.substr(kLaneTail + 8))}};
}

std::string LearnedKey(std::string_view egress_ip, std::string_view name) {
  std::string out(egress_ip);
  out.push_back('\0');
  out.append(name);
  return out;
}

std::string WaveKey(uint32_t wave) {
  std::string out;
  AppendBig32(wave, &out);
  return out;
}

std::string AddressPrefix(std::string_view suppression_key) {
  std::string out(suppression_key);
  out.push_back('\0');
  return out;
}

std::string AddressKey(std::string_view address, RecipientId id) {
  std::string out = AddressPrefix(SuppressionKey(address));
  AppendBig64(id.packed(), &out);
  return out;
}

std::string IdKey(RecipientId id) {
  std::string out;
  AppendBig64(id.packed(), &out);
  return out;
}

std::string SequenceKey(int64_t sequence) {
  std::string out;
  AppendBig64(static_cast<uint64_t>(sequence), &out);
  return out;
}

std::string_view DomainOf(std::string_view address) {
  const size_t at = address.rfind('@');
  return at == std::string_view::npos ? std::string_view() : address.substr(at + 1);
}

}  // namespace wavepost
