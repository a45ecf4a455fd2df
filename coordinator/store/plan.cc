// Planning: a page of recipients is read with the suppression list held against it; what the planner decided is
// recorded as states, outcomes and pending batches in one change.
#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "coordinator/store/rocks_store_impl.h"
#include "coordinator/store/row_set.h"
#include "coordinator/store/transition.h"

namespace wavepost {
namespace {

constexpr size_t kPlanPageMax = 10000;
constexpr int kBatchRecipientsMax = 500;
constexpr size_t kWarmUpTrimMax = 5000;  // rows per plan; more than a plan adds

absl::Status RecordWarmUp(Change& change, const Plan& plan) {
  if (plan.warm_up.empty()) return absl::OkStatus();
  size_t deleted = 0;
  RETURN_IF_ERROR(
      change.read().Scan(kWarmUp, "", WarmUpPrefix(plan.warm_up_day), [&](std::string_view key, std::string_view) {
        change.Delete(kWarmUp, key);  // of days that are over
        return ++deleted < kWarmUpTrimMax;
      }));
  for (const WarmUpCount& count : plan.warm_up) {
    std::string value;
    AppendBig64(static_cast<uint64_t>(count.recipients), &value);
    change.Put(kWarmUp, WarmUpRowKey(plan.warm_up_day, count.egress_ip, count.domain), value);
  }
  return absl::OkStatus();
}

// A recipient that is in none of the two lists would never be sent to, one that is in both would be counted twice.
absl::Status CheckCovers(const Plan& plan, uint32_t next_index) {
  if (plan.through_index < plan.from_index || plan.through_index > next_index) {
    return absl::InvalidArgumentError("the plan's page is not in the wave");
  }
  const size_t size = plan.through_index - plan.from_index;
  std::vector<bool> named(size, false);
  const auto name = [&](RecipientId id) {
    if (id.wave != plan.wave || id.index < plan.from_index || id.index >= plan.through_index) return false;
    const size_t place = id.index - plan.from_index;
    if (named[place]) return false;
    named[place] = true;
    return true;
  };
  for (const Assignment& assignment : plan.assignments) {
    if (!name(assignment.id)) return absl::InvalidArgumentError("the plan names a recipient twice, or a foreign one");
  }
  for (const RecipientId id : plan.suppressed) {
    if (!name(id)) return absl::InvalidArgumentError("the plan names a recipient twice, or a foreign one");
  }
  if (plan.assignments.size() + plan.suppressed.size() != size) {
    return absl::InvalidArgumentError("the plan leaves out a recipient of its page");
  }
  return absl::OkStatus();
}

// Fills batches node by node, in order of recipients.
class BatchBuilder {
 public:
  void Add(const Assignment& assignment) {
    std::vector<cluster::v1::PendingBatch>& batches = by_node_[assignment.node];
    if (batches.empty() || batches.back().indices_size() >= kBatchRecipientsMax) {
      batches.emplace_back().set_wave(assignment.id.wave);
    }
    cluster::v1::PendingBatch& batch = batches.back();
    int position = 0;  // an IP list is a handful long
    while (position < batch.egress_ips_size() && batch.egress_ips(position) != assignment.egress_ip) ++position;
    if (position == batch.egress_ips_size()) batch.add_egress_ips(assignment.egress_ip);
    batch.add_indices(assignment.id.index);
    batch.add_egress_ip_positions(static_cast<uint32_t>(position));
  }

  std::map<std::string, std::vector<cluster::v1::PendingBatch>>& by_node() { return by_node_; }

 private:
  std::map<std::string, std::vector<cluster::v1::PendingBatch>> by_node_;
};

}  // namespace

absl::StatusOr<std::pair<uint32_t, std::vector<PlanRow>>> RocksStore::ReadPlanPage(uint32_t number, size_t limit) {
  const Reader read = Durable();
  std::pair<uint32_t, std::vector<PlanRow>> page;
  auto wave = read.GetMessage<cluster::v1::StoredWave>(kWaves, WaveKey(number));
  if (absl::IsNotFound(wave.status())) return NoSuch("wave", absl::StrCat("w", number));
  if (!wave.ok()) return wave.status();
  page.first = wave->planned_through();
  if (wave->wave().state() != v1::Wave::RUNNING) return page;

  const size_t rows_max = std::min(limit, kPlanPageMax);
  const std::string tenant = TenantOf(wave->campaign());
  std::vector<std::string> keys;
  absl::Status failed;
  RETURN_IF_ERROR(read.Scan(kRecipients, RecipientKey({number, page.first}), PrefixEnd(WaveKey(number)),
                            [&](std::string_view key, std::string_view value) {
                              if (page.second.size() >= rows_max) return false;
                              auto stored = Reader::ParseRecord<cluster::v1::StoredRecipient>(value);
                              failed.Update(stored.status());
                              if (!stored.ok()) return false;
                              keys.push_back(SuppressionRowKey(tenant, stored->address()));
                              page.second.push_back(
                                  {.id = ParseRecipientKey(key), .address = std::move(*stored->mutable_address())});
                              return true;
                            }));
  RETURN_IF_ERROR(failed);
  ASSIGN_OR_RETURN(const auto suppressions, read.MultiGet(kSuppressions, keys));
  const absl::Time now = options_.clock->Now();
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!suppressions[i].has_value()) continue;
    ASSIGN_OR_RETURN(const auto suppression, Reader::ParseRecord<v1::Suppression>(*suppressions[i]));
    page.second[i].suppressed = InForce(suppression, now);
  }
  return page;
}

