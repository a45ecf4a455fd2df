#include "common/dns/zone_resolver.h"

#include <algorithm>
#include <asio/this_coro.hpp>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "common/dns/names.h"

namespace wavepost {
namespace {

constexpr int kCnamesMax = 8;
constexpr absl::Duration kTtl = absl::Hours(1);

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

// The strings in quotation marks after the record's type, joined; nothing when there is none, or one stays open.
std::optional<std::string> Quoted(std::string_view line) {
  size_t at = line.find('"');
  if (at == std::string_view::npos) return std::nullopt;
  std::string out;
  while (at < line.size() && line[at] == '"') {
    for (++at; at < line.size() && line[at] != '"'; ++at) {
      if (line[at] != '\\') {
        out += line[at];
        continue;
      }
      int byte = 0;
      if (absl::SimpleAtoi(Av(line.substr(at + 1, 3)), &byte) && at + 3 < line.size() && byte >= 0 && byte <= 255) {
        out += static_cast<char>(byte);
        at += 3;
      } else if (++at < line.size()) {
        out += line[at];
      }
    }
    if (at >= line.size()) return std::nullopt;
    at = line.find_first_not_of(" \t\r", at + 1);
  }
  return out;
}

bool IsHex(std::string_view text) {
  return text.size() % 2 == 0 && text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
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
    const std::optional<std::string> name = NormalizeHostName(words[0]);
    if (!name || words.size() < 2 || !AddRecord(line, words, &nodes_[*name])) {
      return absl::InvalidArgumentError(absl::StrCat("zone line ", number, ": cannot read \"", Av(line), "\""));
    }
  }
  return absl::OkStatus();
}

bool ZoneResolver::AddRecord(std::string_view line, const std::vector<std::string_view>& words, Node* node) {
  const std::string type = AsciiLower(words[1]);
  if (type == "txt") {
    std::optional<std::string> text = Quoted(line);
    if (text) node->texts.push_back(*std::move(text));
    return text.has_value();
  }
  if (type == "mx" && words.size() == 4) {
    MxRecord mx;
    const std::optional<std::string> host = NormalizeHostName(words[3]);
    if (!absl::SimpleAtoi(Av(words[2]), &mx.preference) || (!host && words[3] != ".")) return false;
    mx.host = host.value_or("");
    node->mx.push_back(mx);
  } else if ((type == "a" || type == "aaaa") && words.size() == 3) {
    asio::error_code error;
    const asio::ip::address address = asio::ip::make_address(std::string(words[2]), error);
    if (error || address.is_v4() != (type == "a")) return false;
    node->addresses.push_back(address);
  } else if (type == "cname" && words.size() == 3) {
    const std::optional<std::string> target = NormalizeHostName(words[2]);
    if (!target) return false;
    node->cname = *target;
  } else if (type == "ptr" && words.size() == 3) {
    std::optional<std::string> host = NormalizeHostName(words[2]);
    if (!host) return false;
    node->ptr.push_back(*std::move(host));
  } else if (type == "tlsa" && words.size() == 6) {
    TlsaRecord record;
    if (!absl::SimpleAtoi(Av(words[2]), &record.usage) || !absl::SimpleAtoi(Av(words[3]), &record.selector) ||
        !absl::SimpleAtoi(Av(words[4]), &record.matching) || !IsHex(words[5]))
      return false;
    record.data = absl::HexStringToBytes(Av(words[5]));
    node->tlsa.push_back(std::move(record));
  } else if (type == "authentic" && words.size() == 2) {
    node->authentic = true;
  } else if (type == "servfail" && words.size() == 2) {
    node->servfail = true;
  } else if (type == "timeout" && words.size() == 2) {
    node->timeout = true;
  } else {
    return false;
  }
  return true;
}

void ZoneResolver::Remove(std::string_view name) {
  if (const std::optional<std::string> normal = NormalizeHostName(name)) nodes_.erase(*normal);
}

ZoneResolver::Found ZoneResolver::Find(const std::string& name) const {
  Found found;
  std::string at = name;
  for (int step = 0; step <= kCnamesMax; ++step) {
    const auto it = nodes_.find(at);
    if (it == nodes_.end()) return {.authentic = false};
    found.authentic = found.authentic && it->second.authentic;
    if (it->second.cname.empty()) {
      found.node = &it->second;
      if (at != name) found.canonical = at;
      return found;
    }
    at = it->second.cname;
  }
  return {.authentic = false};
}

const ZoneResolver::Node* ZoneResolver::Own(const std::string& name) const {
  const auto it = nodes_.find(name);
  return it == nodes_.end() ? nullptr : &it->second;
}

template <class Records>
ZoneResolver::Found ZoneResolver::FindWith(const std::string& name, Records Node::*records) const {
  const Node* own = Own(name);
  if (own == nullptr || (own->*records).empty()) return Find(name);
  return {.node = own, .authentic = own->authentic};
}

absl::StatusOr<MxHosts> ZoneResolver::Answer(const std::string& domain) {
  const auto [node, authentic, canonical] = Find(domain);
  if (node == nullptr) return absl::NotFoundError(absl::StrCat(domain, ": no such domain"));
  if (node->servfail) return absl::UnavailableError(absl::StrCat(domain, ": DNS server failure"));
  if (node->mx.size() == 1 && node->mx.front().host.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(domain, ": takes no mail (null MX)"));
  }
  MxHosts hosts;
  if (node->mx.empty()) {
    if (node->addresses.empty()) return absl::NotFoundError(absl::StrCat(domain, ": neither MX nor address"));
    hosts.push_back({domain, 0, node->addresses, authentic, canonical});
    return hosts;
  }
  for (const MxRecord& mx : node->mx) {
    const Found host = Find(mx.host);
    if (host.node != nullptr && !host.node->servfail && !host.node->addresses.empty())
      hosts.push_back({mx.host, mx.preference, host.node->addresses, authentic && host.authentic, host.canonical});
  }
  if (hosts.empty()) return absl::UnavailableError(absl::StrCat(domain, ": no MX host has an address"));
  OrderMxHosts(&hosts, &random_);
  return hosts;
}

