#include "sender/queue/keys.h"

#include <algorithm>

#include "common/mail/address.h"
#include "common/storage/db.h"

namespace wavepost {
namespace {

constexpr size_t kNumberBytes = 8;

void AppendLane(const LaneKey& lane, std::string* out) {
  out->append(lane.egress_ip);
  out->push_back('\0');
  out->append(lane.domain);
}

}  // namespace

std::string LanePrefix(const LaneKey& lane) {
  std::string out;
  out.reserve(lane.egress_ip.size() + lane.domain.size() + 2);
  AppendLane(lane, &out);
  out.push_back('\0');
  return out;
}

std::string LaneEnd(const LaneKey& lane) {
  std::string out = LanePrefix(lane);
  out.back() = '\1';
  return out;
}

std::string QueueKey(const LaneKey& lane, int64_t due_ms, RecipientId id) {
  std::string out;
  out.reserve(lane.egress_ip.size() + lane.domain.size() + 2 + 2 * kNumberBytes);
  AppendLane(lane, &out);
  out.push_back('\0');
  AppendBig64(static_cast<uint64_t>(std::max<int64_t>(due_ms, 0)), &out);
  AppendBig64(id.packed(), &out);
  return out;
}

std::optional<QueuePlace> ParseQueueKey(std::string_view key) {
  if (key.size() < 2 + 2 * kNumberBytes) return std::nullopt;
  const std::string_view lane = key.substr(0, key.size() - 2 * kNumberBytes);
  const std::string_view numbers = key.substr(lane.size());
  const size_t middle = lane.find('\0');
  if (middle == std::string_view::npos || middle + 1 >= lane.size() || lane.find('\0', middle + 1) != lane.size() - 1) {
    return std::nullopt;
  }
  return QueuePlace{
      {std::string(lane.substr(0, middle)), std::string(lane.substr(middle + 1, lane.size() - middle - 2))},
      static_cast<int64_t>(ReadBig64(numbers)),
      RecipientId::FromPacked(ReadBig64(numbers.substr(kNumberBytes)))};
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
