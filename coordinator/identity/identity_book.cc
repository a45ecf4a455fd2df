#include "coordinator/identity/identity_book.h"

#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/strings.h"
#include "coordinator/identity/address_block.h"
#include "coordinator/store/proto_time.h"

namespace wavepost {
namespace {

using Check = v1::RecordCheck;

constexpr char kSeenBefore[] = "DNS did not answer at the last look; this is what was seen before. ";

bool Known(Check::State state) {
  return state == Check::OK || state == Check::MISSING || state == Check::WRONG;
}

std::string Remembered(const std::string& advice) {
  return advice.rfind(kSeenBefore, 0) == 0 ? advice : absl::StrCat(kSeenBefore, advice);
}

// A record's place among all; the data decides too: a check of other data says nothing about it.
using RecordKey = std::tuple<std::string, std::string, std::string, int>;
RecordKey KeyOf(const v1::DnsRecord& record) {
  return {record.owner(), record.type(), record.data(), record.purpose()};
}

// The same for people, to whom an SPF record stays one while its addresses change.
RecordKey PlaceOf(const v1::DnsRecord& record) {
  return {record.owner(), record.type(), record.type() == "MX" ? record.data() : "", record.purpose()};
}

std::map<RecordKey, const Check*> ByRecord(const v1::Identity& identity, RecordKey (*key)(const v1::DnsRecord&)) {
  std::map<RecordKey, const Check*> out;
  for (const Check& check : identity.checks()) out.emplace(key(check.record()), &check);
  return out;
}

std::map<std::string, const v1::EgressCheck*> ByAddress(const v1::Identity& identity) {
  std::map<std::string, const v1::EgressCheck*> out;
  for (const v1::EgressCheck& check : identity.egress_ips()) out.emplace(check.address(), &check);
  return out;
}

const v1::Listing* Find(const v1::EgressCheck* check, const std::string& zone) {
  if (check == nullptr) return nullptr;
  for (const v1::Listing& listing : check->listings()) {
    if (listing.zone() == zone) return &listing;
  }
  return nullptr;
}

Check MergeCheck(const Check* before, const v1::DnsRecord& record, const std::optional<Check>& now) {
  if (now.has_value() && now->state() != Check::UNKNOWN) return *now;
  if (before != nullptr && Known(before->state())) {
    Check kept = *before;
    kept.set_advice(Remembered(before->advice()));
    return kept;
  }
  if (now.has_value()) return *now;
  Check unknown;
  *unknown.mutable_record() = record;
  unknown.set_state(Check::UNKNOWN);
  unknown.set_advice("There was no time to look; the next check begins here.");
  return unknown;
}

void MergeReverse(const v1::EgressCheck* before, const std::optional<ReverseVerdict>& now,
                  const std::vector<std::string>& names, v1::EgressCheck* out) {
  if (now.has_value() && now->state != Check::UNKNOWN) {
    out->set_reverse_state(now->state);
    out->set_reverse_advice(now->advice);
    for (const std::string& name : names) out->add_reverse_names(name);
  } else if (before != nullptr && Known(before->reverse_state())) {
    out->set_reverse_state(before->reverse_state());
    out->set_reverse_advice(Remembered(before->reverse_advice()));
    *out->mutable_reverse_names() = before->reverse_names();
  } else {
    out->set_reverse_state(Check::UNKNOWN);
    out->set_reverse_advice(now.has_value() ? now->advice : "There was no time to look; the next check begins here.");
  }
}

// no_answers: how many more may be kept.
void MergeListings(const v1::EgressCheck* before, const DnsblZones& zones,
                   const std::vector<std::optional<v1::Listing>>& now, size_t* no_answers, v1::EgressCheck* out) {
  for (size_t z = 0; z < zones.size() && z < now.size(); ++z) {
    const v1::Listing* const known = Find(before, zones[z].zone);
    const bool listed = known != nullptr && known->state() == v1::Listing::LISTED;
    const bool answered = now[z].has_value() && now[z]->state() != v1::Listing::NO_ANSWER;
    if (answered) {
      if (now[z]->state() == v1::Listing::LISTED) *out->add_listings() = *now[z];
      continue;
    }
    if (listed) {
      v1::Listing* const kept = out->add_listings();
      *kept = *known;
      kept->set_advice(Remembered(known->advice()));
      continue;
    }
    const v1::Listing* const silent = now[z].has_value() ? &*now[z] : known;
    if (silent != nullptr && *no_answers > 0) {
      --*no_answers;
      *out->add_listings() = *silent;
    }
  }
}

std::string NotPublic(const v1::EgressIp& ip) {
  return absl::StrCat(Printable(ip.address(), 60),
                      " is an address that no receiver can see: nothing to look up. If the traffic leaves by another "
                      "one, name that one in the sender's configuration.");
}

}  // namespace

std::vector<CheckedIp> IpsToCheck(const std::vector<v1::EgressIp>& ips) {
  std::vector<CheckedIp> out;
  std::set<asio::ip::address> seen;
  for (const v1::EgressIp& ip : ips) {
    const std::optional<asio::ip::address> address = ParseEgressAddress(ip.address());
    if (!address.has_value() || !IsPublicAddress(*address) || !seen.insert(*address).second) continue;
    if (out.size() == kCheckedIpsMax) break;
    out.push_back({*address, ip.ehlo_name()});
  }
  return out;
}

v1::Identity MergeIdentity(const v1::Identity& before, const IdentityPlan& plan, const IdentityAnswers& answers,
                           absl::Time now) {
  v1::Identity out;
  out.set_domain(plan.domain);
  *out.mutable_check_time() = ToProtoTime(now);
  const auto checks_before = ByRecord(before, KeyOf);
  for (const Check& problem : plan.own.problems) *out.add_checks() = problem;
  for (size_t i = 0; i < plan.questions.records.size() && i < answers.records.size(); ++i) {
    const v1::DnsRecord& record = plan.questions.records[i];
    const auto it = checks_before.find(KeyOf(record));
    Check* const check = out.add_checks();
    *check = MergeCheck(it == checks_before.end() ? nullptr : it->second, record, answers.records[i]);
    if (i == 0 && !plan.own.spf_note.empty() && record.purpose() == v1::DnsRecord::SPF &&
        check->advice().find(plan.own.spf_note) == std::string::npos) {
      check->set_advice(absl::StrCat(check->advice(), check->advice().empty() ? "" : " ", plan.own.spf_note));
    }
  }
  std::map<asio::ip::address, size_t> asked;
  for (size_t i = 0; i < plan.questions.ips.size(); ++i) asked.emplace(plan.questions.ips[i].address, i);
  const auto ips_before = ByAddress(before);
  std::set<std::string> shown;
  size_t no_answers = kNoAnswersKept;
  for (const v1::EgressIp& ip : plan.ips) {
    if (!shown.insert(ip.address()).second) continue;
    v1::EgressCheck* const check = out.add_egress_ips();
    check->set_address(ip.address());
    check->set_ehlo_name(ip.ehlo_name());
    check->set_pool(ip.pool());
    check->set_region(ip.region().empty() ? "default" : ip.region());
    const std::optional<asio::ip::address> address = ParseEgressAddress(ip.address());
    const auto place = address.has_value() ? asked.find(*address) : asked.end();
    if (place == asked.end()) {
      check->set_reverse_state(Check::UNKNOWN);
      check->set_reverse_advice(
          address.has_value() && IsPublicAddress(*address)
              ? absl::StrCat("Not looked up: there are more than ", kCheckedIpsMax, " egress IPs.")
              : NotPublic(ip));
      continue;
    }
    const auto it = ips_before.find(ip.address());
    const v1::EgressCheck* const known = it == ips_before.end() ? nullptr : it->second;
    // Of another EHLO name, what was seen before says nothing.
    const bool same_name = known != nullptr && known->ehlo_name() == ip.ehlo_name();
    MergeReverse(same_name ? known : nullptr, answers.reverse[place->second], answers.reverse_names[place->second],
                 check);
    MergeListings(known, plan.questions.zones, answers.listings[place->second], &no_answers, check);
  }
  return out;
}

std::vector<IdentityChange> IdentityChanges(const v1::Identity& before, const v1::Identity& after) {
  std::vector<IdentityChange> out;
  const auto checks_before = ByRecord(before, PlaceOf);
  for (const Check& check : after.checks()) {
    if (!Known(check.state())) continue;
    const auto it = checks_before.find(PlaceOf(check.record()));
    const Check* const known = it != checks_before.end() && Known(it->second->state()) ? it->second : nullptr;
    const bool bad = check.state() != Check::OK;
    const bool was_bad = known != nullptr && known->state() != Check::OK;
    const std::string subject = absl::StrCat(check.record().owner(), " ", check.record().type());
    if (bad && (!was_bad || known->problem() != check.problem())) {
      out.push_back({true, subject, absl::StrCat(subject, ": ", check.advice())});
    } else if (!bad && was_bad) {
      out.push_back({false, subject, absl::StrCat(subject, " is right again.")});
    }
  }
  const auto ips_before = ByAddress(before);
  for (const v1::EgressCheck& ip : after.egress_ips()) {
    const auto it = ips_before.find(ip.address());
    const v1::EgressCheck* const known = it == ips_before.end() ? nullptr : it->second;
    if (Known(ip.reverse_state())) {
      const bool bad = ip.reverse_state() != Check::OK;
      const bool was_bad = known != nullptr && Known(known->reverse_state()) && known->reverse_state() != Check::OK;
      if (bad && !was_bad) out.push_back({true, ip.address(), ip.reverse_advice()});
      if (!bad && was_bad) {
        out.push_back({false, ip.address(), absl::StrCat("The reverse name of ", ip.address(), " is right again.")});
      }
    }
    for (const v1::Listing& listing : ip.listings()) {
      const v1::Listing* const had = Find(known, listing.zone());
      if (listing.state() == v1::Listing::LISTED && (had == nullptr || had->state() != v1::Listing::LISTED)) {
        out.push_back({true, ip.address(), absl::StrCat(listing.advice(), " Its answer: ", listing.answer(), ".")});
      }
    }
    if (known == nullptr) continue;
    for (const v1::Listing& had : known->listings()) {
      const v1::Listing* const still = Find(&ip, had.zone());
      if (had.state() == v1::Listing::LISTED && (still == nullptr || still->state() != v1::Listing::LISTED)) {
        out.push_back({false, ip.address(), absl::StrCat(ip.address(), " is no longer listed by ", had.zone(), ".")});
      }
    }
  }
  return out;
}

}  // namespace wavepost
