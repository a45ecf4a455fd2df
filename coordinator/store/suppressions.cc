// The tenants' suppression lists and their log.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "coordinator/store/rocks_store_impl.h"

namespace wavepost {
namespace {

constexpr size_t kChangesMax = 10000;  // per call

}  // namespace

absl::StatusOr<v1::Suppression> RocksStore::CreateSuppression(std::string_view tenant, v1::Suppression suppression,
                                                              const RequestKey& request) {
  return Create<v1::Suppression>(tenant, request, [&](Change& change) -> absl::StatusOr<v1::Suppression> {
    const auto owner = change.read().Get(kNames, NameKey(NameKind::kTenant, tenant));
    if (absl::IsNotFound(owner.status())) return NoSuch("tenant", tenant);
    if (!owner.ok()) return owner.status();
    return change.Suppress(tenant, suppression);
  });
}

absl::StatusOr<v1::Suppression> RocksStore::GetSuppression(std::string_view tenant, std::string_view address) {
  auto stored = Durable().GetMessage<v1::Suppression>(kSuppressions, SuppressionRowKey(tenant, address));
  if (absl::IsNotFound(stored.status())) return NoSuch("suppression", address);
  if (stored.ok() && !InForce(*stored, options_.clock->Now())) return NoSuch("suppression", address);
  return stored;
}

absl::StatusOr<Page<v1::Suppression>> RocksStore::ListSuppressions(std::string_view tenant, int page_size,
                                                                   std::string_view cursor) {
  const absl::Time now = options_.clock->Now();
  return List<v1::Suppression>(
      kSuppressions, SuppressionPrefix(tenant), page_size, cursor,
      [&](std::string_view value, std::vector<v1::Suppression>* items) -> absl::StatusOr<bool> {
        ASSIGN_OR_RETURN(auto stored, Reader::ParseRecord<v1::Suppression>(value));
        if (!InForce(stored, now)) return false;
        items->push_back(std::move(stored));
        return true;
      });
}

absl::Status RocksStore::DeleteSuppression(std::string_view tenant, std::string_view address, std::string_view who,
                                           std::string_view why) {
  return Write([&](Change& change) -> absl::Status {
    const std::string key = SuppressionRowKey(tenant, address);
    const auto stored = change.read().GetMessage<v1::Suppression>(kSuppressions, key);
    if (absl::IsNotFound(stored.status())) return NoSuch("suppression", address);
    if (!stored.ok()) return stored.status();
    if (!InForce(*stored, change.now())) return NoSuch("suppression", address);
    change.Delete(kSuppressions, key);
    change.Delete(kSoftBounces, key);  // what had added up counts no more: the next bounces start afresh

    cluster::v1::SuppressionChange removal;
    removal.set_tenant(std::string(tenant));
    removal.set_address(stored->address());
    removal.set_removed(true);
    removal.set_cause(stored->cause());
    change.LogSuppression(std::move(removal));

    v1::Event event;
    event.set_kind(v1::Event::SUPPRESSION_REMOVED);
    event.set_tenant(std::string(tenant));
    event.set_address(stored->address());
    event.set_text(absl::StrCat("by ", Printable(who, 256), ": ", Printable(why)));
    change.AddEvent(std::move(event));
    return absl::OkStatus();
  });
}

absl::StatusOr<std::vector<SuppressionChange>> RocksStore::SuppressionChanges(int64_t after_sequence, size_t limit) {
  std::vector<SuppressionChange> changes;
  if (after_sequence == INT64_MAX) return changes;
  const size_t changes_max = std::min(limit, kChangesMax);
  absl::Status failed;
  RETURN_IF_ERROR(Durable().Scan(kSuppressionLog, SequenceKey(std::max<int64_t>(after_sequence, 0) + 1), "",
                                 [&](std::string_view, std::string_view value) {
                                   if (changes.size() >= changes_max) return false;
                                   auto change = Reader::ParseRecord<SuppressionChange>(value);
                                   failed.Update(change.status());
                                   if (!change.ok()) return false;
                                   changes.push_back(*std::move(change));
                                   return true;
                                 }));
  RETURN_IF_ERROR(failed);
  return changes;
}

}  // namespace wavepost
