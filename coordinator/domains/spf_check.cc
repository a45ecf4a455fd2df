#include "coordinator/domains/spf_check.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/strings.h"
#include "coordinator/domains/domain_lookup.h"
#include "coordinator/domains/spf_mend.h"

namespace wavepost {
namespace {

constexpr size_t kCostsShown = 10;

std::vector<std::string> Those(const std::vector<std::string>& texts, bool (*which)(std::string_view)) {
  std::vector<std::string> out;
  std::copy_if(texts.begin(), texts.end(), std::back_inserter(out), which);
  return out;
}

std::string Quote(std::string_view text) {
  return Show(text, kMendedSpfBytesMax);
}

// What the mended record would still cost too much.
std::string TooCostly(const SpfSight& sight) {
  if (sight.mended_lookups <= kSpfLookupsAllowed) return "";
  return absl::StrCat(" That would need ", sight.mended_lookups > kSpfLookupsCountedMax ? "more than " : "",
                      std::min(sight.mended_lookups, kSpfLookupsCountedMax), " DNS lookups where receivers stop at ",
                      kSpfLookupsAllowed,
                      " (RFC 7208 section 4.6.4): remove includes of services that no longer send for you, too.");
}

// " Change it to "v=spf1 ...".", where we know.
std::string Change(const SpfSight& sight) {
  return sight.mended ? absl::StrCat(" Change it to ", Quote(*sight.mended), ".", TooCostly(sight)) : "";
}

std::string At(const SpfSight& sight) {
  return absl::StrCat("The SPF record at ", sight.owner);
}

Verdict JudgeVersion(const SpfSight& sight, const std::string& text) {
  const bool sender_id = StartsWithIgnoreCase(text, "spf2.0");
  return Wrong("SPF_VERSION",
               absl::StrCat("The TXT record ", Show(text), " at ", sight.owner,
                            sender_id ? " is one of Sender ID, which receivers no longer read"
                                      : " is not taken for SPF: such a record begins with \"v=spf1\" and a blank",
                            ".", Change(sight)));
}

Verdict JudgeTwo(const SpfSight& sight, const std::vector<std::string>& records) {
  const char* rest = records.size() == 2 ? "other" : "others";
  std::string advice = absl::StrCat("There are ", Count(records.size()), " SPF records at ", sight.owner,
                                    "; receivers then ignore ", records.size() == 2 ? "both" : "them all",
                                    " (RFC 7208 section 4.5). Merge them into one TXT record");
  if (sight.mended) {
    absl::StrAppend(&advice, ": ", Quote(*sight.mended), ", and delete the ", rest, ".", TooCostly(sight));
    return Wrong("SPF_TWO_RECORDS", std::move(advice));
  }
  absl::StrAppend(&advice, ", and delete the ", rest, ".");
  for (const std::string& text : records) {
    const SpfRecord record = ParseSpf(text);
    const auto fault = std::find_if(record.faults.begin(), record.faults.end(),
                                    [](const SpfFault& each) { return !each.fix.has_value(); });
    if (fault == record.faults.end()) continue;
    absl::StrAppend(&advice, " Correct ", Show(fault->term), " in it: ", fault->what, ".");
    break;
  }
  return Wrong("SPF_TWO_RECORDS", std::move(advice));
}

Verdict JudgeFault(const SpfSight& sight, const SpfFault& fault) {
  return Wrong("SPF_SYNTAX", absl::StrCat(At(sight), " cannot be read at character ", fault.at, ", ", Show(fault.term),
                                          ": ", fault.what, ". Receivers then ignore the whole record.",
                                          sight.mended ? Change(sight) : " Correct or remove it."));
}

Verdict JudgeTrouble(const SpfSight& sight) {
  const SpfWalk& walk = sight.walk;
  const std::string name = Printable(walk.trouble_name, kFoundBytesMax);
  std::string what;
  switch (walk.trouble) {
    case SpfWalk::kLoop:
      what = absl::StrCat("comes back to ", name, " in a circle");
      break;
    case SpfWalk::kTwoRecords:
      what = absl::StrCat("leads to ", name, ", which has several SPF records");
      break;
    case SpfWalk::kSyntax:
      what = absl::StrCat("leads to ", name, ", whose record cannot be read at ", Show(walk.fault.term), " (",
                          walk.fault.what, ")");
      break;
    case SpfWalk::kMxHosts:
      what = absl::StrCat("asks for the mail hosts of ", name, ", of which there are more than ", kSpfMxHostsAllowed);
      break;
    default:
      what = absl::StrCat("leads to ", name, ", where no SPF record stands");
  }
  if (EqualsIgnoreCase(walk.trouble_name, sight.ours) ||
      EqualsIgnoreCase(walk.trouble_term, absl::StrCat("include:", sight.ours))) {
    return Wrong("SPF_OUR_SIDE", absl::StrCat(At(sight), " is right, but its ", Show(walk.trouble_term), " ", what,
                                              ". That is ours to mend: tell us; you need not change anything."));
  }
  return Wrong(
      walk.trouble == SpfWalk::kLoop ? "SPF_LOOP" : "SPF_INCLUDE_BROKEN",
      absl::StrCat("In the SPF record at ", sight.owner, " ", Show(walk.trouble_term), " ", what,
                   "; receivers then take the whole record for broken. ",
                   walk.trouble_below ? "Have its owner mend it, or remove that term" : "Correct or remove that term",
                   sight.mended ? absl::StrCat("; without it the record is ", Quote(*sight.mended)) : "", "."));
}

Verdict JudgeCost(const SpfSight& sight) {
  const SpfWalk& walk = sight.walk;
  std::vector<std::pair<std::string, int>> costs = walk.costs;
  std::stable_sort(costs.begin(), costs.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  if (costs.size() > kCostsShown) costs.resize(kCostsShown);
  const std::string list = absl::StrJoin(costs, ", ", [](std::string* out, const auto& cost) {
    absl::StrAppend(out, Show(cost.first), " ", cost.second);
  });
  return Wrong(
      "SPF_TOO_MANY_LOOKUPS",
      absl::StrCat(At(sight), " needs ", walk.ended ? "more than " : "", std::min(walk.lookups, kSpfLookupsCountedMax),
                   " DNS lookups where receivers stop at ", kSpfLookupsAllowed, " (RFC 7208 section 4.6.4): ", list,
                   ". Remove includes of services that no longer send for you, and write addresses (\"ip4:\", "
                   "\"ip6:\") in place of \"a\" and \"mx\"."));
}

Verdict JudgeVoids(const SpfSight& sight) {
  const std::string names = absl::StrJoin(sight.walk.voids, ", ", [](std::string* out, const auto& void_lookup) {
    absl::StrAppend(out, Printable(void_lookup.first, kFoundBytesMax));
  });
  return Wrong("SPF_VOID_LOOKUPS", absl::StrCat(At(sight), " asks for ", Count(sight.walk.voids.size()),
                                                " names at which nothing stands (", names,
                                                "), and receivers stop at the third (RFC 7208 "
                                                "section 4.6.4).",
                                                Change(sight)));
}

Verdict JudgeOurs(const SpfSight& sight, const SpfRecord& record) {
  const SpfWalk& walk = sight.walk;
  if (walk.ours == SpfWalk::kBehindAll) {
    return Wrong("SPF_INCLUDE_BEHIND_ALL",
                 absl::StrCat("In the SPF record at ", sight.owner, " ", Show(walk.ours_term), " stands behind ",
                              Show(walk.ours_behind), ", and what stands there is never read.", Change(sight)));
  }
  if (walk.ours == SpfWalk::kQualified) {
    return Wrong(
        "SPF_INCLUDE_QUALIFIED",
        absl::StrCat("In the SPF record at ", sight.owner, " ", Show(walk.ours_term),
                     " stands with a sign before it, or within an include that has one, so that our servers do "
                     "not pass.",
                     Change(sight)));
  }
  const SpfTerm* redirect = record.Find(SpfTerm::kRedirect);
  if (redirect != nullptr && record.Find(SpfTerm::kAll) == nullptr) {
    return Wrong("SPF_REDIRECT", absl::StrCat(At(sight), " hands over to another one by ", Show(redirect->text),
                                              ", which does not include ", sight.ours, ".", Change(sight)));
  }
  return Wrong("SPF_NO_INCLUDE", absl::StrCat(At(sight), " does not include ", sight.ours,
                                              ", so receivers do not take our servers for yours.", Change(sight)));
}

// What is no fault, but could be better.
std::string Catch(const SpfSight& sight, const SpfRecord& record) {
  if (sight.walk.uses_ptr) {
    return absl::StrCat(At(sight),
                        " uses \"ptr\", which is slow and which RFC 7208 section 5.5 advises against. Write "
                        "addresses (\"ip4:\", \"ip6:\") in its place.");
  }
  const SpfTerm* all = record.Find(SpfTerm::kAll);
  const SpfTerm* redirect = record.Find(SpfTerm::kRedirect);
  if (all != nullptr && redirect != nullptr) {
    return absl::StrCat(At(sight), " has both ", Show(all->text), " and ", Show(redirect->text),
                        ": receivers ignore the latter. Remove it.");
  }
  if (all == nullptr && redirect == nullptr) {
    return absl::StrCat(At(sight), " says nothing of servers that it does not name. Put \"~all\" at its end.");
  }
  if (all != nullptr && all->qualifier == '?') {
    return absl::StrCat(At(sight),
                        " ends in \"?all\", which says nothing of other servers. \"~all\" protects your name.");
  }
  return "";
}

}  // namespace

Verdict JudgeSpf(const SpfSight& sight) {
  const std::vector<std::string> records = Those(sight.texts, IsSpf);
  if (records.empty()) {
    const std::vector<std::string> meant = Those(sight.texts, LooksLikeSpf);
    if (!meant.empty()) return JudgeVersion(sight, meant.front());
    return Missing("SPF_MISSING",
                   absl::StrCat("There is no SPF record at ", sight.owner,
                                ". Add a TXT record (type SPF is withdrawn) with the value \"v=spf1 include:",
                                sight.ours, " ~all\"."));
  }
  if (records.size() > 1) return JudgeTwo(sight, records);
  const SpfRecord record = ParseSpf(records.front());
  const SpfWalk& walk = sight.walk;
  if (!record.faults.empty()) return JudgeFault(sight, record.faults.front());
  if (!walk.unanswered.empty()) return NoAnswer(walk.unanswered);
  if (walk.trouble != SpfWalk::kNone) return JudgeTrouble(sight);
  if (walk.lookups > kSpfLookupsAllowed) return JudgeCost(sight);
  if (walk.voids.size() > static_cast<size_t>(kSpfVoidLookupsAllowed)) return JudgeVoids(sight);
  if (!walk.passes_all.empty() && !EqualsIgnoreCase(walk.passes_all, sight.owner)) {
    return Wrong("SPF_PASS_ALL", absl::StrCat(At(sight), " includes ", Printable(walk.passes_all, kFoundBytesMax),
                                              ", whose record ends in \"+all\": anybody may send mail in your name. "
                                              "Remove that include, and tell the owner."));
  }
  if (!walk.passes_all.empty()) {
    return Wrong("SPF_PASS_ALL", absl::StrCat(At(sight), " has ", Show(record.Find(SpfTerm::kAll)->text),
                                              ", which lets anybody send mail in your name.", Change(sight)));
  }
  if (walk.ours != SpfWalk::kEffective) return JudgeOurs(sight, record);
  return Fine(Catch(sight, record));
}

Awaitable<Verdict> CheckSpf(DomainLookup* lookup, std::string owner, std::string ours) {
  const absl::StatusOr<std::vector<std::string>> texts = co_await lookup->Txt(owner);
  if (!texts.ok()) co_return NoAnswer(owner);
  SpfSight sight{.owner = owner, .ours = ours, .texts = *texts};
  std::vector<std::string> records = Those(*texts, IsSpf);
  std::vector<std::string> shown = records;
  if (records.empty()) {
    shown = Those(*texts, LooksLikeSpf);
    for (const std::string& text : shown) records.push_back(RepairSpfVersion(text));
  }
  std::vector<SpfRecord> parsed;
  for (const std::string& text : records) parsed.push_back(ParseSpf(text));
  if (parsed.size() == 1 && parsed.front().faults.empty()) {
    sight.walk = co_await WalkSpf(lookup, owner, parsed.front(), ours);
  }

  // Own terms that break the record are left out of the mended one.
  std::set<std::string> without;
  const SpfWalk& walk = sight.walk;
  if (walk.trouble != SpfWalk::kNone) without.insert(walk.trouble_term);
  if (walk.voids.size() > static_cast<size_t>(kSpfVoidLookupsAllowed)) {
    for (const auto& [name, term] : walk.voids) without.insert(term);
  }
  if (!parsed.empty()) sight.mended = MendSpf(parsed, ours, without);
  if (sight.mended) {
    const SpfWalk mended = co_await WalkSpf(lookup, owner, ParseSpf(*sight.mended), ours);
    sight.mended_lookups = mended.lookups;
  }
  Verdict verdict = JudgeSpf(sight);
  verdict.found = std::move(shown);
  co_return verdict;
}

}  // namespace wavepost
