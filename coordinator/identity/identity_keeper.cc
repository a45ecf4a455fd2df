#include "coordinator/identity/identity_keeper.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/async/tokens.h"
#include "common/base/clock.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "coordinator/base/dns_client.h"
#include "coordinator/base/event_thread.h"
#include "coordinator/base/log.h"
#include "coordinator/identity/identity_book.h"
#include "coordinator/identity/own_keys.h"
#include "coordinator/identity/own_records.h"
#include "coordinator/store/store.h"

namespace wavepost {
namespace {

constexpr absl::Duration kCheckTime = absl::Seconds(55);
constexpr absl::Duration kFirstCheckAfter = absl::Seconds(10);  // the nodes attach first
constexpr absl::Duration kRestAfter = absl::Minutes(5);         // where a check had no time for all
constexpr int kPage = 500;
constexpr size_t kDelegatedDomainsMax = kDelegatedRecordsMax;  // with a key each, the list would be full
constexpr size_t kEventTextMax = 1000;

v1::Event EventOf(v1::Event::Kind kind, std::string_view text) {
  v1::Event event;
  event.set_kind(kind);
  event.set_text(Printable(text, kEventTextMax));
  return event;
}

}  // namespace

struct IdentityKeeper::Impl {
  explicit Impl(Needs what) : needs(std::move(what)) {}

  bool configured() const { return !needs.ours.identity_domain.empty(); }

  absl::StatusOr<IdentityPlan> Plan(const cluster::v1::StoredIdentity& stored) const {
    IdentityPlan plan;
    plan.domain = needs.ours.identity_domain;
    ASSIGN_OR_RETURN(const auto nodes, needs.store->ListNodes());
    for (const auto& node : nodes) {
      plan.ips.insert(plan.ips.end(), node.egress_ips().begin(), node.egress_ips().end());
    }
    std::sort(plan.ips.begin(), plan.ips.end(),
              [](const v1::EgressIp& a, const v1::EgressIp& b) { return a.address() < b.address(); });
    std::vector<v1::SendingDomain> delegated;
    std::string cursor;
    do {
      ASSIGN_OR_RETURN(auto page, needs.store->ListAllSendingDomains(kPage, cursor));
      for (auto& domain : page.items) {
        if (domain.domain().mode() != v1::SendingDomain::CNAME) continue;
        domain.mutable_domain()->clear_checks();
        if (delegated.size() <= kDelegatedDomainsMax) delegated.push_back(std::move(*domain.mutable_domain()));
      }
      cursor = page.next;
    } while (!cursor.empty());
    plan.own = MakeOwnRecords(needs.ours, stored.own().domain(), plan.ips, delegated);
    plan.questions.records = plan.own.records;
    plan.questions.ips = IpsToCheck(plan.ips);
    plan.questions.zones = needs.zones;
    return plan;
  }

  // Keys for our domain, where there are none or they are old.
  absl::Status KeepKeys() {
    const std::string name = OwnDomainName(needs.ours.identity_domain);
    ASSIGN_OR_RETURN(cluster::v1::StoredIdentity stored, needs.store->GetIdentity());
    // Keys of a domain that was ours before sign nothing any more.
    const bool other = stored.own().domain().name() != name;
    if (other) stored.clear_own();
    v1::SendingDomain& own = *stored.mutable_own()->mutable_domain();
    own.set_name(name);
    own.set_mode(v1::SendingDomain::TXT);
    const absl::Time now = needs.clock->Now();
    if (!OwnKeysDue(own, now)) return absl::OkStatus();
    ASSIGN_OR_RETURN(const OwnKeyPair pair, MakeOwnKeys(own, *needs.sealer, now));
    const auto change = [&](cluster::v1::StoredIdentity* identity, std::vector<v1::Event>* events) {
      if (other) identity->Clear();
      identity->mutable_identity()->set_domain(needs.ours.identity_domain);
      identity->mutable_own()->mutable_domain()->set_name(name);
      identity->mutable_own()->mutable_domain()->set_mode(v1::SendingDomain::TXT);
      for (const auto& info : pair.infos) {
        *identity->mutable_own()->mutable_domain()->add_dkim_keys() = info;
        events->push_back(EventOf(v1::Event::KEY_CHANGED, absl::StrCat("Made our own DKIM key ", info.selector(),
                                                                       "._domainkey.", needs.ours.identity_domain,
                                                                       "; publish its record (wavepost identity).")));
      }
      for (const auto& half : pair.sealed) *identity->mutable_own()->add_keys() = half;
      return absl::OkStatus();
    };
    RETURN_IF_ERROR(needs.store->ChangeIdentity(change).status());
    for (const auto& info : pair.infos) {
      LogInfo("own_dkim_key_made", {{"domain", needs.ours.identity_domain}, {"selector", info.selector()}});
    }
    return absl::OkStatus();
  }

