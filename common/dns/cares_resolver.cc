#include "common/dns/cares_resolver.h"

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <optional>
#include <random>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/dns/cares_channel.h"
#include "common/dns/flight.h"
#include "common/dns/names.h"
#include "common/dns/ttl_cache.h"

namespace wavepost {
namespace {}  // namespace

class CaresResolver::Impl {
 public:
  Impl(asio::io_context& io, const Clock& clock, Options options, std::unique_ptr<CaresChannel> channel)
      : io_(io),
        clock_(clock),
        options_(std::move(options)),
        channel_(std::move(channel)),
        random_(options_.seed),
        drained_(io, asio::steady_timer::time_point::max()),
        domains_(options_.cache_entries_max),
        hosts_(options_.cache_entries_max),
        records_(options_.cache_entries_max) {}

  Awaitable<absl::StatusOr<MxHosts>> ResolveMx(std::string name, Deadline deadline) {
    const Presence presence(this);
    const std::optional<std::string> domain = NormalizeHostName(name);
    if (!domain) co_return absl::InvalidArgumentError("not a domain name");
    if (stopping_) co_return absl::CancelledError("resolver stopped");
    if (const absl::StatusOr<MxHosts>* known = domains_.Find(*domain, clock_.Now()); known != nullptr) {
      ++stats_.cache_hits;
      co_return Shuffled(*known);
    }
    std::shared_ptr<Flight<MxHosts>> flight;
    if (const auto running = domain_flights_.find(*domain); running != domain_flights_.end()) {
      ++stats_.coalesced;
      flight = running->second;
    } else {
      if (domain_flights_.size() >= options_.lookups_max)
        co_return absl::UnavailableError("too many DNS lookups at once");
      flight = std::make_shared<Flight<MxHosts>>();
      domain_flights_.emplace(*domain, flight);
      asio::co_spawn(io_, FlyDomain(*domain, flight), asio::detached);
    }
    absl::StatusOr<MxHosts> hosts = co_await Await<MxHosts>(io_, flight, deadline);
    co_return Shuffled(std::move(hosts));
  }

  Awaitable<absl::StatusOr<HostAddresses>> ResolveHost(std::string name, Deadline deadline) {
    const Presence presence(this);
    const std::optional<std::string> host = NormalizeHostName(name);
    if (!host) co_return absl::InvalidArgumentError("not a host name");
    if (stopping_) co_return absl::CancelledError("resolver stopped");
    if (host_flights_.size() >= options_.lookups_max * kMxHostsMax)
      co_return absl::UnavailableError("too many DNS lookups at once");
    std::shared_ptr<Flight<HostAddresses>> flight = FlightTo(*host);
    absl::StatusOr<HostAddresses> found = co_await Await<HostAddresses>(io_, flight, deadline);
    if (found.ok() && found->addresses.empty()) co_return absl::NotFoundError(*host + ": no address");
    co_return found;
  }

  // The records of a type that is not about addresses.
  Awaitable<absl::StatusOr<DnsAnswer>> ResolveRecords(std::string name, RecordType type, Deadline deadline) {
    const Presence presence(this);
    const std::optional<std::string> normal = NormalizeHostName(name);
    if (!normal) co_return absl::InvalidArgumentError("not a domain name");
    if (stopping_) co_return absl::CancelledError("resolver stopped");
    const std::string key = absl::StrCat(static_cast<int>(type), " ", *normal);
    if (const absl::StatusOr<DnsAnswer>* known = records_.Find(key, clock_.Now()); known != nullptr) co_return *known;
    std::shared_ptr<Flight<DnsAnswer>> flight;
    if (const auto running = record_flights_.find(key); running != record_flights_.end()) {
      flight = running->second;
    } else {
      if (record_flights_.size() >= options_.lookups_max)
        co_return absl::UnavailableError("too many DNS lookups at once");
      flight = std::make_shared<Flight<DnsAnswer>>();
      record_flights_.emplace(key, flight);
      asio::co_spawn(io_, FlyRecords(*normal, type, key, flight), asio::detached);
    }
    co_return co_await Await<DnsAnswer>(io_, flight, deadline);
  }

  Awaitable<void> Stop() {
    stopping_ = true;
    channel_->CancelAll();
    while (present_ > 0) co_await drained_.async_wait(use_tuple);
  }

  Stats stats() const { return stats_; }

