#include "coordinator/domains/look.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "coordinator/domains/rotation.h"
#include "coordinator/store/proto_time.h"

namespace wavepost {
namespace {

using Domain = v1::SendingDomain;
using Key = v1::DkimKeyInfo;

bool HasFailed(v1::RecordCheck::State state) {
  return state == v1::RecordCheck::MISSING || state == v1::RecordCheck::WRONG;
}

void Tell(v1::Event::Kind kind, std::string text, std::vector<v1::Event>* events) {
  v1::Event& event = events->emplace_back();
  event.set_kind(kind);
  event.set_text(std::move(text));
}

std::string Date(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%d", FromProtoTime(time), absl::UTCTimeZone());
}

void TellKeyStep(const Domain& domain, const KeyStep& step, std::vector<v1::Event>* events) {
  const std::string key = absl::StrCat(DomainOf(domain), ": DKIM key ", step.selector);
  const auto info = std::find_if(domain.dkim_keys().begin(), domain.dkim_keys().end(),
                                 [&](const Key& other) { return other.selector() == step.selector; });
  switch (step.to) {
    case Key::CREATED:
      return Tell(v1::Event::KEY_CHANGED, absl::StrCat(key, " waits: its record was there and is gone again"), events);
    case Key::PUBLISHED:
      return Tell(v1::Event::KEY_CHANGED, absl::StrCat(key, " is published: its record was seen"), events);
    case Key::ACTIVE:
      return Tell(v1::Event::KEY_CHANGED, absl::StrCat(key, " signs from now on"), events);
    case Key::RETIRED:
      return Tell(v1::Event::KEY_CHANGED,
                  absl::StrCat(key, " signs no more; leave its record in DNS until ",
                               info == domain.dkim_keys().end() ? "then" : Date(info->remove_time()),
                               ", for mail that is under way"),
                  events);
    default:
      return Tell(v1::Event::KEY_CHANGED, absl::StrCat(key, " is removed; its record may go"), events);
  }
}

// State and failed_checks. counts: the look counts, if it failed.
void Judge(const DomainPolicy& policy, Required required, bool counts, Domain* domain, std::vector<v1::Event>* events) {
  const std::string name = DomainOf(*domain);
  if (required == Required::kUnknown) return;
  if (required == Required::kFound) {
    switch (domain->state()) {
      case Domain::VERIFIED:
        if (domain->failed_checks() > 0) {
          Tell(v1::Event::DOMAIN_CHANGED, absl::StrCat(name, " is in order again"), events);
        }
        break;
      case Domain::LOST:
        Tell(v1::Event::DOMAIN_CHANGED, absl::StrCat(name, " is verified again; what was paused because of it goes on"),
             events);
        break;
      default:
        Tell(v1::Event::DOMAIN_CHANGED, absl::StrCat(name, " is verified"), events);
    }
    domain->set_state(Domain::VERIFIED);
    domain->set_failed_checks(0);
    return;
  }
  if (!counts) return;
  domain->set_failed_checks(domain->failed_checks() + 1);
  if (domain->state() != Domain::VERIFIED) return;
  if (domain->failed_checks() == 1) {
    Tell(v1::Event::DOMAIN_CHANGED, absl::StrCat(name, ": a record is not in order any more. ", FirstFailure(*domain)),
         events);
  }
  if (domain->failed_checks() < kFailedLooksMax) return;
  domain->set_state(Domain::LOST);
  Tell(v1::Event::DOMAIN_CHANGED,
       absl::StrCat(name, " is lost: ", kFailedLooksMax, " looks in a row failed. ", FirstFailure(*domain),
                    policy.pause_lost ? " Campaigns that are sending from it are paused until it is verified again."
                                      : " Waves that run go on; new ones do not start from it."),
       events);
}

// Its own name while that leads to us; what DNS does not answer leaves it as it is.
void ChooseReturnPath(Domain* domain) {
  bool any = false, unknown = false;
  for (const v1::RecordCheck& check : domain->checks()) {
    if (check.record().purpose() != v1::DnsRecord::RETURN_PATH) continue;
    any = true;
    if (HasFailed(check.state())) return domain->clear_return_path_domain();
    unknown |= check.state() != v1::RecordCheck::OK;
  }
  if (!any) return domain->clear_return_path_domain();
  if (!unknown) domain->set_return_path_domain(absl::StrCat(Av(kReturnPathLabel), ".", DomainOf(*domain)));
}

absl::Time NextLook(const DomainPolicy& policy, absl::Time now, Required required, const Domain& domain) {
  const absl::Time eager = now + std::min(kEagerEvery, policy.recheck);
  absl::Time next = now + policy.recheck;
  if (domain.state() == Domain::VERIFIED) {
    if (required != Required::kFound) next = eager;
  } else if (required == Required::kUnknown || FromProtoTime(domain.create_time()) + kEagerFor > now ||
             (domain.state() == Domain::LOST && domain.failed_checks() * kFailedLookEvery < kEagerFor)) {
    next = eager;
  }
  if (required == Required::kFailed) return next;  // the distance of looks that count
  for (const Key& key : domain.dkim_keys()) {
    if (key.state() == Key::PUBLISHED) {
      next = std::min(next, std::max(FromProtoTime(key.published_time()) + kActivateAfter, now + absl::Minutes(1)));
    }
    // Their records are on their way.
    if (key.state() == Key::CREATED && domain.state() == Domain::VERIFIED &&
        FromProtoTime(key.create_time()) + kEagerFor > now) {
      next = std::min(next, eager);
    }
  }
  return next;
}

}  // namespace

Required RequiredOf(const std::vector<v1::RecordCheck>& checks) {
  bool any = false, unknown = false;
  for (const v1::RecordCheck& check : checks) {
    if (!check.record().required()) continue;
    any = true;
    if (HasFailed(check.state())) return Required::kFailed;
    unknown |= check.state() != v1::RecordCheck::OK;
  }
  return any && !unknown ? Required::kFound : Required::kUnknown;
}

std::string FirstFailure(const v1::SendingDomain& domain) {
  for (const v1::RecordCheck& check : domain.checks()) {
    if (!check.record().required() || !HasFailed(check.state())) continue;
    return absl::StrCat(check.record().owner(), " ", check.record().type(), ": ",
                        check.advice().empty() ? "the record is not as it should be." : check.advice());
  }
  return "";
}

void ApplyLook(const OurNames& ours, const DomainPolicy& policy, absl::Time now, std::vector<v1::RecordCheck> checks,
               cluster::v1::StoredSendingDomain* stored, std::vector<v1::Event>* events) {
  Domain* const domain = stored->mutable_domain();
  const Required required = RequiredOf(checks);
  domain->clear_checks();
  for (v1::RecordCheck& check : checks) *domain->add_checks() = std::move(check);
  *domain->mutable_check_time() = ToProtoTime(now);
  // Somebody who verifies every minute loses no domain: a failed look counts when one was due, or is the first.
  const bool counts = domain->failed_checks() == 0 || now >= FromProtoTime(stored->next_check_time());
  Judge(policy, required, counts, domain, events);
  if (domain->state() == Domain::STATE_UNSPECIFIED) domain->set_state(Domain::UNVERIFIED);

  std::vector<std::string> destroy;
  for (const KeyStep& step : AdvanceKeys(domain, now, &destroy)) TellKeyStep(*domain, step, events);
  auto* const secrets = stored->mutable_keys();
  secrets->erase(std::remove_if(secrets->begin(), secrets->end(),
                                [&](const cluster::v1::SealedKey& key) {
                                  return std::find(destroy.begin(), destroy.end(), key.selector()) != destroy.end();
                                }),
                 secrets->end());

  ChooseReturnPath(domain);
  domain->clear_dns_records();
  for (v1::DnsRecord& record : RecordsToPublish(ours, *domain)) *domain->add_dns_records() = std::move(record);
  if (required != Required::kFailed || counts) {
    *stored->mutable_next_check_time() = ToProtoTime(NextLook(policy, now, required, *domain));
  }
}

}  // namespace wavepost
