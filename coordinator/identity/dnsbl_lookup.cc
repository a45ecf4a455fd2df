#include "coordinator/identity/dnsbl_lookup.h"

#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "common/dns/resolver.h"
#include "coordinator/identity/dnsbl.h"

namespace wavepost {
namespace {

struct Asked {
  DnsblAnswer answer;
  absl::Status failed;  // DNS did not answer
};

Awaitable<Asked> Ask(Resolver* resolver, DnsblZone zone, asio::ip::address address, Deadline deadline) {
  Asked out;
  std::string name = DnsblName(address, zone.zone);
  const absl::StatusOr<HostAddresses> found = co_await resolver->ResolveHost(std::move(name), deadline);
  if (found.ok()) {
    out.answer = ReadDnsblAnswer(zone, found->addresses);
  } else if (!absl::IsNotFound(found.status())) {
    out.failed = found.status();
  }
  co_return out;
}

std::string Refusal(const DnsblAnswer& answer) {
  return absl::StrCat("it refuses our resolver, or is no list any more (", answer.codes, ")");
}

constexpr char kSilent[] = "DNS had no answer from it";

}  // namespace

Awaitable<absl::StatusOr<std::string>> CheckDnsblZone(Resolver* resolver, DnsblZone zone, bool ipv6,
                                                      Deadline deadline) {
  std::string why;
  const asio::ip::address listed = asio::ip::make_address_v4(0x7f000002u);
  const Asked known = co_await Ask(resolver, zone, listed, deadline);
  if (absl::IsCancelled(known.failed)) co_return known.failed;
  if (!known.failed.ok()) {
    why = kSilent;
  } else if (known.answer.verdict == DnsblVerdict::kNoAnswer) {
    why = Refusal(known.answer);
  } else if (known.answer.verdict == DnsblVerdict::kClean && zone.test_entries) {
    why = "it does not list its own test entry 127.0.0.2, so it is dead or refuses our resolver";
  }
  if (!why.empty()) co_return why;
  const asio::ip::address never4 = asio::ip::make_address_v4(0x7f000001u);
  const asio::ip::address never6 = asio::ip::make_address_v6("::ffff:127.0.0.1");
  const Asked wild4 = co_await Ask(resolver, zone, never4, deadline);
  Asked asked6;
  if (ipv6 && zone.ipv6) asked6 = co_await Ask(resolver, zone, never6, deadline);
  const Asked& wild6 = asked6;
  for (const Asked* wild : {&wild4, &wild6}) {
    if (absl::IsCancelled(wild->failed)) co_return wild->failed;
    if (!wild->failed.ok()) why = kSilent;
    if (wild->answer.verdict == DnsblVerdict::kNoAnswer) why = Refusal(wild->answer);
    if (wild->answer.verdict == DnsblVerdict::kListed) {
      why = "it lists 127.0.0.1, which no list does, so it lists everything";
    }
  }
  co_return why;
}

Awaitable<absl::StatusOr<v1::Listing>> LookUpDnsbl(Resolver* resolver, DnsblZone zone, asio::ip::address address,
                                                   Deadline deadline) {
  const Asked asked = co_await Ask(resolver, zone, address, deadline);
  if (absl::IsCancelled(asked.failed)) co_return asked.failed;
  if (!asked.failed.ok()) co_return NoAnswerFrom(zone, kSilent);
  if (asked.answer.verdict == DnsblVerdict::kClean) co_return v1::Listing();
  if (asked.answer.verdict == DnsblVerdict::kNoAnswer) co_return NoAnswerFrom(zone, Refusal(asked.answer));
  std::string name = DnsblName(address, zone.zone);
  const absl::StatusOr<TxtAnswer> text = co_await resolver->ResolveTxt(std::move(name), deadline);
  if (absl::IsCancelled(text.status())) co_return text.status();
  // Without its text the listing is still one.
  const std::string words = text.ok() && !text->texts.empty() ? text->texts.front() : std::string();
  co_return ListedAs(zone, address.to_string(), asked.answer, words);
}

}  // namespace wavepost
