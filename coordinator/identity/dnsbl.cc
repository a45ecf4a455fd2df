#include "coordinator/identity/dnsbl.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/strings.h"

namespace wavepost {

std::string DnsblName(const asio::ip::address& address, std::string_view zone) {
  std::string name;
  if (address.is_v4()) {
    const auto bytes = address.to_v4().to_bytes();
    for (auto it = bytes.rbegin(); it != bytes.rend(); ++it) absl::StrAppend(&name, int{*it}, ".");
  } else {
    constexpr char kHex[] = "0123456789abcdef";
    const auto bytes = address.to_v6().to_bytes();
    for (auto it = bytes.rbegin(); it != bytes.rend(); ++it) {
      name += {kHex[*it & 15], '.', kHex[*it >> 4], '.'};
    }
  }
  return name.append(zone);
}

DnsblAnswer ReadDnsblAnswer(const DnsblZone& zone, const std::vector<asio::ip::address>& addresses) {
  DnsblAnswer out;
  size_t codes = 0;
  bool refused = false;
  bool listed = false;
  for (const asio::ip::address& address : addresses) {
    const std::string text = address.to_string();
    if (codes++ < kDnsblCodesMax) absl::StrAppend(&out.codes, out.codes.empty() ? "" : ", ", text);
    const uint32_t value = address.is_v4() ? address.to_v4().to_uint() : 0;
    const bool code = value >> 24 == 127 && value != 0x7f000001 && value >> 8 != 0x7fffff;
    if (code && std::find(zone.refusals.begin(), zone.refusals.end(), text) == zone.refusals.end()) {
      listed = true;
    } else {
      refused = true;
    }
  }
  // One refusal spoils the answer: what stands beside it was not meant as a word about the address.
  if (refused) {
    out.verdict = DnsblVerdict::kNoAnswer;
  } else if (listed) {
    out.verdict = DnsblVerdict::kListed;
  }
  return out;
}

v1::Listing ListedAs(const DnsblZone& zone, std::string_view address, const DnsblAnswer& answer,
                     std::string_view text) {
  v1::Listing out;
  out.set_zone(zone.zone);
  out.set_state(v1::Listing::LISTED);
  out.set_answer(answer.codes);
  if (const std::string shown = Printable(text, kDnsblTextMax); !shown.empty()) {
    absl::StrAppend(out.mutable_answer(), " (", shown, ")");
  }
  out.set_advice(absl::StrCat(Av(address), " is listed by ", zone.zone,
                              ". Stop what caused it first (complaints and bounces of the last days say what), then "));
  if (zone.removal_url.empty()) {
    absl::StrAppend(out.mutable_advice(), "ask the list for removal.");
  } else {
    absl::StrAppend(out.mutable_advice(), "ask for removal at ", zone.removal_url, " .");
  }
  if (!zone.note.empty()) absl::StrAppend(out.mutable_advice(), " ", zone.note);
  return out;
}

v1::Listing NoAnswerFrom(const DnsblZone& zone, std::string_view why) {
  v1::Listing out;
  out.set_zone(zone.zone);
  out.set_state(v1::Listing::NO_ANSWER);
  out.set_advice(absl::StrCat(zone.zone, " says nothing about the address: ", Av(why),
                              ". Most lists refuse public resolvers: ask through one of your own (dns.servers). A list "
                              "that has closed is left out by a file of your own (identity.dnsbl_zones)."));
  if (!zone.note.empty()) absl::StrAppend(out.mutable_advice(), " ", zone.note);
  return out;
}

}  // namespace wavepost
