#include "bouncer/aggregate/dmarc_xml.h"

#include <expat.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "bouncer/aggregate/dmarc_rows.h"
#include "bouncer/aggregate/fields.h"
#include "bouncer/aggregate/xml_memory.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

std::string DispositionOf(std::string_view text) {
  std::string word = ReportWord(text);
  // RFC 9990 says "pass" where nothing had to be done.
  return word == "quarantine" || word == "reject" ? word : "none";
}

bool IsSameOrBelow(std::string_view domain, std::string_view above) {
  if (domain.size() == above.size()) return domain == above;
  return domain.size() > above.size() && domain.substr(domain.size() - above.size()) == above &&
         domain[domain.size() - above.size() - 1] == '.';
}

// For records without policy_evaluated. Without the public suffix list: one must be the other, or below it.
bool Aligned(std::string_view domain, std::string_view header_from) {
  return !domain.empty() && !header_from.empty() &&
         (IsSameOrBelow(domain, header_from) || IsSameOrBelow(header_from, domain));
}

// One <record> while it is read; texts as they stand in it.
struct Record {
  std::string source_ip, count, disposition, dkim, spf, header_from, envelope_from;
  std::string auth_domain, auth_result;  // of the <dkim> or <spf> that is being read
  std::vector<std::string> dkim_passed;  // domains, at most kAuthMax
  std::optional<std::string> spf_domain, spf_passed;

  static constexpr size_t kAuthMax = 20;
};

class Reading {
 public:
  Reading() : parser_(MakeXmlParser()) {}

  absl::StatusOr<v1::DmarcReport> Read(Unpacker& in);

 private:
  absl::Status Parse(std::string_view piece, bool last);
  void SetHandlers();
  void OnStart(const char* name);
  void OnEnd();
  void OnText(std::string_view text);
  void Stop(absl::Status why);
  void Leaf(std::string_view path, std::string text);
  void RecordLeaf(std::string_view path, std::string text);
  void EndAuth(std::string_view path);
  void EndRecord();
  absl::StatusOr<v1::DmarcReport> Finish();

  XmlParser parser_;
  absl::Status stopped_;
  bool done_ = false;
  bool heard_ = false;        // expat said something since the last look
  size_t silent_ = 0;         // bytes since then
  std::vector<size_t> ends_;  // of each open element's name in path_
  std::string path_;          // "/feedback/record/row"
  std::string text_;          // of the innermost element
  Record record_;
  size_t records_ = 0;
  v1::DmarcReport report_;
  DmarcRows rows_;
  std::string email_;
  std::optional<absl::Time> begin_, end_;
};

void Reading::Stop(absl::Status why) {
  if (stopped_.ok()) stopped_ = std::move(why);
  XML_StopParser(parser_.get(), XML_FALSE);
}

void Reading::SetHandlers() {
  XML_SetUserData(parser_.get(), this);
  XML_SetElementHandler(
      parser_.get(),
      [](void* self, const XML_Char* name, const XML_Char**) { static_cast<Reading*>(self)->OnStart(name); },
      [](void* self, const XML_Char*) { static_cast<Reading*>(self)->OnEnd(); });
  XML_SetCharacterDataHandler(parser_.get(), [](void* self, const XML_Char* text, int size) {
    static_cast<Reading*>(self)->OnText({text, static_cast<size_t>(size)});
  });
  XML_SetDefaultHandler(parser_.get(),
                        [](void* self, const XML_Char*, int) { static_cast<Reading*>(self)->heard_ = true; });
  XML_SetStartDoctypeDeclHandler(parser_.get(), [](void* self, const XML_Char*, const XML_Char*, const XML_Char*, int) {
    static_cast<Reading*>(self)->Stop(absl::InvalidArgumentError("the XML has a DOCTYPE, which reports never need"));
  });
  // A charset that expat does not know: ASCII is read, other letters become U+FFFD.
  XML_SetUnknownEncodingHandler(
      parser_.get(),
      [](void*, const XML_Char*, XML_Encoding* encoding) -> int {
        for (int i = 0; i < 256; ++i) encoding->map[i] = i < 0x80 ? i : 0xFFFD;
        encoding->data = nullptr;
        encoding->convert = nullptr;
        encoding->release = nullptr;
        return XML_STATUS_OK;
      },
      nullptr);
}

