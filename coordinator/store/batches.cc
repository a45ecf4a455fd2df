// Batches between the plan and the node's acknowledgement.
#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "coordinator/store/drop_rules.h"
#include "coordinator/store/rocks_store_impl.h"
#include "coordinator/store/row_set.h"
#include "coordinator/store/transition.h"

namespace wavepost {
namespace {

constexpr size_t kPendingBatchesMax = 10000;

}  // namespace

absl::StatusOr<std::vector<cluster::v1::PendingBatch>> RocksStore::PendingBatches(std::string_view node,
                                                                                  int64_t after_sequence,
                                                                                  size_t limit) {
  std::vector<cluster::v1::PendingBatch> out;
  if (after_sequence == INT64_MAX) return out;
  const size_t batches_max = std::min(limit, kPendingBatchesMax);
  absl::Status failed;
  RETURN_IF_ERROR(Durable().Scan(kBatches, BatchKey(node, std::max<int64_t>(after_sequence, 0) + 1),
                                 PrefixEnd(BatchPrefix(node)), [&](std::string_view, std::string_view value) {
                                   if (out.size() >= batches_max) return false;
                                   auto batch = Reader::ParseRecord<cluster::v1::PendingBatch>(value);
                                   failed.Update(batch.status());
                                   if (!batch.ok()) return false;
                                   out.push_back(*std::move(batch));
                                   return true;
                                 }));
  RETURN_IF_ERROR(failed);
  return out;
}

absl::StatusOr<std::vector<PendingHead>> RocksStore::PendingHeads(std::string_view node, int64_t after_sequence,
                                                                  size_t limit) {
  std::vector<PendingHead> out;
  if (after_sequence == INT64_MAX) return out;
  const Reader read = Durable();
  const size_t heads_max = std::min(limit, kPendingBatchesMax);
  struct WaveInfo {
    bool urgent = false;
    std::string tenant;
    double weight = 1;
  };
  std::map<uint32_t, WaveInfo> waves;
  const auto info_of = [&](uint32_t number) -> absl::StatusOr<const WaveInfo*> {
    const auto [known, is_new] = waves.try_emplace(number);
    if (!is_new) return &known->second;
    ASSIGN_OR_RETURN(const auto wave, read.GetMessage<cluster::v1::StoredWave>(kWaves, WaveKey(number)));
    known->second.urgent = wave.priority() == v1::URGENT;
    known->second.tenant = TenantOf(wave.campaign());
    const auto tenant =
        read.GetMessage<cluster::v1::StoredTenant>(kNames, NameKey(NameKind::kTenant, known->second.tenant));
    RETURN_IF_ERROR(tenant.status());
    if (tenant->tenant().weight() > 0) known->second.weight = tenant->tenant().weight();
    return &known->second;
  };
  absl::Status failed;
  RETURN_IF_ERROR(read.Scan(kBatches, BatchKey(node, std::max<int64_t>(after_sequence, 0) + 1),
                            PrefixEnd(BatchPrefix(node)), [&](std::string_view, std::string_view value) {
                              if (out.size() >= heads_max) return false;
                              auto batch = Reader::ParseRecord<cluster::v1::PendingBatch>(value);
                              failed.Update(batch.status());
                              if (!batch.ok()) return false;
                              const auto info = info_of(batch->wave());
                              failed.Update(info.status());
                              if (!info.ok()) return false;
                              out.push_back({.batch_id = std::move(*batch->mutable_batch_id()),
                                             .sequence = batch->sequence(),
                                             .wave = batch->wave(),
                                             .recipients = batch->indices_size(),
                                             .urgent = (*info)->urgent,
                                             .tenant = (*info)->tenant,
                                             .weight = (*info)->weight});
                              return true;
                            }));
  RETURN_IF_ERROR(failed);
  return out;
}

absl::StatusOr<cluster::v1::PendingBatch> RocksStore::GetPendingBatch(std::string_view node, int64_t sequence) {
  auto stored = Durable().GetMessage<cluster::v1::PendingBatch>(kBatches, BatchKey(node, sequence));
  if (absl::IsNotFound(stored.status())) return NoSuch("batch", absl::StrCat(Av(node), "/", sequence));
  return stored;
}

absl::StatusOr<cluster::v1::Batch> RocksStore::ReadBatch(const cluster::v1::PendingBatch& pending) {
  const auto [read, drops] = DurableWithDrops();
  auto wave = read.GetMessage<cluster::v1::StoredWave>(kWaves, WaveKey(pending.wave()));
  if (absl::IsNotFound(wave.status())) return NoSuch("wave", absl::StrCat("w", pending.wave()));
  if (!wave.ok()) return wave.status();
  cluster::v1::Batch out;
  out.set_batch_id(pending.batch_id());

  std::vector<RecipientId> ids;
  for (const uint32_t index : pending.indices()) ids.push_back({pending.wave(), index});
  ASSIGN_OR_RETURN(RowSet rows, RowSet::Load(read, ids));
  const std::string tenant = TenantOf(wave->campaign());
  std::vector<std::string> keys;
  for (const Row& row : rows.rows()) keys.push_back(SuppressionRowKey(tenant, row.recipient.address()));
  ASSIGN_OR_RETURN(const auto suppressions, read.MultiGet(kSuppressions, keys));

  std::vector<RecipientId> suppressed, dropped;
  std::vector<const cluster::v1::StoredDrop*> concerned;
  for (const cluster::v1::StoredDrop& drop : *drops) {
    if (Concerns(drop, *wave)) concerned.push_back(&drop);
  }
  const absl::Time now = options_.clock->Now();
  for (size_t i = 0; i < rows.rows().size(); ++i) {
    Row& row = rows.rows()[i];
    if (row.state.state() != v1::Recipient::ASSIGNED) continue;
    if (suppressions[i].has_value()) {
      ASSIGN_OR_RETURN(const auto suppression, Reader::ParseRecord<v1::Suppression>(*suppressions[i]));
      if (InForce(suppression, now)) {
        suppressed.push_back(row.id);
        continue;
      }
    }
    if (std::any_of(concerned.begin(), concerned.end(), [&](const cluster::v1::StoredDrop* drop) {
          return TakesIn(drop->selector(), row.recipient.address(), row.state.egress_ip());
        })) {
      dropped.push_back(row.id);
      continue;
    }
    cluster::v1::BatchRecipient* const recipient = out.add_recipients();
    recipient->set_recipient_id(row.id.packed());
    recipient->set_address(std::move(*row.recipient.mutable_address()));
    *recipient->mutable_values() = std::move(*row.recipient.mutable_values());
    recipient->set_egress_ip(row.state.egress_ip());
  }
  if (!suppressed.empty() || !dropped.empty()) {
    RETURN_IF_ERROR(Write([&](Change& change) { return WithdrawNow(change, suppressed, dropped); }));
  }
  return out;
}

absl::Status RocksStore::WithdrawNow(Change& change, const std::vector<RecipientId>& suppressed,
                                     const std::vector<RecipientId>& dropped) {
  std::vector<RecipientId> ids = suppressed;
  ids.insert(ids.end(), dropped.begin(), dropped.end());
  ASSIGN_OR_RETURN(RowSet rows, RowSet::Load(change.read(), ids));
  for (size_t i = 0; i < rows.rows().size(); ++i) {
    Row& row = rows.rows()[i];
    ASSIGN_OR_RETURN(cluster::v1::StoredWave* const wave, change.Wave(row.id.wave));
    v1::WaveCounts* const counts = wave->mutable_wave()->mutable_counts();
    // The batch may have gone out before and be at the node, acknowledgement lost: so marked as withdrawn.
    const Effect effect = i < suppressed.size() ? Suppress(change.now(), /*withdrawn=*/true, &row.state, counts)
                                                : Cancel(change.now(), /*withdrawn=*/true, &row.state, counts);
    if (!effect.changed) continue;
    row.changed = true;
    v1::Event event = *effect.event;
    event.set_address(row.recipient.address());
    change.AddEvent(std::move(event), row.id.wave, row.id);
    CompleteWave(&change, wave);
  }
  rows.Store(&change);
  return absl::OkStatus();
}

void RocksStore::AcknowledgeBatch(std::string_view, std::string_view batch_id, Done done) {
  Submit(
      [id = std::string(batch_id)](Change& change) {
        change.DropBatch(id);
        return absl::OkStatus();
      },
      std::move(done));
}

absl::StatusOr<int64_t> RocksStore::Backlog(std::string_view node) {
  std::lock_guard lock(published_mutex_);
  const auto it = backlog_.find(node);
  return it == backlog_.end() ? 0 : it->second;
}

}  // namespace wavepost
