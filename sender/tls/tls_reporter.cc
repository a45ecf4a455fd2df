#include "sender/tls/tls_reporter.h"

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/async/deadline.h"
#include "common/base/status_macros.h"
#include "sender/tls/report_file.h"

namespace wavepost {
namespace {

using State = cluster::v1::TlsReportState;
constexpr absl::Duration kRetryInterval = absl::Hours(1);  // for domains whose DNS was out of order
constexpr absl::Duration kRecordTimeout = absl::Seconds(20);

}  // namespace

class TlsReporter::Impl {
 public:
  Impl(asio::io_context& io, const Clock& clock, Resolver& resolver, TlsReportStore* store, Options options)
      : io_(io),
        clock_(clock),
        resolver_(resolver),
        store_(store),
        options_(std::move(options)),
        book_(options_.limits),
        tick_(io),
        drained_(io, asio::steady_timer::time_point::max()) {
    if (store_ == nullptr) return;
    for (const State& state : store_->LoadAll()) book_.Restore(state);
  }

  void Count(const TlsSession& session) {
    const absl::Time now = clock_.Now();
    const std::lock_guard lock(mutex_);
    book_.Count(session, now);
  }

  Awaitable<void> Run() {
    const Presence presence(this);
    int64_t written_day = -1;  // the first round also writes what was left by the last process
    absl::Time retry_at = absl::InfiniteFuture();
    while (!stopping_) {
      SaveNow();
      const absl::Time now = clock_.Now();
      if (UtcDay(now) != written_day || now >= retry_at) {
        const absl::StatusOr<int> written = co_await Write(/*today=*/false);
        written_day = UtcDay(now);
        retry_at = written.ok() ? absl::InfiniteFuture() : now + kRetryInterval;
      }
      if (stopping_) break;
      tick_.expires_after(absl::ToChronoNanoseconds(options_.save_interval));
      co_await tick_.async_wait(use_tuple);
    }
  }

  Awaitable<absl::StatusOr<int>> WriteReports(bool today) {
    const Presence presence(this);
    co_return co_await Write(today);
  }

  void SaveNow() {
    if (store_ == nullptr) return;
    std::vector<State> states;
    {
      const std::lock_guard lock(mutex_);
      for (const TlsReportBook::Key& key : book_.TakeChanged()) {
        if (const State* state = book_.Find(key)) states.push_back(*state);
      }
    }
    for (const State& state : states) store_->Save(state);
  }

  Awaitable<void> Stop() {
    stopping_ = true;
    tick_.cancel();
    while (present_ > 0) co_await drained_.async_wait(use_tuple);
    SaveNow();
  }

 private:
  class Presence {
   public:
    explicit Presence(Impl* impl) : impl_(impl) { ++impl_->present_; }
    ~Presence() {
      if (--impl_->present_ == 0) impl_->drained_.cancel();
    }
    Presence(const Presence&) = delete;
    Presence& operator=(const Presence&) = delete;

   private:
    Impl* impl_;
  };

  Awaitable<absl::StatusOr<int>> Write(bool today) {
    std::vector<TlsReportBook::Key> keys;
    {
      const std::lock_guard lock(mutex_);
      keys = book_.Keys();
    }
    const absl::Time now = clock_.Now();
    const int64_t this_day = UtcDay(now);
    int written = 0;
    absl::Status trouble;
    for (const TlsReportBook::Key& key : keys) {
      if (stopping_) co_return absl::CancelledError("stopped");
      const bool over = key.first < this_day;
      if (!over && !today) continue;
      const absl::StatusOr<bool> done = co_await WriteOne(key, now);
      if (done.ok() && *done) ++written;
      if (!done.ok()) trouble.Update(done.status());
      if (over && (done.ok() || key.first < this_day - options_.days_kept)) Forget(key);
    }
    if (!trouble.ok()) co_return trouble;
    co_return written;
  }

