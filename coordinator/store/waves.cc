// Waves: creating, starting, listing.
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/rpc/status.h"
#include "coordinator/store/proto_time.h"
#include "coordinator/store/rocks_store_impl.h"

namespace wavepost {
namespace {

constexpr uint32_t kWavesMax = UINT32_MAX;

}  // namespace

absl::StatusOr<v1::Wave> RocksStore::CreateWave(std::string_view campaign, std::string_view wave_name,
                                                const RequestKey& request) {
  return Create<v1::Wave>(campaign, request, [&](Change& change) -> absl::StatusOr<v1::Wave> {
    const auto owner =
        change.read().GetMessage<cluster::v1::StoredCampaign>(kNames, NameKey(NameKind::kCampaign, campaign));
    if (absl::IsNotFound(owner.status())) return NoSuch("campaign", campaign);
    if (!owner.ok()) return owner.status();
    const auto there = change.read().Get(kNames, NameKey(NameKind::kWaveNumber, wave_name));
    if (there.ok()) {
      return ApiError(absl::StatusCode::kAlreadyExists, "ALREADY_EXISTS",
                      absl::StrCat("there is a wave '", Av(wave_name), "' already"),
                      {{"resource", std::string(wave_name)}});
    }
    if (!absl::IsNotFound(there.status())) return there.status();
    if (change.state().last_wave == kWavesMax) return absl::ResourceExhaustedError("there are no more wave numbers");
    cluster::v1::StoredWave stored;
    stored.set_number(change.state().last_wave + 1);
    stored.set_campaign(std::string(campaign));
    stored.set_priority(owner->campaign().priority());
    stored.mutable_wave()->set_name(std::string(wave_name));
    stored.mutable_wave()->set_state(v1::Wave::DRAFT);
    stored.mutable_wave()->mutable_counts();
    *stored.mutable_wave()->mutable_create_time() = ToProtoTime(change.now());
    v1::Wave wave = stored.wave();
    change.AddWave(std::move(stored));
    return wave;
  });
}

absl::StatusOr<cluster::v1::StoredWave> RocksStore::GetWave(std::string_view name) {
  const Reader read = Durable();
  const auto number = read.Get(kNames, NameKey(NameKind::kWaveNumber, name));
  if (absl::IsNotFound(number.status())) return NoSuch("wave", name);
  if (!number.ok()) return number.status();
  return read.GetMessage<cluster::v1::StoredWave>(kWaves, *number);
}

absl::StatusOr<cluster::v1::StoredWave> RocksStore::GetWaveByNumber(uint32_t number) {
  auto stored = Durable().GetMessage<cluster::v1::StoredWave>(kWaves, WaveKey(number));
  if (absl::IsNotFound(stored.status())) return NoSuch("wave", absl::StrCat("w", number));
  return stored;
}

absl::StatusOr<Page<v1::Wave>> RocksStore::ListWaves(std::string_view campaign, int page_size,
                                                     std::string_view cursor) {
  const Reader read = Durable();
  return List<v1::Wave>(kNames, NameKey(NameKind::kWaveNumber, absl::StrCat(Av(campaign), "/")), page_size, cursor,
                        [&](std::string_view value, std::vector<v1::Wave>* items) -> absl::StatusOr<bool> {
                          auto stored = read.GetMessage<cluster::v1::StoredWave>(kWaves, value);
                          if (absl::IsNotFound(stored.status())) return false;  // made after `read`
                          if (!stored.ok()) return stored.status();
                          items->push_back(std::move(*stored->mutable_wave()));
                          return true;
                        });
}

absl::StatusOr<v1::Wave> RocksStore::StartWave(std::string_view name, const WaveStart& start) {
  v1::Wave result;
  RETURN_IF_ERROR(Write([&](Change& change) -> absl::Status {
    ASSIGN_OR_RETURN(cluster::v1::StoredWave* const stored, change.WaveNamed(name));
    v1::Wave* const wave = stored->mutable_wave();
    if (wave->state() == v1::Wave::DRAFT) {
      if (stored->priority() == v1::URGENT && wave->counts().accepted() > kUrgentRecipientsMax) {
        return ApiError(absl::StatusCode::kFailedPrecondition, "TOO_LARGE_FOR_URGENT",
                        absl::StrCat("wave '", wave->name(), "' has ", wave->counts().accepted(),
                                     " recipients, and its campaign is URGENT: at most ", kUrgentRecipientsMax,
                                     " go before all bulk; use a campaign of priority BULK"),
                        {{"resource", wave->name()}});
      }
      if (wave->counts().accepted() == 0) {
        return ApiError(absl::StatusCode::kFailedPrecondition, "NO_RECIPIENTS",
                        absl::StrCat("wave '", wave->name(), "' has no recipients; import some, then start it"),
                        {{"resource", wave->name()}});
      }
      if (start.keys_generation.has_value() && *start.keys_generation != change.state().keys_generation) {
        return absl::AbortedError("sending domains or certificates have changed while the wave was starting");
      }
      wave->set_state(v1::Wave::RUNNING);
      *wave->mutable_start_time() = ToProtoTime(change.now());
      wave->set_from_address(start.from_address);
      stored->set_token_key_id(start.token_key_id);
      stored->set_return_path_domain(start.return_path_domain);
      stored->set_started_after_order(change.state().last_order);
      v1::Event event;
      event.set_kind(v1::Event::WAVE_STARTED);
      event.set_count(wave->counts().accepted());
      change.AddEvent(std::move(event), stored->number());
    }
    result = *wave;
    return absl::OkStatus();
  }));
  return result;
}

absl::StatusOr<std::vector<WaveToPlan>> RocksStore::WavesToPlan() {
  std::lock_guard lock(published_mutex_);
  return to_plan_;
}

}  // namespace wavepost
