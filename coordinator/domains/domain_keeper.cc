#include "coordinator/domains/domain_keeper.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/async/deadline.h"
#include "common/base/clock.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/rpc/status.h"
#include "coordinator/base/dns_client.h"
#include "coordinator/base/log.h"
#include "coordinator/domains/certificate_watch.h"
#include "coordinator/domains/domain_check.h"
#include "coordinator/domains/look.h"
#include "coordinator/domains/lost_pauses.h"
#include "coordinator/domains/new_keys.h"
#include "coordinator/domains/rotation.h"
#include "coordinator/store/keys.h"
#include "coordinator/store/proto_time.h"

namespace wavepost {
namespace {

using Stored = cluster::v1::StoredSendingDomain;
using Checks = std::vector<v1::RecordCheck>;

constexpr absl::Duration kRoundEvery = absl::Minutes(1);
constexpr absl::Duration kCertificatesEvery = absl::Hours(1);
constexpr absl::Duration kLookTime = absl::Seconds(25);  // for DNS; the rest of the 30 s is the store's
constexpr int kPageSize = 1000;

// One holder per name.
class DomainLocks {
 public:
  class Hold {
   public:
    Hold(DomainLocks* locks, std::string_view name) : locks_(*locks), name_(name) {
      std::unique_lock lock(locks_.mutex_);
      locks_.freed_.wait(lock, [&] { return !locks_.held_.contains(name_); });
      locks_.held_.insert(name_);
    }
    ~Hold() {
      {
        const std::lock_guard lock(locks_.mutex_);
        locks_.held_.erase(name_);
      }
      locks_.freed_.notify_all();
    }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    DomainLocks& locks_;
    const std::string name_;
  };

 private:
  std::mutex mutex_;
  std::condition_variable freed_;
  std::set<std::string> held_;
};

struct Counts {
  std::mutex mutex;
  std::map<std::string, int> of;
};

// Counts one more of the tenant of a name, for as long as it lives.
class TenantSlot {
 public:
  TenantSlot(Counts* counts, std::string_view name) : counts_(*counts), tenant_(TenantOf(name)) {
    const std::lock_guard lock(counts_.mutex);
    before_ = counts_.of[tenant_]++;
  }
  ~TenantSlot() {
    const std::lock_guard lock(counts_.mutex);
    if (--counts_.of[tenant_] == 0) counts_.of.erase(tenant_);
  }
  TenantSlot(const TenantSlot&) = delete;
  TenantSlot& operator=(const TenantSlot&) = delete;
  int before() const { return before_; }

 private:
  Counts& counts_;
  const std::string tenant_;
  int before_ = 0;
};

absl::Time ToTime(const v1::SendingDomain& domain) {
  return FromProtoTime(domain.create_time());
}

Awaitable<absl::Status> CheckInto(Resolver* resolver, OurNames ours, v1::SendingDomain domain, Deadline deadline,
                                  Checks* out) {
  auto checks = co_await CheckDomain(resolver, std::move(ours), std::move(domain), deadline);
  if (!checks.ok()) co_return checks.status();
  *out = *std::move(checks);
  co_return absl::OkStatus();
}

void LogLook(const Stored& before, const Stored& after) {
  const v1::SendingDomain& domain = after.domain();
  if (before.domain().state() == domain.state()) return;
  const auto log = domain.state() == v1::SendingDomain::LOST ? LogWarning : LogInfo;
  log("sending_domain_changed", {{"domain", domain.name()},
                                 {"from", v1::SendingDomain::State_Name(before.domain().state())},
                                 {"to", v1::SendingDomain::State_Name(domain.state())}});
}

absl::Status CannotRotate(const v1::SendingDomain& domain) {
  if (RotationUnderWay(domain)) {
    return ApiError(absl::StatusCode::kFailedPrecondition, "ROTATION_UNDER_WAY",
                    absl::StrCat("new keys of ", DomainOf(domain),
                                 " are waiting for their records already; publish them, then see 'wavepost domains "
                                 "verify ",
                                 DomainOf(domain), "'"),
                    {{"resource", domain.name()}});
  }
  absl::Time free = absl::InfiniteFuture();
  for (const v1::DkimKeyInfo& key : domain.dkim_keys()) {
    if (key.state() == v1::DkimKeyInfo::RETIRED) free = std::min(free, FromProtoTime(key.remove_time()));
  }
  return ApiError(absl::StatusCode::kFailedPrecondition, "NO_FREE_SELECTOR",
                  absl::StrCat("mail signed with the keys before the present ones of ", DomainOf(domain),
                               " may still be under way, and both pairs of selectors are in use; rotate again after ",
                               absl::FormatTime("%Y-%m-%d %H:%M UTC", free, absl::UTCTimeZone())),
                  {{"resource", domain.name()}});
}

}  // namespace

struct DomainKeeper::Impl {
  explicit Impl(Needs given) : needs(std::move(given)) {}

