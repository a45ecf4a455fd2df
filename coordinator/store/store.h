// The coordinator's books, in the words of the business: tenants, campaigns, recipients, outcomes, suppressions,
// events.
//
// Changes are atomic, and synced when the call or callback says OK; after an error nothing is there (of the disk:
// all or nothing, once reopened). Readers see synced changes only. Repeated with the same ids, a change does no more.
// The accounting law holds in every state that a reader can see: a wave's counters and its recipients change together.
//
// Threads: all methods may be called from any thread. Those that return a status block for a sync (milliseconds): not
// from
//          an event loop. Those with a `done` do not block; `done` runs on the store's writer thread and must be short.
// Versions: RocksStore (embedded, default). A PostgreSQL one follows; nothing here may speak of keys, iterators or
// batches
//          of writes.
// Errors:  kNotFound, kAlreadyExists, kFailedPrecondition, kInvalidArgument as said per method; kUnavailable and
//          kResourceExhausted from the disk.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/recipient_id.h"
#include "wavepost/cluster/v1/bounce_feed_service.pb.h"
#include "wavepost/cluster/v1/coordinator_records.pb.h"
#include "wavepost/cluster/v1/dispatch_service.pb.h"
#include "wavepost/v1/campaigns_service.pb.h"
#include "wavepost/v1/certificates_service.pb.h"
#include "wavepost/v1/events_service.pb.h"
#include "wavepost/v1/files_service.pb.h"
#include "wavepost/v1/reports_service.pb.h"
#include "wavepost/v1/suppressions_service.pb.h"

namespace wavepost {

// A page of a listing. `next` is the cursor for the next page; empty: this was the last one.
template <class T>
struct Page {
  std::vector<T> items;
  std::string next;
};

// A request id with the hash of its request; empty id: not idempotent.
struct RequestKey {
  std::string id;
  std::string request_sha256;
};

// One row of an import, checked for form by the API; the store checks for duplicates.
struct NewRecipient {
  int64_t position = 0;
  cluster::v1::StoredRecipient recipient;
};

// The egress IP that the planner chose for a recipient.
struct Assignment {
  RecipientId id;
  std::string node;
  std::string egress_ip;
};

// Recipients planned on a day for a domain from an egress IP that is warming up, over all waves.
struct WarmUpCount {
  std::string egress_ip;
  std::string domain;
  int64_t recipients = 0;
};

// What the planner decided about a page of recipients of one wave.
struct Plan {
  uint32_t wave = 0;
  uint32_t from_index = 0;  // the wave's planned_through when the page was read: another value there refuses the plan
  uint32_t through_index = 0;  // one past the last recipient of the page
  std::vector<Assignment> assignments;
  std::vector<RecipientId> suppressed;
  // New counts of the day, which replace the stored ones.
  int64_t warm_up_day = 0;  // days since 1970, UTC
  std::vector<WarmUpCount> warm_up;
};

// A recipient of a page for the planner.
struct PlanRow {
  RecipientId id;
  std::string address;
  bool suppressed = false;
};

// A wave that the planner has work with.
struct WaveToPlan {
  uint32_t number = 0;
  bool urgent = false;
};

// What is fixed when a wave starts.
struct WaveStart {
  uint32_t token_key_id = 0;
  std::string from_address;        // of its mail
  std::string return_path_domain;  // empty: the configured one
  // KeysGeneration() before the address was chosen: if domains or certificates have changed since, the wave does not
  // start (kAborted; choose again). Absent: not looked at.
  std::optional<int64_t> keys_generation;
};

// What is known of a pending batch without reading its recipients.
struct PendingHead {
  std::string batch_id;
  int64_t sequence = 0;  // place in the node's order
  uint32_t wave = 0;
  int64_t recipients = 0;
  bool urgent = false;
  std::string tenant;  // "tenants/{tenant}"
  double weight = 1;   // the tenant's
};

// What a node says of itself when it attaches.
struct NodeAttach {
  std::string node_id;
  std::vector<v1::EgressIp> egress_ips;
  std::string data_id;  // empty: unknown
  int64_t order_cursor = 0;
};

// A recipient that has no outcome yet.
struct OpenRow {
  std::string address;
  bool assigned = false;
  std::string node;  // of an assigned one, as the next
  std::string egress_ip;
};

// What DMARC and TLS reports said since the start, for figures that rise.
struct AggregateFigures {
  static constexpr size_t kDomainsMax = 1000;  // more are counted together as "other"
  struct Domain {
    int64_t passed_ours = 0;  // messages, from our egress IPs
    int64_t failed_ours = 0;
    int64_t passed_others = 0;
    int64_t failed_others = 0;
    int64_t tls_sessions = 0;  // that held
    int64_t tls_failed = 0;
  };
  std::map<std::string, Domain> domains;
  int64_t entered = 0;     // reports, once per domain
  int64_t repeated = 0;    // the same, seen before
  int64_t foreign = 0;     // about no domain of ours or of a tenant
  int64_t untimely = 0;    // too old, or from the future
  int64_t over_limit = 0;  // more than a domain may have in a day, or than may be entered at once
};

// A suppression change with its place in the log.
using SuppressionChange = cluster::v1::SuppressionChange;

// Reports that came back since the start, by class.
struct ReportFigures {
  std::map<v1::BounceClass, int64_t> proven;    // a genuine token named the recipient
  std::map<v1::BounceClass, int64_t> unproven;  // counted and shown, nothing else
};

// Of the campaigns that are URGENT, a wave may have so many recipients.
inline constexpr int64_t kUrgentRecipientsMax = 1000;

inline constexpr size_t kWarmUpCountsMax = 200'000;

class Store {
 public:
  using Done = std::function<void(absl::Status)>;

