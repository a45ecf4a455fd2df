#include "sender/delivery/holds.h"

#include <algorithm>

namespace wavepost {
namespace {

absl::Time EndOf(const v1::Pause& pause) {
  if (!pause.has_end_time()) return absl::InfiniteFuture();
  return absl::FromUnixSeconds(pause.end_time().seconds()) + absl::Nanoseconds(pause.end_time().nanos());
}

}  // namespace

bool Selects(const v1::QueueSelector& selector, const HoldSubject& subject) {
  const bool empty = selector.tenant().empty() && selector.campaign().empty() && selector.domain().empty() &&
                     selector.site().empty() && selector.egress_ip().empty();
  if (empty) return false;
  const auto fits = [](const std::string& wanted, std::string_view have) { return wanted.empty() || wanted == have; };
  return fits(selector.tenant(), subject.tenant) && fits(selector.campaign(), subject.campaign) &&
         fits(selector.domain(), subject.domain) && fits(selector.egress_ip(), subject.egress_ip) &&
         (fits(selector.site(), subject.site) || selector.site() == subject.provider);
}

const v1::Pause* Holds::Find(const HoldSubject& subject, absl::Time now) const {
  for (const v1::Pause& pause : pauses_) {
    if (now < EndOf(pause) && Selects(pause.selector(), subject)) return &pause;
  }
  return nullptr;
}

absl::Time Holds::NextEnd(absl::Time now) const {
  absl::Time next = absl::InfiniteFuture();
  for (const v1::Pause& pause : pauses_) {
    if (EndOf(pause) > now) next = std::min(next, EndOf(pause));
  }
  return next;
}

}  // namespace wavepost