  absl::StatusOr<Stored> Look(std::string_view name);
  absl::StatusOr<Stored> LookNow(std::string_view name);
  absl::StatusOr<Stored> MakeKeys(std::string_view name, const RequestKey& request);
  absl::Status LookAtAll(const std::vector<std::string>& names);
  absl::Status Round();
  bool Stopping();
  void Run();

  const Needs needs;
  std::atomic<int> verifies = 0;
  Counts by_tenant;    // of them
  std::mutex pausing;  // one at a time finds out which pauses stand and makes the others
  DomainLocks locks;   // of one domain's looks and new keys each begins with what the one before has left
  absl::Time certificates_due = absl::InfinitePast();

  std::mutex mutex;
  std::condition_variable wake;
  bool stopping = false;  // guarded by mutex
  std::thread thread;
};

// Each step can be the last one before a crash: the next look goes on from the state that it finds.
absl::StatusOr<Stored> DomainKeeper::Impl::Look(std::string_view name) {
  const DomainLocks::Hold hold(&locks, name);
  return LookNow(name);
}

absl::StatusOr<Stored> DomainKeeper::Impl::LookNow(std::string_view name) {
  ASSIGN_OR_RETURN(Stored before, needs.store->GetSendingDomain(name));
  if (RotationDue(before.domain(), needs.clock->Now())) {
    auto with_keys = MakeKeys(name, {});
    if (!with_keys.ok() && !absl::IsFailedPrecondition(with_keys.status())) return with_keys.status();
    if (with_keys.ok()) before = *std::move(with_keys);
  }
  Checks checks;
  RETURN_IF_ERROR(needs.dns->Run([&](Resolver* resolver) {
    return CheckInto(resolver, needs.ours, before.domain(), DeadlineAfter(kLookTime), &checks);
  }));
  const bool found_again = before.domain().state() == v1::SendingDomain::LOST && RequiredOf(checks) == Required::kFound;
  if (found_again) {
    const std::lock_guard lock(pausing);
    RETURN_IF_ERROR(EndLostPauses(needs.store, before));
  }
  const Store::DomainChange apply = [&](Stored* stored, std::vector<v1::Event>* events) -> absl::Status {
    // Deleted and made anew meanwhile: what was seen says nothing about the new keys.
    if (ToTime(stored->domain()) != ToTime(before.domain())) return absl::NotFoundError("the domain was made anew");
    ApplyLook(needs.ours, needs.policy, needs.clock->Now(), checks, stored, events);
    if (found_again) stored->clear_pauses();
    return absl::OkStatus();
  };
  ASSIGN_OR_RETURN(Stored after, needs.store->ChangeSendingDomain(name, apply));
  LogLook(before, after);
  if (after.domain().state() == v1::SendingDomain::LOST && needs.policy.pause_lost) {
    const std::lock_guard lock(pausing);
    ASSIGN_OR_RETURN(const Stored now, needs.store->GetSendingDomain(name));
    RETURN_IF_ERROR(PauseForLostDomain(needs.store, now));
  }
  return after;
}

absl::StatusOr<Stored> DomainKeeper::Impl::MakeKeys(std::string_view name, const RequestKey& request) {
  ASSIGN_OR_RETURN(const Stored before, needs.store->GetSendingDomain(name));
  const absl::Time now = needs.clock->Now();
  // Chosen now and made outside of the change, which then sees whether the choice still stands.
  SelectorPair selectors = NextSelectors(before.domain(), now);
  NewKeys keys;
  if (!RotationUnderWay(before.domain()) && !selectors.rsa.empty()) {
    ASSIGN_OR_RETURN(keys, MakeKeyPair(*needs.sealer, name, selectors, now));
  }
  const Store::DomainChange add = [&](Stored* stored, std::vector<v1::Event>* events) -> absl::Status {
    v1::SendingDomain* const domain = stored->mutable_domain();
    if (RotationUnderWay(*domain) || keys.infos.empty() || NextSelectors(*domain, now).rsa != selectors.rsa) {
      return CannotRotate(*domain);
    }
    AddKeys(keys, stored);
    domain->clear_dns_records();
    for (v1::DnsRecord& record : RecordsToPublish(needs.ours, *domain)) *domain->add_dns_records() = std::move(record);
    for (const v1::DkimKeyInfo& info : keys.infos) {
      v1::Event& event = events->emplace_back();
      event.set_kind(v1::Event::KEY_CHANGED);
      event.set_text(absl::StrCat(DomainOf(*domain), ": DKIM key ", info.selector(),
                                  domain->mode() == v1::SendingDomain::CNAME
                                      ? " was made; it signs when its record has been seen"
                                      : " was made; publish its record, and it signs when that has been seen"));
    }
    return absl::OkStatus();
  };
  return needs.store->ChangeSendingDomain(name, add, request);
}

absl::Status DomainKeeper::Impl::LookAtAll(const std::vector<std::string>& names) {
  std::atomic<size_t> next = 0;
  std::mutex failed_mutex;
  absl::Status failed;
  const auto work = [&] {
    for (size_t i = next++; i < names.size(); i = next++) {
      if (Stopping()) return;
      const absl::Status looked = Look(names[i]).status();
      if (looked.ok() || absl::IsNotFound(looked)) continue;  // deleted meanwhile
      LogWarning("sending_domain_not_checked", {{"domain", names[i]}, {"error", std::string(looked.message())}});
      const std::lock_guard lock(failed_mutex);
      failed.Update(looked);
    }
  };
  std::vector<std::thread> helpers;
  for (size_t i = 1; i < std::min<size_t>(names.size(), kLooksAtOnceMax); ++i) helpers.emplace_back(work);
  work();
  for (std::thread& helper : helpers) helper.join();
  return failed;
}

bool DomainKeeper::Impl::Stopping() {
  const std::lock_guard lock(mutex);
  return stopping;
}

absl::Status DomainKeeper::Impl::Round() {
  const absl::Time now = needs.clock->Now();
  if (now >= certificates_due) {
    RETURN_IF_ERROR(WarnOfCertificates(needs.store, now));
    certificates_due = now + kCertificatesEvery;
  }
  {
    const std::lock_guard lock(pausing);
    RETURN_IF_ERROR(EndForgottenPauses(needs.store));
  }
  std::vector<std::string> due;
  std::string cursor;
  do {
    ASSIGN_OR_RETURN(const auto page, needs.store->ListAllSendingDomains(kPageSize, cursor));
    for (const Stored& stored : page.items) {
      // Without a time: of a folder from before domains were looked at.
      if (FromProtoTime(stored.next_check_time()) <= now) due.push_back(stored.domain().name());
    }
    cursor = page.next;
  } while (!cursor.empty());
  return LookAtAll(due);
}

void DomainKeeper::Impl::Run() {
  std::unique_lock lock(mutex);
  while (!stopping) {
    wake.wait_for(lock, absl::ToChronoNanoseconds(kRoundEvery), [&] { return stopping; });
    if (stopping) return;
    lock.unlock();
    const absl::Status round = Round();
    if (!round.ok() && !absl::IsCancelled(round)) {
      LogWarning("sending_domains_round_failed", {{"error", std::string(round.message())}});
    }
    lock.lock();
  }
}

DomainKeeper::DomainKeeper(Needs needs) : impl_(std::make_unique<Impl>(std::move(needs))) {}

DomainKeeper::~DomainKeeper() {
  Stop();
}

void DomainKeeper::Start() {
  impl_->thread = std::thread([this] { impl_->Run(); });
}

void DomainKeeper::Stop() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->wake.notify_all();
  if (impl_->thread.joinable()) impl_->thread.join();
}

