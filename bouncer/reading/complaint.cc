#include "bouncer/reading/complaint.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "bouncer/report/origin.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

using wavepost::v1::BounceClass;

// Microsoft's JMRP writes no feedback report: the original comes with this on top.
constexpr std::string_view kJmrpField = "x-hmxmroriginalrecipient";

BounceClass ClassOf(const HeaderFields& feedback) {
  const std::string type = AsciiLower(feedback.Get("feedback-type"));
  const std::string_view word = std::string_view(type).substr(0, type.find_first_of(" ;,\t"));
  constexpr std::array<std::string_view, 4> kLeave = {"opt-out", "opt-out-list", "unsubscribe", "optout"};
  constexpr std::array<std::string_view, 4> kNothing = {"not-spam", "auth-failure", "dmarc", "dkim"};
  if (std::find(kLeave.begin(), kLeave.end(), word) != kLeave.end()) return wavepost::v1::UNSUBSCRIBE;
  if (std::find(kNothing.begin(), kNothing.end(), word) != kNothing.end()) return wavepost::v1::NOT_A_BOUNCE;
  // RFC 6591: what is about authentication says so in fields of its own, too.
  if (word.empty() && feedback.Has("auth-failure")) return wavepost::v1::NOT_A_BOUNCE;
  return wavepost::v1::COMPLAINT;
}

void Add(std::vector<std::string> addresses, std::vector<std::string>* out) {
  for (std::string& address : addresses) {
    if (ContainsIgnoreCase(address, "redacted")) continue;
    if (out->size() < kComplaintRecipientsMax) out->push_back(std::move(address));
  }
}

// Whoever complains: what the report says, then what the original says of its recipient.
std::vector<std::string> WhoComplains(const Document& document) {
  std::vector<std::string> out;
  if (document.feedback) {
    for (const std::string_view name : {"original-rcpt-to", "removal-recipient", "x-original-rcpt-to"}) {
      for (const HeaderField& field : document.feedback->fields) {
        if (field.name == name) Add(AddressesIn(field.value, kComplaintRecipientsMax), &out);
      }
      if (!out.empty()) return out;
    }
  }
  for (const std::string_view name :
       {std::string_view(kJmrpField), std::string_view("x-original-recipient"), std::string_view("x-rcpt-to"),
        std::string_view("to"), std::string_view("x-apparently-to"), std::string_view("delivered-to")}) {
    std::vector<std::string> found = AddressesIn(document.original.Get(name), 2);
    // A list of them does not tell who it was.
    if (found.size() == 1) Add(std::move(found), &out);
    if (!out.empty()) return out;
  }
  return out;
}

}  // namespace

std::vector<Finding> ReadComplaint(const Document& document) {
  const bool jmrp = document.original.Has(kJmrpField) ||
                    (StartsWithIgnoreCase(document.headers.Get("subject"), "complaint about message from") &&
                     !document.original.empty());
  const bool claims = document.report_type == "feedback-report";
  if (!document.feedback && !jmrp && !claims) return {};
  if (document.has_status_part) return {};

  Finding finding;
  finding.bounce_class = document.feedback ? ClassOf(*document.feedback) : wavepost::v1::COMPLAINT;
  finding.status.set_phase("report");
  finding.rule = "feedback";
  finding.format = document.feedback ? "rfc5965" : jmrp ? "microsoft_jmrp" : "feedback_without_fields";
  if (document.feedback) {
    const std::string_view type = document.feedback->Get("feedback-type");
    const std::string_view agent = document.feedback->Get("user-agent");
    finding.status.set_text(Printable(
        absl::StrCat("feedback: ", type.empty() ? "no type" : Av(type), agent.empty() ? "" : ", from ", Av(agent))));
    finding.status.set_mx_host(Printable(document.feedback->Get("reporting-mta"), 255));
  } else {
    finding.status.set_text(Printable(document.headers.Get("subject")));
  }
  std::vector<Finding> out;
  for (std::string& address : WhoComplains(document)) {
    out.push_back(finding);
    out.back().final_recipient = std::move(address);
  }
  if (out.empty()) out.push_back(std::move(finding));
  return out;
}

}  // namespace wavepost