absl::StatusOr<std::vector<WarmUpCount>> RocksStore::WarmUpCounts(int64_t day) {
  std::vector<WarmUpCount> counts;
  const std::string prefix = WarmUpPrefix(day);
  RETURN_IF_ERROR(Durable().Scan(kWarmUp, prefix, PrefixEnd(prefix), [&](std::string_view key, std::string_view value) {
    const std::string_view rest = key.substr(prefix.size());
    const size_t end = rest.find('\0');
    if (end == std::string_view::npos || value.size() != 8) return true;
    counts.push_back(
        {std::string(rest.substr(0, end)), std::string(rest.substr(end + 1)), static_cast<int64_t>(ReadBig64(value))});
    return counts.size() < kWarmUpCountsMax;
  }));
  return counts;
}

absl::StatusOr<std::string> RocksStore::NewBatchId() {
  std::string id(16, '\0');
  options_.random(id.data(), id.size());
  id[6] = static_cast<char>((id[6] & 0x0f) | 0x40);  // RFC 4122 section 4.4: version 4, variant 1
  id[8] = static_cast<char>((id[8] & 0x3f) | 0x80);
  if (writer_.pending.contains(id)) return absl::InternalError("the random generator repeats itself");
  return id;
}

absl::Status RocksStore::RecordPlan(const Plan& plan) {
  return Write([&](Change& change) -> absl::Status {
    ASSIGN_OR_RETURN(cluster::v1::StoredWave* const wave, change.Wave(plan.wave));
    if (wave->wave().state() != v1::Wave::RUNNING || wave->planned_through() != plan.from_index) {
      return absl::FailedPreconditionError(absl::StrCat("wave w", plan.wave, " was planned in between: through ",
                                                        wave->planned_through(), ", not ", plan.from_index));
    }
    RETURN_IF_ERROR(CheckCovers(plan, wave->next_index()));
    v1::WaveCounts* const counts = wave->mutable_wave()->mutable_counts();

    // Rows before planning: almost always none, so one look at an empty range.
    std::map<uint32_t, cluster::v1::RecipientState> early;
    absl::Status failed;
    RETURN_IF_ERROR(change.read().Scan(kStates, RecipientKey({plan.wave, plan.from_index}),
                                       RecipientKey({plan.wave, plan.through_index}),
                                       [&](std::string_view key, std::string_view value) {
                                         auto state = Reader::ParseRecord<cluster::v1::RecipientState>(value);
                                         failed.Update(state.status());
                                         if (!state.ok()) return false;
                                         early[ParseRecipientKey(key).index] = *std::move(state);
                                         return true;
                                       }));
    RETURN_IF_ERROR(failed);

    ASSIGN_OR_RETURN(const auto dropped, DroppedOf(change, *wave, plan));
    std::vector<RecipientId> withheld = plan.suppressed;
    BatchBuilder batches;
    cluster::v1::RecipientState state;
    for (const Assignment& assignment : plan.assignments) {
      if (dropped.contains(assignment.id.index)) {
        withheld.push_back(assignment.id);
        continue;
      }
      state.Clear();
      if (const auto it = early.find(assignment.id.index); it != early.end()) state = it->second;
      if (!Assign(assignment.node, assignment.egress_ip, &state, counts)) continue;  // has its outcome already
      change.Put(kStates, RecipientKey(assignment.id), state);
      batches.Add(assignment);
    }
    for (auto& [node_id, list] : batches.by_node()) {
      ASSIGN_OR_RETURN(cluster::v1::StoredNode* const node, change.Node(node_id));
      for (cluster::v1::PendingBatch& batch : list) {
        ASSIGN_OR_RETURN(*batch.mutable_batch_id(), NewBatchId());
        node->set_next_batch_sequence(node->next_batch_sequence() + 1);
        batch.set_sequence(node->next_batch_sequence());
        change.AddBatch(batch, node_id);
      }
    }

    ASSIGN_OR_RETURN(RowSet rows, RowSet::Load(change.read(), withheld));
    for (Row& row : rows.rows()) {
      const Effect effect = dropped.contains(row.id.index)
                                ? Cancel(change.now(), /*withdrawn=*/false, &row.state, counts)
                                : Suppress(change.now(), /*withdrawn=*/false, &row.state, counts);
      if (!effect.changed) continue;
      row.changed = true;
      v1::Event event = *effect.event;
      event.set_address(row.recipient.address());
      change.AddEvent(std::move(event), plan.wave, row.id);
    }
    rows.Store(&change);

    RETURN_IF_ERROR(RecordWarmUp(change, plan));
    wave->set_planned_through(plan.through_index);
    CompleteWave(&change, wave);
    return absl::OkStatus();
  });
}

}  // namespace wavepost
