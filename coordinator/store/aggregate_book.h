// The rows that one change's DMARC and TLS reports touch: read together, altered, and stored with the rest of it.
//
// Anybody can send a report, and the thread that enters it writes everything else too: what it costs has limits, and
// what is refused is refused before it costs anything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/store/aggregate_rules.h"
#include "coordinator/store/change.h"
#include "coordinator/store/store.h"
#include "wavepost/cluster/v1/bounce_feed_service.pb.h"
#include "wavepost/v1/reports_service.pb.h"

namespace wavepost {

class AggregateBook {
 public:
  // Rows of reports that one change takes. Honest ones, in messages of at most 1 MiB, stay below it.
  static constexpr size_t kRowsOfChangeMax = 20'000;

  // All of them outlive the book.
  AggregateBook(Change* change, const CoveredDomains* covered, const OursSet* ours, AggregateFigures* figures)
      : change_(change), covered_(covered), ours_(ours), figures_(figures) {}

  // A DMARC or TLS report. What may not be entered is counted in the figures instead.
  absl::Status Add(const cluster::v1::BounceReport& report);

  // Enters what was added, in order, and puts the rows. Once.
  absl::Status Enter();

 private:
  struct DayCount {
    uint32_t rows = 0;
    uint32_t reports = 0;  // one more than the limit: that has been told
  };
  struct DomainState {
    std::map<int64_t, DayCount> days;
    std::set<int64_t> changed;
    int64_t rows = 0;
  };
  struct Given {
    AggregateEntry entry;
    std::string hash;
    std::string seen;               // key
    std::vector<std::string> keys;  // of sources or failures, in their order; then that of the others; TLS: of the sums
  };

  absl::StatusOr<DomainState*> StateOf(std::string_view domain);
  // None of the covered domains that the report names takes another one today.
  absl::StatusOr<bool> AllFull(const cluster::v1::BounceReport& report);
  // Reads rows for Row().
  absl::Status Read(std::vector<std::string> keys);
  // Drops those that were entered before, and reads the rows that the others touch.
  absl::Status ReadRows();

  absl::Status EnterOne(const Given& given);
  void PutReport(const Given& given, uint32_t place);
  void AddEvent(const AggregateEntry& entry, const std::string& text);
  absl::Status AddSources(const Given& given, DomainState* state);
  absl::Status AddSessions(const Given& given, DomainState* state);
  template <class Message>
  absl::StatusOr<Message*> Row(std::map<std::string, Message>* rows, const std::string& key, bool* fresh);
  // The row of that key or, if it would be new and there is no room, the one of `other`.
  template <class Message>
  absl::StatusOr<Message*> RowOr(std::map<std::string, Message>* rows, const std::string& key, const std::string& other,
                                 DomainState* state, int64_t day);
  void Count(const AggregateEntry& entry);
  void Write();

  Change* const change_;
  const CoveredDomains* const covered_;
  const OursSet* const ours_;
  AggregateFigures* const figures_;
  size_t rows_taken_ = 0;
  std::vector<Given> given_;
  absl::flat_hash_map<std::string, std::optional<std::string>> stored_;  // by key, as read
  std::map<std::string, DomainState, std::less<>> domains_;
  // A change does not see its own rows: each is altered here and written once.
  std::map<std::string, v1::DmarcSource> sources_;
  std::map<std::string, v1::TlsPolicyResult> sessions_;
  std::map<std::string, v1::TlsFailure> failures_;
};

// Forgets what is too old, a bounded number of rows each time.
absl::Status TrimAggregates(Change* change);

}  // namespace wavepost
