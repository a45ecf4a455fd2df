// Keeps the counters of TLS reports (RFC 8460) over restarts, and writes a report for each domain and day as a file.
// Sending them is the operator's: beside each "X.json" or "X.json.gz" stands "X.rua", the URIs to send it to.
//
// How to drive it: one per node. Create, then co_spawn Run(); Count after each session, from any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/tokens.h"
#include "common/base/clock.h"
#include "common/dns/resolver.h"
#include "sender/tls/tls_report.h"

namespace asio {
class io_context;
}

namespace wavepost {

// The lasting half of the counters. Called on the reporter's io_context; may block as a queued write does.
class TlsReportStore {
 public:
  virtual ~TlsReportStore() = default;
  virtual std::vector<cluster::v1::TlsReportState> LoadAll() = 0;
  virtual void Save(const cluster::v1::TlsReportState& state) = 0;  // replaces the one of its day and domain
  virtual void Erase(int64_t day, const std::string& domain) = 0;
};

// Lifetime: co_await Stop() before destruction.
class TlsReporter {
 public:
  struct Options {
    std::string folder;  // made if it is not there; empty: nothing is written, counters end with their day
    TlsReportIdentity identity;
    bool gzip = true;
    bool write_all = false;  // also for domains that publish no rua (an empty .rua is written then)
    absl::Duration save_interval = absl::Seconds(30);  // a crash loses counts of at most this long
    int days_kept = 3;  // counters of a day whose reports cannot be written are kept for so many days
    TlsReportBook::Limits limits;
  };

  // Reads the stored counters. store: may be null. All must outlive the reporter.
  // kInvalidArgument: options; a folder that cannot be made.
  static absl::StatusOr<std::unique_ptr<TlsReporter>> Create(asio::io_context& io, const Clock& clock,
                                                             Resolver& resolver, TlsReportStore* store,
                                                             Options options);
  ~TlsReporter();

  // Thread-safe; a lock for a few map operations.
  void Count(const TlsSession& session);

  // Saves the counters every save_interval, and writes the reports of a day when it is over. Ends with Stop().
  Awaitable<void> Run();

  // Writes the reports of all days that are over and forgets them; with `today`, also what today has come to, which
  // goes on being counted. Returns how many were written; the first error, when some could not be (their counters are
  // kept).
  Awaitable<absl::StatusOr<int>> WriteReports(bool today);

  // Writes changed counters to the store.
  void SaveNow();

  Awaitable<void> Stop();

 private:
  class Impl;
  explicit TlsReporter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wavepost
