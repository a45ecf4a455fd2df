#include "coordinator/domains/domain_check.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "coordinator/domains/dkim_record.h"
#include "coordinator/domains/dmarc.h"
#include "coordinator/domains/domain_lookup.h"
#include "coordinator/domains/neighbours.h"
#include "coordinator/domains/return_path.h"
#include "coordinator/domains/spf_check.h"

namespace wavepost {
namespace {

// A domain and what it publishes, through one check.
class Checker {
 public:
  Checker(DomainLookup* lookup, OurNames ours, v1::SendingDomain domain)
      : lookup_(lookup),
        ours_(std::move(ours)),
        domain_(std::move(domain)),
        name_(DomainOf(domain_)),
        organization_(OrganizationalDomain(name_)) {
    for (const v1::DkimKeyInfo& key : domain_.dkim_keys()) {
      keys_.push_back({absl::StrCat(key.selector(), "._domainkey.", name_), key.public_txt()});
    }
  }

  // `dkim_good`: the records of all keys that mail depends on are there.
  Awaitable<Verdict> Look(v1::DnsRecord record, bool dkim_good) {
    switch (record.purpose()) {
      case v1::DnsRecord::DKIM:
        if (record.type() == "CNAME") co_return co_await LookDkimAlias(std::move(record));
        co_return co_await LookDkimText(std::move(record));
      case v1::DnsRecord::RETURN_PATH:
        if (record.type() == "TXT") co_return co_await LookReturnPathSpf(std::move(record));
        co_return co_await LookReturnPath(std::move(record));
      case v1::DnsRecord::SPF:
        co_return co_await CheckSpf(lookup_, record.owner(), SpfName(ours_));
      default:
        co_return co_await LookDmarc(std::move(record), dkim_good);
    }
  }

  // Where the record stands by mistake, if it does; otherwise `missing` as it is.
  Awaitable<Verdict> LookBeside(v1::DnsRecord record, Verdict missing) {
    for (const Neighbour& neighbour : Neighbours(record.owner(), name_, organization_)) {
      // The domain's own SPF record has the same text as that of the return path, and so may the parent's names.
      const bool elsewhere_by_right = neighbour.problem == "AT_DOMAIN" || neighbour.problem == "AT_PARENT";
      if (record.purpose() == v1::DnsRecord::RETURN_PATH && elsewhere_by_right) continue;
      const std::string found = co_await FindAt(record, neighbour.name);
      if (found.empty()) continue;
      const bool spf = missing.problem.starts_with("SPF");
      const std::string kind = missing.problem.substr(0, missing.problem.rfind('_'));
      Verdict verdict = Wrong(absl::StrCat(kind, "_", neighbour.problem),
                              absl::StrCat("There is no ", spf ? "SPF" : record.type(), " record at ", record.owner(),
                                           "; it stands at ", neighbour.name, neighbour.why));
      verdict.found.push_back(absl::StrCat(neighbour.name, " ", record.type(), " ", found));
      co_return verdict;
    }
    const std::string& owner = record.owner();
    if (owner.size() > organization_.size() && owner.ends_with(organization_)) {
      absl::StrAppend(&missing.advice, " The name to enter is \"",
                      owner.substr(0, owner.size() - organization_.size() - 1), "\" if your DNS panel puts ",
                      organization_, " behind it by itself.");
    }
    co_return missing;
  }

 private:
  const DkimWanted* KeyAt(const std::string& owner) const {
    const auto it = std::find_if(keys_.begin(), keys_.end(), [&](const DkimWanted& key) { return key.owner == owner; });
    return it == keys_.end() ? nullptr : &*it;
  }

  Awaitable<Verdict> LookDkimText(v1::DnsRecord record) {
    const absl::StatusOr<std::vector<std::string>> texts = co_await lookup_->Txt(record.owner());
    if (!texts.ok()) co_return NoAnswer(record.owner());
    Verdict verdict = JudgeDkimText({record.owner(), record.data()}, keys_, *texts);
    verdict.found = *texts;
    if (!texts->empty()) co_return verdict;
    const absl::StatusOr<std::string> alias = co_await lookup_->Cname(record.owner());
    if (alias.ok() && !alias->empty()) {
      verdict = Wrong("DKIM_CNAME_DANGLING",
                      absl::StrCat("At ", record.owner(), " stands a CNAME record that leads to ", *alias,
                                   ", where no key stands. Delete it and add a TXT record with the value ",
                                   Show(record.data()), "."));
      verdict.found.push_back("CNAME " + *alias);
    }
    co_return verdict;
  }

