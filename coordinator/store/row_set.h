// The rows of some recipients, read together, altered in memory and stored together.
#pragma once

#include <cstddef>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "common/base/recipient_id.h"
#include "coordinator/store/change.h"
#include "coordinator/store/reader.h"
#include "wavepost/cluster/v1/coordinator_records.pb.h"

namespace wavepost {

struct Row {
  RecipientId id;
  cluster::v1::StoredRecipient recipient;
  cluster::v1::RecipientState state;  // never STATE_UNSPECIFIED
  bool changed = false;
};

class RowSet {
 public:
  // Ids may repeat; those without a row in the books are left out.
  static absl::StatusOr<RowSet> Load(const Reader& read, const std::vector<RecipientId>& ids);

  // Null if there is no such recipient. Valid as long as the set.
  Row* Find(RecipientId id);
  std::vector<Row>& rows() { return rows_; }  // in order of first mention

  // Puts the states of the changed rows.
  void Store(Change* change) const;

 private:
  std::vector<Row> rows_;
  absl::flat_hash_map<uint64_t, size_t> place_;  // by packed id
};

}  // namespace wavepost
