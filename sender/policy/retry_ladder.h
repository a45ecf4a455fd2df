// When a recipient is tried again after a temporary failure: one ladder per reason, jitter, hints in replies. Pure.
//
// Reason                  waits from one attempt to the next     why
// GREYLISTED              5, 5, 10, 20, 40 min, 1, 2, 4 h        windows are short; GreylistBook makes better ones
// RATE_LIMITED            1, 2, 5, 10, 20, 40 min, 1 h           rates recover quickly, and the shaper paces them
// OVER_QUOTA              15, 30 min, 1, 2, 4 h                  quotas are by the hour or the day
// MAILBOX_FULL            1, 4, 8 h                              people are slow to tidy up
// NETWORK, TLS_FAILURE    5, 15, 30 min, 1, 2, 4, 8 h            RFC 5321 4.5.4.1: 30 min or more, after quick ones
// DNS_FAILURE             2, 5, 15, 30 min, 1, 2, 4 h            short troubles; asking bothers no receiver
// BLOCKED_IP, SPAM,       30 min, 1, 2, 4, 8 h                   reputation comes back slowly; insisting makes it
//   REJECTED_POLICY,                                             worse
//   AUTH_FAILED,
//   RELAY_DENIED
// everything else         5, 15, 30 min, 1, 2, 4, 8 h            as for NETWORK
//
// The last wait of a ladder repeats until the recipient is given up (max_age: that is the caller's, judged on age).
#pragma once

#include <optional>

#include "absl/time/time.h"
#include "wavepost/v1/outcomes.pb.h"

namespace wavepost {

// No hint is honoured beyond this: a host that says "in ten years" does not keep a recipient from being given up.
inline constexpr absl::Duration kRetryHintMax = absl::Hours(24);

// The time from now to the next attempt.
//
// step:    deferrals in a row for this reason, this one included; from 1. Less counts as 1.
// hint:    what the reply asked for; honoured if it is longer than a second, also where it is shorter than the
//          ladder's first step, but never less than a step for steps beyond the first.
// jitter:  uniform in [0, 1), from the caller's generator. Spreads by up to 10 %, only upwards: a retry before a
//          greylisting window has passed is worse than one after it.
// scale:   clock_scale; divides the policy's durations, 1 in production.
absl::Duration RetryDelay(v1::Reason reason, int step, std::optional<absl::Duration> hint, double jitter, double scale);

}  // namespace wavepost
