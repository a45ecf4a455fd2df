#include "sender/policy/trouble.h"

#include <utility>

#include "common/base/strings.h"
#include "sender/policy/retry_ladder.h"

namespace wavepost {
namespace {

using Failure = AttemptResult::Failure;

void Describe(const AttemptResult& result, v1::DeliveryStatus* status) {
  if (result.reply.has_value()) {
    status->set_code(result.reply->code);
    status->set_enhanced_code(result.reply->enhanced.ToString());
    status->set_text(result.reply->Text());
  } else {
    status->set_text(Printable(result.text));
  }
  const bool dns =
      result.failure == Failure::kNoDomain || result.failure == Failure::kNullMx || result.failure == Failure::kDns;
  status->set_phase(std::string(dns ? "dns" : PhaseName(result.phase)));
  status->set_mx_host(result.mx_host);
  status->set_mx_ip(result.mx_ip);
  status->set_egress_ip(result.egress_ip);
  status->set_tls(result.tls);
  status->set_maybe_delivered(result.maybe_delivered);
}

void Blame(v1::DeliveryStatus* status, v1::Reason reason, v1::Fault fault) {
  status->set_reason(reason);
  status->set_fault(fault);
}

Decision Bounced(Decision decision, v1::BounceClass bounce_class) {
  decision.kind = Decision::Kind::kFinish;
  decision.outcome = v1::BOUNCED;
  decision.status.set_bounce_class(bounce_class);
  return decision;
}

// Before MAIL a reply is about the host and us; nobody has named the recipient yet. So is the reply to RSET.
bool BeforeMail(Phase phase) {
  return phase == Phase::kConnect || phase == Phase::kGreeting || phase == Phase::kEhlo || phase == Phase::kStartTls ||
         phase == Phase::kRset;
}

// A refusal of our address or of us as a sender, whoever the mail was for: an incident of ours.
bool BlamesUs(const Verdict& verdict) {
  return verdict.fault == v1::SENDER &&
         (verdict.scope == Verdict::Scope::kEgressIp || verdict.scope == Verdict::Scope::kSite);
}

// What a provider's own rule asks for goes before the general reading.
void Learn(const ProviderBook::Judgement& judgement, Decision* decision) {
  const Verdict& verdict = judgement.verdict;
  if (verdict.throttled) {
    decision->lesson = Lesson::kThrottled;
    decision->throttle = verdict.too_many_connections ? Throttle::kConnections : Throttle::kRate;
  }
  if (judgement.rule == nullptr) return;
  const ReplyAction action = judgement.rule->action;
  // How long a pause lasts. Who is only to go slower learns by itself how slow is slow enough; for it this would be a
  // pause of half an hour after each refused message.
  const bool stays_away = action == ReplyAction::kPauseSite || action == ReplyAction::kSuspendIp;
  if (stays_away && judgement.rule->recovery > absl::ZeroDuration() && !decision->hint) {
    decision->hint = judgement.rule->recovery;
  }
  switch (action) {
    case ReplyAction::kNone:
      return;
    case ReplyAction::kSlowDown:
      decision->lesson = Lesson::kThrottled;
      decision->throttle = Throttle::kRate;
      return;
    case ReplyAction::kFewerConnections:
      decision->lesson = Lesson::kThrottled;
      decision->throttle = Throttle::kConnections;
      return;
    case ReplyAction::kPauseSite:
      decision->lesson = Lesson::kThrottled;
      decision->throttle = Throttle::kPause;
      return;
    case ReplyAction::kSuspendIp:
      decision->lesson = Lesson::kThrottled;
      decision->throttle = Throttle::kPause;
      decision->suspends_ip = true;
      return;
  }
}

Decision FromReply(const AttemptResult& result, const TroublePolicy& policy, Decision decision) {
  ProviderBook::Judgement judgement;
  if (policy.book != nullptr) {
    judgement = policy.book->Judge(policy.provider, *result.reply, result.phase);
  } else {
    judgement.verdict = Classify(*result.reply, result.phase);
  }
  const Verdict& verdict = judgement.verdict;
  if (verdict.kind == Verdict::Kind::kAccepted && result.phase == Phase::kEndOfData) {
    decision.kind = Decision::Kind::kFinish;
    decision.outcome = v1::DELIVERED;
    decision.lesson = Lesson::kAccepted;
    return decision;
  }
  Blame(&decision.status, verdict.reason, verdict.fault);
  decision.hint = verdict.retry_hint;
  const bool permanent = verdict.kind == Verdict::Kind::kPermanent;
  if (verdict.reason == v1::GREYLISTED && !permanent) {
    decision.lesson = Lesson::kGreylisted;
    decision.after_rcpt = !BeforeMail(result.phase) && result.phase != Phase::kMail;
    return decision;
  }
  const bool ours = BeforeMail(result.phase) || (permanent && BlamesUs(verdict));
  decision.lesson = ours ? Lesson::kUnreachable : Lesson::kRefused;
  Learn(judgement, &decision);
  return permanent && !ours ? Bounced(std::move(decision), BounceClassOf(verdict)) : decision;
}

Decision FromFailure(const AttemptResult& result, Decision decision) {
  switch (result.failure) {
    case Failure::kNoDomain:
      Blame(&decision.status, v1::DOMAIN_UNKNOWN, v1::RECIPIENT);
      decision.status.set_enhanced_code("5.1.2");
      return Bounced(std::move(decision), v1::HARD);
    case Failure::kNullMx:
      Blame(&decision.status, v1::DOMAIN_UNKNOWN, v1::RECIPIENT);
      decision.status.set_enhanced_code("5.1.10");
      return Bounced(std::move(decision), v1::HARD);
    case Failure::kRender:
      Blame(&decision.status, v1::RENDER_FAILED, v1::CONTENT_FAULT);
      return Bounced(std::move(decision), v1::SOFT);
    case Failure::kLocal:
      Blame(&decision.status, v1::RENDER_FAILED, v1::FAULT_UNSPECIFIED);
      return decision;
    case Failure::kDns:
      Blame(&decision.status, v1::DNS_FAILURE, v1::NETWORK_FAULT);
      decision.lesson = Lesson::kUnreachable;
      return decision;
    case Failure::kConnect:
      Blame(&decision.status, v1::NETWORK, v1::NETWORK_FAULT);
      decision.lesson = Lesson::kUnreachable;
      return decision;
    case Failure::kEgress:
      Blame(&decision.status, v1::NETWORK, v1::SENDER);
      decision.lesson = Lesson::kEgress;
      return decision;
    case Failure::kTls:
      Blame(&decision.status, v1::TLS_FAILURE, v1::NETWORK_FAULT);
      decision.lesson = Lesson::kUnreachable;
      return decision;
    case Failure::kLost:
    case Failure::kNone:
      Blame(&decision.status, v1::NETWORK, v1::NETWORK_FAULT);
      decision.lesson = BeforeMail(result.phase) ? Lesson::kUnreachable : Lesson::kLost;
      return decision;
  }
  return decision;
}

}  // namespace

Decision Decide(const AttemptResult& result, const cluster::v1::QueueEntry& entry, absl::Time now,
                const TroublePolicy& policy, double jitter) {
  Decision decision;
  Describe(result, &decision.status);
  if (entry.maybe_delivered()) decision.status.set_maybe_delivered(true);
  decision = result.failure == Failure::kNone && result.reply.has_value()
                 ? FromReply(result, policy, std::move(decision))
                 : FromFailure(result, std::move(decision));
  if (decision.kind == Decision::Kind::kFinish) return decision;
  if (IsTooOld(entry, now, policy.max_age)) {
    decision.kind = Decision::Kind::kFinish;
    decision.outcome = v1::EXPIRED;
    return decision;
  }
  const v1::Reason reason = decision.status.reason();
  decision.delay = RetryDelay(reason, StepOf(entry, reason), decision.hint, jitter, policy.scale);
  return decision;
}

int StepOf(const cluster::v1::QueueEntry& entry, v1::Reason reason) {
  return entry.reason() == reason ? entry.reason_count() + 1 : 1;
}

cluster::v1::QueueEntry DeferredEntry(cluster::v1::QueueEntry entry, const Decision& decision, absl::Time now) {
  entry.set_attempts(entry.attempts() + 1);
  if (entry.first_attempt_ms() == 0) entry.set_first_attempt_ms(absl::ToUnixMillis(now));
  const v1::Reason reason = decision.status.reason();
  entry.set_reason_count(StepOf(entry, reason));
  entry.set_reason(reason);
  if (reason == v1::GREYLISTED && entry.greylisted_ms() == 0) entry.set_greylisted_ms(absl::ToUnixMillis(now));
  if (decision.status.maybe_delivered()) entry.set_maybe_delivered(true);
  *entry.mutable_last_status() = decision.status;
  return entry;
}

bool IsTooOld(const cluster::v1::QueueEntry& entry, absl::Time now, absl::Duration max_age) {
  // A recipient whose lane was paused all the time has had no attempt; its wait counts from when we took it.
  const int64_t since_ms = entry.first_attempt_ms() != 0 ? entry.first_attempt_ms() : entry.accept_ms();
  return since_ms != 0 && now - absl::FromUnixMillis(since_ms) >= max_age;
}

}  // namespace wavepost