  virtual ~Store() = default;

  // --- tenants, sending domains
  // --------------------------------------------------------------------------------------- kAlreadyExists if it is
  // there already and `request` is new.
  virtual absl::StatusOr<v1::Tenant> CreateTenant(v1::Tenant tenant, const RequestKey& request) = 0;
  virtual absl::StatusOr<cluster::v1::StoredTenant> GetTenant(std::string_view name) = 0;
  virtual absl::StatusOr<Page<v1::Tenant>> ListTenants(int page_size, std::string_view cursor) = 0;
  virtual absl::Status AddApiKey(std::string_view tenant, const cluster::v1::StoredApiKey& key) = 0;
  // The tenant whose key hashes to this. kNotFound.
  virtual absl::StatusOr<std::string> TenantOfKey(std::string_view secret_sha256) = 0;
  // Changes the tenant's record in place; name and create_time stay. kNotFound.
  virtual absl::StatusOr<v1::Tenant> UpdateTenant(std::string_view name,
                                                  const std::function<absl::Status(v1::Tenant*)>& change) = 0;
  virtual absl::StatusOr<v1::SendingDomain> CreateSendingDomain(std::string_view tenant,
                                                                cluster::v1::StoredSendingDomain domain,
                                                                const RequestKey& request) = 0;
  virtual absl::StatusOr<cluster::v1::StoredSendingDomain> GetSendingDomain(std::string_view name) = 0;
  virtual absl::StatusOr<Page<cluster::v1::StoredSendingDomain>> ListSendingDomains(std::string_view tenant,
                                                                                    int page_size,
                                                                                    std::string_view cursor) = 0;

  static constexpr int kDomainsOfTenantMax = 1000;  // CreateSendingDomain: kResourceExhausted

  // Changes a domain in one step: `change` gets the record as it is and may add events (kind and text are read). What
  // it returns as an error stops the change and comes back. Runs on the writer thread: short, no I/O. kNotFound.
  // A request id that was answered changes nothing any more; the domain comes back as it stands.
  using DomainChange =
      std::function<absl::Status(cluster::v1::StoredSendingDomain* domain, std::vector<v1::Event>* events)>;
  virtual absl::StatusOr<cluster::v1::StoredSendingDomain> ChangeSendingDomain(std::string_view name,
                                                                               const DomainChange& change,
                                                                               const RequestKey& request) = 0;
  absl::StatusOr<cluster::v1::StoredSendingDomain> ChangeSendingDomain(std::string_view name,
                                                                       const DomainChange& change) {
    return ChangeSendingDomain(name, change, RequestKey());
  }
  // Domains of all tenants, by name.
  virtual absl::StatusOr<Page<cluster::v1::StoredSendingDomain>> ListAllSendingDomains(int page_size,
                                                                                       std::string_view cursor) = 0;
  // kNotFound; kFailedPrecondition: a running wave's From address is of this domain.
  virtual absl::Status DeleteSendingDomain(std::string_view name) = 0;
  // Names of the campaigns, in order, of which a wave is RUNNING whose From address is of this domain (and tenant).
  virtual absl::StatusOr<std::vector<std::string>> CampaignsSendingFrom(std::string_view domain_name) = 0;
  // Rises whenever a key set may have changed: domains' keys and states, certificates, our own keys. Does not block.
  virtual int64_t KeysGeneration() = 0;

