#include "sender/tls/policy_book.h"

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/dns/flight.h"
#include "sender/tls/dane.h"
#include "sender/tls/mta_sts.h"
#include "sender/tls/mta_sts_fetcher.h"

namespace wavepost {
namespace {

using Level = TlsDemand::Level;

// What the TLSA lookups of one host came to.
struct TlsaFinding {
  std::string base;                 // the TLSA base domain (RFC 7672 section 2.2.3)
  std::vector<TlsaRecord> records;  // authentic ones only
};

// What a failed fetch is called in reports (RFC 8460 section 4.3.2.2).
std::string FetchFailureType(const absl::Status& status) {
  return absl::IsUnauthenticated(status) ? "sts-webpki-invalid" : "sts-policy-fetch-error";
}

std::shared_ptr<ReportedPolicy> StsPolicy(const std::string& domain, const MtaStsPolicy& policy) {
  auto reported = std::make_shared<ReportedPolicy>();
  reported->type = "sts";
  reported->domain = domain;
  reported->strings = MtaStsPolicyLines(policy);
  reported->mx = policy.mx;
  return reported;
}

std::shared_ptr<ReportedPolicy> TlsaPolicy(const TlsaFinding& finding) {
  auto reported = std::make_shared<ReportedPolicy>();
  reported->type = "tlsa";
  reported->domain = finding.base;
  for (const TlsaRecord& record : finding.records) reported->strings.push_back(TlsaText(record));
  return reported;
}

void Refuse(std::string refusal, std::string type, HostPlan* plan) {
  plan->allowed = false;
  plan->refusal = std::move(refusal);
  plan->refusal_type = std::move(type);
}

// What holds where no policy is published.
HostPlan ConfiguredPlan(const MxHost& host, Level wish, const std::shared_ptr<const ReportedPolicy>& policy) {
  HostPlan plan;
  plan.demand.level = wish;
  if (wish == Level::kVerified) plan.demand.names = {host.name};
  plan.demand.source = wish == Level::kOpportunistic ? "opportunistic" : "configured";
  plan.policy = policy;
  return plan;
}

// True if DANE decides about this host; otherwise what the records ask for is in *plan.
bool ApplyDane(const std::string& domain, const MxHost& host, const absl::StatusOr<TlsaFinding>& finding,
               HostPlan* plan) {
  if (!finding.ok()) {
    TlsaFinding nothing{.base = host.canonical.empty() ? host.name : host.canonical};
    plan->policy = TlsaPolicy(nothing);
    Refuse(host.name + ": its TLSA records cannot be looked up, although the host is signed (DNSSEC): " +
               std::string(finding.status().message()),
           "dnssec-invalid", plan);
    return true;
  }
  if (finding->records.empty()) return false;
  std::shared_ptr<ReportedPolicy> reported = TlsaPolicy(*finding);
  std::vector<TlsaRecord> usable = UsableTlsa(finding->records);
  if (usable.empty()) {  // TLS, whoever it is with (RFC 7672 section 2.2); MTA-STS may ask for more
    plan->demand.level = std::max(plan->demand.level, Level::kEncrypted);
    plan->demand.source = "DANE, no usable record";
    reported->failure_type = "tlsa-invalid";
    plan->policy = std::move(reported);
    return false;
  }
  plan->demand.level = Level::kDane;
  plan->demand.tlsa = std::move(usable);
  plan->demand.names = {finding->base};  // RFC 7672 section 3.2.2
  for (const std::string& name : {host.name, domain}) {
    if (std::find(plan->demand.names.begin(), plan->demand.names.end(), name) == plan->demand.names.end())
      plan->demand.names.push_back(name);
  }
  plan->demand.source = "DANE";
  plan->policy = std::move(reported);
  return true;
}

// Returns whether the policy allows the host.
bool ApplyMtaSts(const std::string& domain, const MxHost& host, const MtaStsPolicy& policy, HostPlan* plan) {
  if (policy.mode == MtaStsMode::kNone) return true;
  const bool allows = MtaStsAllows(policy, host.name);
  std::shared_ptr<ReportedPolicy> reported = StsPolicy(domain, policy);
  if (policy.mode == MtaStsMode::kTesting) {
    plan->demand.testing = true;
    if (plan->demand.names.empty()) plan->demand.names = {host.name};
    if (plan->demand.level == Level::kOpportunistic) plan->demand.source = "MTA-STS testing";
    if (!allows) reported->failure_type = "validation-failure";
  } else if (allows) {
    plan->demand.level = std::max(plan->demand.level, Level::kVerified);
    plan->demand.names = {host.name};
    plan->demand.source = "MTA-STS enforce";
  } else {
    Refuse(host.name + " is not among the hosts that the MTA-STS policy of " + domain + " allows", "validation-failure",
           plan);
  }
  plan->policy = std::move(reported);
  return allows;
}

}  // namespace

class PolicyBook::Impl {
 public:
  Impl(asio::io_context& io, const Clock& clock, Resolver& resolver, MtaStsFetcher* fetcher, MtaStsStore* store,
       Options options)
      : io_(io),
        clock_(clock),
        resolver_(resolver),
        fetcher_(fetcher),
        store_(store),
        options_(std::move(options)),
        cache_(options_.cache),
        drained_(io, asio::steady_timer::time_point::max()) {}

