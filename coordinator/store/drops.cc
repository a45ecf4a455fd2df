// Drops of campaigns, carried out on what the coordinator still holds, a page per change. Plans and batches made
// meanwhile leave out what is dropped (RecordPlan, ReadBatch), so that nothing slips through between two pages.
#include <algorithm>
#include <utility>

#include "common/base/status_macros.h"
#include "coordinator/store/drop_rules.h"
#include "coordinator/store/rocks_store_impl.h"
#include "coordinator/store/row_set.h"
#include "coordinator/store/transition.h"

namespace wavepost {
namespace {

using cluster::v1::PendingBatch;
using cluster::v1::StoredDrop;
using cluster::v1::StoredWave;

constexpr uint32_t kRowsPerPage = 2000;
constexpr size_t kWavesPerPage = 500;
constexpr size_t kBatchesPerPage = 200;

// One row more of the set is CANCELLED, if it was open.
void CancelRow(Change* change, bool withdrawn, StoredWave* wave, Row* row) {
  const Effect effect = Cancel(change->now(), withdrawn, &row->state, wave->mutable_wave()->mutable_counts());
  if (!effect.changed) return;
  row->changed = true;
  v1::Event event = *effect.event;
  event.set_address(row->recipient.address());
  change->AddEvent(std::move(event), row->id.wave, row->id);
}

}  // namespace

absl::StatusOr<bool> RocksStore::AdvanceDrops() {
  {
    std::lock_guard lock(published_mutex_);
    if (drops_->empty()) return false;
  }
  bool more = false;
  const absl::Status written = Write([&](Change& change) -> absl::Status {
    if (change.state().drops.empty()) return absl::OkStatus();
    StoredDrop drop = change.state().drops.begin()->second;  // the oldest
    bool done = false;
    RETURN_IF_ERROR(drop.waves_done() ? AdvanceBatches(change, &drop, &done) : AdvanceWaves(change, &drop));
    more = !done || change.state().drops.size() > 1;
    if (done) {
      change.RemoveDrop(drop.sequence());
    } else {
      change.PutDrop(std::move(drop));
    }
    return absl::OkStatus();
  });
  if (!written.ok()) return written;
  return more;
}

absl::Status RocksStore::AdvanceWaves(Change& change, StoredDrop* drop) {
  if (drop->wave() == 0) {
    // The next wave of the campaign that is concerned.
    const std::string prefix = NameKey(NameKind::kWaveNumber, drop->selector().campaign() + "/");
    std::string from = prefix;
    if (!drop->wave_name().empty()) from = NameKey(NameKind::kWaveNumber, drop->wave_name()) + '\0';
    size_t seen = 0;
    bool ended = true;
    absl::Status failed;
    RETURN_IF_ERROR(
        change.read().Scan(kNames, from, PrefixEnd(prefix), [&](std::string_view key, std::string_view number) {
          if (seen == kWavesPerPage || drop->wave() != 0) {
            ended = false;
            return false;
          }
          ++seen;
          const auto wave = change.read().GetMessage<StoredWave>(kWaves, number);
          failed.Update(wave.status());
          if (!wave.ok()) return false;
          drop->set_wave_name(std::string(key.substr(1)));
          if (!Concerns(*drop, *wave)) return true;
          drop->set_wave(wave->number());
          drop->set_next_index(wave->planned_through());
          return true;
        }));
    RETURN_IF_ERROR(failed);
    if (drop->wave() == 0) {
      drop->set_waves_done(ended);
      return absl::OkStatus();
    }
  }
  ASSIGN_OR_RETURN(StoredWave* const wave, change.Wave(drop->wave()));
  const uint32_t until = static_cast<uint32_t>(
      std::min<uint64_t>(wave->next_index(), static_cast<uint64_t>(drop->next_index()) + kRowsPerPage));
  std::vector<RecipientId> ids;
  for (uint32_t index = drop->next_index(); index < until; ++index) ids.push_back({wave->number(), index});
  ASSIGN_OR_RETURN(RowSet rows, RowSet::Load(change.read(), ids));
  for (Row& row : rows.rows()) {
    // Those that were planned meanwhile are in batches: their turn comes.
    if (row.state.state() != v1::Recipient::ACCEPTED) continue;
    if (TakesIn(drop->selector(), row.recipient.address(), "")) CancelRow(&change, /*withdrawn=*/false, wave, &row);
  }
  rows.Store(&change);
  CompleteWave(&change, wave);
  drop->set_next_index(std::max(until, drop->next_index()));
  if (drop->next_index() >= wave->next_index()) drop->set_wave(0);
  return absl::OkStatus();
}

absl::Status RocksStore::AdvanceBatches(Change& change, StoredDrop* drop, bool* done) {
  std::vector<PendingBatch> concerned;
  size_t seen = 0, recipients = 0;
  *done = true;
  absl::Status failed;
  std::map<uint32_t, bool> waves;  // of this page: concerned
  const std::string from = drop->node().empty() ? "" : BatchKey(drop->node(), drop->batch_sequence() + 1);
  RETURN_IF_ERROR(change.read().Scan(kBatches, from, "", [&](std::string_view key, std::string_view value) {
    if (seen == kBatchesPerPage || recipients >= kRowsPerPage) {
      *done = false;
      return false;
    }
    ++seen;
    auto batch = Reader::ParseRecord<PendingBatch>(value);
    failed.Update(batch.status());
    if (!batch.ok()) return false;
    drop->set_node(std::string(key.substr(0, key.find('\0'))));
    drop->set_batch_sequence(batch->sequence());
    const auto [known, is_new] = waves.try_emplace(batch->wave(), false);
    if (is_new) {
      const auto wave = change.read().GetMessage<StoredWave>(kWaves, WaveKey(batch->wave()));
      failed.Update(wave.status());
      if (!wave.ok()) return false;
      known->second = Concerns(*drop, *wave);
    }
    if (!known->second) return true;
    recipients += static_cast<size_t>(batch->indices_size());
    concerned.push_back(*std::move(batch));
    return true;
  }));
  RETURN_IF_ERROR(failed);
  for (const PendingBatch& batch : concerned) {
    ASSIGN_OR_RETURN(StoredWave* const wave, change.Wave(batch.wave()));
    std::vector<RecipientId> ids;
    for (const uint32_t index : batch.indices()) ids.push_back({batch.wave(), index});
    ASSIGN_OR_RETURN(RowSet rows, RowSet::Load(change.read(), ids));
    bool anybody_left = false;
    for (Row& row : rows.rows()) {
      // The batch may have gone out, acknowledgement on its way: so marked as withdrawn.
      if (row.state.state() == v1::Recipient::ASSIGNED &&
          TakesIn(drop->selector(), row.recipient.address(), row.state.egress_ip())) {
        CancelRow(&change, /*withdrawn=*/true, wave, &row);
      }
      anybody_left = anybody_left || row.state.state() != v1::Recipient::DONE;
    }
    rows.Store(&change);
    if (!anybody_left) change.DropBatch(batch.batch_id());
    CompleteWave(&change, wave);
  }
  return absl::OkStatus();
}

absl::StatusOr<absl::flat_hash_set<uint32_t>> RocksStore::DroppedOf(Change& change, const StoredWave& wave,
                                                                    const Plan& plan) {
  absl::flat_hash_set<uint32_t> dropped;
  std::vector<const StoredDrop*> drops;
  for (const auto& [sequence, drop] : change.state().drops) {
    if (Concerns(drop, wave)) drops.push_back(&drop);
  }
  if (drops.empty()) return dropped;
  std::vector<std::string> keys;
  for (const Assignment& assignment : plan.assignments) keys.push_back(RecipientKey(assignment.id));
  ASSIGN_OR_RETURN(const auto rows, change.read().MultiGet(kRecipients, keys));
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!rows[i].has_value()) continue;
    ASSIGN_OR_RETURN(const auto recipient, Reader::ParseRecord<cluster::v1::StoredRecipient>(*rows[i]));
    for (const StoredDrop* drop : drops) {
      if (TakesIn(drop->selector(), recipient.address(), plan.assignments[i].egress_ip)) {
        dropped.insert(plan.assignments[i].id.index);
      }
    }
  }
  return dropped;
}

}  // namespace wavepost
