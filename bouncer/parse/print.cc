#include "bouncer/parse/print.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

using wavepost::v1::BounceClass;

std::string ClassName(BounceClass bounce_class) {
  if (bounce_class == wavepost::v1::BOUNCE_CLASS_UNSPECIFIED) return "unspecified";
  return AsciiLower(wavepost::v1::BounceClass_Name(bounce_class));
}

std::string ReasonName(wavepost::v1::Reason reason) {
  if (reason == wavepost::v1::REASON_UNSPECIFIED) return "";
  if (reason == wavepost::v1::EXPIRED_RETRIES) return "expired";
  return AsciiLower(wavepost::v1::Reason_Name(reason));
}

std::string FaultName(wavepost::v1::Fault fault) {
  switch (fault) {
    case wavepost::v1::FAULT_UNSPECIFIED:
      return "";
    case wavepost::v1::CONTENT_FAULT:
      return "content";
    case wavepost::v1::NETWORK_FAULT:
      return "network";
    default:
      return AsciiLower(wavepost::v1::Fault_Name(fault));
  }
}

// As RFC 3464 would call it.
std::string_view ActionName(BounceClass bounce_class) {
  switch (bounce_class) {
    case wavepost::v1::HARD:
    case wavepost::v1::SOFT:
    case wavepost::v1::POLICY:
      return "failed";
    case wavepost::v1::DELAY_NOTICE:
      return "delayed";
    default:
      return "";
  }
}

void AddLine(std::string_view name, std::string_view value, std::string* out) {
  if (!value.empty()) absl::StrAppend(out, "  ", Av(name), std::string(10 - name.size(), ' '), Av(value), "\n");
}

}  // namespace

std::string JsonLines(std::string_view path, const Reading& reading, bool explain) {
  std::string out;
  for (const Finding& finding : reading.findings) {
    nlohmann::ordered_json line;
    line["path"] = path;
    if (finding.final_recipient.empty()) {
      line["recipient"] = nullptr;
    } else {
      line["recipient"] = finding.final_recipient;
    }
    line["status"] = finding.status.enhanced_code();
    line["action"] = ActionName(finding.bounce_class);
    line["class"] = ClassName(finding.bounce_class);
    line["reason"] = ReasonName(finding.status.reason());
    line["fault"] = FaultName(finding.status.fault());
    if (explain) {
      line["rule"] = finding.rule;
      line["format"] = finding.format;
      line["text"] = finding.status.text();
    }
    out += line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    out += '\n';
  }
  return out;
}

std::string ForPeople(std::string_view path, const Reading& reading, bool explain) {
  std::string out = absl::StrCat(Av(path), "\n");
  for (const Finding& finding : reading.findings) {
    const std::string reason = ReasonName(finding.status.reason());
    const std::string fault = FaultName(finding.status.fault());
    AddLine("what", absl::StrCat(ClassName(finding.bounce_class), reason.empty() ? "" : ", ", reason), &out);
    AddLine("who", finding.final_recipient, &out);
    AddLine("status", finding.status.enhanced_code(), &out);
    AddLine("blames", fault, &out);
    AddLine("host", finding.status.mx_host(), &out);
    AddLine("why", finding.status.text(), &out);
    if (explain) {
      AddLine("rule", finding.rule, &out);
      AddLine("format", finding.format, &out);
    }
  }
  AddLine("evidence", absl::StrReplaceAll(reading.evidence, {{"\n", "\n            "}}), &out);
  AddLine("original", reading.original_message_id, &out);
  if (reading.truncated) AddLine("note", "beyond a limit; only the head was read", &out);
  return out + "\n";
}

}  // namespace wavepost