 private:
  // Counts who is inside, for Stop().
  class Presence {
   public:
    explicit Presence(Impl* impl) : impl_(impl) { ++impl_->present_; }
    ~Presence() {
      if (--impl_->present_ == 0) impl_->drained_.cancel();
    }
    Presence(const Presence&) = delete;
    Presence& operator=(const Presence&) = delete;

   private:
    Impl* impl_;
  };

  absl::StatusOr<MxHosts> Shuffled(absl::StatusOr<MxHosts> hosts) {
    if (hosts.ok()) OrderMxHosts(&*hosts, &random_);
    return hosts;
  }

  // How long a result may be kept. `ttl` is that of the records.
  absl::Duration Keep(const absl::Status& status, absl::Duration ttl) const {
    switch (status.code()) {
      case absl::StatusCode::kOk:
        return std::min(ttl, options_.cache_ttl_max);
      case absl::StatusCode::kNotFound:
      case absl::StatusCode::kFailedPrecondition:
        return std::min(ttl, options_.negative_ttl);
      case absl::StatusCode::kUnavailable:
        return options_.failure_ttl;
      default:
        return absl::ZeroDuration();
    }
  }

  Awaitable<void> FlyDomain(std::string domain, std::shared_ptr<Flight<MxHosts>> flight) {
    const Presence presence(this);
    absl::Duration ttl = absl::InfiniteDuration();
    absl::StatusOr<MxHosts> hosts = co_await LookUpDomain(domain, &ttl);
    if (!hosts.ok()) hosts = Annotate(hosts.status(), domain);
    domains_.Put(domain, hosts, clock_.Now(), Keep(hosts.status(), ttl));
    domain_flights_.erase(domain);
    flight->Land(std::move(hosts));
  }

  // Lowers *ttl to that of every record used.
  Awaitable<absl::StatusOr<MxHosts>> LookUpDomain(std::string domain, absl::Duration* ttl) {
    absl::StatusOr<DnsAnswer> answer = co_await Query(domain, RecordType::kMx);
    if (!answer.ok()) co_return answer.status();
    *ttl = std::min(*ttl, answer->ttl);
    if (!answer->name_exists) co_return absl::NotFoundError("no such domain");
    const bool authentic = answer->authentic;  // also of the absence of MX records
    std::vector<MxRecord> records = std::move(answer->mx);
    if (records.size() == 1 && records.front().host.empty())
      co_return absl::FailedPreconditionError("takes no mail (null MX)");
    std::erase_if(records, [](const MxRecord& record) { return record.host.empty(); });

    const bool implicit = records.empty();
    if (implicit) {
      *ttl = absl::InfiniteDuration();  // the address decides
      records.push_back({0, domain});
    }
    // The shuffle among equals comes later; here only the least preferred beyond the limit go.
    std::stable_sort(records.begin(), records.end(),
                     [](const MxRecord& a, const MxRecord& b) { return a.preference < b.preference; });
    if (records.size() > kMxHostsMax) records.resize(kMxHostsMax);
    std::vector<std::shared_ptr<Flight<HostAddresses>>> flights;
    for (const MxRecord& record : records) flights.push_back(FlightTo(record.host));

    MxHosts hosts;
    absl::Status trouble;
    for (size_t i = 0; i < records.size(); ++i) {
      absl::StatusOr<HostAddresses> host = co_await Await<HostAddresses>(io_, flights[i], Deadline::max());
      if (!host.ok()) {
        trouble.Update(host.status());
        continue;
      }
      *ttl = std::min(*ttl, host->ttl);
      if (!host->addresses.empty())
        hosts.push_back({.name = records[i].host,
                         .preference = records[i].preference,
                         .addresses = std::move(host->addresses),
                         .authentic = authentic && host->authentic,
                         .canonical = std::move(host->canonical)});
    }
    if (!trouble.ok()) *ttl = std::min(*ttl, options_.negative_ttl);  // the missing hosts may be back soon
    if (!hosts.empty()) co_return hosts;
    if (!trouble.ok()) co_return trouble;
    if (implicit) co_return absl::NotFoundError("neither MX nor address");
    co_return absl::UnavailableError("no MX host has an address");
  }

