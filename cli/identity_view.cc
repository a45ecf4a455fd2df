#include "cli/identity_view.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/format.h"
#include "cli/json.h"
#include "cli/record_view.h"
#include "common/base/strings.h"

namespace wavepost::cli {
namespace {

constexpr char kIndent[] = "    ";

std::string Clean(const std::string& text) {
  return Printable(text, 1000);
}

std::string ReverseWord(const v1::EgressCheck& ip) {
  if (ip.reverse_state() == v1::RecordCheck::STATE_UNSPECIFIED) return "not looked at";
  return std::string(StateText(ip.reverse_state()));
}

std::string Egress(const v1::Identity& identity) {
  Table table;
  for (const char* title : {"address", "EHLO name", "pool", "region", "reverse names", "", "block lists"}) {
    table.Column(title);
  }
  for (const v1::EgressCheck& ip : identity.egress_ips()) {
    int listed = 0;
    for (const v1::Listing& listing : ip.listings()) listed += listing.state() == v1::Listing::LISTED ? 1 : 0;
    table.Row({Clean(ip.address()), Clean(ip.ehlo_name()), Clean(ip.pool()),
               ip.region().empty() ? "default" : Clean(ip.region()), Clean(absl::StrJoin(ip.reverse_names(), " ")),
               ReverseWord(ip), listed == 0 ? "none" : absl::StrCat(listed)});
  }
  return table.ToString("  ");
}

// What is wrong with the addresses, and what to do about each.
std::string EgressAdvice(const v1::Identity& identity, size_t columns) {
  std::string out;
  for (const v1::EgressCheck& ip : identity.egress_ips()) {
    if (!ip.reverse_advice().empty()) {
      absl::StrAppend(&out, "\n  ", Clean(ip.address()), ": reverse name ", ReverseWord(ip), "\n",
                      Wrap(Clean(ip.reverse_advice()), columns, kIndent));
    }
    for (const v1::Listing& listing : ip.listings()) {
      const bool listed = listing.state() == v1::Listing::LISTED;
      absl::StrAppend(&out, "\n  ", Clean(ip.address()), listed ? ": LISTED by " : ": no answer from ",
                      Clean(listing.zone()), "\n");
      if (!listing.answer().empty()) out += Wrap("it says " + Clean(listing.answer()), columns, kIndent);
      out += Wrap(Clean(listing.advice()), columns, kIndent);
    }
  }
  return out;
}

}  // namespace

std::string IdentityText(const v1::Identity& identity, size_t columns) {
  std::string out =
      absl::StrCat("Publish for ", Clean(identity.domain()), ":\n\n", RecordsText(identity.dns_records()));
  if (!identity.has_check_time()) {
    out += "\nNobody has looked yet: wavepost identity check\n";
  } else {
    absl::StrAppend(&out, "\nLast look, ", LocalTime(FromProto(identity.check_time())), ":\n",
                    ChecksText(identity.checks(), columns));
  }
  if (identity.egress_ips().empty()) return out + "\nNo sender with an egress IP has attached yet.\n";
  absl::StrAppend(&out, "\nEgress IPs:\n", Egress(identity), EgressAdvice(identity, columns));
  if (identity.has_check_time()) {
    const int problems = ProblemsOf(identity);
    absl::StrAppend(&out, "\n",
                    problems == 0   ? std::string("All is right.")
                    : problems == 1 ? std::string("1 thing has to be mended.")
                                    : absl::StrCat(problems, " things have to be mended."),
                    "\n");
  }
  return out;
}

int ProblemsOf(const v1::Identity& identity) {
  int problems = RequiredNotOk(identity.checks());
  for (const v1::EgressCheck& ip : identity.egress_ips()) {
    if (ip.reverse_state() != v1::RecordCheck::OK) ++problems;
    for (const v1::Listing& listing : ip.listings()) problems += listing.state() == v1::Listing::LISTED ? 1 : 0;
  }
  return problems;
}

}  // namespace wavepost::cli
