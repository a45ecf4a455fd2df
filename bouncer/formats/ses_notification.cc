#include "bouncer/formats/ses_notification.h"

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "common/base/strings.h"

namespace wavepost {
namespace {

using nlohmann::json;

constexpr int kDepthMax = 12;
constexpr std::string_view kFormat = "amazon-ses-json";

// What SES says of the kind of a bounce, as RFC 3463 would; used where no code is given.
struct Kind {
  std::string_view type;
  std::string_view subtype;  // empty: any other
  std::string_view status;
};
constexpr std::array<Kind, 9> kKinds = {{
    {"Permanent", "NoEmail", "5.1.1"},
    {"Permanent", "Suppressed", "5.1.1"},
    {"Permanent", "OnAccountSuppressionList", "5.1.1"},
    {"Transient", "MailboxFull", "5.2.2"},
    {"Transient", "MessageTooLarge", "5.3.4"},
    {"Transient", "ContentRejected", "5.6.0"},
    {"Transient", "AttachmentRejected", "5.6.1"},
    {"Transient", "", "4.0.0"},
    {"", "", "5.0.0"},
}};

std::string_view StatusOf(std::string_view type, std::string_view subtype) {
  for (const Kind& kind : kKinds) {
    if ((kind.type.empty() || kind.type == type) && (kind.subtype.empty() || kind.subtype == subtype)) {
      return kind.status;
    }
  }
  return {};
}

// Discarded if it is no JSON, or too deep.
json Parse(std::string_view text) {
  bool deep = false;
  json parsed = json::parse(
      text.begin(), text.end(),
      [&deep](int depth, json::parse_event_t, json&) {
        deep = deep || depth > kDepthMax;
        return !deep;
      },
      false);
  return deep ? json(json::value_t::discarded) : parsed;
}

const json* Member(const json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

std::string Text(const json& object, const char* name) {
  const json* const member = Member(object, name);
  if (member == nullptr || !member->is_string()) return {};
  return Printable(member->get_ref<const std::string&>(), kReportFieldBytesMax);
}

// The JSON stands at the start; SNS writes a line "--" and how to leave the topic below it.
std::string_view JsonIn(std::string_view text) {
  const size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos || text[start] != '{') return {};
  text.remove_prefix(start);
  return text.substr(0, text.find("\n--\n"));
}

void AddGroups(const json& event, const char* part, const char* list, SesNotification* out) {
  const json* const news = Member(event, part);
  const json* const recipients = news == nullptr ? nullptr : Member(*news, list);
  if (recipients == nullptr || !recipients->is_array()) return;
  const std::string type = Text(*news, "bounceType");
  const std::string_view status = StatusOf(type, Text(*news, "bounceSubType"));
  for (const json& recipient : *recipients) {
    if (out->groups.size() >= kReportRecipientsMax) return;
    ReportedRecipient& group = out->groups.emplace_back();
    group.final_recipient = Text(recipient, "emailAddress");
    group.format = kFormat;
    if (out->kind != SesNotification::Kind::kBounce) continue;
    group.action = AsciiLower(Text(recipient, "action"));
    if (group.action.empty()) group.action = "failed";
    group.status = Text(recipient, "status");
    // Only what SES calls permanent is: a code of somebody on the way says less.
    if (group.status.empty() || (type != "Permanent" && group.status.starts_with('5'))) group.status = status;
    group.diagnostic = Text(recipient, "diagnosticCode");
    group.reporting_mta = Text(*news, "reportingMTA");
  }
}

}  // namespace

std::optional<SesNotification> ReadSesNotification(const Document& document) {
  if (document.texts.empty()) return std::nullopt;
  const std::string_view text = JsonIn(document.texts.front().text);
  if (text.empty()) return std::nullopt;
  json event = Parse(text);
  // What SNS wraps: the notification as a text.
  if (const json* const inner = Member(event, "Message"); inner != nullptr && inner->is_string()) {
    event = Parse(std::string(inner->get_ref<const std::string&>()));
  }
  std::string type = Text(event, "notificationType");
  if (type.empty()) type = Text(event, "eventType");
  if (type.empty() || Member(event, "mail") == nullptr) return std::nullopt;

  SesNotification out;
  if (type == "Bounce") {
    out.kind = SesNotification::Kind::kBounce;
    AddGroups(event, "bounce", "bouncedRecipients", &out);
  } else if (type == "Complaint") {
    out.kind = SesNotification::Kind::kComplaint;
    AddGroups(event, "complaint", "complainedRecipients", &out);
    if (const json* const complaint = Member(event, "complaint"); complaint != nullptr) {
      out.complaint_type = Text(*complaint, "complaintFeedbackType");
    }
  }
  return out;
}

}  // namespace wavepost
