#include "cli/domain_view.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "cli/format.h"
#include "cli/json_content.h"
#include "cli/names.h"
#include "cli/record_view.h"
#include "common/base/strings.h"

namespace wavepost::cli {
namespace {

constexpr char kMeanwhile[] = "its waves do not start, or leave from the tenant's fallback address";

std::string NextStep(const v1::SendingDomain& domain) {
  return absl::StrCat("When they are published: wavepost domains verify ", NameOf(domain), "\n");
}

std::string Date(bool present, const google::protobuf::Timestamp& t) {
  return present ? LocalTime(FromProto(t)) : "-";
}

std::string KeysTable(const v1::SendingDomain& domain) {
  Table table;
  for (const char* title :
       {"selector", "algorithm", "state", "made", "seen in DNS", "signs since", "retired", "record may go"}) {
    table.Column(title);
  }
  for (const v1::DkimKeyInfo& key : domain.dkim_keys()) {
    table.Row({Printable(key.selector(), 64), Printable(key.algorithm(), 64), StateWord(key.state()),
               Date(key.has_create_time(), key.create_time()), Date(key.has_published_time(), key.published_time()),
               Date(key.has_active_time(), key.active_time()), Date(key.has_retire_time(), key.retire_time()),
               Date(key.has_remove_time(), key.remove_time())});
  }
  return table.ToString("  ");
}

std::string StateSentence(const v1::SendingDomain& domain) {
  const std::string name = NameOf(domain);
  switch (domain.state()) {
    case v1::SendingDomain::VERIFIED:
      return absl::StrCat(name, " is VERIFIED: mail may leave with it in From");
    case v1::SendingDomain::LOST:
      return absl::StrCat(name, " is LOST: it was verified, but required records have been missing or wrong in ",
                          domain.failed_checks(), " looks; ", kMeanwhile);
    default:
      return absl::StrCat(name, " is UNVERIFIED: ", kMeanwhile);
  }
}

}  // namespace

std::string NameOf(const v1::SendingDomain& domain) {
  std::string name = Printable(Leaf(domain.name()), 255);
  // It stands in commands that people copy into a shell.
  for (char& c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '-' && c != '_') c = '?';
  }
  return name;
}

std::string SetupText(const v1::SendingDomain& domain) {
  std::string out = absl::StrCat(NameOf(domain), ": ", StateWord(domain.state()), ", ", ModeWord(domain.mode()),
                                 " mode. Publish in DNS:\n\n", RecordsText(domain.dns_records()), "\n");
  if (domain.mode() == v1::SendingDomain::CNAME) {
    out += "The keys behind the CNAMEs are rotated without you.\n";
  }
  return out + NextStep(domain);
}

std::string DomainText(const v1::SendingDomain& domain, size_t columns) {
  std::string out = absl::StrCat(StateSentence(domain), ".\n");
  absl::StrAppend(&out, "mode ", ModeWord(domain.mode()), ", added ",
                  Date(domain.has_create_time(), domain.create_time()));
  if (!domain.return_path_domain().empty()) {
    absl::StrAppend(&out, ", return path ", Printable(domain.return_path_domain(), 255));
  }
  out += "\n";
  if (!domain.dkim_keys().empty()) absl::StrAppend(&out, "\nDKIM keys:\n", KeysTable(domain));
  if (!domain.dns_records().empty()) absl::StrAppend(&out, "\nIn DNS:\n", RecordsText(domain.dns_records()));
  if (domain.has_check_time()) {
    absl::StrAppend(&out, "\nLast look, ", LocalTime(FromProto(domain.check_time())), ":\n",
                    ChecksText(domain.checks(), columns));
  }
  if (domain.state() != v1::SendingDomain::VERIFIED) absl::StrAppend(&out, "\n", NextStep(domain));
  return out;
}

std::string VerifyText(const v1::SendingDomain& domain, size_t columns) {
  std::string out = ChecksText(domain.checks(), columns);
  std::string sentence = StateSentence(domain);
  if (const int open = RequiredNotOk(domain.checks()); open > 0) {
    absl::StrAppend(&sentence, ". ", open, open == 1 ? " required record is" : " required records are",
                    " missing, wrong or without answer; mend that, then: wavepost domains verify ", NameOf(domain));
  } else {
    sentence += ".";
  }
  return absl::StrCat(out, out.empty() ? "" : "\n", Wrap(sentence, columns));
}

std::string DomainZone(const v1::SendingDomain& domain) {
  return absl::StrCat(RecordsZone(domain.dns_records()), "; ", NextStep(domain));
}

}  // namespace wavepost::cli
