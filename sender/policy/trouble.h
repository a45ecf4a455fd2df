// Turns the end of one attempt into what happens to the recipient, and what its site teaches: the one place where
// failure policy lives. Pure.
//
// What ended it                   what happens to the recipient                     the lesson for its path
// 2xx to the end of data          DELIVERED                                         accepted
// 5xx to MAIL, RCPT, DATA, dot    BOUNCED, classified                               refused
// 5xx or 4xx before MAIL, to RSET deferred: it says nothing about the recipient     unreachable
// 5xx that blames our IP or us    deferred: an incident of ours                     unreachable, or what the rule says
// 4xx greylisted                  deferred: an appointment                          greylisted
// 4xx that throttles              deferred by its reason's ladder                   throttled
// other 4xx                       deferred by its reason's ladder                   refused
// no such domain, null MX         BOUNCED, hard                                     -
// DNS failure, no connection      deferred                                          unreachable
// our own source is unusable      deferred                                          egress
// connection lost in the dialogue deferred                                          lost (three in a row: unreachable)
// lost after the final dot        deferred, maybe_delivered                         same
// cannot be rendered or signed    BOUNCED, soft, our fault                         -
//
// A recipient older than max_age is given up (EXPIRED) instead of deferred: judged on its age, not on the next due
// time.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "common/smtp/classify.h"
#include "common/smtp/reply.h"
#include "sender/sites/provider_book.h"
#include "sender/sites/throttle.h"
#include "wavepost/cluster/v1/sender_records.pb.h"
#include "wavepost/v1/outcomes.pb.h"

namespace wavepost {

// What the other side did with one recipient, or how we failed to ask it.
struct AttemptResult {
  enum class Failure {
    kNone,      // `reply` is the answer
    kNoDomain,  // NXDOMAIN, or no host at all
    kNullMx,    // RFC 7505
    kDns,       // temporary
    kConnect,   // no session: refused, time-out, no route, forbidden address
    kTls,       // STARTTLS was offered and failed, or TLS was demanded and cannot be had
    kEgress,    // our own source cannot be used: address not on this machine, proxy dead
    kLost,      // closed or timed out within the session, or answered nonsense
    kRender,    // the message cannot be made, now or later
    kLocal,     // our disk or memory; may be better later
  };
  Failure failure = Failure::kNone;
  Phase phase = Phase::kConnect;
  std::optional<Reply> reply;                  // set if failure is kNone
  std::string text;                            // for people, for failures
  bool maybe_delivered = false;                // the final dot may have left
  std::string mx_host, mx_ip, egress_ip, tls;  // empty where unknown
};

// What the end of an attempt teaches about the path it took.
enum class Lesson { kNone, kAccepted, kRefused, kGreylisted, kThrottled, kUnreachable, kLost, kEgress };

struct Decision {
  enum class Kind { kFinish, kDefer };
  Kind kind = Kind::kDefer;
  v1::Outcome outcome = v1::OUTCOME_UNSPECIFIED;  // for kFinish
  v1::DeliveryStatus status;
  absl::Duration delay;  // for kDefer; for kGreylisted the path decides, and this is its fall-back
  Lesson lesson = Lesson::kNone;
  Throttle throttle = Throttle::kRate;  // for kThrottled
  std::optional<absl::Duration> hint;   // how long the reply, or the provider's rule, wants us to stay away; unscaled
  bool suspends_ip = false;             // a provider's rule: this egress IP at this site
  bool after_rcpt = false;              // for kGreylisted: the reply came when the recipient was known
};

struct TroublePolicy {
  absl::Duration max_age = absl::Hours(72);  // scaled already
  double scale = 1;
  const ProviderBook* book = nullptr;  // null: general rules only
  std::string_view provider;           // empty: none
};

// entry: as it was before the attempt. jitter: uniform in [0, 1).
Decision Decide(const AttemptResult& result, const cluster::v1::QueueEntry& entry, absl::Time now,
                const TroublePolicy& policy, double jitter);

// The step on the ladder of `reason` that a deferral for it would be, from 1. entry: as it was before the attempt.
int StepOf(const cluster::v1::QueueEntry& entry, v1::Reason reason);

// The entry as it waits after `decision` (kDefer).
cluster::v1::QueueEntry DeferredEntry(cluster::v1::QueueEntry entry, const Decision& decision, absl::Time now);

// True if the recipient is to be given up instead of tried (again).
bool IsTooOld(const cluster::v1::QueueEntry& entry, absl::Time now, absl::Duration max_age);

}  // namespace wavepost