  // --- files, certificates, our own identity
  // Stores a file with its bytes, or finds that it is there already. `sha256`: 64 hexadecimal digits, of `data`.
  // kNotFound (tenant), kResourceExhausted (kFilesMax, kFileBytesOfTenantMax).
  static constexpr int64_t kFilesMax = 1000;
  static constexpr int64_t kFileBytesOfTenantMax = int64_t{1} << 30;
  virtual absl::StatusOr<v1::File> PutFile(std::string_view tenant, std::string_view sha256, std::string data) = 0;
  virtual absl::StatusOr<v1::File> GetFile(std::string_view name) = 0;
  virtual absl::StatusOr<std::string> ReadFile(std::string_view name) = 0;
  virtual absl::StatusOr<Page<v1::File>> ListFiles(std::string_view tenant, int page_size, std::string_view cursor) = 0;
  // kFailedPrecondition: campaigns refer to it (CreateCampaign counts them).
  virtual absl::Status DeleteFile(std::string_view name) = 0;

  // kAlreadyExists, kNotFound (tenant), kResourceExhausted (kCertificatesMax).
  static constexpr int kCertificatesMax = 100;                // per tenant
  static constexpr size_t kCertificateBytesMax = 700 * 1024;  // of them together: key sets have a limit too
  virtual absl::StatusOr<v1::Certificate> CreateCertificate(std::string_view tenant,
                                                            cluster::v1::StoredCertificate certificate) = 0;
  virtual absl::StatusOr<cluster::v1::StoredCertificate> GetCertificate(std::string_view name) = 0;
  virtual absl::StatusOr<Page<cluster::v1::StoredCertificate>> ListCertificates(std::string_view tenant, int page_size,
                                                                                std::string_view cursor) = 0;
  // Writes the event that a certificate ends, unless one was written when so many days were left, or fewer. days_left:
  // 0 means that it has ended. kNotFound.
  virtual absl::Status WarnCertificate(std::string_view name, int days_left, std::string_view text) = 0;
  virtual absl::Status DeleteCertificate(std::string_view name) = 0;

  // As last stored; an empty record before the first time.
  virtual absl::StatusOr<cluster::v1::StoredIdentity> GetIdentity() = 0;
  // As ChangeSendingDomain.
  using IdentityChange =
      std::function<absl::Status(cluster::v1::StoredIdentity* identity, std::vector<v1::Event>* events)>;
  virtual absl::StatusOr<cluster::v1::StoredIdentity> ChangeIdentity(const IdentityChange& change) = 0;

  // --- campaigns, waves
  // -----------------------------------------------------------------------------------------------
  virtual absl::StatusOr<v1::Campaign> CreateCampaign(cluster::v1::StoredCampaign campaign,
                                                      const RequestKey& request) = 0;
  virtual absl::StatusOr<cluster::v1::StoredCampaign> GetCampaign(std::string_view name) = 0;
  virtual absl::StatusOr<Page<v1::Campaign>> ListCampaigns(std::string_view tenant, int page_size,
                                                           std::string_view cursor) = 0;
  // The store gives the number.
  virtual absl::StatusOr<v1::Wave> CreateWave(std::string_view campaign, std::string_view wave_name,
                                              const RequestKey& request) = 0;
  virtual absl::StatusOr<cluster::v1::StoredWave> GetWave(std::string_view name) = 0;
  virtual absl::StatusOr<cluster::v1::StoredWave> GetWaveByNumber(uint32_t number) = 0;
  virtual absl::StatusOr<Page<v1::Wave>> ListWaves(std::string_view campaign, int page_size,
                                                   std::string_view cursor) = 0;
  // DRAFT -> RUNNING with `start` on record; RUNNING and COMPLETED stay as they are. kFailedPrecondition without
  // recipients; kAborted, see WaveStart.
  virtual absl::StatusOr<v1::Wave> StartWave(std::string_view name, const WaveStart& start) = 0;
  // The waves that are RUNNING and not yet planned through, by number.
  virtual absl::StatusOr<std::vector<WaveToPlan>> WavesToPlan() = 0;