absl::StatusOr<v1::SendingDomain> DomainKeeper::Verify(std::string_view domain_name) {
  struct Slot {
    std::atomic<int>* used;
    ~Slot() { --*used; }
  };
  const int before = impl_->verifies++;
  const Slot slot{&impl_->verifies};
  const TenantSlot of_tenant(&impl_->by_tenant, domain_name);
  if (before >= kVerifiesMax || of_tenant.before() >= kVerifiesOfTenantMax) {
    return ApiError(absl::StatusCode::kResourceExhausted, "TOO_MANY_VERIFICATIONS",
                    absl::StrCat("too many verifications are under way (", kVerifiesOfTenantMax, " of a tenant, ",
                                 kVerifiesMax, " of all); try again in half a minute"));
  }
  if (impl_->Stopping()) {
    return ApiError(absl::StatusCode::kUnavailable, "STOPPING", "the coordinator is stopping; try again in a moment");
  }
  ASSIGN_OR_RETURN(Stored stored, impl_->Look(domain_name));
  return std::move(*stored.mutable_domain());
}

absl::StatusOr<v1::SendingDomain> DomainKeeper::Rotate(std::string_view domain_name, const RequestKey& request) {
  const DomainLocks::Hold hold(&impl_->locks, domain_name);
  ASSIGN_OR_RETURN(Stored stored, impl_->MakeKeys(domain_name, request));
  return std::move(*stored.mutable_domain());
}

absl::Status DomainKeeper::RunRound() {
  return impl_->Round();
}

}  // namespace wavepost
