#include "sender/policy/retry_ladder.h"

#include <algorithm>
#include <cstddef>
#include <span>

namespace wavepost {
namespace {

constexpr int kMinute = 60;
constexpr int kHour = 3600;
constexpr int kGreylisted[] = {5 * kMinute,  5 * kMinute, 10 * kMinute, 20 * kMinute,
                               40 * kMinute, 1 * kHour,   2 * kHour,    4 * kHour};
constexpr int kThrottled[] = {1 * kMinute,  2 * kMinute,  5 * kMinute, 10 * kMinute,
                              20 * kMinute, 40 * kMinute, 1 * kHour};
constexpr int kQuota[] = {15 * kMinute, 30 * kMinute, 1 * kHour, 2 * kHour, 4 * kHour};
constexpr int kMailboxFull[] = {1 * kHour, 4 * kHour, 8 * kHour};
constexpr int kDns[] = {2 * kMinute, 5 * kMinute, 15 * kMinute, 30 * kMinute, 1 * kHour, 2 * kHour, 4 * kHour};
constexpr int kBlocked[] = {30 * kMinute, 1 * kHour, 2 * kHour, 4 * kHour, 8 * kHour};
constexpr int kSoft[] = {5 * kMinute, 15 * kMinute, 30 * kMinute, 1 * kHour, 2 * kHour, 4 * kHour, 8 * kHour};

std::span<const int> LadderOf(v1::Reason reason) {
  switch (reason) {
    case v1::GREYLISTED:
      return kGreylisted;
    case v1::RATE_LIMITED:
      return kThrottled;
    case v1::OVER_QUOTA:
      return kQuota;
    case v1::MAILBOX_FULL:
      return kMailboxFull;
    case v1::DNS_FAILURE:
      return kDns;
    case v1::BLOCKED_IP:
    case v1::REJECTED_POLICY:
    case v1::SPAM:
    case v1::AUTH_FAILED:
    case v1::RELAY_DENIED:
      return kBlocked;
    default:
      return kSoft;
  }
}

}  // namespace

absl::Duration RetryDelay(v1::Reason reason, int step, std::optional<absl::Duration> hint, double jitter,
                          double scale) {
  const std::span<const int> ladder = LadderOf(reason);
  const size_t index = std::min<size_t>(static_cast<size_t>(std::max(step, 1)) - 1, ladder.size() - 1);
  absl::Duration wait = absl::Seconds(ladder[index]);
  if (hint.has_value() && *hint > absl::Seconds(1)) {
    const absl::Duration asked = std::min(*hint, kRetryHintMax);
    wait = step <= 1 ? asked : std::max(asked, wait);
  }
  return wait * (1 + 0.1 * jitter) / scale;
}

}  // namespace wavepost
