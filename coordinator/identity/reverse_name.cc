#include "coordinator/identity/reverse_name.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/strings.h"
#include "common/dns/names.h"
#include "common/dns/resolver.h"

namespace wavepost {
namespace {

// As people compare names: lower case, no final dot.
std::string Normal(const std::string& name) {
  return NormalizeHostName(name).value_or(AsciiLower(name));
}

const NameAddresses* Find(const ReverseFacts& facts, const std::string& name) {
  for (const NameAddresses& forward : facts.forward) {
    if (Normal(forward.name) == name) return &forward;
  }
  return nullptr;
}

bool LeadsTo(const NameAddresses* forward, const asio::ip::address& address) {
  return forward != nullptr && forward->status.ok() &&
         std::find(forward->addresses.begin(), forward->addresses.end(), address) != forward->addresses.end();
}

bool Unanswered(const NameAddresses* forward) {
  return forward != nullptr && !forward->status.ok() && !absl::IsNotFound(forward->status);
}

// "has no address", or "leads to 192.0.2.9".
std::string WhereTo(const NameAddresses* forward) {
  if (forward == nullptr || forward->addresses.empty()) return "has no address";
  return absl::StrCat("leads to ",
                      absl::StrJoin(forward->addresses, ", ", [](std::string* out, const asio::ip::address& address) {
                        absl::StrAppend(out, address.to_string());
                      }));
}

std::string AddressRecord(const std::string& name, const asio::ip::address& address) {
  return absl::StrCat("Publish \"", name, " ", address.is_v4() ? "A " : "AAAA ", address.to_string(), "\"");
}

}  // namespace

ReverseVerdict JudgeReverse(const ReverseFacts& facts) {
  const std::string ip = facts.address.to_string();
  const std::string ehlo = Normal(facts.ehlo_name);
  if (!NormalizeHostName(facts.ehlo_name).has_value() || !absl::StrContains(ehlo, ".")) {
    return {v1::RecordCheck::WRONG,
            absl::StrCat(ip, " says EHLO ", facts.ehlo_name.empty() ? "nothing" : Printable(facts.ehlo_name, 100),
                         ", which is no full host name. Give it one in the sender's configuration (ehlo_name), e.g. "
                         "mail1.example.com, and have its reverse name set to that.")};
  }
  if (!facts.ptr_status.ok()) {
    return {v1::RecordCheck::UNKNOWN, absl::StrCat("DNS had no answer for the reverse name of ", ip, ".")};
  }
  if (facts.names.empty()) {
    return {v1::RecordCheck::MISSING,
            absl::StrCat(ip, " has no reverse name; many receivers refuse mail from it. Ask the hoster of ", ip,
                         " to set the reverse name to ", ehlo, ".")};
  }
  std::vector<std::string> names;
  for (const std::string& name : facts.names) names.push_back(Normal(name));
  const NameAddresses* const ehlo_forward = Find(facts, ehlo);
  if (std::find(names.begin(), names.end(), ehlo) != names.end()) {
    if (LeadsTo(ehlo_forward, facts.address)) return {v1::RecordCheck::OK, ""};
    if (ehlo_forward == nullptr || Unanswered(ehlo_forward)) {
      return {v1::RecordCheck::UNKNOWN, absl::StrCat("DNS had no answer for the addresses of ", ehlo, ".")};
    }
    return {v1::RecordCheck::WRONG,
            absl::StrCat("The reverse name of ", ip, " is ", ehlo, ", as it should be, but ", ehlo, " ",
                         WhereTo(ehlo_forward), ". ", AddressRecord(ehlo, facts.address), ".")};
  }
  std::string advice = absl::StrCat(ip, " says EHLO ", ehlo, ", but its reverse name is ", absl::StrJoin(names, ", "),
                                    ". Ask the hoster of ", ip, " to set the reverse name to ", ehlo, ".");
  if (!LeadsTo(ehlo_forward, facts.address) && !Unanswered(ehlo_forward)) {
    absl::StrAppend(&advice, " ", ehlo, " ", WhereTo(ehlo_forward), " as well: ", AddressRecord(ehlo, facts.address),
                    " first.");
  } else if (std::none_of(names.begin(), names.end(), [&](const std::string& name) {
               return LeadsTo(Find(facts, name), facts.address) || Unanswered(Find(facts, name));
             })) {
    absl::StrAppend(&advice, " It does not lead back to ", ip, " either, which many receivers refuse.");
  }
  return {v1::RecordCheck::WRONG, advice};
}

Awaitable<absl::StatusOr<ReverseFacts>> LookUpReverse(Resolver* resolver, asio::ip::address address,
                                                      std::string ehlo_name, Deadline deadline) {
  ReverseFacts facts;
  facts.address = address;
  facts.ehlo_name = std::move(ehlo_name);
  absl::StatusOr<std::vector<std::string>> names = co_await resolver->ResolvePtr(address, deadline);
  if (absl::IsCancelled(names.status())) co_return names.status();
  facts.ptr_status = names.status();
  if (!names.ok()) co_return facts;
  facts.names = *std::move(names);
  std::vector<std::string> follow;
  const std::string ehlo = Normal(facts.ehlo_name);
  for (const std::string& name : facts.names) {
    if (follow.size() < kReverseNamesFollowed && Normal(name) != ehlo) follow.push_back(name);
  }
  if (NormalizeHostName(ehlo).has_value()) follow.push_back(ehlo);
  for (const std::string& name : follow) {
    const absl::StatusOr<HostAddresses> found = co_await resolver->ResolveHost(name, deadline);
    if (absl::IsCancelled(found.status())) co_return found.status();
    NameAddresses forward;
    forward.name = name;
    forward.status = found.status();
    if (found.ok()) forward.addresses = found->addresses;
    facts.forward.push_back(std::move(forward));
  }
  co_return facts;
}

}  // namespace wavepost
