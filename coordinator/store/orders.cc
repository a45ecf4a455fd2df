// The order log: pauses and their ends, flushes, drops.
#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/rpc/status.h"
#include "coordinator/store/drop_rules.h"
#include "coordinator/store/order_rules.h"
#include "coordinator/store/proto_time.h"
#include "coordinator/store/rocks_store_impl.h"

namespace wavepost {
namespace {

using cluster::v1::Order;
using cluster::v1::StoredOrderRecord;

constexpr size_t kOrdersPerRead = 1000;
constexpr size_t kTrimScanMax = 200;  // rows looked at per order
constexpr absl::Duration kKeepQueueOrders = absl::Hours(24 * 30);
// Longer: a node that comes back after that with a pause which has ended would keep it.
constexpr absl::Duration kKeepResumes = absl::Hours(24 * 365);

bool HasEnded(const v1::Pause& pause, absl::Time now) {
  return pause.has_end_time() && FromProtoTime(pause.end_time()) <= now;
}

// The place of "pauses/17" in the log; 0: it is no such name.
int64_t SequenceOf(std::string_view name) {
  absl::string_view rest = Av(name);
  int64_t sequence = 0;
  if (!absl::ConsumePrefix(&rest, "pauses/") || !absl::SimpleAtoi(rest, &sequence) || sequence <= 0) return 0;
  return absl::StrCat("pauses/", sequence) == Av(name) ? sequence : 0;
}

bool IsOver(const StoredOrderRecord& stored, absl::Time now) {
  switch (stored.order().order_case()) {
    case Order::kPause:
      return HasEnded(stored.order().pause(), now);
    case Order::kQueue:
      return FromProtoTime(stored.order().queue().create_time()) + kKeepQueueOrders <= now;
    case Order::kResume:
      return FromProtoTime(stored.time()) + kKeepResumes <= now;
    case Order::ORDER_NOT_SET:
      break;
  }
  return true;
}

absl::Status Full(std::string_view reason, std::string_view message) {
  return ApiError(absl::StatusCode::kResourceExhausted, reason, message);
}

}  // namespace

// A change of its own before the one that adds a row: it counts even if that one is refused. The last row, which says
// where the log is, stays.
absl::Status RocksStore::TrimOrders(Change& change) {
  absl::Status failed;
  size_t seen = 0;
  std::vector<int64_t> over;
  int64_t& from = change.state().trim_from;
  const int64_t began = from;
  bool to_end = true;
  const auto visit = [&](std::string_view key, std::string_view value) {
    const int64_t sequence = ParseSequenceKey(key);
    if (seen == kTrimScanMax) {
      from = sequence;
      to_end = false;
      return false;
    }
    ++seen;
    const auto stored = Reader::ParseRecord<StoredOrderRecord>(value);
    failed.Update(stored.status());
    if (!stored.ok()) return false;
    if (sequence < change.state().last_order && IsOver(*stored, change.now())) over.push_back(sequence);
    return true;
  };
  RETURN_IF_ERROR(change.read().Scan(kOrders, SequenceKey(began), "", visit));
  if (failed.ok() && to_end) {  // round to the rows before
    from = 0;
    RETURN_IF_ERROR(change.read().Scan(kOrders, "", SequenceKey(began), visit));
  }
  RETURN_IF_ERROR(failed);
  for (const int64_t sequence : over) change.RemoveOrder(sequence);
  return absl::OkStatus();
}

absl::StatusOr<v1::Pause> RocksStore::CreatePause(v1::Pause pause, std::string_view parent, const RequestKey& request) {
  RETURN_IF_ERROR(Write([this](Change& change) { return TrimOrders(change); }));
  return Create<v1::Pause>(parent, request, [&](Change& change) -> absl::StatusOr<v1::Pause> {
    RETURN_IF_ERROR(CheckOrderRoom(change.state().order_rows, pause.creator()));
    size_t standing = 0, own = 0;
    for (const auto& [sequence, other] : change.state().pauses) {
      if (HasEnded(other, change.now())) continue;
      ++standing;
      if (other.creator() == pause.creator()) ++own;
    }
    const bool is_tenant = IsTenant(pause.creator());
    if (standing >= kPausesMax || (is_tenant && standing >= kPausesMax - kPausesOfTenantMax)) {
      return Full("TOO_MANY_PAUSES", absl::StrCat(standing, " pauses stand already; resume some first"));
    }
    if (is_tenant && own >= kPausesOfTenantMax) {
      return Full("TOO_MANY_PAUSES", absl::StrCat(own, " pauses of yours stand already; resume some first"));
    }
    *pause.mutable_create_time() = ToProtoTime(change.now());
    Order order;
    *order.mutable_pause() = pause;
    return change.AddOrder(std::move(order)).pause();
  });
}

absl::StatusOr<v1::Pause> RocksStore::GetPause(std::string_view name) {
  const int64_t sequence = SequenceOf(name);
  if (sequence == 0) return NoSuch("pause", name);
  auto stored = Durable().GetMessage<StoredOrderRecord>(kOrders, SequenceKey(sequence));
  if (absl::IsNotFound(stored.status())) return NoSuch("pause", name);
  RETURN_IF_ERROR(stored.status());
  if (!stored->order().has_pause() || HasEnded(stored->order().pause(), options_.clock->Now())) {
    return NoSuch("pause", name);
  }
  return std::move(*stored->mutable_order()->mutable_pause());
}

absl::Status RocksStore::EndPause(std::string_view name) {
  return Write([&](Change& change) -> absl::Status {
    const int64_t sequence = SequenceOf(name);
    const auto found = change.state().pauses.find(sequence);
    if (found == change.state().pauses.end() || HasEnded(found->second, change.now())) return NoSuch("pause", name);
    change.RemoveOrder(sequence);
    Order order;
    order.set_resume(std::string(name));
    change.AddOrder(std::move(order));
    return absl::OkStatus();
  });
}

absl::StatusOr<Page<v1::Pause>> RocksStore::ListPauses(std::string_view creator, int page_size,
                                                       std::string_view cursor) {
  const absl::Time now = options_.clock->Now();
  return List<v1::Pause>(kOrders, "", page_size, cursor,
                         [&](std::string_view value, std::vector<v1::Pause>* items) -> absl::StatusOr<bool> {
                           ASSIGN_OR_RETURN(auto stored, Reader::ParseRecord<StoredOrderRecord>(value));
                           if (!stored.order().has_pause()) return false;
                           v1::Pause& pause = *stored.mutable_order()->mutable_pause();
                           if (HasEnded(pause, now)) return false;
                           if (!creator.empty() && pause.creator() != creator) return false;
                           items->push_back(std::move(pause));
                           return true;
                         });
}

absl::StatusOr<v1::QueueOrder> RocksStore::CreateOrder(v1::QueueOrder order, std::string_view parent,
                                                       const RequestKey& request) {
  RETURN_IF_ERROR(Write([this](Change& change) { return TrimOrders(change); }));
  return Create<v1::QueueOrder>(parent, request, [&](Change& change) -> absl::StatusOr<v1::QueueOrder> {
    RETURN_IF_ERROR(CheckOrderRoom(change.state().order_rows, order.creator()));
    const bool drops_here = order.kind() == v1::QueueOrder::DROP && DropsHere(order.selector());
    if (drops_here && change.state().drops.size() >= kDropsMax) {
      return Full("TOO_MANY_DROPS", absl::StrCat(kDropsMax, " drops are under way; wait for some to end"));
    }
    *order.mutable_create_time() = ToProtoTime(change.now());
    Order entry;
    *entry.mutable_queue() = order;
    entry = change.AddOrder(std::move(entry));
    if (drops_here) {
      cluster::v1::StoredDrop drop;
      drop.set_sequence(entry.sequence());
      *drop.mutable_selector() = order.selector();
      // What has no IP yet is not meant by a drop for one IP.
      drop.set_waves_done(!order.selector().egress_ip().empty());
      change.PutDrop(std::move(drop));
    }
    return entry.queue();
  });
}

absl::StatusOr<std::vector<Order>> RocksStore::Orders(int64_t after_sequence, size_t limit) {
  std::vector<Order> out;
  if (after_sequence == INT64_MAX) return out;
  const Reader read = Durable();
  const absl::Time now = options_.clock->Now();
  const bool standing_only = after_sequence <= 0;
  const size_t orders_max = standing_only ? kPausesMax : std::min(limit, kOrdersPerRead);
  absl::Status failed;
  RETURN_IF_ERROR(read.Scan(kOrders, standing_only ? "" : SequenceKey(after_sequence + 1), "",
                            [&](std::string_view, std::string_view value) {
                              if (out.size() >= orders_max) return false;
                              auto stored = Reader::ParseRecord<StoredOrderRecord>(value);
                              failed.Update(stored.status());
                              if (!stored.ok()) return false;
                              Order& order = *stored->mutable_order();
                              if (standing_only && (!order.has_pause() || HasEnded(order.pause(), now))) return true;
                              out.push_back(std::move(order));
                              return true;
                            }));
  RETURN_IF_ERROR(failed);
  if (standing_only) {
    ASSIGN_OR_RETURN(const std::string last, read.LastKey(kOrders));
    out.emplace_back().set_sequence(last.empty() ? kOrderBase : ParseSequenceKey(last));
  }
  return out;
}

void RocksStore::AcknowledgeOrders(std::string_view node, int64_t through_sequence, Done done) {
  Submit(
      [id = std::string(node), through_sequence](Change& change) -> absl::Status {
        ASSIGN_OR_RETURN(cluster::v1::StoredNode* const stored, change.Node(id));
        stored->set_order_sequence(std::max(stored->order_sequence(), through_sequence));
        return absl::OkStatus();
      },
      std::move(done));
}

}  // namespace wavepost