  Awaitable<void> FlyRecords(std::string name, RecordType type, std::string key,
                             std::shared_ptr<Flight<DnsAnswer>> flight) {
    const Presence presence(this);
    absl::StatusOr<DnsAnswer> answer = co_await Query(name, type);
    if (!answer.ok()) answer = Annotate(answer.status(), name);
    absl::Status kept_as = answer.status();
    if (answer.ok() && answer->empty()) kept_as = absl::NotFoundError("");
    records_.Put(key, answer, clock_.Now(), Keep(kept_as, answer.ok() ? answer->ttl : absl::ZeroDuration()));
    record_flights_.erase(key);
    flight->Land(std::move(answer));
  }

  // A flight to the host's addresses: landed already, under way, or new.
  std::shared_ptr<Flight<HostAddresses>> FlightTo(const std::string& host) {
    const auto running = host_flights_.find(host);
    if (running != host_flights_.end()) return running->second;
    auto flight = std::make_shared<Flight<HostAddresses>>();
    const absl::Time now = clock_.Now();
    if (const KnownHost* known = hosts_.Find(host, now); known != nullptr) {
      HostAddresses found = known->found;
      found.ttl = known->expires - now;
      flight->result = std::move(found);
      return flight;
    }
    host_flights_.emplace(host, flight);
    asio::co_spawn(io_, FlyHost(host, flight), asio::detached);
    return flight;
  }

  Awaitable<void> FlyHost(std::string host, std::shared_ptr<Flight<HostAddresses>> flight) {
    const Presence presence(this);
    absl::StatusOr<HostAddresses> found = co_await LookUpHost(host);
    if (found.ok()) {
      found->ttl = std::min(found->ttl, found->addresses.empty() ? options_.negative_ttl : options_.cache_ttl_max);
      const absl::Time now = clock_.Now();
      hosts_.Put(host, KnownHost{*found, now + found->ttl}, now, found->ttl);
    }
    host_flights_.erase(host);
    flight->Land(std::move(found));
  }

  Awaitable<absl::StatusOr<HostAddresses>> LookUpHost(std::string host) {
    // Both queries are on their way before the first is awaited.
    std::vector<std::shared_ptr<CaresChannel::Query>> queries;
    if (options_.ipv6) queries.push_back(StartQuery(host, RecordType::kAaaa));
    if (options_.ipv4) queries.push_back(StartQuery(host, RecordType::kA));
    HostAddresses found{.authentic = true, .ttl = absl::InfiniteDuration()};
    absl::Duration absent_ttl = absl::InfiniteDuration();
    absl::Status trouble;
    for (const auto& query : queries) {
      absl::StatusOr<DnsAnswer> answer = co_await CaresChannel::Wait(query);
      if (!answer.ok()) {
        trouble.Update(answer.status());
        continue;
      }
      if (answer->addresses.empty()) {
        absent_ttl = std::min(absent_ttl, answer->ttl);
        continue;
      }
      found.ttl = std::min(found.ttl, answer->ttl);
      found.authentic = found.authentic && answer->authentic;
      found.canonical = std::move(answer->canonical);
      const size_t count = std::min(answer->addresses.size(), kAddressesPerHostMax);
      found.addresses.insert(found.addresses.end(), answer->addresses.begin(), answer->addresses.begin() + count);
    }
    if (found.addresses.empty()) {
      if (!trouble.ok()) co_return Annotate(trouble, host);
      found.ttl = absent_ttl;
      found.authentic = false;
    } else if (!trouble.ok()) {
      found.ttl = std::min(found.ttl, options_.negative_ttl);
    }
    co_return found;
  }

  Awaitable<absl::StatusOr<DnsAnswer>> Query(std::string name, RecordType type) {
    return CaresChannel::Wait(StartQuery(std::move(name), type));
  }

  std::shared_ptr<CaresChannel::Query> StartQuery(std::string name, RecordType type) {
    if (stopping_) {  // nothing new after Stop(): a finished query, cancelled
      auto query = std::make_shared<CaresChannel::Query>(io_);
      query->finished = true;
      return query;
    }
    ++stats_.queries;
    return channel_->Start(std::move(name), type);
  }

  struct KnownHost {
    HostAddresses found;
    absl::Time expires;
  };