  Awaitable<Verdict> LookDkimAlias(v1::DnsRecord record) {
    DkimAliasSight sight{.owner = record.owner(), .target = record.data()};
    const absl::StatusOr<std::string> alias = co_await lookup_->Cname(record.owner());
    if (!alias.ok()) co_return NoAnswer(record.owner());
    sight.cname = *alias;
    if (const DkimWanted* key = KeyAt(record.owner()); key != nullptr) sight.key = key->text;
    const bool right = EqualsIgnoreCase(sight.cname, sight.target);
    if (sight.cname.empty() || (right && !sight.key.empty())) {
      absl::StatusOr<std::vector<std::string>> texts = co_await lookup_->Txt(record.owner());
      if (!texts.ok()) co_return NoAnswer(right ? sight.target : record.owner());
      sight.texts = *std::move(texts);
    }
    Verdict verdict = JudgeDkimAlias(sight);
    if (!sight.cname.empty()) verdict.found.push_back(sight.cname);
    for (const std::string& text : sight.texts) verdict.found.push_back("TXT " + text);
    co_return verdict;
  }

  Awaitable<Verdict> LookReturnPathSpf(v1::DnsRecord record) {
    // Where the customer has pointed the whole name at ours, our own record holds.
    const absl::StatusOr<std::string> alias = co_await lookup_->Cname(record.owner());
    if (!alias.ok()) co_return NoAnswer(record.owner());
    if (!alias->empty() && EqualsIgnoreCase(*alias, ours_.return_path_domain)) co_return Fine();
    co_return co_await CheckSpf(lookup_, record.owner(), SpfName(ours_));
  }

  Awaitable<Verdict> LookReturnPath(v1::DnsRecord record) {
    const bool by_alias = record.type() == "CNAME";
    ReturnPathSight sight{.owner = record.owner(),
                          .domain = name_,
                          .return_path_domain = ours_.return_path_domain,
                          .mx_hosts = ours_.mx_hosts};
    absl::StatusOr<std::string> alias = co_await lookup_->Cname(record.owner());
    if (!alias.ok()) co_return NoAnswer(record.owner());
    sight.cname = *std::move(alias);
    absl::StatusOr<std::vector<MxRecord>> mx = co_await lookup_->Mx(record.owner());
    if (!mx.ok()) co_return NoAnswer(record.owner());
    sight.mx = Sorted(*std::move(mx));
    if (by_alias && (sight.cname.empty() || EqualsIgnoreCase(sight.cname, sight.return_path_domain))) {
      absl::StatusOr<std::vector<std::string>> texts = co_await lookup_->Txt(record.owner());
      if (!texts.ok()) co_return NoAnswer(record.owner());
      sight.texts = Sorted(*std::move(texts));
    }
    if (by_alias && !sight.cname.empty()) {
      absl::StatusOr<std::vector<MxRecord>> target_mx = co_await lookup_->Mx(sight.cname);
      absl::StatusOr<std::vector<std::string>> target_texts = co_await lookup_->Txt(sight.cname);
      if (!target_mx.ok() || !target_texts.ok()) co_return NoAnswer(sight.cname);
      sight.target_mx = Sorted(*std::move(target_mx));
      sight.target_texts = Sorted(*std::move(target_texts));
    }
    if (sight.mx.empty() && sight.cname.empty()) {
      const absl::StatusOr<bool> address = co_await lookup_->HasAddress(record.owner());
      if (!address.ok()) co_return NoAnswer(record.owner());
      sight.has_address = *address;
    }
    if (by_alias) co_return JudgeReturnPathAlias(sight);
    co_return JudgeReturnPathMx(sight, HostOf(record));
  }

  Awaitable<Verdict> LookDmarc(v1::DnsRecord record, bool dkim_good) {
    DmarcSight sight{.domain = name_,
                     .dkim_domain = dkim_good ? name_ : "",
                     .return_path_domain =
                         domain_.return_path_domain().empty() ? ours_.return_path_domain : domain_.return_path_domain(),
                     .reports = ours_.dmarc_reports};
    absl::StatusOr<std::vector<std::string>> texts = co_await lookup_->Txt(record.owner());
    if (!texts.ok()) co_return NoAnswer(record.owner());
    sight.texts = *std::move(texts);
    std::vector<std::string> found = sight.texts;
    if (organization_ != name_) {
      sight.organization = organization_;
      const std::string above = "_dmarc." + organization_;
      absl::StatusOr<std::vector<std::string>> parent = co_await lookup_->Txt(above);
      if (!parent.ok()) co_return NoAnswer(above);
      sight.parent_texts = *std::move(parent);
      for (const std::string& text : sight.parent_texts) {
        if (IsDmarc(text)) found.push_back(absl::StrCat(above, " TXT ", text));
      }
    }
    Verdict verdict = JudgeDmarc(sight);
    verdict.found = std::move(found);
    co_return verdict;
  }