  Awaitable<TlsDecision> DecideFor(std::string domain, MxHosts hosts, Level wish, Deadline deadline) {
    const Presence presence(this);
    if (wish == Level::kDane) wish = Level::kEncrypted;
    auto no_policy = std::make_shared<ReportedPolicy>();
    no_policy->domain = domain;
    TlsDecision decision;
    for (const MxHost& host : hosts) decision.hosts.push_back(ConfiguredPlan(host, wish, no_policy));
    if (wish == Level::kNever) co_return decision;

    // All lookups are on their way before the first is awaited.
    std::vector<std::shared_ptr<Flight<TlsaFinding>>> flights(hosts.size());
    for (size_t i = 0; i < hosts.size(); ++i) {
      if (!options_.dane || !hosts[i].authentic || stopping_) continue;
      flights[i] = std::make_shared<Flight<TlsaFinding>>();
      asio::co_spawn(io_, FlyTlsa(hosts[i], deadline, flights[i]), asio::detached);
    }
    std::vector<size_t> undecided;
    for (size_t i = 0; i < hosts.size(); ++i) {
      if (flights[i] == nullptr) {
        undecided.push_back(i);
        continue;
      }
      const absl::StatusOr<TlsaFinding> finding = co_await Await<TlsaFinding>(io_, flights[i], deadline);
      if (!ApplyDane(domain, hosts[i], finding, &decision.hosts[i])) undecided.push_back(i);
    }
    if (undecided.empty() || !options_.mta_sts) co_return decision;

    const MtaStsCache::View view = co_await LookUpMtaSts(domain, deadline);
    if (view.policy == nullptr) {
      if (!view.failure_type.empty()) ReportFailure(domain, view.failure_type, undecided, no_policy, &decision);
      co_return decision;
    }
    bool all_allowed = true;
    for (const size_t i : undecided) {
      if (!ApplyMtaSts(domain, hosts[i], *view.policy, &decision.hosts[i])) all_allowed = false;
    }
    if (!all_allowed) cache_.Doubt(domain, clock_.Now());
    co_return decision;
  }

  Awaitable<void> Stop() {
    stopping_ = true;
    while (present_ > 0) co_await drained_.async_wait(use_tuple);
  }

 private:
  // Counts who is inside, for Stop().
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

  // A policy exists, but could not be had: sessions go on without it, and their report says so.
  static void ReportFailure(const std::string& domain, const std::string& failure_type,
                            const std::vector<size_t>& undecided, const std::shared_ptr<ReportedPolicy>& no_policy,
                            TlsDecision* decision) {
    auto reported = std::make_shared<ReportedPolicy>();
    reported->type = "sts";
    reported->domain = domain;
    reported->failure_type = failure_type;
    for (const size_t i : undecided) {
      if (decision->hosts[i].policy == no_policy) decision->hosts[i].policy = reported;
    }
  }

  Awaitable<void> FlyTlsa(MxHost host, Deadline deadline, std::shared_ptr<Flight<TlsaFinding>> flight) {
    const Presence presence(this);
    absl::StatusOr<TlsaFinding> finding = co_await FindTlsa(host, deadline);
    flight->Land(std::move(finding));
  }

  // RFC 7672 section 2.2.2: where the host is an alias, its canonical name comes first, then its own.
  Awaitable<absl::StatusOr<TlsaFinding>> FindTlsa(MxHost host, Deadline deadline) {
    std::vector<std::string> bases;
    if (!host.canonical.empty()) bases.push_back(host.canonical);
    bases.push_back(host.name);
    for (const std::string& base : bases) {
      absl::StatusOr<TlsaAnswer> answer = co_await resolver_.ResolveTlsa(TlsaName(options_.smtp_port, base), deadline);
      // A name too long for the prefix can have no TLSA record.
      if (!answer.ok() && absl::IsInvalidArgument(answer.status())) continue;
      if (!answer.ok()) co_return answer.status();
      if (!answer->authentic || answer->records.empty()) continue;
      TlsaFinding finding{base, std::move(answer->records)};
      co_return finding;
    }
    co_return TlsaFinding();
  }

