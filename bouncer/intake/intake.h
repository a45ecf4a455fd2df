// Where mail from every door goes: read, tied to recipients, stored; then the door may say yes.
//
// Owner:    a thread of its own reads the mails, so that a slow one holds up no other connection; one thread, so that
//           reports of a recipient keep their order. DMARC and TLS reports, which may take a second of unpacking, have
//           another, so that they hold up no bounce.
// Lifetime: Stop() before the store and the kept mail go away; what was taken until then is still answered.
// Limits:   doors bound what they hand in (one message per connection; a window per stream), and no more than
//           kAggregatesWaitingMax mails for aggregate reports wait.
#pragma once

#include <array>
#include <asio/thread_pool.hpp>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "bouncer/inbound/message_sink.h"
#include "bouncer/outbox/outbox.h"
#include "common/base/clock.h"
#include "common/mail/verp.h"

namespace wavepost {

class Intake final : public MessageSink, public ReportStore {
 public:
  using Done = ReportStore::Done;
  using Records = std::vector<cluster::v1::BounceReport>;
  static constexpr int kAggregatesWaitingMax = 16;

  // Keeps a mail for people; its arguments as MessageSink::Take's.
  using Keep = std::function<void(std::string mail, std::string client, Done done)>;
  using Ingested = std::function<void(const absl::Status& status, const Records& records)>;

  // Records that were stored since the start. Any thread.
  struct Counters {
    static constexpr size_t kClasses = 10;
    static constexpr size_t kSources = 7;
    std::array<std::atomic<int64_t>, kClasses> by_class{};   // index: BounceClass
    std::array<std::atomic<int64_t>, kSources> by_source{};  // index: BounceReport.Source
    std::atomic<int64_t> unattributed{0};                    // about nobody
    std::atomic<int64_t> aggregates{0};
    std::atomic<int64_t> kept{0};        // mails for people
    std::atomic<int64_t> not_stored{0};  // records that the disk did not take
  };

  // All must outlive this. keep: for mail to postmaster; any thread.
  Intake(const TokenKeys* keys, ReportStore* store, Keep keep, const Clock* clock);
  ~Intake() override;  // as Stop()

  // `done` runs once, on another thread (on the caller's if there is no room): OK means that all of it is on disk,
  // synced. If one of several parts fails (kept, records) it is an error, and a message that is sent again is entered
  // again.
  void Take(TakenMessage message, std::string client, Done done) override;

  // What a platform hands in. `done` as above, never on the caller's thread.
  void Ingest(std::string message, std::string envelope_recipient, Ingested done);

  // Records that a door made itself, e.g. the unsubscribe page: counted and stored, as ReportStore says.
  void Append(std::vector<cluster::v1::BounceReport> reports, Done done) override;

  const Counters& counters() const { return counters_; }

  // Works off what was handed in, then ends the thread. Nothing may be handed in any more. Idempotent.
  void Stop();

 private:
  // What the counters need to know of a record.
  struct Tally {
    v1::BounceClass bounce_class;
    cluster::v1::BounceReport::Source source;
    bool aggregate;
    bool attributed;
  };

  void Count(const Tally& tally);
  // On the reader's thread; `records` are stored with those of the mail.
  void Read(TakenMessage message, std::string client, Records records, Done done);

  const TokenKeys* const keys_;
  ReportStore* const store_;
  const Keep keep_;
  const Clock* const clock_;
  Counters counters_;
  std::atomic<int> aggregates_waiting_{0};
  asio::thread_pool reader_{1};
  asio::thread_pool aggregator_{1};
};

}  // namespace wavepost