  // --- recipients
  // ----------------------------------------------------------------------------------------------------- Stores the
  // rows whose address the wave does not have yet; the others come back as DUPLICATE refusals. `refusals` are rows that
  // the API has refused already: they are counted and come back in the response, by position. kFailedPrecondition if
  // the wave has started.
  virtual absl::StatusOr<v1::ImportRecipientsResponse> ImportChunk(
      std::string_view wave, std::vector<NewRecipient> rows,
      std::vector<v1::ImportRecipientsResponse::Refusal> refusals, const RequestKey& request) = 0;
  virtual absl::StatusOr<v1::Recipient> GetRecipient(RecipientId id) = 0;
  // The recipient of the wave with this address, normalized (address.h). kNotFound: no such wave, or nobody with it.
  virtual absl::StatusOr<RecipientId> FindRecipient(std::string_view wave, std::string_view address) = 0;
  // Limits: reads at most 5000 recipients per call, so that a filter may leave a page short.
  virtual absl::StatusOr<Page<v1::Recipient>> ListRecipients(std::string_view wave, int page_size,
                                                             std::string_view cursor,
                                                             const std::vector<v1::Outcome>& outcomes) = 0;
  // Recounts all recipients of the wave on a snapshot and compares with the counters of the same snapshot.
  virtual absl::StatusOr<v1::AuditWaveResponse> AuditWave(std::string_view wave) = 0;

  // --- planning and dispatch
  // ------------------------------------------------------------------------------------------ The next at most `limit`
  // unplanned recipients of a running wave, in store order, with the suppression list looked up. first: the wave's
  // planned_through. Empty: planned through.
  virtual absl::StatusOr<std::pair<uint32_t, std::vector<PlanRow>>> ReadPlanPage(uint32_t wave, size_t limit) = 0;
  // Records a plan: outcomes for the suppressed and for those that a drop takes in, state ASSIGNED and pending batches
  // (UUIDs, at most 500 recipients, one node and wave each) for the others. kFailedPrecondition if the wave was planned
  // past from_index in between. Suppressions that came in between are honoured later, by ReadBatch.
  virtual absl::Status RecordPlan(const Plan& plan) = 0;
  // Ids of the batches that the node has not acknowledged, in order, after `after_sequence`, at most `limit`.
  virtual absl::StatusOr<std::vector<cluster::v1::PendingBatch>> PendingBatches(std::string_view node,
                                                                                int64_t after_sequence,
                                                                                size_t limit) = 0;
  // The batch as it goes out now: recipients that still are ASSIGNED; those suppressed or dropped since get their
  // outcome here (synced before the call returns) and are left out. content_id and return_path are filled by the
  // caller.
  virtual absl::StatusOr<cluster::v1::Batch> ReadBatch(const cluster::v1::PendingBatch& pending) = 0;
  // The node has it. Unknown ids are fine.
  virtual void AcknowledgeBatch(std::string_view node, std::string_view batch_id, Done done) = 0;
  // Recipients in pending batches of the node.
  virtual absl::StatusOr<int64_t> Backlog(std::string_view node) = 0;

  // What the node has not acknowledged, in order, after `after_sequence`, at most `limit`, without the recipients.
  virtual absl::StatusOr<std::vector<PendingHead>> PendingHeads(std::string_view node, int64_t after_sequence,
                                                                size_t limit) = 0;
  // One of them. kNotFound: it was acknowledged, or dropped.
  virtual absl::StatusOr<cluster::v1::PendingBatch> GetPendingBatch(std::string_view node, int64_t sequence) = 0;
  // The recipients from `from_index` on, at most `limit` of them looked at, that have no outcome.
  virtual absl::StatusOr<std::vector<OpenRow>> ReadOpen(uint32_t wave, uint32_t from_index, size_t limit) = 0;
  // The day's counts, at most kWarmUpCountsMax of them.
  virtual absl::StatusOr<std::vector<WarmUpCount>> WarmUpCounts(int64_t day) = 0;

