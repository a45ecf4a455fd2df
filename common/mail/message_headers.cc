#include "common/mail/message_headers.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/mail/address.h"
#include "common/mail/header_encode.h"
#include "common/mail/header_policy.h"
#include "common/mail/message.h"

namespace wavepost {
namespace {

constexpr size_t kMessageIdBytesMax = 250;
constexpr size_t kUnsubscribeUrlBytesMax = 500;
constexpr size_t kUnsubscribeTokenBytesMax = 64;
constexpr absl::string_view kOneClick = "List-Unsubscribe=One-Click";  // RFC 8058 section 3.1

absl::Status Bad(absl::string_view field, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", what));
}

// Printable, no white space or brackets, one @ with something on both sides: safe between the <> of a Message-ID.
bool IsMessageId(std::string_view id) {
  const size_t at = id.find('@');
  return at != std::string_view::npos && at > 0 && at + 1 < id.size() &&
         id.find('@', at + 1) == std::string_view::npos && id.size() <= kMessageIdBytesMax &&
         std::all_of(id.begin(), id.end(), [](char c) { return c > 0x20 && c < 0x7F && c != '<' && c != '>'; });
}

bool CanStandInTo(std::string_view address) {
  const size_t at = address.rfind('@');
  return at != std::string_view::npos && at > 0 && at + 1 < address.size() && address.size() <= kAddressBytesMax &&
         IsUtf8(address) && std::none_of(address.begin(), address.end(), [](char c) {
           return static_cast<uint8_t>(c) < 0x20 || c == 0x7F;
         });
}

bool IsUnsubscribeToken(std::string_view token) {
  return !token.empty() && token.size() <= kUnsubscribeTokenBytesMax &&
         std::all_of(token.begin(), token.end(), [](char c) { return absl::ascii_isalnum(static_cast<uint8_t>(c)); });
}

// What may stand between the <> of List-Unsubscribe, with a token behind it.
bool IsUnsubscribeUrl(std::string_view url) {
  return StartsWithIgnoreCase(url, "https://") && url.size() > 8 && url.size() <= kUnsubscribeUrlBytesMax &&
         std::all_of(url.begin(), url.end(), [](char c) { return c > 0x20 && c < 0x7F && c != '<' && c != '>'; });
}

// "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n". By hand and without time zones: absl::FormatTime takes longer than all
// other fields together.
void AppendDate(absl::Time date, std::string* out) {
  static constexpr const char* kDays[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const absl::CivilSecond civil = absl::CivilSecond(1970, 1, 1) + absl::ToUnixSeconds(date);
  const auto two = [](int number) { return absl::Dec(number, absl::kZeroPad2); };
  absl::StrAppend(out, "Date: ", kDays[static_cast<int>(absl::GetWeekday(civil))], ", ", two(civil.day()), " ");
  absl::StrAppend(out, kMonths[civil.month() - 1], " ", absl::Dec(civil.year(), absl::kZeroPad4), " ");
  absl::StrAppend(out, two(civil.hour()), ":", two(civil.minute()), ":");
  absl::StrAppend(out, two(civil.second()), " +0000\r\n");
}

// An address of the campaign, in the form for a header.
absl::StatusOr<std::string> CampaignAddress(absl::string_view field, std::string_view text) {
  const absl::StatusOr<Address> address = ParseAddress(text);
  if (!address.ok()) return Annotate(address.status(), Sv(field));
  if (address->needs_smtputf8) return Bad(field, "the part before the @ must be ASCII, or most receivers refuse it");
  return address->ToString();
}

struct Mailbox {
  std::string display;  // may be empty
  std::string address;
};

// What the quotes round a display name hold; other text as it is.
std::string Unquoted(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
  std::string out;
  text = text.substr(1, text.size() - 2);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out.push_back(text[i]);
  }
  return out;
}

// "address" or "Name <address>", exactly one: a value can neither add a second address nor move the brackets.
absl::StatusOr<Mailbox> ParseMailbox(absl::string_view field, std::string_view text) {
  const std::string clean = CleanHeaderText(text);
  const std::string_view all = clean;
  const size_t open = all.find('<');
  Mailbox out;
  if (open == std::string_view::npos && all.find('>') == std::string_view::npos) {
    ASSIGN_OR_RETURN(out.address, CampaignAddress(field, all));
    return out;
  }
  if (open == std::string_view::npos || all.find('<', open + 1) != std::string_view::npos ||
      all.find('>') != all.size() - 1) {
    return Bad(field, "must be one address, or one name with its address in brackets: Name <name@domain>");
  }
  out.display = Unquoted(CleanHeaderText(all.substr(0, open)));
  ASSIGN_OR_RETURN(out.address, CampaignAddress(field, all.substr(open + 1, all.size() - open - 2)));
  return out;
}

bool UsesColumns(const Template& compiled) {
  const auto any = [](const std::vector<bool>& flags) { return std::find(flags.begin(), flags.end(), true); };
  return any(compiled.needed()) != compiled.needed().end() || any(compiled.optional()) != compiled.optional().end();
}

const std::string* FindCustom(const ContentSpec& spec, std::string_view name) {
  for (const auto& [other, value] : spec.headers) {
    if (EqualsIgnoreCase(other, name)) return &value;
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<MessageHeaders> MessageHeaders::Compile(const ContentSpec& spec, const TemplateColumns& columns) {
  MessageHeaders out;
  ASSIGN_OR_RETURN(out.from_address_, CampaignAddress("from_address", spec.from_address));
  RETURN_IF_ERROR(out.AddField(Kind::kFrom, "From", "from_name", spec.from_name, columns));
  if (!spec.reply_to.empty()) {
    RETURN_IF_ERROR(out.AddField(Kind::kReplyTo, "Reply-To", "reply_to", spec.reply_to, columns));
  }
  if (!HasValue(spec.subject)) return Bad("subject", "is empty");
  RETURN_IF_ERROR(out.AddField(Kind::kSubject, "Subject", "subject", spec.subject, columns));
  RETURN_IF_ERROR(out.AddCustomFields(spec, columns));
  RETURN_IF_ERROR(out.AddOurFields(spec));
  return out;
}

absl::Status MessageHeaders::AddField(Kind kind, std::string name, std::string label, std::string_view text,
                                      const TemplateColumns& columns) {
  Field field;
  field.kind = kind;
  field.name = std::move(name);
  field.label = std::move(label);
  ASSIGN_OR_RETURN(field.value, Template::Compile(field.label, text, columns, Template::Escape::kNone));
  if (!UsesColumns(field.value)) {
    const std::vector<std::string> values(columns.names.size());
    RETURN_IF_ERROR(AppendField(field, TemplateRow{&values, nullptr}, &field.fixed));
    field.varies = false;
  }
  fields_.push_back(std::move(field));
  return absl::OkStatus();
}

absl::Status MessageHeaders::AddCustomFields(const ContentSpec& spec, const TemplateColumns& columns) {
  if (spec.headers.size() > kCustomHeadersMax) {
    return Bad("headers",
               absl::StrCat("there are ", spec.headers.size(), "; at most ", kCustomHeadersMax, " are allowed"));
  }
  for (size_t i = 0; i < spec.headers.size(); ++i) {
    const auto& [name, value] = spec.headers[i];
    const std::string label = absl::StrCat("header ", Printable(name, kHeaderNameBytesMax));
    RETURN_IF_ERROR(Annotate(CheckCustomHeaderName(name), label));
    for (size_t j = 0; j < i; ++j) {
      if (EqualsIgnoreCase(spec.headers[j].first, name)) return Bad(label, "is there twice");
    }
    if (EqualsIgnoreCase(name, "List-Unsubscribe-Post")) {
      // A one-click field of theirs would make a promise about an address of ours, or the other way round.
      if (FindCustom(spec, "List-Unsubscribe") == nullptr) {
        return Bad(label, "goes together with a List-Unsubscribe of your own; give that too, or leave this out");
      }
      if (CleanHeaderText(value) != Sv(kOneClick)) {
        return Bad(label, absl::StrCat("must be \"", kOneClick, "\" (RFC 8058)"));
      }
    }
    if (EqualsIgnoreCase(name, "Auto-Submitted") && spec.auto_submitted) {
      return Bad(label, "is set by auto_submitted already; leave one of the two out");
    }
    const Kind kind = IsStructuredHeader(name) ? Kind::kStructured : Kind::kText;
    RETURN_IF_ERROR(AddField(kind, name, label, value, columns));
  }
  return absl::OkStatus();
}

absl::Status MessageHeaders::AddOurFields(const ContentSpec& spec) {
  if (!spec.unsubscribe_url.empty() && !IsUnsubscribeUrl(spec.unsubscribe_url)) {
    return Bad("unsubscribe_url", "must start with https:// and be ASCII without spaces and angle brackets");
  }
  std::string domain;
  if (!spec.unsubscribe_domain.empty()) {
    const absl::StatusOr<std::string> parsed = ParseDomain(spec.unsubscribe_domain);
    if (!parsed.ok()) return Annotate(parsed.status(), "unsubscribe_domain");
    domain = *parsed;
  }
  if (FindCustom(spec, "List-Unsubscribe") == nullptr) {
    // The address to click first: readers take the first that they know (RFC 2369 section 2).
    std::string piece = "List-Unsubscribe: ";
    if (!spec.unsubscribe_url.empty()) {
      list_unsubscribe_.push_back(absl::StrCat(piece, "<", spec.unsubscribe_url));
      piece = domain.empty() ? ">" : ">,\r\n\t";
      absl::StrAppend(&rest_, "List-Unsubscribe-Post: ", kOneClick, "\r\n");
    }
    if (!domain.empty()) {
      list_unsubscribe_.push_back(absl::StrCat(piece, "<mailto:u+"));
      piece = absl::StrCat("@", domain, "?subject=unsubscribe>");
    }
    if (!list_unsubscribe_.empty()) list_unsubscribe_.push_back(absl::StrCat(piece, "\r\n"));
  }
  if (!spec.feedback_id.empty() && FindCustom(spec, "Feedback-ID") == nullptr) {
    RETURN_IF_ERROR(Annotate(AppendStructured("Feedback-ID", spec.feedback_id, &rest_), "feedback_id"));
  }
  if (spec.auto_submitted) rest_ += "Auto-Submitted: auto-generated\r\n";  // RFC 3834 section 5
  rest_ += "MIME-Version: 1.0\r\n";
  return absl::OkStatus();
}

absl::Status MessageHeaders::AppendField(const Field& field, const TemplateRow& row, std::string* out) const {
  if (!field.varies) {
    out->append(field.fixed);
    return absl::OkStatus();
  }
  std::string value;
  RETURN_IF_ERROR(field.value.Render(row, &value));
  if (value.size() > kHeaderValueBytesMax) {
    return Bad(field.label, absl::StrCat("is longer than ", kHeaderValueBytesMax, " bytes with these values"));
  }
  if (field.kind == Kind::kFrom) {
    AppendMailbox(field.name, value, from_address_, out);
    return absl::OkStatus();
  }
  if (!HasValue(CleanHeaderText(value))) {
    // Without it that recipient could not unsubscribe: ours is left out where a campaign gives its own.
    if (EqualsIgnoreCase(field.name, "List-Unsubscribe")) return Bad(field.label, "is empty with these values");
    if (field.kind == Kind::kSubject) return Bad(field.label, "is empty with these values");
    return absl::OkStatus();  // its sections left nothing: no field rather than an empty one
  }
  if (field.kind == Kind::kReplyTo) {
    ASSIGN_OR_RETURN(const Mailbox mailbox, ParseMailbox(field.label, value));
    AppendMailbox(field.name, mailbox.display, mailbox.address, out);
  } else if (field.kind == Kind::kStructured) {
    RETURN_IF_ERROR(AppendStructured(field.name, value, out));
  } else {
    AppendUnstructured(field.name, value, out);
  }
  return absl::OkStatus();
}

absl::Status MessageHeaders::AppendListUnsubscribe(std::string_view token, std::string* out) const {
  if (list_unsubscribe_.empty()) return absl::OkStatus();
  if (!IsUnsubscribeToken(token)) return Bad("unsubscribe_token", "is not a token");
  out->append(list_unsubscribe_.front());
  for (size_t i = 1; i < list_unsubscribe_.size(); ++i) {
    out->append(token);
    out->append(list_unsubscribe_[i]);
  }
  return absl::OkStatus();
}

absl::Status MessageHeaders::Append(const HeaderFacts& facts, const TemplateRow& row, std::string* out) const {
  if (!CanStandInTo(facts.address)) return Bad("address", "cannot stand in a To field");
  if (!IsMessageId(facts.message_id)) return Bad("message_id", "is not \"local@domain\"");
  AppendDate(facts.date, out);
  RETURN_IF_ERROR(AppendField(fields_.front(), row, out));
  AppendMailbox("To", "", facts.address, out);
  for (size_t i = 1; i < fields_.size(); ++i) RETURN_IF_ERROR(AppendField(fields_[i], row, out));
  absl::StrAppend(out, "Message-ID: <", Av(facts.message_id), ">\r\n");
  RETURN_IF_ERROR(AppendListUnsubscribe(facts.unsubscribe_token, out));
  out->append(rest_);
  return absl::OkStatus();
}

absl::Status MessageHeaders::CheckValues(const TemplateRow& row) const {
  std::string scratch;
  for (const Field& field : fields_) {
    if (!field.varies) continue;
    scratch.clear();
    RETURN_IF_ERROR(AppendField(field, row, &scratch));
  }
  return absl::OkStatus();
}

std::vector<const Template*> MessageHeaders::templates() const {
  std::vector<const Template*> out;
  for (const Field& field : fields_) out.push_back(&field.value);
  return out;
}

}  // namespace wavepost
