#include "common/dns/zone_resolver.h"

#include <algorithm>
#include <asio/this_coro.hpp>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "common/dns/names.h"

namespace wavepost {
namespace {

constexpr int kCnamesMax = 8;

std::vector<std::string_view> Words(std::string_view line) {
  std::vector<std::string_view> words;
  size_t i = 0;
  while ((i = line.find_first_not_of(" \t\r", i)) != std::string_view::npos) {
    if (line[i] == '#' || line[i] == ';') break;
    const size_t end = std::min(line.find_first_of(" \t\r", i), line.size());
    words.push_back(line.substr(i, end - i));
    i = end;
  }
  return words;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ZoneResolver>> ZoneResolver::Parse(std::string_view zone, uint64_t seed) {
  std::unique_ptr<ZoneResolver> resolver(new ZoneResolver(seed));
  if (absl::Status status = resolver->Add(zone); !status.ok()) return status;
  return resolver;
}

absl::Status ZoneResolver::Add(std::string_view zone) {
  for (int number = 1; !zone.empty(); ++number) {
    const size_t lf = zone.find('\n');
    const std::string_view line = zone.substr(0, lf);
    zone = lf == std::string_view::npos ? std::string_view() : zone.substr(lf + 1);
    const std::vector<std::string_view> words = Words(line);
    if (words.empty()) continue;
    const absl::Status bad =
        absl::InvalidArgumentError(absl::StrCat("zone line ", number, ": cannot read \"", Av(line), "\""));
    const std::optional<std::string> name = NormalizeHostName(words[0]);
    if (!name || words.size() < 2) return bad;
    Node& node = nodes_[*name];
    const std::string type = AsciiLower(words[1]);
    if (type == "mx" && words.size() == 4) {
      Mx mx;
      const std::optional<std::string> host = NormalizeHostName(words[3]);
      if (!absl::SimpleAtoi(Av(words[2]), &mx.preference) || (!host && words[3] != ".")) return bad;
      mx.host = host.value_or("");
      node.mx.push_back(mx);
    } else if ((type == "a" || type == "aaaa") && words.size() == 3) {
      asio::error_code error;
      const asio::ip::address address = asio::ip::make_address(std::string(words[2]), error);
      if (error || address.is_v4() != (type == "a")) return bad;
      node.addresses.push_back(address);
    } else if (type == "cname" && words.size() == 3) {
      const std::optional<std::string> target = NormalizeHostName(words[2]);
      if (!target) return bad;
      node.cname = *target;
    } else if (type == "servfail" && words.size() == 2) {
      node.servfail = true;
    } else if (type == "timeout" && words.size() == 2) {
      node.timeout = true;
    } else {
      return bad;
    }
  }
  return absl::OkStatus();
}

void ZoneResolver::Remove(std::string_view name) {
  if (const std::optional<std::string> normal = NormalizeHostName(name)) nodes_.erase(*normal);
}

const ZoneResolver::Node* ZoneResolver::Find(std::string name) const {
  for (int step = 0; step <= kCnamesMax; ++step) {
    const auto it = nodes_.find(name);
    if (it == nodes_.end()) return nullptr;
    if (it->second.cname.empty()) return &it->second;
    name = it->second.cname;
  }
  return nullptr;
}

absl::StatusOr<MxHosts> ZoneResolver::Answer(const std::string& domain) {
  const Node* node = Find(domain);
  if (node == nullptr) return absl::NotFoundError(absl::StrCat(domain, ": no such domain"));
  if (node->servfail) return absl::UnavailableError(absl::StrCat(domain, ": DNS server failure"));
  if (node->mx.size() == 1 && node->mx.front().host.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(domain, ": takes no mail (null MX)"));
  }
  MxHosts hosts;
  if (node->mx.empty()) {
    if (node->addresses.empty()) return absl::NotFoundError(absl::StrCat(domain, ": neither MX nor address"));
    hosts.push_back({domain, 0, node->addresses});
    return hosts;
  }
  for (const Mx& mx : node->mx) {
    const Node* host = Find(mx.host);
    if (host != nullptr && !host->servfail && !host->addresses.empty())
      hosts.push_back({mx.host, mx.preference, host->addresses});
  }
  if (hosts.empty()) return absl::UnavailableError(absl::StrCat(domain, ": no MX host has an address"));
  OrderMxHosts(&hosts, &random_);
  return hosts;
}

Awaitable<absl::StatusOr<MxHosts>> ZoneResolver::ResolveMx(std::string domain, Deadline deadline) {
  ++lookups_;
  const std::optional<std::string> name = NormalizeHostName(domain);
  if (!name) co_return absl::InvalidArgumentError("not a domain name");
  if (stopped_) co_return absl::CancelledError("resolver stopped");
  if (const Node* node = Find(*name); node != nullptr && node->timeout) {
    asio::steady_timer timer(co_await asio::this_coro::executor, deadline);
    struct Seat {  // given up also when the caller's coroutine is destroyed
      std::set<asio::steady_timer*>& waiting;
      asio::steady_timer* timer;
      ~Seat() { waiting.erase(timer); }
    } seat{waiting_, &timer};
    waiting_.insert(&timer);
    const auto [error] = co_await timer.async_wait(use_tuple);
    if (error) co_return absl::CancelledError("caller stopped");
    co_return absl::DeadlineExceededError("DNS lookup: deadline passed");
  }
  co_return Answer(*name);
}

Awaitable<void> ZoneResolver::Stop() {
  stopped_ = true;
  for (asio::steady_timer* timer : waiting_) timer->cancel();
  co_return;
}

}  // namespace wavepost