  asio::io_context& io_;
  const Clock& clock_;
  const Options options_;
  std::unique_ptr<CaresChannel> channel_;
  std::mt19937_64 random_;
  bool stopping_ = false;
  int present_ = 0;             // callers and flights inside
  asio::steady_timer drained_;  // cancelled when present_ falls to 0
  TtlCache<absl::StatusOr<MxHosts>> domains_;
  TtlCache<KnownHost> hosts_;
  TtlCache<absl::StatusOr<DnsAnswer>> records_;  // by type and name
  absl::flat_hash_map<std::string, std::shared_ptr<Flight<MxHosts>>> domain_flights_;
  absl::flat_hash_map<std::string, std::shared_ptr<Flight<HostAddresses>>> host_flights_;
  absl::flat_hash_map<std::string, std::shared_ptr<Flight<DnsAnswer>>> record_flights_;
  Stats stats_;
};

absl::StatusOr<std::unique_ptr<CaresResolver>> CaresResolver::Create(asio::io_context& io, const Clock& clock,
                                                                     Options options) {
  if (!options.ipv4 && !options.ipv6) return absl::InvalidArgumentError("DNS: neither IPv4 nor IPv6 is wanted");
  if (options.timeout < absl::Milliseconds(1) || options.tries < 1) {
    return absl::InvalidArgumentError("DNS: timeout and tries must be positive");
  }
  ASSIGN_OR_RETURN(std::unique_ptr<CaresChannel> channel,
                   CaresChannel::Create(io, options.servers, options.timeout, options.tries, options.trust_ad));
  return std::unique_ptr<CaresResolver>(
      new CaresResolver(std::make_unique<Impl>(io, clock, std::move(options), std::move(channel))));
}

CaresResolver::CaresResolver(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CaresResolver::~CaresResolver() = default;

Awaitable<absl::StatusOr<MxHosts>> CaresResolver::ResolveMx(std::string domain, Deadline deadline) {
  return impl_->ResolveMx(std::move(domain), deadline);
}

Awaitable<absl::StatusOr<HostAddresses>> CaresResolver::ResolveHost(std::string name, Deadline deadline) {
  return impl_->ResolveHost(std::move(name), deadline);
}

Awaitable<absl::StatusOr<TxtAnswer>> CaresResolver::ResolveTxt(std::string name, Deadline deadline) {
  absl::StatusOr<DnsAnswer> answer = co_await impl_->ResolveRecords(std::move(name), RecordType::kTxt, deadline);
  if (!answer.ok()) co_return answer.status();
  TxtAnswer out{std::move(answer->texts), answer->authentic, answer->ttl};
  co_return out;
}

Awaitable<absl::StatusOr<TlsaAnswer>> CaresResolver::ResolveTlsa(std::string name, Deadline deadline) {
  absl::StatusOr<DnsAnswer> answer = co_await impl_->ResolveRecords(std::move(name), RecordType::kTlsa, deadline);
  if (!answer.ok()) co_return answer.status();
  TlsaAnswer out{std::move(answer->tlsa), answer->authentic, answer->ttl};
  co_return out;
}

Awaitable<absl::StatusOr<std::vector<MxRecord>>> CaresResolver::ResolveMxRecords(std::string name, Deadline deadline) {
  absl::StatusOr<DnsAnswer> answer = co_await impl_->ResolveRecords(std::move(name), RecordType::kMx, deadline);
  if (!answer.ok()) co_return answer.status();
  if (answer->mx.size() > kMxHostsMax) answer->mx.resize(kMxHostsMax);
  co_return std::move(answer->mx);
}

Awaitable<absl::StatusOr<std::string>> CaresResolver::ResolveCname(std::string name, Deadline deadline) {
  const absl::StatusOr<DnsAnswer> answer =
      co_await impl_->ResolveRecords(std::move(name), RecordType::kCname, deadline);
  if (!answer.ok()) co_return answer.status();
  std::string target;
  if (!answer->names.empty()) target = answer->names.front();
  co_return target;
}

Awaitable<absl::StatusOr<std::vector<std::string>>> CaresResolver::ResolvePtr(asio::ip::address address,
                                                                              Deadline deadline) {
  absl::StatusOr<DnsAnswer> answer = co_await impl_->ResolveRecords(ReverseName(address), RecordType::kPtr, deadline);
  if (!answer.ok()) co_return answer.status();
  co_return std::move(answer->names);
}

Awaitable<void> CaresResolver::Stop() {
  return impl_->Stop();
}

CaresResolver::Stats CaresResolver::stats() const {
  return impl_->stats();
}

}  // namespace wavepost
