#include "coordinator/store/change.h"

#include <rocksdb/slice.h>
#include <rocksdb/write_batch.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/rpc/status.h"
#include "common/storage/db.h"
#include "coordinator/store/proto_time.h"
#include "coordinator/store/transition.h"

namespace wavepost {
namespace {

rocksdb::Slice ToSlice(std::string_view s) {
  return {s.data(), s.size()};
}

}  // namespace

Change::Change(Db* db, WriterState* state, absl::Time now)
    : db_(db),
      state_(state),
      now_(now),
      read_(db),
      batch_(std::make_unique<rocksdb::WriteBatch>()),
      last_event_(state->last_event),
      last_suppression_(state->last_suppression),
      last_order_(state->last_order) {}

Change::~Change() = default;

void Change::Put(Family family, std::string_view key, std::string_view value) {
  batch_->Put(db_->cf(family), ToSlice(key), ToSlice(value));
}

void Change::Put(Family family, std::string_view key, const google::protobuf::MessageLite& message) {
  Put(family, key, message.SerializeAsString());
}

void Change::Delete(Family family, std::string_view key) {
  batch_->Delete(db_->cf(family), ToSlice(key));
}

absl::StatusOr<cluster::v1::StoredWave*> Change::Wave(uint32_t number) {
  if (const auto it = waves_.find(number); it != waves_.end()) return &it->second;
  if (const auto cached = state_->waves.find(number); cached != state_->waves.end()) {
    return &waves_.emplace(number, cached->second).first->second;
  }
  auto stored = read_.GetMessage<cluster::v1::StoredWave>(kWaves, WaveKey(number));
  if (absl::IsNotFound(stored.status())) return NoSuch("wave", absl::StrCat("w", number));
  if (!stored.ok()) return stored.status();
  return &waves_.emplace(number, *std::move(stored)).first->second;
}

absl::StatusOr<cluster::v1::StoredWave*> Change::WaveNamed(std::string_view name) {
  const auto number = read_.Get(kNames, NameKey(NameKind::kWaveNumber, name));
  if (absl::IsNotFound(number.status())) return NoSuch("wave", name);
  if (!number.ok()) return number.status();
  if (number->size() != 4) return absl::DataLossError("a wave's number in the data folder cannot be read");
  return Wave(ReadBig32(*number));
}

void Change::AddWave(cluster::v1::StoredWave wave) {
  std::string number;
  AppendBig32(wave.number(), &number);
  Put(kNames, NameKey(NameKind::kWaveNumber, wave.wave().name()), number);
  waves_[wave.number()] = std::move(wave);
}

absl::StatusOr<cluster::v1::StoredNode*> Change::Node(std::string_view node_id) {
  if (const auto it = nodes_.find(node_id); it != nodes_.end()) return &it->second;
  const std::string id(node_id);
  if (const auto cached = state_->nodes.find(id); cached != state_->nodes.end()) {
    return &nodes_.emplace(id, cached->second).first->second;
  }
  auto stored = read_.GetMessage<cluster::v1::StoredNode>(kNames, NameKey(NameKind::kNode, node_id));
  if (absl::IsNotFound(stored.status())) {
    cluster::v1::StoredNode fresh;
    fresh.set_node_id(id);
    return &nodes_.emplace(id, std::move(fresh)).first->second;
  }
  if (!stored.ok()) return stored.status();
  return &nodes_.emplace(id, *std::move(stored)).first->second;
}

void Change::AddBatch(const cluster::v1::PendingBatch& batch, std::string_view node) {
  Put(kBatches, BatchKey(node, batch.sequence()), batch);
  batches_added_.push_back({batch.batch_id(), {std::string(node), batch.sequence(), batch.indices_size()}});
}

void Change::DropBatch(const std::string& batch_id) {
  const auto it = state_->pending.find(batch_id);
  if (it == state_->pending.end()) return;
  Delete(kBatches, BatchKey(it->second.node, it->second.sequence));
  batches_dropped_.push_back(batch_id);
}

void Change::AddEvent(v1::Event event) {
  AddEvent(std::move(event), 0);
}

void Change::AddEvent(v1::Event event, uint32_t wave, std::optional<RecipientId> id) {
  *event.mutable_time() = ToProtoTime(now_);
  cluster::v1::StoredEvent stored;
  stored.set_wave(wave);
  if (id.has_value()) stored.set_recipient_id(id->packed());
  *stored.mutable_event() = std::move(event);
  Put(kEvents, SequenceKey(++last_event_), stored);
}

absl::StatusOr<v1::Suppression> Change::FindSuppression(const std::string& key) const {
  if (const auto it = suppressions_.find(key); it != suppressions_.end()) return it->second;
  return read_.GetMessage<v1::Suppression>(kSuppressions, key);
}

absl::StatusOr<std::optional<v1::Suppression>> Change::Standing(const std::string& key,
                                                                const v1::Suppression& suppression) const {
  auto old = FindSuppression(key);
  if (absl::IsNotFound(old.status())) return std::optional<v1::Suppression>();
  if (!old.ok()) return old.status();
  // A lasting cause replaces an entry that would run out; anything else leaves the first entry as it is.
  if (!InForce(*old, now_) || (old->has_expire_time() && !suppression.has_expire_time())) {
    return std::optional<v1::Suppression>();
  }
  return std::optional<v1::Suppression>(*std::move(old));
}

absl::StatusOr<bool> Change::WouldSuppress(std::string_view tenant, const v1::Suppression& suppression) const {
  ASSIGN_OR_RETURN(const auto standing, Standing(SuppressionRowKey(tenant, suppression.address()), suppression));
  return !standing.has_value();
}

absl::StatusOr<v1::Suppression> Change::Suppress(std::string_view tenant, v1::Suppression suppression, uint32_t wave,
                                                 std::optional<RecipientId> id) {
  suppression.set_address(AsciiLower(suppression.address()));
  const std::string key = SuppressionRowKey(tenant, suppression.address());
  ASSIGN_OR_RETURN(auto standing, Standing(key, suppression));
  if (standing.has_value()) return *std::move(standing);
  suppression.set_name(absl::StrCat(Av(tenant), "/suppressions/", suppression.address()));
  suppression.set_evidence(Printable(suppression.evidence()));
  *suppression.mutable_create_time() = ToProtoTime(now_);
  Put(kSuppressions, key, suppression);
  suppressions_[key] = suppression;

  cluster::v1::SuppressionChange change;
  change.set_tenant(std::string(tenant));
  change.set_address(suppression.address());
  change.set_cause(suppression.cause());
  LogSuppression(std::move(change));

  v1::Event event;
  event.set_kind(v1::Event::SUPPRESSION_ADDED);
  if (wave == 0) event.set_tenant(std::string(tenant));
  event.set_address(suppression.address());
  event.set_text(absl::StrCat(absl::AsciiStrToLower(v1::Suppression::Cause_Name(suppression.cause())),
                              suppression.evidence().empty() ? "" : ": ", suppression.evidence()));
  AddEvent(std::move(event), wave, id);
  return suppression;
}

void Change::LogSuppression(cluster::v1::SuppressionChange change) {
  change.set_sequence(++last_suppression_);
  Put(kSuppressionLog, SequenceKey(change.sequence()), change);
}

cluster::v1::Order Change::AddOrder(cluster::v1::Order order) {
  order.set_sequence(++last_order_);
  if (order.has_pause()) order.mutable_pause()->set_name(absl::StrCat("pauses/", order.sequence()));
  if (order.has_queue()) order.mutable_queue()->set_name(absl::StrCat("orders/", order.sequence()));
  cluster::v1::StoredOrderRecord stored;
  *stored.mutable_order() = order;
  *stored.mutable_time() = ToProtoTime(now_);
  Put(kOrders, SequenceKey(order.sequence()), stored);
  orders_added_.push_back(order);
  return order;
}

void Change::RemoveOrder(int64_t sequence) {
  Delete(kOrders, SequenceKey(sequence));
  orders_removed_.push_back(sequence);
}

void Change::PutDrop(cluster::v1::StoredDrop drop) {
  Put(kDrops, SequenceKey(drop.sequence()), drop);
  const int64_t sequence = drop.sequence();
  drops_[sequence] = std::move(drop);
}

void Change::RemoveDrop(int64_t sequence) {
  Delete(kDrops, SequenceKey(sequence));
  drops_[sequence] = std::nullopt;
}

absl::StatusOr<std::optional<std::string>> Change::Answered(std::string_view parent, const RequestKey& request) const {
  if (request.id.empty()) return std::optional<std::string>();
  auto stored = read_.GetMessage<cluster::v1::StoredRequest>(kRequests, RequestRowKey(parent, request.id));
  if (absl::IsNotFound(stored.status())) return std::optional<std::string>();
  if (!stored.ok()) return stored.status();
  if (stored->request_sha256() != request.request_sha256) {
    return ApiError(absl::StatusCode::kInvalidArgument, "REQUEST_ID_REUSED",
                    "this request_id was used for another request; take a new one, or repeat that request unchanged",
                    {{"request_id", Printable(request.id, 64)}});
  }
  return std::optional<std::string>(std::move(*stored->mutable_response()));
}

void Change::RememberAnswer(std::string_view parent, const RequestKey& request,
                            const google::protobuf::MessageLite& response) {
  if (request.id.empty()) return;
  cluster::v1::StoredRequest stored;
  stored.set_request_sha256(request.request_sha256);
  stored.set_response(response.SerializeAsString());
  *stored.mutable_time() = ToProtoTime(now_);
  Put(kRequests, RequestRowKey(parent, request.id), stored);
}

absl::Status Change::Commit() {
  for (const auto& [number, wave] : waves_) Put(kWaves, WaveKey(number), wave);
  for (const auto& [id, node] : nodes_) Put(kNames, NameKey(NameKind::kNode, id), node);
  if (batch_->Count() == 0) return absl::OkStatus();
  const absl::Status written = db_->Write(batch_.get());
  if (!written.ok()) {
    state_->broken = written;
    return written;
  }
  KeepCopies();
  return absl::OkStatus();
}

void Change::KeepCopies() {
  state_->last_event = last_event_;
  state_->last_suppression = last_suppression_;
  state_->last_order = last_order_;
  if (keys_touched_) ++state_->keys_generation;
  state_->order_rows += static_cast<int64_t>(orders_added_.size()) - static_cast<int64_t>(orders_removed_.size());
  for (const cluster::v1::Order& order : orders_added_) {
    if (order.has_pause()) state_->pauses[order.sequence()] = order.pause();
  }
  for (const int64_t sequence : orders_removed_) state_->pauses.erase(sequence);
  for (auto& [sequence, drop] : drops_) {
    state_->drops_changed = true;
    if (drop.has_value()) {
      state_->drops[sequence] = *std::move(drop);
    } else {
      state_->drops.erase(sequence);
    }
  }
  if (state_->waves.size() + waves_.size() > kWavesCachedMax) state_->waves.clear();  // copies only
  for (auto& [number, wave] : waves_) {
    if (number > state_->last_wave) state_->last_wave = number;
    if (wave.wave().state() == v1::Wave::RUNNING && wave.planned_through() < wave.next_index()) {
      state_->to_plan[number] = wave.priority() == v1::URGENT;
    } else {
      state_->to_plan.erase(number);
    }
    if (wave.wave().state() != v1::Wave::RUNNING) {
      if (state_->running.erase(number) > 0) state_->running_changed = true;
    } else if (!state_->running.contains(number)) {
      state_->running[number] = {wave.campaign(), wave.wave().from_address()};
      state_->running_changed = true;
    }
    state_->waves[number] = std::move(wave);
  }
  for (auto& [id, node] : nodes_) state_->nodes[id] = std::move(node);
  for (auto& [id, ref] : batches_added_) {
    state_->backlog[ref.node] += ref.recipients;
    state_->pending[id] = std::move(ref);
  }
  for (const std::string& id : batches_dropped_) {
    const auto it = state_->pending.find(id);
    if (it == state_->pending.end()) continue;  // named twice in one change
    state_->backlog[it->second.node] -= it->second.recipients;
    state_->pending.erase(it);
  }
}

void CompleteWave(Change* change, cluster::v1::StoredWave* wave) {
  if (!CompleteIfDone(change->now(), wave->mutable_wave())) return;
  v1::Event event;
  event.set_kind(v1::Event::WAVE_COMPLETED);
  change->AddEvent(std::move(event), wave->number());
}

bool InForce(const v1::Suppression& suppression, absl::Time now) {
  return !suppression.has_expire_time() || FromProtoTime(suppression.expire_time()) > now;
}

absl::Status NoSuch(std::string_view what, std::string_view name) {
  return ApiError(absl::StatusCode::kNotFound, "NOT_FOUND",
                  absl::StrCat("there is no ", Av(what), " '", Printable(name, 300), "'"),
                  {{"resource", Printable(name, 300)}});
}

absl::Status AlreadyThere(std::string_view what, std::string_view name) {
  return ApiError(absl::StatusCode::kAlreadyExists, "ALREADY_EXISTS",
                  absl::StrCat("there is a ", Av(what), " '", Printable(name, 300), "' already"),
                  {{"resource", Printable(name, 300)}});
}

}  // namespace wavepost
