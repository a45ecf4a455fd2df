#include "coordinator/store/soft_book.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "wavepost/v1/suppressions_service.pb.h"

namespace wavepost {

void SoftBook::Add(AddressSign sign, std::string_view campaign, std::string_view recipient_address, RecipientId id,
                   std::string_view text) {
  if (sign == AddressSign::kNone) return;
  if (sign == AddressSign::kSoftBounce) bounced_ = true;
  if (!bounced_ && !change_->state().soft_rows) return;  // a delivery where nothing has bounced
  given_.push_back({sign, campaign, recipient_address, id, text});
  keys_.push_back(SuppressionRowKey(TenantOf(campaign), recipient_address));
}

absl::StatusOr<SoftBook::Rows> SoftBook::Load() const {
  Rows held;
  if (change_->state().soft_rows) {
    ASSIGN_OR_RETURN(const auto rows, change_->read().MultiGet(kSoftBounces, keys_));
    for (size_t i = 0; i < keys_.size(); ++i) {
      if (!rows[i].has_value() || held.contains(keys_[i])) continue;
      Held& row = held[keys_[i]];
      ASSIGN_OR_RETURN(row.history, Reader::ParseRecord<cluster::v1::SoftBounces>(*rows[i]));
      row.stored = true;
    }
  }
  if (!bounced_) return held;
  for (size_t i = 0; i < keys_.size(); ++i) {
    if (given_[i].sign == AddressSign::kSoftBounce) held.try_emplace(keys_[i]);
  }
  return held;
}

absl::StatusOr<SoftPolicy> SoftBook::PolicyOf(const std::string& tenant) {
  if (const auto it = policies_.find(tenant); it != policies_.end()) return it->second;
  const auto stored = change_->read().GetMessage<cluster::v1::StoredTenant>(kNames, NameKey(NameKind::kTenant, tenant));
  if (!stored.ok() && !absl::IsNotFound(stored.status())) return stored.status();
  return policies_[tenant] = stored.ok() ? SoftPolicyOf(stored->tenant()) : SoftPolicy();
}

absl::Status SoftBook::EnterOne(const Given& given, Held* held) {
  if (given.sign == AddressSign::kDelivery && held->history.entries().empty()) return absl::OkStatus();
  const std::string tenant = TenantOf(given.campaign);
  ASSIGN_OR_RETURN(const SoftPolicy policy, PolicyOf(tenant));
  if (!EnterSign(given.sign, given.campaign, given.id, change_->now(), policy, &held->history)) return absl::OkStatus();
  held->changed = true;
  if (given.sign != AddressSign::kSoftBounce || policy.never) return absl::OkStatus();
  const auto counted = CountedBounces(held->history, change_->now(), policy);
  if (static_cast<int>(counted.size()) < policy.campaigns) return absl::OkStatus();
  ASSIGN_OR_RETURN(const cluster::v1::StoredWave* const wave, change_->Wave(given.id.wave));
  v1::Suppression suppression;
  suppression.set_address(std::string(given.address));
  suppression.set_cause(v1::Suppression::SOFT_BOUNCES);
  suppression.set_evidence(SoftEvidence(counted, given.text));
  suppression.set_recipient(absl::StrCat(wave->wave().name(), "/recipients/", given.id.ToString()));
  held->history.clear_entries();  // whoever is taken off the list starts afresh
  return change_->Suppress(tenant, std::move(suppression), given.id.wave, given.id).status();
}

absl::Status SoftBook::Enter() {
  if (given_.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(Rows held, Load());
  if (held.empty()) return absl::OkStatus();
  for (size_t i = 0; i < given_.size(); ++i) {
    const auto row = held.find(keys_[i]);
    if (row != held.end()) RETURN_IF_ERROR(EnterOne(given_[i], &row->second));
  }
  size_t added = 0;
  for (const auto& [key, row] : held) {
    if (!row.changed) continue;
    if (!row.history.entries().empty()) {
      change_->Put(kSoftBounces, key, row.history);
      added += row.stored ? 0 : 1;
    } else if (row.stored) {
      change_->Delete(kSoftBounces, key);
    }
  }
  if (added == 0) return absl::OkStatus();
  change_->state().soft_rows = true;
  return Sweep(held, std::min(kSweptPerRow * added, kSweptMax));
}

// Addresses that nobody writes to any more would stay for ever.
absl::Status SoftBook::Sweep(const Rows& held, size_t rows_max) {
  std::string& from = change_->state().soft_sweep_from;
  std::vector<std::pair<std::string, std::string>> rows;
  RETURN_IF_ERROR(change_->read().Scan(kSoftBounces, from, "", [&](std::string_view key, std::string_view value) {
    rows.emplace_back(key, value);
    return rows.size() < rows_max;
  }));
  for (const auto& [key, value] : rows) {
    ASSIGN_OR_RETURN(const auto history, Reader::ParseRecord<cluster::v1::SoftBounces>(value));
    ASSIGN_OR_RETURN(const SoftPolicy policy, PolicyOf(key.substr(0, key.find('\0'))));
    // What this change has touched is newer than the row that was read.
    if (!held.contains(key) && IsStale(history, change_->now(), policy)) change_->Delete(kSoftBounces, key);
  }
  from = rows.size() < rows_max ? std::string() : rows.back().first + '\0';
  return absl::OkStatus();
}

}  // namespace wavepost