  // --- orders
  // Pauses, flushes and drops form one log; a place in it is a sequence. selector, end time and texts are checked by
  // the caller; name and create_time are given here. kResourceExhausted: kPausesMax stand, kDropsMax are under way, or
  // the log has kOrdersMax rows, or (for a tenant's order) kOrdersOfTenantsMax. `parent`: scope of the request id.
  static constexpr size_t kPausesMax = 1000;
  static constexpr size_t kPausesOfTenantMax = 100;  // and so many of the above stay free for operators
  static constexpr size_t kDropsMax = 1000;
  static constexpr int64_t kOrdersMax = 100'000;
  static constexpr int64_t kOrdersOfTenantsMax = kOrdersMax / 10 * 9;  // the rest stays free for operators
  virtual absl::StatusOr<v1::Pause> CreatePause(v1::Pause pause, std::string_view parent,
                                                const RequestKey& request) = 0;
  // A pause that stands. kNotFound.
  virtual absl::StatusOr<v1::Pause> GetPause(std::string_view name) = 0;
  // kNotFound.
  virtual absl::Status EndPause(std::string_view name) = 0;
  // Pauses that stand, oldest first; of one creator, unless that is empty.
  virtual absl::StatusOr<Page<v1::Pause>> ListPauses(std::string_view creator, int page_size,
                                                     std::string_view cursor) = 0;
  // A flush or drop. A drop with a campaign and without a site is also carried out on what is not at a node: from now
  // on no plan and no batch contains the campaign's dropped recipients, and AdvanceDrops gives them their outcome.
  // Waves that have not started yet, or start later, are not concerned.
  virtual absl::StatusOr<v1::QueueOrder> CreateOrder(v1::QueueOrder order, std::string_view parent,
                                                     const RequestKey& request) = 0;
  // A page of the drops that are under way, in one change. False: nothing is left to do.
  virtual absl::StatusOr<bool> AdvanceDrops() = 0;
  // Orders after a place in the log, in order, at most `limit`. After 0: the pauses that stand, then one order with
  // nothing set that has the log's last sequence (at most kPausesMax + 1, whatever the limit).
  virtual absl::StatusOr<std::vector<cluster::v1::Order>> Orders(int64_t after_sequence, size_t limit) = 0;
  // The log's last place that is on disk. Does not block.
  virtual int64_t LastOrder() = 0;
  // The node has stored all up to here.
  virtual void AcknowledgeOrders(std::string_view node, int64_t through_sequence, Done done) = 0;

  // --- nodes and bouncers
  // --------------------------------------------------------------------------------------------- Stores addresses and
  // raises the epoch. An egress IP moves to the node that attached last.
  virtual absl::StatusOr<cluster::v1::StoredNode> AttachNode(const NodeAttach& node) = 0;
  // kNotFound.
  virtual absl::StatusOr<cluster::v1::StoredNode> GetNode(std::string_view node_id) = 0;
  virtual absl::StatusOr<std::vector<cluster::v1::StoredNode>> ListNodes() = 0;
  virtual absl::StatusOr<cluster::v1::StoredBouncer> GetBouncer(std::string_view bouncer_id) = 0;  // made if new

  // --- what came back
  // ------------------------------------------------------------------------------------------------- Applies the
  // node's reports: outcomes, deferrals, counters, events, suppressions for hard bounces. Reports at or below the
  // stored sequence are skipped; an outcome for a recipient that has one already changes nothing (the first stays).
  // Reports about recipients that do not exist are counted and skipped.
  virtual void ApplyReports(std::string_view node, std::vector<cluster::v1::Report> reports, Done done) = 0;
  // Applies bounce reports. About a recipient: counted with it; a REPORT_RECEIVED event for the first of its kind and
  // for each that moves the outcome or suppresses; hard, soft and policy failures move DELIVERED to BOUNCED; hard,
  // complaint and unsubscribe suppress at once, soft ones as the tenant's SuppressionPolicy says. Without recipient_id,
  // or about one that does not exist: counted, and a REPORT_UNATTRIBUTED event, of which there are at most 100 a
  // minute; what is beyond that is told in one event when the next reports come. Same rule for sequences.
  virtual void ApplyBounceReports(std::string_view bouncer, std::vector<cluster::v1::BounceReport> reports,
                                  Done done) = 0;
  // Reports about recipients that do not exist, since the start: for status pages.
  virtual int64_t UnknownRecipientReports() { return 0; }
  virtual ReportFigures Reports() { return {}; }

