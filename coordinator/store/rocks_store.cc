#include "coordinator/store/rocks_store.h"

#include <openssl/rand.h>
#include <rocksdb/db.h>
#include <rocksdb/snapshot.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "coordinator/store/rocks_store_impl.h"

namespace wavepost {
namespace {

void MachineRandom(char* out, size_t size) {
  WP_CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(out), static_cast<int>(size)) == 1);
}

absl::StatusOr<int64_t> LastSequence(const Reader& read, Family family) {
  ASSIGN_OR_RETURN(const std::string key, read.LastKey(family));
  if (key.empty()) return 0;
  if (key.size() != 8) return absl::DataLossError("a log in the data folder has a key that cannot be read");
  return ParseSequenceKey(key);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenRocksStore(RocksStoreOptions options) {
  WP_CHECK(options.clock != nullptr);
  if (!options.random) options.random = MachineRandom;
  ASSIGN_OR_RETURN(std::unique_ptr<Db> db, Db::Open({.path = options.data_dir,
                                                     .kind = "coordinator",
                                                     .version = kStoreFormatVersion,
                                                     .column_families = FamilyNames(),
                                                     .memory_bytes = options.memory_bytes,
                                                     .env = options.env}));
  auto store = std::make_unique<RocksStore>(std::move(options), std::move(db));
  RETURN_IF_ERROR(store->Load());
  return std::unique_ptr<Store>(std::move(store));
}

RocksStore::RocksStore(RocksStoreOptions options, std::unique_ptr<Db> db)
    : options_(std::move(options)), db_(std::move(db)), loop_([this] { return SyncAndPublish(); }) {}

RocksStore::~RocksStore() {
  loop_.Stop();
}

absl::Status RocksStore::Load() {
  // What a dead process wrote without sync is told to readers from now on: so it goes to disk first.
  RETURN_IF_ERROR(db_->Sync());
  const Reader read(db_.get());
  ASSIGN_OR_RETURN(writer_.last_event, LastSequence(read, kEvents));
  ASSIGN_OR_RETURN(writer_.last_suppression, LastSequence(read, kSuppressionLog));
  absl::Status failed;
  RETURN_IF_ERROR(read.Scan(kWaves, "", "", [&](std::string_view, std::string_view value) {
    const auto wave = Reader::ParseRecord<cluster::v1::StoredWave>(value);
    failed.Update(wave.status());
    if (!wave.ok()) return false;
    writer_.last_wave = wave->number();
    if (wave->wave().state() == v1::Wave::RUNNING && wave->planned_through() < wave->next_index()) {
      writer_.to_plan[wave->number()] = wave->priority() == v1::URGENT;
    }
    if (wave->wave().state() == v1::Wave::RUNNING) {
      writer_.running[wave->number()] = {wave->campaign(), wave->wave().from_address()};
    }
    return true;
  }));
  RETURN_IF_ERROR(failed);
  RETURN_IF_ERROR(read.Scan(kBatches, "", "", [&](std::string_view key, std::string_view value) {
    const auto batch = Reader::ParseRecord<cluster::v1::PendingBatch>(value);
    failed.Update(batch.status());
    if (!batch.ok()) return false;
    const std::string node(key.substr(0, key.find('\0')));
    writer_.pending[batch->batch_id()] = {node, batch->sequence(), batch->indices_size()};
    writer_.backlog[node] += batch->indices_size();
    return true;
  }));
  RETURN_IF_ERROR(failed);
  ASSIGN_OR_RETURN(const std::string last_soft, read.LastKey(kSoftBounces));
  writer_.soft_rows = !last_soft.empty();
  ASSIGN_OR_RETURN(const int64_t last_order, LastSequence(read, kOrders));
  writer_.last_order = std::max(last_order, kOrderBase);
  RETURN_IF_ERROR(read.Scan(kOrders, "", "", [&](std::string_view key, std::string_view value) {
    auto stored = Reader::ParseRecord<cluster::v1::StoredOrderRecord>(value);
    failed.Update(stored.status());
    if (!stored.ok()) return false;
    ++writer_.order_rows;
    if (stored->order().has_pause()) {
      writer_.pauses[ParseSequenceKey(key)] = std::move(*stored->mutable_order()->mutable_pause());
    }
    return true;
  }));
  RETURN_IF_ERROR(failed);
  RETURN_IF_ERROR(read.Scan(kDrops, "", "", [&](std::string_view key, std::string_view value) {
    auto drop = Reader::ParseRecord<cluster::v1::StoredDrop>(value);
    failed.Update(drop.status());
    if (!drop.ok()) return false;
    writer_.drops[ParseSequenceKey(key)] = *std::move(drop);
    return true;
  }));
  RETURN_IF_ERROR(failed);
  // Waves that were started before From addresses were on record: the campaign's own.
  for (auto& [number, wave] : writer_.running) {
    if (!wave.from_address.empty()) continue;
    const auto campaign =
        read.GetMessage<cluster::v1::StoredCampaign>(kNames, NameKey(NameKind::kCampaign, wave.campaign));
    if (!campaign.ok() && !absl::IsNotFound(campaign.status())) return campaign.status();
    if (campaign.ok()) wave.from_address = campaign->campaign().content().from_address();
  }
  writer_.running_changed = true;
  writer_.drops_changed = true;
  Publish();
  return absl::OkStatus();
}

absl::Status RocksStore::Apply(const Decide& decide) {
  if (!writer_.broken.ok()) {
    return absl::Status(writer_.broken.code(), absl::StrCat("the data folder failed and takes no more changes until a "
                                                            "restart: ",
                                                            writer_.broken.message()));
  }
  Change change(db_.get(), &writer_, options_.clock->Now());
  RETURN_IF_ERROR(decide(change));
  return change.Commit();
}

absl::Status RocksStore::Write(const Decide& decide) {
  return loop_.Commit([&] { return Apply(decide); });
}

void RocksStore::Submit(Decide decide, Done done) {
  loop_.Submit([this, decide = std::move(decide)] { return Apply(decide); }, std::move(done));
}

absl::Status RocksStore::SyncAndPublish() {
  // After a failed write the log must not be touched again: nobody of this group gets an OK.
  RETURN_IF_ERROR(writer_.broken);
  RETURN_IF_ERROR(db_->Sync());
  Publish();
  if (listener_) listener_();
  return absl::OkStatus();
}

void RocksStore::Publish() {
  rocksdb::DB* const raw = db_->raw();
  std::shared_ptr<const rocksdb::Snapshot> fresh(
      raw->GetSnapshot(), [raw](const rocksdb::Snapshot* snapshot) { raw->ReleaseSnapshot(snapshot); });
  std::vector<WaveToPlan> to_plan;
  to_plan.reserve(writer_.to_plan.size());
  for (const auto& [number, urgent] : writer_.to_plan) to_plan.push_back({number, urgent});
  Drops drops;
  if (std::exchange(writer_.drops_changed, false)) {
    std::vector<cluster::v1::StoredDrop> list;
    for (const auto& [sequence, drop] : writer_.drops) list.push_back(drop);
    drops = std::make_shared<const std::vector<cluster::v1::StoredDrop>>(std::move(list));
  }
  Running running;
  if (std::exchange(writer_.running_changed, false)) {
    std::vector<RunningWave> list;
    list.reserve(writer_.running.size());
    for (const auto& [number, wave] : writer_.running) list.push_back(wave);
    running = std::make_shared<const std::vector<RunningWave>>(std::move(list));
  }
  std::lock_guard lock(published_mutex_);
  if (drops != nullptr) drops_.swap(drops);
  if (running != nullptr) running_.swap(running);
  durable_.swap(fresh);
  to_plan_.swap(to_plan);
  last_order_ = writer_.last_order;
  keys_generation_ = writer_.keys_generation;
  for (const auto& [node, recipients] : writer_.backlog) backlog_[node] = recipients;
}

Reader RocksStore::Durable() const {
  std::lock_guard lock(published_mutex_);
  return Reader(db_.get(), durable_);
}

std::pair<Reader, RocksStore::Drops> RocksStore::DurableWithDrops() const {
  std::lock_guard lock(published_mutex_);
  return {Reader(db_.get(), durable_), drops_};
}

void RocksStore::OnChange(std::function<void()> listener) {
  listener_ = std::move(listener);
}

}  // namespace wavepost
