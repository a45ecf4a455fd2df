// What people may ask: why does this address wait, and when would so many be through?
#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>
#include <cmath>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "common/base/strings.h"
#include "google/protobuf/util/time_util.h"
#include "sender/delivery/shard.h"

namespace wavepost {
namespace {

constexpr size_t kWaitingMax = 20;
constexpr size_t kLookedAtMax = 1000;  // queue entries, to find those that may be shown
constexpr size_t kHostsMax = 32;
constexpr size_t kSlowestMax = 10;
// What a message takes on a connection when nothing else bounds the rate; for forecasts.
constexpr double kSecondsPerMessage = 0.5;

google::protobuf::Timestamp ToProto(absl::Time time) {
  return google::protobuf::util::TimeUtil::MillisecondsToTimestamp(absl::ToUnixMillis(time));
}

std::string ClockText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

std::string GreylistText(const GreylistBook& book, absl::Time now) {
  const cluster::v1::GreylistState state = book.State();
  std::string text;
  switch (book.GateAt(now)) {
    case GreylistBook::Gate::kOpen:
      text = "open";
      break;
    case GreylistBook::Gate::kProbe:
      text = "not known yet: the first message goes alone";
      break;
    case GreylistBook::Gate::kRegister:
      text = "it greylists: each recipient is introduced once and comes back after the window";
      break;
    case GreylistBook::Gate::kWait:
      text = state.deferred_ms() == 0
                 ? "the first message is under way, the others wait for its reply"
                 : absl::StrCat("it greylists: newcomers wait for the appointment at ", ClockText(book.WaitUntil()));
      break;
  }
  if (state.last_passed_ms() != 0)
    absl::StrAppend(&text, "; passed ", ClockText(absl::FromUnixMillis(state.last_passed_ms())));
  if (const auto window = book.window(); window.has_value()) {
    absl::StrAppend(&text, "; window ", absl::ToInt64Seconds(*window), " s");
  }
  return text;
}

std::string DomainOfAddress(const std::string& address) {
  const size_t at = address.rfind('@');
  return AsciiLower(at == std::string::npos ? address : address.substr(at + 1));
}

void DescribeLimits(const SitePath& path, absl::Time now, v1::PathExplanation* out) {
  const Shaper& shaper = path.shaper();
  out->set_connections_open(path.connections());
  out->set_connections_max(shaper.ConnectionsAllowed(now));
  out->set_messages_per_connection(shaper.messages_per_connection());
  const double per_minute = path.site().limits.connections_per_minute;
  if (std::isfinite(per_minute)) out->set_connections_per_minute(per_minute);
  if (std::isfinite(shaper.messages_per_second())) out->set_messages_per_second(shaper.messages_per_second());
  out->set_limits_source(shaper.throttled_at() == absl::InfinitePast()
                             ? "starting values"
                             : absl::StrCat("learned after throttling at ", ClockText(shaper.throttled_at())));
  if (path.warm_up() != nullptr && path.warm_up()->cap(now).has_value()) {
    out->set_warm_up_cap(*path.warm_up()->cap(now));
    out->set_warm_up_used(path.warm_up()->sent(now));
  }
  const absl::Time paused = shaper.paused_until();
  if (path.stopped_until() > now) {
    *out->mutable_stopped_until() = ToProto(path.stopped_until());
    out->set_stopped_reason(path.stopped_reason());
  } else if (paused > now) {
    *out->mutable_stopped_until() = ToProto(paused);
    out->set_stopped_reason(absl::StrCat("pause after: ", v1::Reason_Name(shaper.pause_reason())));
  }
}

}  // namespace

void Shard::Explain(v1::ExplainRequest request, std::string tenant, Explained done) {
  asio::post(io_, [this, request = std::move(request), tenant = std::move(tenant), done = std::move(done)]() mutable {
    if (stopping_) return done({});
    ++tasks_;
    asio::co_spawn(io_, ExplainTo(std::move(request), std::move(tenant), std::move(done)), asio::detached);
  });
}

Awaitable<void> Shard::ExplainTo(v1::ExplainRequest request, std::string tenant, Explained done) {
  const std::string domain = DomainOfAddress(request.address());
  std::shared_ptr<const DomainRoute> route = co_await finder_.Find(domain);
  const absl::Time now = context_.clock->Now();
  const bool whole_domain = request.address().find('@') == std::string::npos;
  const auto waiting = context_.store->FindWaiting(whole_domain ? "@" + domain : request.address(), kLookedAtMax);
  std::vector<v1::PathExplanation> out;
  for (const EgressAddress* egress : egress_) {
    v1::PathExplanation& explanation = out.emplace_back();
    explanation.set_egress_ip(egress->address);
    explanation.set_domain(domain);
    explanation.set_tls_policy(route->tls_policy);
    if (!route->dns.ok()) {
      explanation.set_dns_problem(Printable(Sv(route->dns.message())));
    } else {
      explanation.set_site(route->site.name);
      explanation.set_provider(route->site.provider);
      for (const MxHost& host : route->hosts) {
        if (explanation.mx_hosts_size() < static_cast<int>(kHostsMax)) explanation.add_mx_hosts(host.name);
      }
    }
    // A path that has had no mail since the start exists on disk at most: looked at as it would be.
    ShardPath* state = FindOrAddPath(egress, route->site, now);
    DescribeLimits(state->path, now, &explanation);
    PathGroup* group = state->path.FindGroup(route->group);
    if (group != nullptr) {
      explanation.set_greylist(GreylistText(group->greylist(), now));
    } else {
      const auto stored = context_.store->GetGreylistState(egress->address, route->group);
      explanation.set_greylist(GreylistText(
          GreylistBook(context_.options->clock_scale, stored.ok() ? *stored : cluster::v1::GreylistState()), now));
    }
    HoldSubject subject{
        .domain = domain, .site = route->site.name, .provider = route->site.provider, .egress_ip = egress->address};
    for (const v1::Pause& pause : holds_.pauses()) {
      // Without tenant and campaign: they are the recipients' own and are looked at below.
      v1::QueueSelector selector = pause.selector();
      const bool foreign = !tenant.empty() && !selector.tenant().empty() && selector.tenant() != tenant;
      if (foreign ||
          (!tenant.empty() && !selector.campaign().empty() && !absl::StartsWith(selector.campaign(), tenant + "/"))) {
        continue;
      }
      subject.tenant = selector.tenant();
      subject.campaign = selector.campaign();
      if (Selects(selector, subject) && explanation.pauses_size() < 20) *explanation.add_pauses() = pause;
    }
    absl::Time first_due = absl::InfiniteFuture();
    for (const QueueItem& item : waiting.ok() ? *waiting : std::vector<QueueItem>()) {
      if (item.lane.egress_ip != egress->address || explanation.waiting_size() >= static_cast<int>(kWaitingMax))
        continue;
      const auto facts = FactsOf(item.lane.wave);
      if (!tenant.empty() && facts->tenant() != tenant) continue;
      v1::WaitingRecipient* one = explanation.add_waiting();
      one->set_recipient(item.id.ToString());
      one->set_address(item.entry.address());
      const absl::Time due = absl::FromUnixMillis(item.due_ms);
      *one->mutable_due_time() = ToProto(due);
      one->set_attempts(item.entry.attempts());
      if (item.entry.has_last_status()) *one->mutable_status() = item.entry.last_status();
      subject.tenant = facts->tenant();
      subject.campaign = facts->campaign();
      const v1::Pause* pause = holds_.Find(subject, now);
      if (pause != nullptr) {
        one->set_waits_for(absl::StrCat("pause ", pause->name()));
      } else if (due > now) {
        one->set_waits_for(absl::StrCat(
            item.entry.reason() == v1::GREYLISTED ? "greylisting: appointment at " : "retry at ", ClockText(due)));
      } else if (explanation.has_stopped_until()) {
        one->set_waits_for(absl::StrCat("the site: ", explanation.stopped_reason()));
      } else {
        one->set_waits_for("its turn");
      }
      first_due = std::min(first_due, due);
    }
    if (!route->dns.ok()) {
      explanation.set_summary(absl::StrCat("No host takes mail for ", domain, ": ", explanation.dns_problem()));
    } else if (explanation.pauses_size() > 0) {
      explanation.set_summary(absl::StrCat("Held by ", explanation.pauses(0).name(), "."));
    } else if (explanation.has_stopped_until()) {
      explanation.set_summary(
          absl::StrCat("Nothing starts from ", egress->address, " before ",
                       ClockText(std::max(state->path.stopped_until(), state->path.shaper().paused_until())), ": ",
                       explanation.stopped_reason(), "."));
    } else if (explanation.waiting_size() == 0) {
      explanation.set_summary(absl::StrCat("Nothing waits; mail would go from ", egress->address, " at once."));
    } else if (first_due > now) {
      explanation.set_summary(absl::StrCat("The next attempt is at ", ClockText(first_due), "."));
    } else {
      explanation.set_summary("Being delivered: it has its turn among what waits for this site.");
    }
    DropPathIfIdle(state);
  }
  done(std::move(out));
  --tasks_;
}

void Shard::ForecastLoads(std::vector<cluster::v1::ForecastQuestion::Load> loads, Forecasted done) {
  asio::post(io_, [this, loads = std::move(loads), done = std::move(done)]() mutable {
    if (stopping_) return done({});
    ++tasks_;
    asio::co_spawn(io_, ForecastTo(std::move(loads), std::move(done)), asio::detached);
  });
}

Awaitable<void> Shard::ForecastTo(std::vector<cluster::v1::ForecastQuestion::Load> loads, Forecasted done) {
  // Domains of one site wait for the same limits: added up first.
  absl::flat_hash_map<std::pair<std::string, std::string>, int64_t> sums;
  absl::flat_hash_map<std::string, ProviderBook::Site> sites;
  for (const auto& load : loads) {
    if (EgressOf(load.egress_ip()) == nullptr) continue;
    const std::shared_ptr<const DomainRoute> route = co_await finder_.Find(load.domain());
    sums[{load.egress_ip(), route->site.name}] += load.recipients();
    sites.try_emplace(route->site.name, route->site);
  }
  const absl::Time now = context_.clock->Now();
  std::vector<v1::SlowSite> out;
  for (const auto& [key, recipients] : sums) {
    ShardPath* state = FindOrAddPath(EgressOf(key.first), sites.at(key.second), now);
    const SitePath& path = state->path;
    const SiteLimits& limits = path.site().limits;
    // By connections, by connection rate, by message rate: the tightest bounds it.
    double rate = limits.connections / kSecondsPerMessage;
    std::string bound = absl::StrCat(limits.connections, " connections");
    const double by_minute = limits.connections_per_minute / 60 * limits.messages_per_connection;
    if (by_minute < rate) {
      rate = by_minute;
      bound = absl::StrCat(limits.connections_per_minute, " connections a minute");
    }
    if (path.shaper().messages_per_second() < rate) {
      rate = std::max(path.shaper().messages_per_second(), 1e-6);
      bound = absl::StrFormat("%.3g messages a second", rate);
    }
    absl::Time through = std::max({now, path.shaper().paused_until(), path.stopped_until()});
    if (through != absl::InfiniteFuture()) through += absl::Seconds(static_cast<double>(recipients) / rate);
    if (path.warm_up() != nullptr && path.warm_up()->cap(now).has_value()) {
      const absl::Time warm = state->egress->warm_up->ThroughAt(recipients, path.warm_up()->sent(now), now);
      if (warm > through) {
        through = warm;
        bound = absl::StrCat("warm-up: ", *path.warm_up()->cap(now), " today");
      }
    }
    v1::SlowSite& slow = out.emplace_back();
    slow.set_site(key.second);
    slow.set_egress_ip(key.first);
    slow.set_recipients(recipients);
    *slow.mutable_through_time() = ToProto(through);
    slow.set_bound_by(std::move(bound));
    DropPathIfIdle(state);
  }
  std::sort(out.begin(), out.end(), [](const v1::SlowSite& a, const v1::SlowSite& b) {
    return a.through_time().seconds() > b.through_time().seconds();
  });
  if (out.size() > kSlowestMax) out.resize(kSlowestMax);
  done(std::move(out));
  --tasks_;
}

}  // namespace wavepost