void Reading::OnStart(const char* name) {
  heard_ = true;
  if (done_ || !stopped_.ok()) return;
  if (static_cast<int>(ends_.size()) >= kXmlDepthMax) {
    return Stop(absl::ResourceExhaustedError(absl::StrCat("the XML is more than ", kXmlDepthMax, " elements deep")));
  }
  std::string_view local = name;
  if (const size_t colon = local.rfind(':'); colon != std::string_view::npos) local.remove_prefix(colon + 1);
  ends_.push_back(path_.size());
  absl::StrAppend(&path_, "/", AsciiLower(local.substr(0, 64)));
  text_.clear();
  if (ends_.size() == 1 && path_ != "/feedback") {
    return Stop(absl::InvalidArgumentError(
        absl::StrCat("the XML is no DMARC report: it starts with <", Printable(local, 64), ">, not <feedback>")));
  }
  if (path_ == "/feedback/record") record_ = Record();
}

void Reading::OnText(std::string_view text) {
  heard_ = true;
  if (text_.size() < kXmlTextBytesMax) text_.append(text.substr(0, kXmlTextBytesMax - text_.size()));
}

void Reading::OnEnd() {
  heard_ = true;
  if (done_ || !stopped_.ok() || ends_.empty()) return;
  const std::string_view path = std::string_view(path_).substr(std::string_view("/feedback").size());
  constexpr std::string_view kRecord = "/record";
  if (path == kRecord) {
    EndRecord();
  } else if (path.substr(0, kRecord.size() + 1) == "/record/") {
    RecordLeaf(path.substr(kRecord.size()), std::move(text_));
  } else {
    Leaf(path, std::move(text_));
  }
  path_.resize(ends_.back());
  ends_.pop_back();
  text_.clear();
  if (ends_.empty()) {
    done_ = true;
    XML_StopParser(parser_.get(), XML_FALSE);
  }
}

void Reading::Leaf(std::string_view path, std::string text) {
  if (path == "/report_metadata/org_name") report_.set_org_name(ReportText(text));
  if (path == "/report_metadata/email") email_ = ReportText(text);
  if (path == "/report_metadata/report_id") report_.set_report_id(ReportText(text));
  if (path == "/report_metadata/date_range/begin") begin_ = ReportTime(text);
  if (path == "/report_metadata/date_range/end") end_ = ReportTime(text);
  if (path == "/policy_published/domain") report_.set_domain(ReportDomain(text).value_or(""));
  if (path == "/policy_published/p") report_.set_policy(DispositionOf(text));
}

void Reading::RecordLeaf(std::string_view path, std::string text) {
  if (path == "/row/source_ip")
    record_.source_ip = std::move(text);
  else if (path == "/row/count")
    record_.count = std::move(text);
  else if (path == "/row/policy_evaluated/disposition")
    record_.disposition = std::move(text);
  else if (path == "/row/policy_evaluated/dkim")
    record_.dkim = ReportWord(text);
  else if (path == "/row/policy_evaluated/spf")
    record_.spf = ReportWord(text);
  // Drafts of RFC 7489 called them <identities>.
  else if (path == "/identifiers/header_from" || path == "/identities/header_from")
    record_.header_from = std::move(text);
  else if (path == "/identifiers/envelope_from" || path == "/identities/envelope_from") {
    record_.envelope_from = std::move(text);
  } else if (path == "/auth_results/dkim/domain" || path == "/auth_results/spf/domain") {
    record_.auth_domain = std::move(text);
  } else if (path == "/auth_results/dkim/result" || path == "/auth_results/spf/result") {
    record_.auth_result = ReportWord(text);
  } else
    EndAuth(path);
}

void Reading::EndAuth(std::string_view path) {
  const bool dkim = path == "/auth_results/dkim";
  if (!dkim && path != "/auth_results/spf") return;
  std::string domain = ReportDomain(record_.auth_domain).value_or("");
  const bool passed = record_.auth_result == "pass";
  record_.auth_domain.clear();
  record_.auth_result.clear();
  if (!dkim) {
    if (passed) record_.spf_passed = domain;
    record_.spf_domain = std::move(domain);
  } else if (passed && record_.dkim_passed.size() < Record::kAuthMax) {
    record_.dkim_passed.push_back(std::move(domain));
  }
}

