// RocksStore, for its own .cc files only; callers include rocks_store.h. One file per subject: tenants.cc, domains.cc,
// files.cc, certificates.cc, identity.cc, campaigns.cc, waves.cc, import.cc, recipients.cc, audit.cc, plan.cc,
// batches.cc, nodes.cc, reports.cc, aggregates.cc, aggregates_read.cc, suppressions.cc, events.cc.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "common/storage/commit_loop.h"
#include "common/storage/db.h"
#include "coordinator/store/aggregate_rules.h"
#include "coordinator/store/change.h"
#include "coordinator/store/reader.h"
#include "coordinator/store/rocks_store.h"
#include "coordinator/store/store.h"
#include "coordinator/store/strangers.h"

namespace wavepost {

class RocksStore final : public Store {
 public:
  RocksStore(RocksStoreOptions options, std::unique_ptr<Db> db);
  ~RocksStore() override;
  // Fills the writer's state from disk. Once, before anything else.
  absl::Status Load();

  absl::StatusOr<v1::Tenant> CreateTenant(v1::Tenant tenant, const RequestKey& request) override;
  absl::StatusOr<cluster::v1::StoredTenant> GetTenant(std::string_view name) override;
  absl::StatusOr<Page<v1::Tenant>> ListTenants(int page_size, std::string_view cursor) override;
  absl::Status AddApiKey(std::string_view tenant, const cluster::v1::StoredApiKey& key) override;
  absl::StatusOr<std::string> TenantOfKey(std::string_view secret_sha256) override;
  absl::StatusOr<v1::SendingDomain> CreateSendingDomain(std::string_view tenant,
                                                        cluster::v1::StoredSendingDomain domain,
                                                        const RequestKey& request) override;
  absl::StatusOr<cluster::v1::StoredSendingDomain> GetSendingDomain(std::string_view name) override;
  absl::StatusOr<Page<cluster::v1::StoredSendingDomain>> ListSendingDomains(std::string_view tenant, int page_size,
                                                                            std::string_view cursor) override;
  absl::StatusOr<v1::Tenant> UpdateTenant(std::string_view name,
                                          const std::function<absl::Status(v1::Tenant*)>& change_tenant) override;
  absl::StatusOr<cluster::v1::StoredSendingDomain> ChangeSendingDomain(std::string_view name,
                                                                       const DomainChange& change_domain,
                                                                       const RequestKey& request) override;
  absl::StatusOr<Page<cluster::v1::StoredSendingDomain>> ListAllSendingDomains(int page_size,
                                                                               std::string_view cursor) override;
  absl::Status DeleteSendingDomain(std::string_view name) override;
  absl::StatusOr<std::vector<std::string>> CampaignsSendingFrom(std::string_view domain_name) override;
  int64_t KeysGeneration() override;

  absl::StatusOr<v1::File> PutFile(std::string_view tenant, std::string_view sha256, std::string data) override;
  absl::StatusOr<v1::File> GetFile(std::string_view name) override;
  absl::StatusOr<std::string> ReadFile(std::string_view name) override;
  absl::StatusOr<Page<v1::File>> ListFiles(std::string_view tenant, int page_size, std::string_view cursor) override;
  absl::Status DeleteFile(std::string_view name) override;

  absl::StatusOr<v1::Certificate> CreateCertificate(std::string_view tenant,
                                                    cluster::v1::StoredCertificate certificate) override;
  absl::StatusOr<cluster::v1::StoredCertificate> GetCertificate(std::string_view name) override;
  absl::StatusOr<Page<cluster::v1::StoredCertificate>> ListCertificates(std::string_view tenant, int page_size,
                                                                        std::string_view cursor) override;
  absl::Status WarnCertificate(std::string_view name, int days_left, std::string_view text) override;
  absl::Status DeleteCertificate(std::string_view name) override;

  absl::StatusOr<cluster::v1::StoredIdentity> GetIdentity() override;
  absl::StatusOr<cluster::v1::StoredIdentity> ChangeIdentity(const IdentityChange& change_identity) override;

