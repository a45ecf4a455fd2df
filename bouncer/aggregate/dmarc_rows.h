// Sums up the rows of a DMARC report and keeps the result small enough to be stored and sent.
#pragma once

#include <cstddef>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "wavepost/v1/reports_service.pb.h"

namespace wavepost {

inline constexpr size_t kDmarcRowsMax = 10'000;
// Of a stored report; below the limit of the feed's messages (feed.h), which carry one report at least.
inline constexpr size_t kAggregateBytesMax = 900 * 1000;

class DmarcRows {
 public:
  // Rows that differ in nothing but their count become one. Beyond kDmarcRowsMax different ones they are dropped.
  void Add(v1::DmarcRow row);

  // Puts the rows into `report`, in the order of the first of each. Too many bytes: envelope_from is left out, then
  // header_from, and equal rows summed up again; then those with the fewest messages are dropped. `incomplete` is set
  // where messages were lost. Use once.
  void MoveTo(v1::DmarcReport* report);

 private:
  absl::flat_hash_map<std::string, size_t> places_;
  google::protobuf::RepeatedPtrField<v1::DmarcRow> rows_;
  bool dropped_ = false;
};

}  // namespace wavepost
