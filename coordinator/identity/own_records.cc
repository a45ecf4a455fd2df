#include "coordinator/identity/own_records.h"

#include <asio/ip/address.hpp>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "coordinator/identity/address_block.h"
#include "coordinator/identity/egress_spf.h"

namespace wavepost {
namespace {

constexpr int kMxPreference = 10;
constexpr size_t kNamedMax = 5;  // addresses that a note names; the rest is a number

v1::DnsRecord Record(v1::DnsRecord::Purpose purpose, std::string owner, std::string_view type, std::string data,
                     bool required) {
  v1::DnsRecord record;
  record.set_purpose(purpose);
  record.set_owner(std::move(owner));
  record.set_type(std::string(type));
  record.set_data(std::move(data));
  record.set_required(required);
  return record;
}

v1::RecordCheck Problem(v1::DnsRecord record, std::string_view problem, std::string_view advice) {
  v1::RecordCheck check;
  *check.mutable_record() = std::move(record);
  check.set_state(v1::RecordCheck::WRONG);
  check.set_problem(std::string(problem));
  check.set_advice(std::string(advice));
  return check;
}

// Of addresses that no receiver can see.
std::string LeftOut(const std::vector<v1::EgressIp>& ips) {
  std::string names;
  size_t count = 0;
  for (const v1::EgressIp& ip : ips) {
    const std::optional<asio::ip::address> address = ParseEgressAddress(ip.address());
    if (address.has_value() && IsPublicAddress(*address)) continue;
    if (++count <= kNamedMax) absl::StrAppend(&names, names.empty() ? "" : ", ", Printable(ip.address(), 60));
  }
  if (count == 0) return "";
  if (count > kNamedMax) absl::StrAppend(&names, " and ", count - kNamedMax, " more");
  return absl::StrCat("Left out: ", names,
                      ". No receiver can see a loopback or private address; if the traffic leaves by another one, name "
                      "that one in the sender's configuration (egress, address).");
}

// Whether the zone of that name is ours: others have to publish what shall stand in theirs.
bool InOurZones(const OurNames& ours, std::string_view name) {
  for (const std::string_view zone :
       {std::string_view(ours.identity_domain), std::string_view(ours.return_path_domain)}) {
    if (!zone.empty() && (name == zone || absl::EndsWith(Av(name), absl::StrCat(".", Av(zone))))) return true;
  }
  return false;
}

}  // namespace

OwnRecords MakeOwnRecords(const OurNames& ours, const v1::SendingDomain& own, const std::vector<v1::EgressIp>& ips,
                          const std::vector<v1::SendingDomain>& delegated) {
  OwnRecords out;
  auto spf = EgressSpf(ours.identity_domain, ips);
  if (spf.ok()) {
    out.records = *std::move(spf);
    out.spf_note = LeftOut(ips);
  } else {
    out.problems.push_back(Problem(Record(v1::DnsRecord::SPF, SpfName(ours), "TXT", "", true), "SPF_TOO_LARGE",
                                   Sv(spf.status().message())));
  }
  for (const v1::DkimKeyInfo& key : own.dkim_keys()) {
    out.records.push_back(Record(v1::DnsRecord::DKIM,
                                 absl::StrCat(key.selector(), "._domainkey.", ours.identity_domain), "TXT",
                                 key.public_txt(), key.state() != v1::DkimKeyInfo::RETIRED));
  }
  if (!ours.return_path_domain.empty()) {
    for (const std::string& host : ours.mx_hosts) {
      out.records.push_back(Record(v1::DnsRecord::RETURN_PATH, ours.return_path_domain, "MX",
                                   absl::StrCat(kMxPreference, " ", host), true));
    }
    out.records.push_back(Record(v1::DnsRecord::RETURN_PATH, ours.return_path_domain, "TXT",
                                 absl::StrCat("v=spf1 include:", SpfName(ours), " ~all"), true));
  }
  out.records.push_back(Record(v1::DnsRecord::DMARC, absl::StrCat("_dmarc.", ours.identity_domain), "TXT",
                               DmarcProposal(ours.dmarc_reports), false));
  // An analyser elsewhere welcomes reports in its own zone.
  const size_t at = ours.dmarc_reports.rfind('@');
  const std::string reports_at = at == std::string::npos ? "" : ours.dmarc_reports.substr(at + 1);
  if (InOurZones(ours, reports_at)) {
    out.records.push_back(
        Record(v1::DnsRecord::DMARC, absl::StrCat(Av(kReportWelcome), reports_at), "TXT", "v=DMARC1", false));
  }
  if (!ours.tls_reports.empty() && !ours.return_path_domain.empty()) {
    out.records.push_back(Record(v1::DnsRecord::RETURN_PATH, absl::StrCat(Av(kTlsReportName), ours.return_path_domain),
                                 "TXT", absl::StrCat("v=TLSRPTv1; rua=mailto:", ours.tls_reports), false));
  }
  size_t keys = 0;
  for (const v1::SendingDomain& domain : delegated) {
    if (domain.mode() != v1::SendingDomain::CNAME) continue;
    for (const v1::DkimKeyInfo& key : domain.dkim_keys()) {
      if (++keys > kDelegatedRecordsMax) continue;
      out.records.push_back(Record(v1::DnsRecord::DKIM, DelegatedKeyName(ours, domain.name(), key.selector()), "TXT",
                                   key.public_txt(), key.state() != v1::DkimKeyInfo::RETIRED));
    }
  }
  if (keys > kDelegatedRecordsMax) {
    out.problems.push_back(
        Problem(Record(v1::DnsRecord::DKIM, absl::StrCat("_dkim.", ours.identity_domain), "TXT", "", true),
                "TOO_MANY_DELEGATED_KEYS",
                absl::StrCat("Customers' domains in CNAME mode have ", keys, " keys, and this list ends at ",
                             kDelegatedRecordsMax,
                             ". Read the others from the domains themselves (wavepost domain), or "
                             "move domains to TXT mode.")));
  }
  return out;
}

}  // namespace wavepost