void Reading::EndRecord() {
  if (++records_ > kDmarcRecordsMax) {
    report_.set_incomplete(true);
    return;
  }
  const std::optional<std::string> ip = ReportIp(record_.source_ip);
  const std::optional<int64_t> count = ReportCount(record_.count);
  if (!ip.has_value() || !count.has_value()) {
    report_.set_incomplete(true);
    return;
  }
  if (*count == 0) return;
  v1::DmarcRow row;
  row.set_source_ip(*ip);
  row.set_count(*count);
  row.set_disposition(DispositionOf(record_.disposition));
  row.set_header_from(ReportDomain(record_.header_from).value_or(""));
  row.set_envelope_from(ReportDomain(record_.envelope_from).value_or(record_.spf_domain.value_or("")));
  row.set_dkim_aligned(record_.dkim == "pass");
  row.set_spf_aligned(record_.spf == "pass");
  if (record_.dkim.empty() && record_.spf.empty()) {
    row.set_dkim_aligned(std::any_of(record_.dkim_passed.begin(), record_.dkim_passed.end(),
                                     [&](const std::string& domain) { return Aligned(domain, row.header_from()); }));
    row.set_spf_aligned(Aligned(record_.spf_passed.value_or(""), row.header_from()));
  }
  rows_.Add(std::move(row));
}

absl::Status Reading::Parse(std::string_view piece, bool last) {
  heard_ = false;
  const XML_Status parsed = XML_Parse(parser_.get(), piece.data(), static_cast<int>(piece.size()), last ? 1 : 0);
  if (done_) return absl::OkStatus();
  if (!stopped_.ok()) return stopped_;
  if (parsed != XML_STATUS_OK && XML_GetErrorCode(parser_.get()) == XML_ERROR_NO_MEMORY) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the XML needs more than ", kXmlMemoryMax >> 20, " MiB to be read, as no report does"));
  }
  if (parsed != XML_STATUS_OK) {
    return absl::InvalidArgumentError(absl::StrCat("the XML is broken at line ",
                                                   XML_GetCurrentLineNumber(parser_.get()), ": ",
                                                   XML_ErrorString(XML_GetErrorCode(parser_.get()))));
  }
  // expat keeps what it has not understood yet, and starts over with it at each piece.
  silent_ = heard_ ? 0 : silent_ + piece.size();
  if (silent_ > kXmlTokenBytesMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the XML has a tag or comment of more than ", kXmlTokenBytesMax, " bytes"));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::DmarcReport> Reading::Read(Unpacker& in) {
  if (parser_ == nullptr) return absl::ResourceExhaustedError("no memory for the report's XML");
  SetHandlers();
  while (!done_) {
    ASSIGN_OR_RETURN(const std::string_view piece, in.Next());
    RETURN_IF_ERROR(Parse(piece, piece.empty()));
    if (piece.empty() && !done_) return absl::InvalidArgumentError("the XML ends too early");
  }
  return Finish();
}

absl::StatusOr<v1::DmarcReport> Reading::Finish() {
  if (report_.domain().empty()) return absl::InvalidArgumentError("the DMARC report names no domain");
  if (!begin_.has_value()) return absl::InvalidArgumentError("the DMARC report has no date that makes sense");
  const absl::Time end = end_.value_or(*begin_ + absl::Hours(24));
  if (!IsReportPeriod(*begin_, end))
    return absl::InvalidArgumentError("the DMARC report's dates contradict each other");
  *report_.mutable_begin_time() = ReportTimestamp(*begin_);
  *report_.mutable_end_time() = ReportTimestamp(end);
  if (report_.org_name().empty()) report_.set_org_name(email_.substr(email_.rfind('@') + 1));
  if (report_.org_name().empty()) report_.set_org_name("unknown");
  rows_.MoveTo(&report_);
  if (report_.report_id().empty()) report_.set_report_id(MadeUpReportId(report_.SerializeAsString()));
  return std::move(report_);
}

}  // namespace

absl::StatusOr<v1::DmarcReport> ReadDmarcXml(Unpacker& in) {
  return Reading().Read(in);
}

}  // namespace wavepost
