// Taking batches, and knowing which were taken.
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "sender/queue/keys.h"
#include "sender/queue/rocks_queue_store.h"

namespace wavepost {
namespace {

constexpr size_t kBatchIdBytesMax = 64;
constexpr size_t kEgressIpBytesMax = 64;
constexpr size_t kAddressBytesMax = 1024;  // looser than RFC 5321: what the coordinator accepted is not judged again

// What the keys need: nothing in it may look like their separator.
absl::Status CheckRecipient(const cluster::v1::BatchRecipient& recipient) {
  std::string_view wrong;
  if (recipient.address().size() > kAddressBytesMax || recipient.address().find('\0') != std::string::npos ||
      DomainOf(recipient.address()).empty()) {
    wrong = "its address is not of the form local@domain";
  } else if (recipient.egress_ip().empty() || recipient.egress_ip().size() > kEgressIpBytesMax ||
             recipient.egress_ip().find('\0') != std::string::npos) {
    wrong = "it names no egress IP";
  }
  if (wrong.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("recipient ", RecipientId::FromPacked(recipient.recipient_id()).ToString(), ": ", Av(wrong)));
}

}  // namespace

struct RocksQueueStore::PreparedBatch {
  struct Entry {
    EntryKeys keys;
    std::string bytes;
    size_t lane = 0;  // in lanes
  };
  std::string id;
  cluster::v1::WaveFacts facts;
  std::vector<LaneDue> lanes;
  std::vector<Entry> entries;
};

absl::StatusOr<std::shared_ptr<RocksQueueStore::PreparedBatch>> RocksQueueStore::Prepare(
    const cluster::v1::Batch& batch, absl::Time now) {
  if (batch.batch_id().empty() || batch.batch_id().size() > kBatchIdBytesMax) {
    return absl::InvalidArgumentError("a batch without a usable batch id");
  }
  auto out = std::make_shared<PreparedBatch>();
  out->id = batch.batch_id();
  out->facts.set_campaign(batch.campaign());
  out->facts.set_tenant(batch.campaign().substr(0, batch.campaign().find("/campaigns/")));
  out->facts.set_priority(batch.priority());
  out->facts.set_tenant_weight(batch.tenant_weight());
  out->facts.set_after_order(batch.after_order());
  out->entries.reserve(batch.recipients_size());
  const int64_t now_ms = absl::ToUnixMillis(now);
  absl::flat_hash_map<LaneKey, size_t> lanes;
  for (const cluster::v1::BatchRecipient& recipient : batch.recipients()) {
    RETURN_IF_ERROR(CheckRecipient(recipient));
    const RecipientId id = RecipientId::FromPacked(recipient.recipient_id());
    const LaneKey lane = {
        .egress_ip = recipient.egress_ip(), .domain = std::string(DomainOf(recipient.address())), .wave = id.wave};
    const auto [it, is_new] = lanes.try_emplace(lane, out->lanes.size());
    if (is_new) out->lanes.push_back({lane, now_ms});

    cluster::v1::QueueEntry entry;
    entry.set_address(recipient.address());
    *entry.mutable_values() = recipient.values();
    entry.set_return_path(recipient.return_path());
    entry.set_content_id(batch.content_id());
    entry.set_accept_ms(now_ms);
    out->entries.push_back({KeysOf(lane, now_ms, id, recipient.address()), entry.SerializeAsString(), it->second});
  }
  return out;
}

void RocksQueueStore::AddBatch(cluster::v1::Batch batch, absl::Time now,
                               std::function<void(std::vector<LaneDue>)> added, Done done) {
  absl::StatusOr<std::shared_ptr<PreparedBatch>> prepared = Prepare(batch, now);
  // A bad one takes the same way, so that `done` always runs on the writer's thread and in order.
  auto lanes = std::make_shared<std::vector<LaneDue>>();
  loop_->Submit(
      [this, prepared = std::move(prepared), lanes]() -> absl::Status {
        RETURN_IF_ERROR(prepared.status());
        return ApplyBatch(**prepared, lanes.get());
      },
      [added = std::move(added), lanes, done = std::move(done)](absl::Status status) {
        // Only what is on disk may be sent: a batch that a power cut takes back comes a second time.
        if (status.ok() && added != nullptr && !lanes->empty()) added(std::move(*lanes));
        if (done) done(std::move(status));
      });
}

absl::Status RocksQueueStore::ApplyBatch(const PreparedBatch& batch, std::vector<LaneDue>* added) {
  const absl::Status known = db_->Get(kBatches, batch.id).status();
  if (!absl::IsNotFound(known)) return known;  // OK: taken before

  Change change;
  change.batch.Put(db_->cf(kBatches), batch.id, "");
  std::vector<bool> lane_used(batch.lanes.size());
  absl::flat_hash_set<uint64_t> seen;
  for (const PreparedBatch::Entry& entry : batch.entries) {
    if (!seen.insert(entry.keys.id.packed()).second) continue;
    const absl::Status queued = db_->Get(kAddress, entry.keys.address).status();
    if (queued.ok()) continue;
    if (!absl::IsNotFound(queued)) return queued;
    change.batch.Put(db_->cf(kQueue), entry.keys.queue, entry.bytes);
    change.batch.Put(db_->cf(kAddress), entry.keys.address, entry.keys.queue);
    lane_used[entry.lane] = true;
    ++change.queued;
  }
  if (change.queued > 0 && queued_ + change.queued > options_.queue_max) {
    return absl::ResourceExhaustedError(absl::StrCat("the queue holds ", queued_.load(), " recipients of ",
                                                     options_.queue_max, ": a batch of ", change.queued,
                                                     " does not fit; it can be sent again later"));
  }
  PutWaves(batch, &change);
  if (absl::Status written = Write(&change); !written.ok()) {
    last_wave_.reset();
    return written;
  }
  for (size_t i = 0; i < lane_used.size(); ++i) {
    if (lane_used[i]) added->push_back(batch.lanes[i]);
  }
  return absl::OkStatus();
}

void RocksQueueStore::PutWaves(const PreparedBatch& batch, Change* change) {
  for (const LaneDue& due : batch.lanes) {
    if (due.lane.wave == last_wave_) continue;  // stored with the batch before; a repeat does no harm
    change->batch.Put(db_->cf(kWaves), WaveKey(due.lane.wave), batch.facts.SerializeAsString());
    last_wave_ = due.lane.wave;
  }
}

absl::StatusOr<cluster::v1::WaveFacts> RocksQueueStore::GetWave(uint32_t wave) const {
  ASSIGN_OR_RETURN(const std::string bytes, db_->Get(kWaves, WaveKey(wave)));
  cluster::v1::WaveFacts facts;
  if (!facts.ParseFromString(bytes)) return absl::DataLossError("the stored facts of a wave are unreadable");
  return facts;
}

void RocksQueueStore::ForgetBatches(std::vector<std::string> batch_ids) {
  loop_->Submit(
      [this, batch_ids = std::move(batch_ids)] {
        Change change;
        for (const std::string& id : batch_ids) change.batch.Delete(db_->cf(kBatches), id);
        return Write(&change);
      },
      nullptr);
}

void RocksQueueStore::ForgetBatchesExcept(std::vector<std::string> batch_ids) {
  loop_->Submit(
      [this, keep = absl::flat_hash_set<std::string>(batch_ids.begin(), batch_ids.end())] {
        Change change;
        std::unique_ptr<rocksdb::Iterator> it(db_->raw()->NewIterator(rocksdb::ReadOptions(), db_->cf(kBatches)));
        for (it->SeekToFirst(); it->Valid(); it->Next()) {
          if (!keep.contains(it->key().ToString())) change.batch.Delete(db_->cf(kBatches), it->key());
        }
        RETURN_IF_ERROR(FromRocks(it->status(), "read the batch ids"));
        return Write(&change);
      },
      nullptr);
}

}  // namespace wavepost