  absl::StatusOr<IdentityAnswers> Ask(const IdentityQuestions& questions) {
    absl::StatusOr<IdentityAnswers> answers = absl::CancelledError("the check was ended");
    // Named, and kept in this frame: the coroutine reads its captures for as long as it runs.
    const std::function<Awaitable<absl::Status>(Resolver*)> work = [&](Resolver* resolver) -> Awaitable<absl::Status> {
      answers = co_await AskIdentity(resolver, questions, &turn, &halt, kCheckTime);
      co_return answers.status();
    };
    RETURN_IF_ERROR(needs.dns->Run(work));
    return answers;
  }

  // busy is held.
  absl::StatusOr<v1::Identity> CheckNow() {
    RETURN_IF_ERROR(KeepKeys());
    ASSIGN_OR_RETURN(const auto stored, needs.store->GetIdentity());
    ASSIGN_OR_RETURN(const IdentityPlan plan, Plan(stored));
    ASSIGN_OR_RETURN(const IdentityAnswers answers, Ask(plan.questions));
    left = answers.left;
    const absl::Time now = needs.clock->Now();
    std::vector<IdentityChange> changes;
    std::vector<std::string> key_changes;
    const auto change = [&](cluster::v1::StoredIdentity* identity, std::vector<v1::Event>* events) {
      const v1::Identity merged = MergeIdentity(identity->identity(), plan, answers, now);
      changes = IdentityChanges(identity->identity(), merged);
      *identity->mutable_identity() = merged;
      key_changes = MoveOwnKeys({merged.checks().begin(), merged.checks().end()}, now, identity->mutable_own());
      for (const std::string& text : key_changes) events->push_back(EventOf(v1::Event::KEY_CHANGED, text));
      for (size_t i = 0; i < changes.size() && i < kIdentityEventsMax; ++i) {
        events->push_back(EventOf(v1::Event::IDENTITY_CHANGED, changes[i].text));
      }
      if (changes.size() > kIdentityEventsMax) {
        events->push_back(EventOf(v1::Event::IDENTITY_CHANGED,
                                  absl::StrCat(changes.size() - kIdentityEventsMax,
                                               " more changes; see the identity itself (wavepost identity).")));
      }
      return absl::OkStatus();
    };
    ASSIGN_OR_RETURN(const auto after, needs.store->ChangeIdentity(change));
    Log(changes, key_changes);
    return Shown(after, plan);
  }

  void Log(const std::vector<IdentityChange>& changes, const std::vector<std::string>& key_changes) const {
    for (size_t i = 0; i < changes.size() && i < kIdentityEventsMax; ++i) {
      if (changes[i].bad) {
        LogWarning("identity_bad", {{"subject", changes[i].subject}, {"hint", changes[i].text}});
      } else {
        LogInfo("identity_good", {{"subject", changes[i].subject}});
      }
    }
    for (const std::string& text : key_changes) LogInfo("own_dkim_key", {{"change", text}});
    if (left > 0) LogInfo("identity_check_unfinished", {{"left", left.load()}});
  }

  static v1::Identity Shown(const cluster::v1::StoredIdentity& stored, const IdentityPlan& plan) {
    v1::Identity out = stored.identity();
    out.set_domain(plan.domain);
    out.clear_dns_records();
    for (const v1::DnsRecord& record : plan.own.records) *out.add_dns_records() = record;
    return out;
  }