  // The record's data if it stands at `name`, else nothing. What DNS does not answer is not there: this is a guess.
  Awaitable<std::string> FindAt(v1::DnsRecord record, std::string name) {
    if (record.type() == "CNAME") {
      const absl::StatusOr<std::string> alias = co_await lookup_->Cname(name);
      co_return alias.ok() && EqualsIgnoreCase(*alias, record.data()) ? *alias : "";
    }
    if (record.type() == "MX") {
      const absl::StatusOr<std::vector<MxRecord>> mx = co_await lookup_->Mx(name);
      if (!mx.ok()) co_return "";
      for (const MxRecord& each : *mx) {
        if (EqualsIgnoreCase(each.host, HostOf(record))) co_return absl::StrCat(each.preference, " ", each.host);
      }
      co_return "";
    }
    const absl::StatusOr<std::vector<std::string>> texts = co_await lookup_->Txt(name);
    if (!texts.ok()) co_return "";
    for (const std::string& text : *texts) {
      if (IsIt(record, text)) co_return text;
    }
    co_return "";
  }

  bool IsIt(const v1::DnsRecord& record, const std::string& text) const {
    if (record.purpose() == v1::DnsRecord::DKIM) return HoldsDkimKey(record.data(), {text});
    if (record.purpose() == v1::DnsRecord::DMARC) return IsDmarc(text);
    return IsSpf(text) && ContainsIgnoreCase(text, "include:" + SpfName(ours_));
  }

  static std::string HostOf(const v1::DnsRecord& mx) { return mx.data().substr(mx.data().find(' ') + 1); }

  template <class T>
  static std::vector<T> Sorted(std::vector<T> records) {
    if constexpr (std::is_same_v<T, MxRecord>) {
      std::sort(records.begin(), records.end(), [](const MxRecord& a, const MxRecord& b) {
        return std::tie(a.preference, a.host) < std::tie(b.preference, b.host);
      });
    } else {
      std::sort(records.begin(), records.end());
    }
    return records;
  }

  DomainLookup* const lookup_;
  const OurNames ours_;
  const v1::SendingDomain domain_;
  const std::string name_;
  const std::string organization_;
  std::vector<DkimWanted> keys_;
};

v1::RecordCheck ToCheck(const v1::DnsRecord& record, const Verdict& verdict) {
  v1::RecordCheck check;
  *check.mutable_record() = record;
  check.set_state(verdict.state);
  check.set_problem(verdict.problem);
  check.set_advice(verdict.advice);
  for (const std::string& found : verdict.found) {
    if (static_cast<size_t>(check.found_size()) >= kFoundMax) break;
    check.add_found(Printable(found, kFoundBytesMax));
  }
  return check;
}

}  // namespace

Awaitable<absl::StatusOr<std::vector<v1::RecordCheck>>> CheckDomain(Resolver* resolver, OurNames ours,
                                                                    v1::SendingDomain domain, Deadline deadline) {
  DomainLookup lookup(resolver, deadline, kDomainLookupsMax);
  const std::vector<v1::DnsRecord> records = RecordsToPublish(ours, domain);
  Checker checker(&lookup, std::move(ours), std::move(domain));
  std::vector<Verdict> verdicts;
  bool dkim_good = true;
  for (const v1::DnsRecord& record : records) {
    Verdict verdict = co_await checker.Look(record, dkim_good);
    if (lookup.cancelled()) co_return absl::CancelledError("check of a sending domain stopped");
    if (record.purpose() == v1::DnsRecord::DKIM && record.required() && verdict.state != v1::RecordCheck::OK)
      dkim_good = false;
    verdicts.push_back(std::move(verdict));
  }
  // Only then, with the questions that are left: where the missing ones have gone.
  std::vector<v1::RecordCheck> checks;
  for (size_t i = 0; i < records.size(); ++i) {
    if (verdicts[i].state == v1::RecordCheck::MISSING) {
      Verdict beside = co_await checker.LookBeside(records[i], verdicts[i]);
      verdicts[i] = std::move(beside);
    }
    if (lookup.cancelled()) co_return absl::CancelledError("check of a sending domain stopped");
    checks.push_back(ToCheck(records[i], verdicts[i]));
  }
  co_return checks;
}

}  // namespace wavepost
