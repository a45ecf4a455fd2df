#include "sender/delivery/tls_policies.h"

#include <asio/io_context.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "sender/delivery/forbidden_mx.h"
#include "sender/tls/https_mta_sts_fetcher.h"

namespace wavepost {
namespace {

class MtaStsNotes final : public MtaStsStore {
 public:
  explicit MtaStsNotes(QueueStore* store) : store_(store) {}

  std::optional<cluster::v1::MtaStsState> Load(const std::string& domain) override {
    const absl::StatusOr<std::string> bytes = store_->GetNote(QueueStore::Notes::kMtaSts, domain);
    cluster::v1::MtaStsState state;
    if (!bytes.ok() || !state.ParseFromString(*bytes)) return std::nullopt;
    return state;
  }
  void Save(const std::string& domain, const cluster::v1::MtaStsState& state) override {
    store_->PutNote(QueueStore::Notes::kMtaSts, domain, state.SerializeAsString());
  }

 private:
  QueueStore* const store_;
};

class TlsReportNotes final : public TlsReportStore {
 public:
  explicit TlsReportNotes(QueueStore* store) : store_(store) {}

  std::vector<cluster::v1::TlsReportState> LoadAll() override {
    std::vector<cluster::v1::TlsReportState> states;
    const auto notes = store_->ReadNotes(QueueStore::Notes::kTlsReports);
    if (!notes.ok()) return states;
    for (const std::string& bytes : *notes) {
      cluster::v1::TlsReportState state;
      if (state.ParseFromString(bytes)) states.push_back(std::move(state));
    }
    return states;
  }
  void Save(const cluster::v1::TlsReportState& state) override {
    store_->PutNote(QueueStore::Notes::kTlsReports, Key(state.day(), state.domain()), state.SerializeAsString());
  }
  void Erase(int64_t day, const std::string& domain) override {
    store_->EraseNote(QueueStore::Notes::kTlsReports, Key(day, domain));
  }

 private:
  static std::string Key(int64_t day, const std::string& domain) { return absl::StrCat(day, " ", domain); }
  QueueStore* const store_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<TlsPolicies>> TlsPolicies::Create(asio::io_context& io, const Clock& clock,
                                                                 Resolver& resolver, QueueStore* store,
                                                                 const DeliveryOptions& options) {
  std::unique_ptr<TlsPolicies> policies(new TlsPolicies);
  policies->store_ = std::make_unique<MtaStsNotes>(store);
  if (options.mta_sts && options.starttls) {
    HttpsMtaStsFetcher::Options fetch;
    fetch.ca_file = options.ca_file;
    fetch.port = options.mta_sts_port;
    fetch.allow_private = options.allow_private_mx;
    fetch.is_forbidden = &IsForbiddenMx;
    ASSIGN_OR_RETURN(policies->fetcher_, HttpsMtaStsFetcher::Create(io, resolver, std::move(fetch)));
  }
  PolicyBook::Options book;
  book.dane = options.dane;
  book.mta_sts = options.mta_sts;
  book.smtp_port = options.smtp_port;
  policies->book_ = std::make_unique<PolicyBook>(io, clock, resolver, policies->fetcher_.get(), policies->store_.get(),
                                                 std::move(book));
  return policies;
}

TlsPolicies::~TlsPolicies() = default;

Awaitable<void> TlsPolicies::StopFetching() {
  if (fetcher_ != nullptr) co_await fetcher_->Stop();
}

Awaitable<void> TlsPolicies::Stop() {
  co_await book_->Stop();
}

std::unique_ptr<TlsReportStore> MakeTlsReportStore(QueueStore* store) {
  return std::make_unique<TlsReportNotes>(store);
}

}  // namespace wavepost