  absl::StatusOr<v1::Identity> Get() const {
    if (!configured()) return NotConfigured();
    ASSIGN_OR_RETURN(const auto stored, needs.store->GetIdentity());
    ASSIGN_OR_RETURN(const IdentityPlan plan, Plan(stored));
    return Shown(stored, plan);
  }

  static absl::Status NotConfigured() {
    return absl::FailedPreconditionError(
        "the cluster has no identity domain; set identity.domain in the coordinator's configuration");
  }

  absl::StatusOr<v1::Identity> Check() {
    if (!configured()) return NotConfigured();
    if (busy.exchange(true)) {
      return absl::ResourceExhaustedError("a check of the identity is under way; ask for its result in a minute");
    }
    // In this order, and Stop the other way round: one of the two sees the other.
    absl::StatusOr<v1::Identity> checked = absl::CancelledError("the coordinator is stopping");
    if (!stopping) checked = CheckNow();
    busy = false;
    return checked;
  }

  // On the thread.
  void Turn() {
    const auto checked = Check();
    if (stopping) return;
    if (!checked.ok() && !absl::IsResourceExhausted(checked.status())) {
      LogWarning("identity_check_failed", {{"error", std::string(checked.status().message())}});
    }
    thread->After(left > 0 ? std::min(kRestAfter, needs.recheck) : needs.recheck, [this] { Turn(); });
  }

  const Needs needs;
  IdentityTurn turn;              // of the check that runs
  IdentityHalt halt;              // on the resolver's thread
  std::atomic<size_t> left{0};    // questions that the last check had no time for
  std::atomic<bool> busy{false};  // a check runs
  std::atomic<bool> stopping{false};
  std::unique_ptr<EventThread> thread;
};

IdentityKeeper::IdentityKeeper(Needs needs) : impl_(std::make_unique<Impl>(std::move(needs))) {}

IdentityKeeper::~IdentityKeeper() {
  Stop();
}

absl::Status IdentityKeeper::Start() {
  Impl* const impl = impl_.get();
  if (!impl->configured()) {
    // What was ours once is not looked after any more, and its keys sign nothing.
    ASSIGN_OR_RETURN(const auto stored, impl->needs.store->GetIdentity());
    if (stored.identity().domain().empty()) return absl::OkStatus();
    return impl->needs.store
        ->ChangeIdentity([](cluster::v1::StoredIdentity* identity, std::vector<v1::Event>*) {
          identity->clear_identity();
          return absl::OkStatus();
        })
        .status();
  }
  RETURN_IF_ERROR(impl->KeepKeys());
  // The domain was taken out of the configuration once and is back, with its keys.
  RETURN_IF_ERROR(impl->needs.store
                      ->ChangeIdentity([impl](cluster::v1::StoredIdentity* identity, std::vector<v1::Event>*) {
                        identity->mutable_identity()->set_domain(impl->needs.ours.identity_domain);
                        return absl::OkStatus();
                      })
                      .status());
  impl->thread = std::make_unique<EventThread>();
  impl->thread->After(kFirstCheckAfter, [impl] { impl->Turn(); });
  return absl::OkStatus();
}

void IdentityKeeper::Stop() {
  if (impl_->stopping.exchange(true)) return;
  if (impl_->needs.dns != nullptr && impl_->busy) {
    // Where DNS was stopped before us, its lookups have ended by that.
    const auto halt = [halt = &impl_->halt](Resolver*) -> Awaitable<absl::Status> {
      halt->Halt();
      co_return absl::OkStatus();
    };
    const std::function<Awaitable<absl::Status>(Resolver*)> work = halt;
    impl_->needs.dns->Run(work).IgnoreError();
  }
  if (impl_->thread != nullptr) impl_->thread->Stop();
}

absl::StatusOr<v1::Identity> IdentityKeeper::Get() const {
  return impl_->Get();
}

absl::StatusOr<v1::Identity> IdentityKeeper::Check() {
  return impl_->Check();
}

}  // namespace wavepost