  absl::StatusOr<v1::Campaign> CreateCampaign(cluster::v1::StoredCampaign campaign, const RequestKey& request) override;
  absl::StatusOr<cluster::v1::StoredCampaign> GetCampaign(std::string_view name) override;
  absl::StatusOr<Page<v1::Campaign>> ListCampaigns(std::string_view tenant, int page_size,
                                                   std::string_view cursor) override;
  absl::StatusOr<v1::Wave> CreateWave(std::string_view campaign, std::string_view wave_name,
                                      const RequestKey& request) override;
  absl::StatusOr<cluster::v1::StoredWave> GetWave(std::string_view name) override;
  absl::StatusOr<cluster::v1::StoredWave> GetWaveByNumber(uint32_t number) override;
  absl::StatusOr<Page<v1::Wave>> ListWaves(std::string_view campaign, int page_size, std::string_view cursor) override;
  absl::StatusOr<v1::Wave> StartWave(std::string_view name, const WaveStart& start) override;
  absl::StatusOr<std::vector<WaveToPlan>> WavesToPlan() override;

  absl::StatusOr<v1::ImportRecipientsResponse> ImportChunk(std::string_view wave, std::vector<NewRecipient> rows,
                                                           std::vector<v1::ImportRecipientsResponse::Refusal> refusals,
                                                           const RequestKey& request) override;
  absl::StatusOr<v1::Recipient> GetRecipient(RecipientId id) override;
  absl::StatusOr<RecipientId> FindRecipient(std::string_view wave, std::string_view address) override;
  absl::StatusOr<Page<v1::Recipient>> ListRecipients(std::string_view wave, int page_size, std::string_view cursor,
                                                     const std::vector<v1::Outcome>& outcomes) override;
  absl::StatusOr<v1::AuditWaveResponse> AuditWave(std::string_view wave) override;

  absl::StatusOr<std::pair<uint32_t, std::vector<PlanRow>>> ReadPlanPage(uint32_t wave, size_t limit) override;
  absl::Status RecordPlan(const Plan& plan) override;
  absl::StatusOr<std::vector<cluster::v1::PendingBatch>> PendingBatches(std::string_view node, int64_t after_sequence,
                                                                        size_t limit) override;
  absl::StatusOr<cluster::v1::Batch> ReadBatch(const cluster::v1::PendingBatch& pending) override;
  void AcknowledgeBatch(std::string_view node, std::string_view batch_id, Done done) override;
  absl::StatusOr<int64_t> Backlog(std::string_view node) override;

  absl::StatusOr<std::vector<PendingHead>> PendingHeads(std::string_view node, int64_t after_sequence,
                                                        size_t limit) override;
  absl::StatusOr<cluster::v1::PendingBatch> GetPendingBatch(std::string_view node, int64_t sequence) override;
  absl::StatusOr<std::vector<OpenRow>> ReadOpen(uint32_t wave, uint32_t from_index, size_t limit) override;
  absl::StatusOr<std::vector<WarmUpCount>> WarmUpCounts(int64_t day) override;

  absl::StatusOr<v1::Pause> CreatePause(v1::Pause pause, std::string_view parent, const RequestKey& request) override;
  absl::StatusOr<v1::Pause> GetPause(std::string_view name) override;
  absl::Status EndPause(std::string_view name) override;
  absl::StatusOr<Page<v1::Pause>> ListPauses(std::string_view creator, int page_size, std::string_view cursor) override;
  absl::StatusOr<v1::QueueOrder> CreateOrder(v1::QueueOrder order, std::string_view parent,
                                             const RequestKey& request) override;
  absl::StatusOr<bool> AdvanceDrops() override;
  absl::StatusOr<std::vector<cluster::v1::Order>> Orders(int64_t after_sequence, size_t limit) override;
  int64_t LastOrder() override { return last_order_; }
  void AcknowledgeOrders(std::string_view node, int64_t through_sequence, Done done) override;

  absl::StatusOr<cluster::v1::StoredNode> AttachNode(const NodeAttach& node) override;
  absl::StatusOr<cluster::v1::StoredNode> GetNode(std::string_view node_id) override;
  absl::StatusOr<std::vector<cluster::v1::StoredNode>> ListNodes() override;
  absl::StatusOr<cluster::v1::StoredBouncer> GetBouncer(std::string_view bouncer_id) override;