  // --- DMARC and TLS reports
  // They come with ApplyBounceReports, and nothing is done because of one: anybody can send one. What is kept: the
  // sums per domain, day and source, and a line per report, of our own domains and those that are verified (or were, as
  // long as no other tenant has them verified), for kAggregateDays; each report once, whatever way it comes. The limits
  // of a domain: kSourcesOfDayMax sources on a day and kSourcesOfDomainMax in all (further ones are summed up as
  // "other"). Of the reports received on a day the first kReportLinesOfDayMax have a line, further ones are only summed
  // up, and those behind kReportsOfDayMax are dropped. The first kPassedEventsOfDayMax make an event, those with
  // failures up to kReportEventsOfDayMax; that a limit was reached is an event too, once a day.
  static constexpr int kAggregateDays = 400;
  static constexpr uint32_t kSourcesOfDayMax = 10'000;
  static constexpr int64_t kSourcesOfDomainMax = 200'000;
  static constexpr uint32_t kPassedEventsOfDayMax = 20;
  static constexpr uint32_t kReportEventsOfDayMax = 100;
  static constexpr uint32_t kReportLinesOfDayMax = 500;
  static constexpr uint32_t kReportsOfDayMax = 10'000;
  // Of the last `days` days, today included, 1 to kAggregateDays: one per source address, those with the most messages
  // first. `ours` is as the nodes' egress IPs are now. A domain that nothing is known of has none.
  virtual absl::StatusOr<std::vector<v1::DmarcSource>> DmarcSources(std::string_view domain, int days) = 0;
  // Of the same days; at most 1000 kinds of failure, the most frequent first.
  virtual absl::StatusOr<v1::ListTlsResultsResponse> TlsResults(std::string_view domain, int days) = 0;
  // Newest first.
  virtual absl::StatusOr<Page<v1::AggregateReport>> AggregateReports(std::string_view domain, int page_size,
                                                                     std::string_view cursor) = 0;
  virtual AggregateFigures AggregatesSinceStart() = 0;
  // A tenant other than that of this sending domain ("tenants/{tenant}/sendingDomains/{domain}") has the same domain
  // VERIFIED. Reads through all tenants.
  virtual absl::StatusOr<bool> VerifiedElsewhere(std::string_view name) = 0;

  // --- suppressions
  // --------------------------------------------------------------------------------------------------- Returns the
  // entry that is there if there is one.
  virtual absl::StatusOr<v1::Suppression> CreateSuppression(std::string_view tenant, v1::Suppression suppression,
                                                            const RequestKey& request) = 0;
  virtual absl::StatusOr<v1::Suppression> GetSuppression(std::string_view tenant, std::string_view address) = 0;
  virtual absl::StatusOr<Page<v1::Suppression>> ListSuppressions(std::string_view tenant, int page_size,
                                                                 std::string_view cursor) = 0;
  virtual absl::Status DeleteSuppression(std::string_view tenant, std::string_view address, std::string_view who,
                                         std::string_view why) = 0;
  // Changes after a place in the log, in order.
  virtual absl::StatusOr<std::vector<SuppressionChange>> SuppressionChanges(int64_t after_sequence, size_t limit) = 0;

  // --- events
  // --------------------------------------------------------------------------------------------------------- Events
  // after the cursor, at most `limit`, in order.
  virtual absl::StatusOr<std::vector<v1::Event>> Events(int64_t after_sequence, size_t limit) = 0;
  virtual absl::Status AppendEvent(v1::Event event) = 0;

  // Called on the writer thread after each group of changes is on disk: wake up who watches (waves, events,
  // suppressions, batches). At most one listener; set before the first call, must be short.
  virtual void OnChange(std::function<void()> listener) = 0;
};

}  // namespace wavepost
