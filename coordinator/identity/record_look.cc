#include "coordinator/identity/record_look.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/strings.h"
#include "common/dns/resolver.h"
#include "coordinator/domains/dkim_record.h"
#include "coordinator/domains/spf.h"
#include "coordinator/domains/tag_list.h"
#include "coordinator/domains/verdict.h"
#include "coordinator/identity/address_block.h"
#include "coordinator/identity/own_records.h"

namespace wavepost {
namespace {

using Texts = std::vector<std::string>;

std::string Publish(const v1::DnsRecord& record) {
  return absl::StrCat("Publish \"", record.data(), "\" as ", record.type(), " at ", record.owner(), ".");
}

Texts Keep(const Texts& texts, bool (*keep)(std::string_view)) {
  Texts out;
  std::copy_if(texts.begin(), texts.end(), std::back_inserter(out),
               [&](const std::string& text) { return keep(text); });
  return out;
}

std::optional<AddressBlock> BlockOf(const SpfTerm& term) {
  if (term.kind != SpfTerm::kIp4 && term.kind != SpfTerm::kIp6) return std::nullopt;
  const size_t colon = term.text.find(':');
  if (colon == std::string::npos) return std::nullopt;
  return ParseAddressBlock(std::string_view(term.text).substr(colon + 1));
}

// Whether what `wanted` passes is passed by a term of `found` too.
bool Has(const SpfRecord& found, const SpfTerm& wanted) {
  const std::optional<AddressBlock> block = BlockOf(wanted);
  return std::any_of(found.terms.begin(), found.terms.end(), [&](const SpfTerm& term) {
    if (term.qualifier != '+') return false;
    if (block.has_value()) {
      const std::optional<AddressBlock> other = BlockOf(term);
      return other.has_value() && other->prefix <= block->prefix && other->Contains(block->base);
    }
    return term.kind == wanted.kind && EqualsIgnoreCase(term.domain, wanted.domain);
  });
}

std::string TermsOf(const SpfRecord& record, const SpfRecord& other) {
  Texts missing;
  for (const SpfTerm& term : record.terms) {
    if (term.kind != SpfTerm::kAll && !Has(other, term)) missing.push_back(term.text);
  }
  return absl::StrJoin(missing, " ");
}

Verdict JudgeSpf(const v1::DnsRecord& record, const Texts& texts) {
  const Texts found = Keep(texts, IsSpf);
  if (found.empty()) return Missing("SPF_MISSING", absl::StrCat("There is no SPF record. ", Publish(record)));
  if (found.size() > 1) {
    return Wrong("SPF_TWO_RECORDS",
                 absl::StrCat("There are ", found.size(), " SPF records at ", record.owner(),
                              ", and receivers then take none. Keep only this one: ", record.data()));
  }
  const SpfRecord there = ParseSpf(found.front());
  if (!there.faults.empty()) {
    return Wrong("SPF_SYNTAX", absl::StrCat("The SPF record cannot be read at ", Show(there.faults.front().term), ": ",
                                            there.faults.front().what, ". ", Publish(record)));
  }
  const SpfRecord wanted = ParseSpf(record.data());
  if (const std::string lacks = TermsOf(wanted, there); !lacks.empty()) {
    return Wrong("SPF_OLD", absl::StrCat("The record lacks ", lacks, ": mail from there fails SPF. ", Publish(record)));
  }
  const SpfTerm* const all = there.Find(SpfTerm::kAll);
  if (all != nullptr && (all->qualifier == '+' || all->qualifier == '?')) {
    return Wrong("SPF_PASSES_ALL",
                 absl::StrCat("\"", all->text, "\" lets anybody send in our name. ", Publish(record)));
  }
  if (const std::string extra = TermsOf(there, wanted); !extra.empty()) {
    return Fine(absl::StrCat("Beside our egress IPs the record names ", Printable(extra, kFoundBytesMax),
                             ". If that does not send for us any more, take it out: it may send in our name."));
  }
  return Fine();
}

bool IsDmarc(std::string_view text) {
  return absl::StartsWith(Av(text), "v=DMARC1");
}

Verdict JudgeDmarc(const v1::DnsRecord& record, const Texts& texts) {
  const Texts found = Keep(texts, IsDmarc);
  if (found.empty()) return Missing("DMARC_MISSING", absl::StrCat("There is no DMARC record. ", Publish(record)));
  if (found.size() > 1) {
    return Wrong("DMARC_TWO_RECORDS",
                 absl::StrCat("There are ", found.size(), " DMARC records, and receivers then take none. Keep one."));
  }
  const TagList tags = ParseTagList(found.front());
  const std::string* const policy = tags.Find("p");
  if (!tags.fault.empty() || policy == nullptr ||
      (*policy != "none" && *policy != "quarantine" && *policy != "reject")) {
    return Wrong(
        "DMARC_SYNTAX",
        absl::StrCat("The DMARC record has no readable policy (p=none, quarantine or reject). ", Publish(record)));
  }
  return Fine();
}

Verdict JudgeReportWelcome(const v1::DnsRecord& record, const Texts& texts) {
  if (!Keep(texts, IsDmarc).empty()) return Fine();
  return Missing("DMARC_REPORTS_UNWELCOME",
                 absl::StrCat("Receivers do not send us DMARC reports about customers' domains until it stands here "
                              "that we want them. ",
                              Publish(record)));
}

bool IsTlsReporting(std::string_view text) {
  return absl::StartsWith(Av(text), "v=TLSRPTv1");
}

Verdict JudgeTlsReporting(const v1::DnsRecord& record, const Texts& texts) {
  const Texts found = Keep(texts, IsTlsReporting);
  if (found.empty()) {
    return Missing("TLSRPT_MISSING",
                   absl::StrCat("Senders do not tell us when TLS to our mail servers fails. ", Publish(record)));
  }
  if (found.size() > 1) {
    return Wrong("TLSRPT_TWO_RECORDS", absl::StrCat("There are ", found.size(), " TLSRPT records at ", record.owner(),
                                                    ", and senders then take none. Keep one."));
  }
  const TagList tags = ParseTagList(found.front());
  if (!tags.fault.empty() || tags.Find("rua") == nullptr) {
    return Wrong("TLSRPT_SYNTAX", absl::StrCat("The TLSRPT record names no address (rua=). ", Publish(record)));
  }
  return Fine();
}

Verdict JudgeMx(const v1::DnsRecord& record, const std::vector<MxRecord>& found) {
  const std::string host = record.data().substr(record.data().find(' ') + 1);
  if (found.empty()) {
    return Missing("MX_MISSING",
                   absl::StrCat("Bounces do not come back: there is no MX at ", record.owner(), ". ", Publish(record)));
  }
  Texts strangers;
  bool ours = false;
  for (const MxRecord& mx : found) {
    if (EqualsIgnoreCase(mx.host, host)) {
      ours = true;
    } else {
      strangers.push_back(mx.host.empty() ? "." : mx.host);
    }
  }
  if (ours) return Fine();
  return Wrong("MX_ELSEWHERE", absl::StrCat("Bounces go to ", absl::StrJoin(strangers, ", "), " instead of ", host,
                                            ". ", Publish(record)));
}

Verdict Judge(const v1::DnsRecord& record, const RecordSight& sight) {
  if (!sight.status.ok()) return NoAnswer(record.owner());
  if (record.type() == "MX") return JudgeMx(record, sight.mx);
  if (absl::StartsWith(record.owner(), Av(kReportWelcome))) return JudgeReportWelcome(record, sight.texts);
  if (absl::StartsWith(record.owner(), Av(kTlsReportName))) return JudgeTlsReporting(record, sight.texts);
  if (record.purpose() == v1::DnsRecord::DMARC) return JudgeDmarc(record, sight.texts);
  if (record.purpose() == v1::DnsRecord::DKIM) {
    return JudgeDkimText({record.owner(), record.data()}, {}, sight.texts);
  }
  return JudgeSpf(record, sight.texts);
}

}  // namespace

v1::RecordCheck JudgeOwnRecord(const v1::DnsRecord& record, const RecordSight& sight) {
  v1::RecordCheck check;
  *check.mutable_record() = record;
  const Verdict verdict = Judge(record, sight);
  check.set_state(verdict.state);
  check.set_problem(verdict.problem);
  check.set_advice(verdict.advice);
  std::vector<std::string> found = sight.texts;
  for (const MxRecord& mx : sight.mx) {
    found.push_back(absl::StrCat(mx.preference, " ", mx.host.empty() ? "." : mx.host));
  }
  // What is as it should be is not told twice: there may be hundreds of keys.
  if (verdict.state != v1::RecordCheck::OK || !verdict.advice.empty()) {
    for (size_t i = 0; i < found.size() && i < kFoundMax; ++i) check.add_found(Printable(found[i], kFoundBytesMax));
  }
  return check;
}

Awaitable<absl::StatusOr<v1::RecordCheck>> LookAtOwnRecord(Resolver* resolver, v1::DnsRecord record,
                                                           Deadline deadline) {
  RecordSight sight;
  if (record.type() == "MX") {
    absl::StatusOr<std::vector<MxRecord>> mx = co_await resolver->ResolveMxRecords(record.owner(), deadline);
    sight.status = mx.status();
    if (mx.ok()) sight.mx = *std::move(mx);
  } else {
    // A wildcard is asked for by a name that it answers for.
    std::string name = record.owner();
    if (absl::StartsWith(name, "*.")) name.replace(0, 1, "probe.example");
    absl::StatusOr<TxtAnswer> txt = co_await resolver->ResolveTxt(std::move(name), deadline);
    sight.status = txt.status();
    if (txt.ok()) sight.texts = std::move(txt->texts);
  }
  if (absl::IsCancelled(sight.status)) co_return sight.status;
  co_return JudgeOwnRecord(record, sight);
}

}  // namespace wavepost
