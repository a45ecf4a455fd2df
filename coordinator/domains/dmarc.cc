#include "coordinator/domains/dmarc.h"

#include <libpsl.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/base/strings.h"
#include "coordinator/domains/setup.h"
#include "coordinator/domains/tag_list.h"

namespace wavepost {
namespace {

std::optional<DmarcRecord::Policy> ReadPolicy(std::string_view text) {
  if (EqualsIgnoreCase(text, "none")) return DmarcRecord::kNone;
  if (EqualsIgnoreCase(text, "quarantine")) return DmarcRecord::kQuarantine;
  if (EqualsIgnoreCase(text, "reject")) return DmarcRecord::kReject;
  return std::nullopt;
}

std::string_view PolicyName(DmarcRecord::Policy policy) {
  return policy == DmarcRecord::kReject ? "reject" : policy == DmarcRecord::kQuarantine ? "quarantine" : "none";
}

// The record with its version first, a readable policy behind it, and the other parts as they are.
std::string Suggest(std::string_view text) {
  const std::string plain = absl::StrReplaceAll(Av(text), {{"\"", ""}, {"\\", ""}, {"'", ""}});
  // Where there is no semicolon at all, commas or blanks were meant as such.
  const bool no_semicolons = plain.find(';') == std::string::npos;
  const TagList list =
      ParseTagList(no_semicolons ? absl::StrReplaceAll(plain, {{", ", "; "}, {",", ";"}, {" ", ";"}}) : plain);
  std::vector<std::string> parts = {"v=DMARC1"};
  const std::string* policy = list.Find("p");
  parts.push_back(absl::StrCat(
      "p=", Av(PolicyName(policy == nullptr ? DmarcRecord::kNone : ReadPolicy(*policy).value_or(DmarcRecord::kNone)))));
  for (const auto& [name, value] : list.tags) {
    if (EqualsIgnoreCase(name, "v") || EqualsIgnoreCase(name, "p")) continue;
    if (name == "sp" && !ReadPolicy(value)) continue;
    if ((name == "adkim" || name == "aspf") && !EqualsIgnoreCase(value, "r") && !EqualsIgnoreCase(value, "s")) continue;
    parts.push_back(absl::StrCat(name, "=", value));
  }
  return absl::StrJoin(parts, "; ");
}

bool ReadAlignment(const TagList& list, std::string_view tag, bool* strict, std::string* fault) {
  const std::string* value = list.Find(tag);
  if (value == nullptr) return true;
  *strict = EqualsIgnoreCase(*value, "s");
  if (*strict || EqualsIgnoreCase(*value, "r")) return true;
  *fault = absl::StrCat("behind \"", Av(tag), "=\" belongs \"r\" or \"s\", not ", Show(*value, 40));
  return false;
}

// nullptr: none was built in.
const psl_ctx_t* PublicSuffixes() {
  static const psl_ctx_t* const list = psl_builtin();
  return list;
}

std::string Change(std::string_view suggested) {
  return absl::StrCat(" Change it to ", Show(suggested, kFoundBytesMax), ".");
}

std::vector<std::string> Policies(const std::vector<std::string>& texts) {
  std::vector<std::string> out;
  std::copy_if(texts.begin(), texts.end(), std::back_inserter(out), IsDmarc);
  return out;
}

// One readable policy that applies to the domain: what our mail meets under it.
Verdict JudgeAlignment(const DmarcSight& sight, const DmarcRecord& record, const std::string& owner, bool inherited) {
  const DmarcRecord::Policy policy = inherited ? record.subdomain_policy : record.policy;
  const std::string name =
      absl::StrCat(inherited && record.subdomain_policy != record.policy ? "sp=" : "p=", Av(PolicyName(policy)));
  const bool dkim = DmarcAligned(sight.domain, sight.dkim_domain, record.dkim_strict);
  const bool spf = DmarcAligned(sight.domain, sight.return_path_domain, record.spf_strict);
  if (!dkim && !sight.dkim_domain.empty() && !spf) {
    return Wrong("DMARC_ALIGNMENT",
                 absl::StrCat("The policy at ", owner, " asks for \"adkim=", record.dkim_strict ? "s" : "r",
                              "\", but our signatures are of ", sight.dkim_domain, " and not of ", sight.domain,
                              ", so our mail fails it. Change it to \"adkim=r\", or add ", sight.domain,
                              " as a sending domain of its own."));
  }
  if (!dkim && policy != DmarcRecord::kNone) {
    return Fine(absl::StrCat("The policy at ", owner, " says ", Show(name),
                             ", so receivers refuse mail with our servers until the DKIM records are there."));
  }
  std::string advice;
  if (inherited) {
    advice = absl::StrCat("The policy of ", sight.organization, " (", Show(name), ") holds for ", sight.domain,
                          ", too; a record of its own is not needed.");
  }
  if (dkim && !spf && policy != DmarcRecord::kNone) {
    absl::StrAppend(&advice, advice.empty() ? "" : " ", "Our mail passes it by DKIM alone: its return path is at ",
                    sight.return_path_domain, record.spf_strict ? ", and \"aspf=s\" wants " : ", which is not of ",
                    record.spf_strict            ? sight.domain + " itself. \"aspf=r\" lets SPF count, too."
                    : sight.organization.empty() ? sight.domain + "."
                                                 : sight.organization + ".");
  }
  // A wish, so only where there is nothing else to say of a record that is in order.
  if (advice.empty() && !inherited && !sight.reports.empty() && !ContainsIgnoreCase(record.reports, sight.reports)) {
    advice = absl::StrCat("Its reports do not come to us. To see who sends in the name of ", sight.domain,
                          " (wavepost reports dmarc), add mailto:", sight.reports, " to its \"rua=\"",
                          record.reports.empty() ? "." : ", behind a comma.");
  }
  return Fine(std::move(advice));
}

Verdict JudgeRecords(const DmarcSight& sight, const std::vector<std::string>& records, const std::string& owner,
                     bool inherited) {
  if (records.size() > 1) {
    return Wrong("DMARC_TWO_RECORDS",
                 absl::StrCat("There are ", Count(records.size()), " DMARC records at ", owner,
                              "; receivers then ignore them all (RFC 7489 section 6.6.3). Keep one, for example ",
                              Show(records.front(), kFoundBytesMax), ", and delete the rest."));
  }
  const DmarcRecord record = ParseDmarc(records.front());
  if (!record.fault.empty()) {
    return Wrong("DMARC_SYNTAX", absl::StrCat("The DMARC record at ", owner, " cannot be read: ", record.fault, ".",
                                              Change(record.suggested)));
  }
  return JudgeAlignment(sight, record, owner, inherited);
}

}  // namespace

bool IsDmarc(std::string_view text) {
  if (!text.starts_with("v")) return false;
  const std::string_view first = text.substr(0, text.find(';'));
  return WithoutBlanks(first) == "v=DMARC1";
}

bool LooksLikeDmarc(std::string_view text) {
  return ContainsIgnoreCase(text.substr(0, kFoundBytesMax), "dmarc1") || StartsWithIgnoreCase(text, "v=dmarc");
}

DmarcRecord ParseDmarc(std::string_view text) {
  DmarcRecord record;
  const TagList list = ParseTagList(text);
  record.fault = list.fault;
  const std::string* policy = list.Find("p");
  if (!record.fault.empty()) {
  } else if (list.tags.empty() || list.tags.front().first != "v" || list.tags.front().second != "DMARC1") {
    record.fault = "it must begin with \"v=DMARC1;\", in capital letters";
  } else if (policy == nullptr) {
    record.fault = "\"p=\" is missing, which says what to do with mail that fails";
  } else if (const std::optional<DmarcRecord::Policy> read = ReadPolicy(*policy)) {
    record.policy = record.subdomain_policy = *read;
    if (const std::string* below = list.Find("sp"); below != nullptr) {
      const std::optional<DmarcRecord::Policy> read_below = ReadPolicy(*below);
      record.subdomain_policy = read_below.value_or(*read);
      if (!read_below) {
        record.fault =
            absl::StrCat("behind \"sp=\" belongs \"none\", \"quarantine\" or \"reject\", not ", Show(*below, 40));
      }
    }
    if (record.fault.empty() && ReadAlignment(list, "adkim", &record.dkim_strict, &record.fault))
      ReadAlignment(list, "aspf", &record.spf_strict, &record.fault);
  } else {
    record.fault =
        absl::StrCat("behind \"p=\" belongs \"none\", \"quarantine\" or \"reject\", not ", Show(*policy, 40));
  }
  if (const std::string* reports = list.Find("rua"); reports != nullptr) record.reports = *reports;
  if (!record.fault.empty()) record.suggested = Suggest(text);
  return record;
}

std::string OrganizationalDomain(std::string_view domain) {
  std::string name = AsciiLower(domain);
  if (name.ends_with('.')) name.pop_back();
  if (PublicSuffixes() != nullptr) {
    const char* registrable = psl_registrable_domain(PublicSuffixes(), name.c_str());
    return registrable == nullptr ? name : registrable;
  }
  const size_t last = name.rfind('.');
  if (last == std::string::npos || last == 0) return name;
  const size_t before = name.rfind('.', last - 1);
  return before == std::string::npos ? name : name.substr(before + 1);
}

bool DmarcAligned(std::string_view from_domain, std::string_view other, bool strict) {
  if (from_domain.empty() || other.empty()) return false;
  if (EqualsIgnoreCase(from_domain, other)) return true;
  return !strict && OrganizationalDomain(from_domain) == OrganizationalDomain(other);
}

Verdict JudgeDmarc(const DmarcSight& sight) {
  const std::string owner = absl::StrCat("_dmarc.", sight.domain);
  if (const std::vector<std::string> own = Policies(sight.texts); !own.empty()) {
    return JudgeRecords(sight, own, owner, /*inherited=*/false);
  }
  const auto meant = std::find_if(sight.texts.begin(), sight.texts.end(), LooksLikeDmarc);
  if (meant != sight.texts.end()) {
    const DmarcRecord record = ParseDmarc(*meant);
    return Wrong(
        "DMARC_SYNTAX",
        absl::StrCat("The TXT record ", Show(*meant), " at ", owner,
                     " is not taken for DMARC: such a record begins with \"v=DMARC1;\", in capital letters and "
                     "without quotation marks.",
                     Change(record.suggested.empty() ? Suggest(*meant) : record.suggested)));
  }
  if (const std::vector<std::string> above = Policies(sight.parent_texts); !above.empty()) {
    return JudgeRecords(sight, above, absl::StrCat("_dmarc.", sight.organization), /*inherited=*/true);
  }
  if (!sight.texts.empty()) {
    return Wrong(
        "DMARC_OTHER_TEXT",
        absl::StrCat("The TXT record at ", owner, " is no DMARC record: ", Show(sight.texts.front()),
                     ". If nobody has entered it there, it comes from a wildcard record (\"*\"). Add a TXT record "
                     "with the value \"",
                     DmarcProposal(sight.reports), "\"."));
  }
  return Missing("DMARC_MISSING", absl::StrCat("There is no DMARC record at ", owner,
                                               ", and large receivers ask bulk senders for one. Add a TXT record with "
                                               "the value \"",
                                               DmarcProposal(sight.reports), "\"."));
}

}  // namespace wavepost