Awaitable<absl::Status> ZoneResolver::Linger(const Node* node, Deadline deadline) {
  if (node == nullptr || !node->timeout) co_return absl::OkStatus();
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

Awaitable<absl::StatusOr<MxHosts>> ZoneResolver::ResolveMx(std::string domain, Deadline deadline) {
  ++lookups_;
  const std::optional<std::string> name = NormalizeHostName(domain);
  if (!name) co_return absl::InvalidArgumentError("not a domain name");
  if (stopped_) co_return absl::CancelledError("resolver stopped");
  const absl::Status waited = co_await Linger(Find(*name).node, deadline);
  if (!waited.ok()) co_return waited;
  co_return Answer(*name);
}

Awaitable<absl::StatusOr<std::string>> ZoneResolver::Enter(std::string text, Deadline deadline, bool follow) {
  ++other_lookups_;
  std::optional<std::string> name = NormalizeHostName(text);
  if (!name) co_return absl::InvalidArgumentError("not a domain name");
  if (stopped_) co_return absl::CancelledError("resolver stopped");
  const Node* node = follow ? Find(*name).node : Own(*name);
  const absl::Status waited = co_await Linger(node, deadline);
  if (!waited.ok()) co_return waited;
  if (node != nullptr && node->servfail) co_return absl::UnavailableError(*name + ": DNS server failure");
  co_return *std::move(name);
}

Awaitable<absl::StatusOr<HostAddresses>> ZoneResolver::ResolveHost(std::string name, Deadline deadline) {
  const absl::StatusOr<std::string> normal = co_await Enter(std::move(name), deadline);
  if (!normal.ok()) co_return normal.status();
  const Found found = Find(*normal);
  if (found.node == nullptr || found.node->addresses.empty()) co_return absl::NotFoundError(*normal + ": no address");
  HostAddresses out{found.node->addresses, found.authentic, found.canonical, kTtl};
  co_return out;
}

Awaitable<absl::StatusOr<TxtAnswer>> ZoneResolver::ResolveTxt(std::string name, Deadline deadline) {
  const absl::StatusOr<std::string> normal = co_await Enter(std::move(name), deadline);
  if (!normal.ok()) co_return normal.status();
  const Found found = FindWith(*normal, &Node::texts);
  TxtAnswer out{.authentic = found.authentic, .ttl = kTtl};
  if (found.node != nullptr) out.texts = found.node->texts;
  co_return out;
}

Awaitable<absl::StatusOr<TlsaAnswer>> ZoneResolver::ResolveTlsa(std::string name, Deadline deadline) {
  const absl::StatusOr<std::string> normal = co_await Enter(std::move(name), deadline);
  if (!normal.ok()) co_return normal.status();
  const Found found = Find(*normal);
  TlsaAnswer out{.authentic = found.authentic, .ttl = kTtl};
  if (found.node != nullptr) out.records = found.node->tlsa;
  co_return out;
}

Awaitable<absl::StatusOr<std::vector<MxRecord>>> ZoneResolver::ResolveMxRecords(std::string name, Deadline deadline) {
  const absl::StatusOr<std::string> normal = co_await Enter(std::move(name), deadline);
  if (!normal.ok()) co_return normal.status();
  const Node* node = FindWith(*normal, &Node::mx).node;
  std::vector<MxRecord> out;
  if (node != nullptr) out = node->mx;
  if (out.size() > kMxHostsMax) out.resize(kMxHostsMax);
  co_return out;
}

Awaitable<absl::StatusOr<std::string>> ZoneResolver::ResolveCname(std::string name, Deadline deadline) {
  const absl::StatusOr<std::string> normal = co_await Enter(std::move(name), deadline, /*follow=*/false);
  if (!normal.ok()) co_return normal.status();
  const Node* node = Own(*normal);
  std::string target;
  if (node != nullptr) target = node->cname;
  co_return target;
}

Awaitable<absl::StatusOr<std::vector<std::string>>> ZoneResolver::ResolvePtr(asio::ip::address address,
                                                                             Deadline deadline) {
  const absl::StatusOr<std::string> normal = co_await Enter(ReverseName(address), deadline);
  if (!normal.ok()) co_return normal.status();
  const Node* node = Find(*normal).node;
  std::vector<std::string> out;
  if (node != nullptr) out = node->ptr;
  if (out.size() > kPtrNamesMax) out.resize(kPtrNamesMax);
  co_return out;
}

Awaitable<void> ZoneResolver::Stop() {
  stopped_ = true;
  for (asio::steady_timer* timer : waiting_) timer->cancel();
  co_return;
}

}  // namespace wavepost