  void ApplyReports(std::string_view node, std::vector<cluster::v1::Report> reports, Done done) override;
  void ApplyBounceReports(std::string_view bouncer, std::vector<cluster::v1::BounceReport> reports, Done done) override;
  int64_t UnknownRecipientReports() override { return unknown_reports_; }
  ReportFigures Reports() override;

  absl::StatusOr<std::vector<v1::DmarcSource>> DmarcSources(std::string_view domain, int days) override;
  absl::StatusOr<v1::ListTlsResultsResponse> TlsResults(std::string_view domain, int days) override;
  absl::StatusOr<Page<v1::AggregateReport>> AggregateReports(std::string_view domain, int page_size,
                                                             std::string_view cursor) override;
  AggregateFigures AggregatesSinceStart() override;
  absl::StatusOr<bool> VerifiedElsewhere(std::string_view name) override;

  absl::StatusOr<v1::Suppression> CreateSuppression(std::string_view tenant, v1::Suppression suppression,
                                                    const RequestKey& request) override;
  absl::StatusOr<v1::Suppression> GetSuppression(std::string_view tenant, std::string_view address) override;
  absl::StatusOr<Page<v1::Suppression>> ListSuppressions(std::string_view tenant, int page_size,
                                                         std::string_view cursor) override;
  absl::Status DeleteSuppression(std::string_view tenant, std::string_view address, std::string_view who,
                                 std::string_view why) override;
  absl::StatusOr<std::vector<SuppressionChange>> SuppressionChanges(int64_t after_sequence, size_t limit) override;

  absl::StatusOr<std::vector<v1::Event>> Events(int64_t after_sequence, size_t limit) override;
  absl::Status AppendEvent(v1::Event event) override;
  void OnChange(std::function<void()> listener) override;

 private:
  using Decide = std::function<absl::Status(Change&)>;

  // Runs `decide` on the writer thread; if it returns OK, its change is committed. Write: waits until it is on disk.
  absl::Status Write(const Decide& decide);
  void Submit(Decide decide, Done done);
  absl::Status Apply(const Decide& decide);
  // The same for one that creates: a request id that was answered gets its answer again, and `decide` does not run.
  template <class Response>
  absl::StatusOr<Response> Create(std::string_view parent, const RequestKey& request,
                                  const std::function<absl::StatusOr<Response>(Change&)>& decide);

  absl::Status SyncAndPublish();
  void Publish();
  // The books as of the last sync.
  Reader Durable() const;
  // The same, with the drops that are under way in them.
  using Drops = std::shared_ptr<const std::vector<cluster::v1::StoredDrop>>;
  std::pair<Reader, Drops> DurableWithDrops() const;

  // One page of rows of `family` that start with `prefix`. `take` returns false for rows that are passed over, and
  // appends the others to the page's items. The cursor is what follows the prefix in the last key taken.
  template <class T>
  absl::StatusOr<Page<T>> List(
      Family family, const std::string& prefix, int page_size, std::string_view cursor,
      const std::function<absl::StatusOr<bool>(std::string_view value, std::vector<T>*)>& take);

  absl::Status ApplyReportsNow(Change& change, std::string_view node, const std::vector<cluster::v1::Report>& reports);
  absl::Status ApplyBounceReportsNow(Change& change, std::string_view bouncer,
                                     const std::vector<cluster::v1::BounceReport>& reports);
  // Reports without proof: events for operators, nothing else.
  absl::Status EnterStrangers(Change& change, const std::vector<const cluster::v1::BounceReport*>& reports);
  void TellHeldBack(Change& change);
  void CountReports(const std::vector<const cluster::v1::BounceReport*>& proven,
                    const std::vector<const cluster::v1::BounceReport*>& strangers);
  // Enters those of the reports that are DMARC and TLS reports, and returns the others. Never fails for what one says.
  using BounceReports = std::vector<const cluster::v1::BounceReport*>;
  absl::StatusOr<BounceReports> EnterAggregates(Change& change, const BounceReports& reports);
  absl::StatusOr<const CoveredDomains*> Covered(Change& change);
  // Today and the days before it, `days` in all, newest first.
  std::vector<int64_t> LastDays(int days) const;
  absl::Status WithdrawNow(Change& change, const std::vector<RecipientId>& suppressed,
                           const std::vector<RecipientId>& dropped);
  // The recipients of the plan that a drop takes in.
  absl::StatusOr<absl::flat_hash_set<uint32_t>> DroppedOf(Change& change, const cluster::v1::StoredWave& wave,
                                                          const Plan& plan);
  // Forgets orders that are over: among kTrimScanMax rows, from where the last search ended.
  absl::Status TrimOrders(Change& change);
  absl::Status AdvanceWaves(Change& change, cluster::v1::StoredDrop* drop);
  absl::Status AdvanceBatches(Change& change, cluster::v1::StoredDrop* drop, bool* done);
  absl::StatusOr<std::string> NewBatchId();

