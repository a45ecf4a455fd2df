// The keys of the sender's folder: how lanes, due times, addresses and ids become bytes that sort the way we read them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/recipient_id.h"
#include "sender/queue/queue_store.h"

namespace wavepost {

// Where a queue entry stands.
struct QueuePlace {
  LaneKey lane;
  int64_t due_ms = 0;
  RecipientId id;
};

// "egress IP \0 domain \0": every lane of the domain starts with it.
std::string DomainPrefix(std::string_view egress_ip, std::string_view domain);
// "egress IP \0 domain \0 wave (4) kind (1)": every entry of the lane starts with it.
std::string LanePrefix(const LaneKey& lane);
// The first key behind the lane.
std::string LaneEnd(const LaneKey& lane);
// A due time before 1970 counts as 1970. The lane's wave is the id's.
std::string QueueKey(const LaneKey& lane, int64_t due_ms, RecipientId id);
// The lane in which an entry waits after a deferral.
LaneKey RetryLane(LaneKey lane);
// Nothing: these bytes are no queue key.
std::optional<QueuePlace> ParseQueueKey(std::string_view key);

// "suppression key \0": every entry of the address index for that address starts with it.
std::string AddressPrefix(std::string_view suppression_key);
std::string AddressKey(std::string_view address, RecipientId id);

// "egress IP \0 name": of what was learned.
std::string LearnedKey(std::string_view egress_ip, std::string_view name);

std::string WaveKey(uint32_t wave);
std::string IdKey(RecipientId id);
std::string SequenceKey(int64_t sequence);

// What stands behind the last @; empty: there is none.
std::string_view DomainOf(std::string_view address);

}  // namespace wavepost
