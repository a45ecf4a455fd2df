// The event log, as readers see it: names that the stored form leaves out are filled in again.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "coordinator/store/rocks_store_impl.h"

namespace wavepost {
namespace {

constexpr size_t kEventsMax = 10000;  // per call

}  // namespace

absl::StatusOr<std::vector<v1::Event>> RocksStore::Events(int64_t after_sequence, size_t limit) {
  std::vector<v1::Event> events;
  if (after_sequence == INT64_MAX) return events;
  const Reader read = Durable();
  const size_t events_max = std::min(limit, kEventsMax);
  absl::flat_hash_map<uint32_t, std::string> wave_names;
  const auto wave_name = [&](uint32_t number) -> absl::StatusOr<std::string> {
    if (const auto it = wave_names.find(number); it != wave_names.end()) return it->second;
    ASSIGN_OR_RETURN(const auto wave, read.GetMessage<cluster::v1::StoredWave>(kWaves, WaveKey(number)));
    return wave_names[number] = wave.wave().name();
  };
  absl::Status failed;
  RETURN_IF_ERROR(read.Scan(kEvents, SequenceKey(std::max<int64_t>(after_sequence, 0) + 1), "",
                            [&](std::string_view key, std::string_view value) {
                              if (events.size() >= events_max) return false;
                              auto stored = Reader::ParseRecord<cluster::v1::StoredEvent>(value);
                              failed.Update(stored.status());
                              if (!stored.ok()) return false;
                              v1::Event& event = events.emplace_back(std::move(*stored->mutable_event()));
                              event.set_sequence(ParseSequenceKey(key));
                              if (stored->wave() == 0) return true;
                              const auto name = wave_name(stored->wave());
                              failed.Update(name.status());
                              if (!name.ok()) return false;
                              event.set_wave(*name);
                              event.set_tenant(TenantOf(*name));
                              if (stored->recipient_id() != 0) {
                                const auto id = RecipientId::FromPacked(stored->recipient_id());
                                event.set_recipient(absl::StrCat(*name, "/recipients/", id.ToString()));
                              }
                              return true;
                            }));
  RETURN_IF_ERROR(failed);
  return events;
}

absl::Status RocksStore::AppendEvent(v1::Event event) {
  return Write([&](Change& change) {
    change.AddEvent(event);
    return absl::OkStatus();
  });
}

}  // namespace wavepost