  const RocksStoreOptions options_;
  const std::unique_ptr<Db> db_;
  std::function<void()> listener_;  // writer thread, after it was set
  std::atomic<int64_t> unknown_reports_ = 0;
  std::atomic<int64_t> last_order_ = 0;  // on disk
  std::atomic<int64_t> keys_generation_ = 0;
  WriterState writer_;      // writer thread
  StrangerGate strangers_;  // writer thread

  std::mutex report_figures_mutex_;
  ReportFigures report_figures_;           // guarded by it
  std::optional<CoveredDomains> covered_;  // writer thread, as the next
  int64_t covered_generation_ = 0;         // of keys, when covered_ was read
  mutable std::mutex figures_mutex_;
  AggregateFigures figures_;  // guarded by figures_mutex_

  mutable std::mutex published_mutex_;
  std::shared_ptr<const rocksdb::Snapshot> durable_;  // guarded by published_mutex_, as all below
  std::vector<WaveToPlan> to_plan_;
  using Running = std::shared_ptr<const std::vector<RunningWave>>;
  Running running_ = std::make_shared<const std::vector<RunningWave>>();
  Drops drops_ = std::make_shared<const std::vector<cluster::v1::StoredDrop>>();
  std::map<std::string, int64_t, std::less<>> backlog_;

  CommitLoop loop_;  // last: ends before what it uses
};

// An event of a resource: kind and text are the caller's, all else is known.
inline v1::Event EventOf(std::string tenant, const v1::Event& wanted) {
  v1::Event event;
  event.set_kind(wanted.kind());
  event.set_text(wanted.text());
  event.set_tenant(std::move(tenant));
  return event;
}

inline constexpr int kPageSizeDefault = 100;
inline constexpr int kPageSizeMax = 5000;
inline size_t PageSize(int asked) {
  return asked <= 0 ? kPageSizeDefault : static_cast<size_t>(asked < kPageSizeMax ? asked : kPageSizeMax);
}

template <class Response>
absl::StatusOr<Response> RocksStore::Create(std::string_view parent, const RequestKey& request,
                                            const std::function<absl::StatusOr<Response>(Change&)>& decide) {
  Response response;
  RETURN_IF_ERROR(Write([&](Change& change) -> absl::Status {
    ASSIGN_OR_RETURN(const auto answered, change.Answered(parent, request));
    if (answered.has_value()) {
      ASSIGN_OR_RETURN(response, Reader::ParseRecord<Response>(*answered));
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(response, decide(change));
    change.RememberAnswer(parent, request, response);
    return absl::OkStatus();
  }));
  return response;
}

template <class T>
absl::StatusOr<Page<T>> RocksStore::List(
    Family family, const std::string& prefix, int page_size, std::string_view cursor,
    const std::function<absl::StatusOr<bool>(std::string_view value, std::vector<T>*)>& take) {
  const size_t limit = PageSize(page_size);
  std::string from = prefix;
  if (!cursor.empty()) {
    from += cursor;
    from += '\0';  // the first key after the cursor's
  }
  Page<T> page;
  std::string last;
  absl::Status failed;
  RETURN_IF_ERROR(Durable().Scan(family, from, PrefixEnd(prefix), [&](std::string_view key, std::string_view value) {
    if (page.items.size() == limit) {
      page.next = last;
      return false;
    }
    const absl::StatusOr<bool> taken = take(value, &page.items);
    if (!taken.ok()) {
      failed = taken.status();
      return false;
    }
    if (*taken) last = key.substr(prefix.size());
    return true;
  }));
  RETURN_IF_ERROR(failed);
  return page;
}

}  // namespace wavepost
