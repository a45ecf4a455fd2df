#include "coordinator/store/row_set.h"

#include <optional>
#include <string>
#include <utility>

#include "common/base/status_macros.h"

namespace wavepost {

absl::StatusOr<RowSet> RowSet::Load(const Reader& read, const std::vector<RecipientId>& ids) {
  RowSet set;
  std::vector<RecipientId> distinct;
  std::vector<std::string> keys;
  distinct.reserve(ids.size());
  keys.reserve(ids.size());
  set.place_.reserve(ids.size());
  for (const RecipientId id : ids) {
    if (!set.place_.emplace(id.packed(), 0).second) continue;
    distinct.push_back(id);
    keys.push_back(RecipientKey(id));
  }
  ASSIGN_OR_RETURN(const auto recipients, read.MultiGet(kRecipients, keys));
  ASSIGN_OR_RETURN(const auto states, read.MultiGet(kStates, keys));
  set.rows_.reserve(distinct.size());
  for (size_t i = 0; i < distinct.size(); ++i) {
    if (!recipients[i].has_value()) {
      set.place_.erase(distinct[i].packed());
      continue;
    }
    Row row{.id = distinct[i]};
    ASSIGN_OR_RETURN(row.recipient, Reader::ParseRecord<cluster::v1::StoredRecipient>(*recipients[i]));
    if (states[i].has_value()) {
      ASSIGN_OR_RETURN(row.state, Reader::ParseRecord<cluster::v1::RecipientState>(*states[i]));
    }
    if (row.state.state() == v1::Recipient::STATE_UNSPECIFIED) row.state.set_state(v1::Recipient::ACCEPTED);
    set.place_[row.id.packed()] = set.rows_.size();
    set.rows_.push_back(std::move(row));
  }
  return set;
}

Row* RowSet::Find(RecipientId id) {
  const auto it = place_.find(id.packed());
  return it == place_.end() ? nullptr : &rows_[it->second];
}

void RowSet::Store(Change* change) const {
  for (const Row& row : rows_) {
    if (row.changed) change->Put(kStates, RecipientKey(row.id), row.state);
  }
}

}  // namespace wavepost
