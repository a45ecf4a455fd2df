#include "sender/delivery/site_finder.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace wavepost {

void SiteFinder::SetBook(std::shared_ptr<const ProviderBook> book) {
  book_ = std::move(book);
  kept_.clear();
}

std::shared_ptr<const DomainRoute> SiteFinder::Known(const std::string& domain) const {
  const auto found = kept_.find(domain);
  return found == kept_.end() ? nullptr : found->second.route;
}

Awaitable<std::shared_ptr<const DomainRoute>> SiteFinder::Find(std::string domain) {
  if (auto found = kept_.find(domain); found != kept_.end() && clock_->Now() < found->second.until) {
    co_return found->second.route;
  }
  const std::shared_ptr<const ProviderBook> book = book_;
  std::shared_ptr<const DomainRoute> route = co_await LookUp(domain);
  if (book != book_) co_return route;  // the data was reloaded meanwhile: good for this once
  // All at once: what is still needed is looked up again, from the resolver's cache.
  if (kept_.size() >= kRoutesMax) kept_.clear();
  kept_[domain] = {route, clock_->Now() + (route->dns.ok() ? kKeep : kKeepFailure)};
  co_return route;
}

ProviderBook::Site SiteFinder::SiteOf(const MxHosts& hosts) const {
  std::vector<std::string> names;
  names.reserve(hosts.size());
  for (const MxHost& host : hosts) names.push_back(host.name);
  const auto first = static_cast<size_t>(
      std::count_if(hosts.begin(), hosts.end(), [&](const MxHost& h) { return h.preference == hosts[0].preference; }));
  return book_->SiteOf(names, first);
}

Awaitable<std::shared_ptr<const DomainRoute>> SiteFinder::LookUp(std::string domain) {
  auto route = std::make_shared<DomainRoute>();
  absl::StatusOr<MxHosts> hosts = co_await resolver_->ResolveMx(domain, DeadlineAfter(options_->timeouts.dns));
  if (!hosts.ok()) {
    route->dns = hosts.status();
    route->site.name = absl::StrCat("?", domain);
    route->site.mx_set = route->site.name;
    route->group = route->site.name;
    co_return route;
  }
  route->hosts = *std::move(hosts);
  route->site = SiteOf(route->hosts);
  if (route->site.provider.empty()) {
    SiteLimits& limits = route->site.limits;
    limits.connections = options_->site_connections.value_or(limits.connections);
    limits.messages_per_connection = options_->messages_per_connection.value_or(limits.messages_per_connection);
    limits.connections_per_minute = options_->connections_per_minute.value_or(limits.connections_per_minute);
    limits.messages_per_second = options_->messages_per_second.value_or(limits.messages_per_second);
  }
  TlsDemand::Level wish = TlsDemand::Level::kOpportunistic;
  const auto& required = options_->require_tls;
  if (!options_->starttls) {
    wish = TlsDemand::Level::kNever;
  } else if (route->site.limits.tls == TlsWish::kRequired ||
             std::find(required.begin(), required.end(), domain) != required.end()) {
    wish = TlsDemand::Level::kEncrypted;
  }
  TlsDecision decision =
      co_await policies_->DecideFor(domain, route->hosts, wish, DeadlineAfter(options_->timeouts.dns));
  route->plans = std::move(decision.hosts);
  for (const HostPlan& plan : route->plans) {
    if (!plan.allowed || route->tls_policy == plan.demand.source) continue;
    absl::StrAppend(&route->tls_policy, route->tls_policy.empty() ? "" : ", ", plan.demand.source);
  }
  if (route->tls_policy.empty()) route->tls_policy = "every host refused by policy";
  // Domains with the same hosts share connections only under the same policy.
  route->group = route->site.mx_set;
  if (route->tls_policy != "opportunistic") absl::StrAppend(&route->group, " ", route->tls_policy);
  co_return route;
}

}  // namespace wavepost