  Awaitable<MtaStsCache::View> LookUpMtaSts(std::string domain, Deadline deadline) {
    MtaStsCache::View view = cache_.Look(domain, clock_.Now());
    if (!view.known && store_ != nullptr) {
      const std::optional<cluster::v1::MtaStsState> stored = store_->Load(domain);
      if (stored.has_value() && cache_.Restore(domain, *stored, clock_.Now())) view = cache_.Look(domain, clock_.Now());
    }
    std::shared_ptr<Flight<bool>> flight;
    if (const auto running = flights_.find(domain); running != flights_.end()) {
      flight = running->second;
    } else if (view.ask && !stopping_ && flights_.size() < options_.lookups_max) {
      flight = std::make_shared<Flight<bool>>();
      flights_.emplace(domain, flight);
      asio::co_spawn(io_, Learn(domain, flight), asio::detached);
    }
    // A policy that holds is used at once: what is new counts for the next one (RFC 8461 section 5.1).
    if (view.policy != nullptr || flight == nullptr) co_return view;
    const absl::StatusOr<bool> landed = co_await Await<bool>(io_, flight, deadline);
    if (!landed.ok()) co_return view;
    co_return cache_.Look(domain, clock_.Now());
  }

  Awaitable<void> Learn(std::string domain, std::shared_ptr<Flight<bool>> flight) {
    const Presence presence(this);
    co_await LearnRecord(domain);
    flights_.erase(domain);
    flight->Land(true);
  }

  Awaitable<void> LearnRecord(std::string domain) {
    const Deadline record_deadline = DeadlineAfter(options_.record_timeout);
    absl::StatusOr<TxtAnswer> answer = co_await resolver_.ResolveTxt("_mta-sts." + domain, record_deadline);
    if (!answer.ok()) {
      cache_.OnRecordFailed(domain, clock_.Now());
      co_return;
    }
    const std::optional<std::string> id = ParseMtaStsRecord(answer->texts);
    if (!cache_.OnRecord(domain, id, clock_.Now()) || fetcher_ == nullptr) co_return;
    const Deadline fetch_deadline = DeadlineAfter(options_.fetch_timeout);
    absl::StatusOr<std::string> text = co_await fetcher_->Fetch(domain, fetch_deadline);
    if (!text.ok()) {
      cache_.OnFetchFailed(domain, FetchFailureType(text.status()), clock_.Now());
      co_return;
    }
    absl::StatusOr<MtaStsPolicy> policy = ParseMtaStsPolicy(*text);
    if (!policy.ok()) {
      cache_.OnFetchFailed(domain, "sts-policy-invalid", clock_.Now());
      co_return;
    }
    cache_.OnPolicy(domain, *id, *std::move(policy), clock_.Now());
    const std::optional<cluster::v1::MtaStsState> state = cache_.Save(domain, clock_.Now());
    if (state.has_value() && store_ != nullptr) store_->Save(domain, *state);
  }

  asio::io_context& io_;
  const Clock& clock_;
  Resolver& resolver_;
  MtaStsFetcher* const fetcher_;
  MtaStsStore* const store_;
  const Options options_;
  MtaStsCache cache_;
  absl::flat_hash_map<std::string, std::shared_ptr<Flight<bool>>> flights_;
  bool stopping_ = false;
  int present_ = 0;
  asio::steady_timer drained_;  // cancelled when present_ falls to 0
};

PolicyBook::PolicyBook(asio::io_context& io, const Clock& clock, Resolver& resolver, MtaStsFetcher* fetcher,
                       MtaStsStore* store, Options options)
    : impl_(std::make_unique<Impl>(io, clock, resolver, fetcher, store, std::move(options))) {}
PolicyBook::~PolicyBook() = default;

Awaitable<TlsDecision> PolicyBook::DecideFor(std::string domain, MxHosts hosts, TlsDemand::Level wish,
                                             Deadline deadline) {
  return impl_->DecideFor(std::move(domain), std::move(hosts), wish, deadline);
}

Awaitable<void> PolicyBook::Stop() {
  return impl_->Stop();
}

}  // namespace wavepost