  // False: the domain wants no report.
  Awaitable<absl::StatusOr<bool>> WriteOne(TlsReportBook::Key key, absl::Time end) {
    if (options_.folder.empty()) co_return false;
    const Deadline deadline = DeadlineAfter(kRecordTimeout);
    const absl::StatusOr<TxtAnswer> answer = co_await resolver_.ResolveTxt("_smtp._tls." + key.second, deadline);
    // A domain too long for the prefix can publish nothing.
    if (!answer.ok() && !absl::IsInvalidArgument(answer.status())) co_return answer.status();
    const std::vector<std::string> rua = answer.ok() ? ParseTlsRptRecord(answer->texts) : std::vector<std::string>();
    if (rua.empty() && !options_.write_all) co_return false;
    State state;
    {
      const std::lock_guard lock(mutex_);
      const State* found = book_.Find(key);
      if (found == nullptr) co_return false;
      state = *found;
    }
    const absl::Status status = WriteFiles(state, rua, end);
    if (!status.ok()) co_return status;
    co_return true;
  }

  absl::Status WriteFiles(const State& state, const std::vector<std::string>& rua, absl::Time end) {
    const std::string base = options_.folder + "/" + TlsReportFileName(state, options_.identity, end);
    std::string report = TlsReportJson(state, options_.identity, end);
    if (options_.gzip) {
      ASSIGN_OR_RETURN(report, Gzip(report));
    }
    // The report last: where it stands, everything is there.
    std::string uris;
    for (const std::string& uri : rua) absl::StrAppend(&uris, uri, "\n");
    RETURN_IF_ERROR(WriteFileAtomically(base + ".rua", uris));
    return WriteFileAtomically(base + (options_.gzip ? ".json.gz" : ".json"), report);
  }

  void Forget(const TlsReportBook::Key& key) {
    {
      const std::lock_guard lock(mutex_);
      book_.Remove(key);
    }
    if (store_ != nullptr) store_->Erase(key.first, key.second);
  }

  asio::io_context& io_;
  const Clock& clock_;
  Resolver& resolver_;
  TlsReportStore* const store_;
  const Options options_;
  std::mutex mutex_;
  TlsReportBook book_;  // guarded by mutex_
  asio::steady_timer tick_;
  bool stopping_ = false;
  int present_ = 0;
  asio::steady_timer drained_;  // cancelled when present_ falls to 0
};

absl::StatusOr<std::unique_ptr<TlsReporter>> TlsReporter::Create(asio::io_context& io, const Clock& clock,
                                                                 Resolver& resolver, TlsReportStore* store,
                                                                 Options options) {
  if (options.save_interval <= absl::ZeroDuration() || options.days_kept < 0)
    return absl::InvalidArgumentError("TLS reports: options out of range");
  if (!options.folder.empty()) {
    std::error_code error;
    std::filesystem::create_directories(options.folder, error);
    if (error) {
      return absl::InvalidArgumentError(
          absl::StrCat("TLS reports: folder \"", options.folder, "\" cannot be made: ", error.message()));
    }
    if (options.identity.organization.empty() || options.identity.contact.empty() || options.identity.submitter.empty())
      return absl::InvalidArgumentError("TLS reports: organization, contact and submitter must be set");
  }
  return std::unique_ptr<TlsReporter>(
      new TlsReporter(std::make_unique<Impl>(io, clock, resolver, store, std::move(options))));
}

TlsReporter::TlsReporter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsReporter::~TlsReporter() = default;

void TlsReporter::Count(const TlsSession& session) {
  impl_->Count(session);
}
Awaitable<void> TlsReporter::Run() {
  return impl_->Run();
}
Awaitable<absl::StatusOr<int>> TlsReporter::WriteReports(bool today) {
  return impl_->WriteReports(today);
}
void TlsReporter::SaveNow() {
  impl_->SaveNow();
}
Awaitable<void> TlsReporter::Stop() {
  return impl_->Stop();
}

}  // namespace wavepost
