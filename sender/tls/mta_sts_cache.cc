#include "sender/tls/mta_sts_cache.h"

#include <algorithm>
#include <utility>

namespace wavepost {
namespace {

using State = cluster::v1::MtaStsState;

State::Mode ToState(MtaStsMode mode) {
  switch (mode) {
    case MtaStsMode::kNone:
      return State::NONE;
    case MtaStsMode::kTesting:
      return State::TESTING;
    case MtaStsMode::kEnforce:
      return State::ENFORCE;
  }
  return State::MODE_UNSPECIFIED;
}

std::optional<MtaStsMode> FromState(State::Mode mode) {
  switch (mode) {
    case State::NONE:
      return MtaStsMode::kNone;
    case State::TESTING:
      return MtaStsMode::kTesting;
    case State::ENFORCE:
      return MtaStsMode::kEnforce;
    default:
      return std::nullopt;
  }
}

}  // namespace

MtaStsCache::Entry* MtaStsCache::Find(std::string_view domain, absl::Time now) {
  const std::shared_ptr<Entry>* entry = entries_.Find(domain, now);
  return entry == nullptr ? nullptr : entry->get();
}

MtaStsCache::Entry& MtaStsCache::FindOrAdd(const std::string& domain, absl::Time now) {
  if (Entry* entry = Find(domain, now)) return *entry;
  entries_.Put(domain, std::make_shared<Entry>(), now, absl::InfiniteDuration());
  return *Find(domain, now);
}

absl::Time MtaStsCache::RefreshAt(const Entry& entry) const {
  return entry.fetched + std::min(options_.refresh_interval, entry.policy->max_age / 2);
}

// Sets the time of the next look.
void MtaStsCache::Asked(Entry& entry, absl::Time now) const {
  entry.asked = now;
  if (!entry.HoldsAt(now)) {
    entry.next_ask = now + options_.absent_interval;
    return;
  }
  // A short-lived policy must be looked after before it ends, but not all the time.
  const absl::Duration interval = std::min(options_.record_interval, entry.policy->max_age / 4);
  entry.next_ask = now + std::max(interval, std::min(options_.retry_interval, options_.record_interval));
}

MtaStsCache::View MtaStsCache::Look(std::string_view domain, absl::Time now) {
  View view;
  const Entry* entry = Find(domain, now);
  view.known = entry != nullptr;
  view.ask = entry == nullptr || now >= entry->next_ask;
  if (entry == nullptr) return view;
  if (entry->HoldsAt(now)) {
    view.policy = entry->policy;
  } else {
    view.failure_type = entry->failure_type;
    // A policy that has just ended is asked for at once, whatever was planned while it held.
    if (entry->policy != nullptr && entry->asked < entry->fetched + entry->policy->max_age &&
        now >= entry->asked + options_.retry_interval) {
      view.ask = true;
    }
  }
  return view;
}

bool MtaStsCache::OnRecord(const std::string& domain, const std::optional<std::string>& id, absl::Time now) {
  Entry& entry = FindOrAdd(domain, now);
  Asked(entry, now);
  if (!id) {
    entry.failure_type.clear();
    return false;
  }
  if (entry.HoldsAt(now) && entry.id == *id && now < RefreshAt(entry)) return false;
  if (entry.failed_id == *id && now < entry.retry_at) {
    entry.next_ask = std::min(entry.next_ask, entry.retry_at);
    return false;
  }
  entry.failed_id = *id;  // until it succeeds: a fetch that never comes back is not repeated at once
  entry.retry_at = now + options_.retry_interval;
  return true;
}

void MtaStsCache::OnRecordFailed(const std::string& domain, absl::Time now) {
  Entry& entry = FindOrAdd(domain, now);
  entry.asked = now;
  entry.next_ask = now + options_.retry_interval;
}

void MtaStsCache::OnPolicy(const std::string& domain, const std::string& id, MtaStsPolicy policy, absl::Time now) {
  Entry& entry = FindOrAdd(domain, now);
  entry.policy = std::make_shared<const MtaStsPolicy>(std::move(policy));
  entry.id = id;
  entry.fetched = now;
  entry.failed_id.clear();
  entry.failure_type.clear();
  Asked(entry, now);
}

void MtaStsCache::OnFetchFailed(const std::string& domain, std::string failure_type, absl::Time now) {
  Entry& entry = FindOrAdd(domain, now);
  entry.failure_type = std::move(failure_type);
  entry.retry_at = now + options_.retry_interval;
  entry.next_ask = entry.retry_at;
}

void MtaStsCache::Doubt(const std::string& domain, absl::Time now) {
  Entry* entry = Find(domain, now);
  if (entry == nullptr) return;
  entry->next_ask = std::min(entry->next_ask, std::max(now, entry->asked + options_.retry_interval));
}

std::optional<State> MtaStsCache::Save(std::string_view domain, absl::Time now) {
  const Entry* entry = Find(domain, now);
  if (entry == nullptr || !entry->HoldsAt(now)) return std::nullopt;
  State state;
  state.set_id(entry->id);
  state.set_mode(ToState(entry->policy->mode));
  for (const std::string& mx : entry->policy->mx) state.add_mx(mx);
  state.set_max_age_s(absl::ToInt64Seconds(entry->policy->max_age));
  state.set_fetch_ms(absl::ToUnixMillis(entry->fetched));
  return state;
}

bool MtaStsCache::Restore(const std::string& domain, const State& state, absl::Time now) {
  const std::optional<MtaStsMode> mode = FromState(state.mode());
  MtaStsPolicy policy{.max_age = absl::Seconds(state.max_age_s())};
  policy.mx.assign(state.mx().begin(), state.mx().end());
  const absl::Time fetched = absl::FromUnixMillis(state.fetch_ms());
  if (!mode || policy.max_age < absl::ZeroDuration() || policy.max_age > kMtaStsMaxAgeMax || fetched > now)
    return false;
  policy.mode = *mode;
  if (policy.mx.empty() && policy.mode != MtaStsMode::kNone) return false;
  if (now >= fetched + policy.max_age) return false;
  Entry& entry = FindOrAdd(domain, now);
  entry.policy = std::make_shared<const MtaStsPolicy>(std::move(policy));
  entry.id = state.id();
  entry.fetched = fetched;
  entry.next_ask = now;  // while we were away anything may have changed
  return true;
}

}  // namespace wavepost
