#include "common/mail/message.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/content/html_text.h"
#include "common/mail/address.h"
#include "common/mail/body_encode.h"
#include "common/mail/header_encode.h"
#include "common/mail/header_policy.h"

namespace wavepost {
namespace {

constexpr size_t kMessageIdBytesMax = 250;
constexpr absl::string_view kPartTypes[] = {"text/plain", "text/html"};  // in the order of parts_: plainest first

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

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<uint8_t>(c) < 0x80; });
}

// The same for each attempt. That it cannot stand in a part is seen to by the encodings (body_encode.h); that it
// differs between messages only helps readers when one mail quotes another.
std::string Boundary(std::string_view message_id) {
  uint64_t hash = 14695981039346656037u;  // FNV-1a
  for (char c : message_id) hash = (hash ^ static_cast<uint8_t>(c)) * 1099511628211u;
  return absl::StrFormat("=_%016x", hash);
}

void AppendPart(absl::string_view type, std::string_view boundary, std::string_view text, std::string* out) {
  const TransferEncoding encoding = ChooseEncoding(text);
  absl::StrAppend(out, "--", Av(boundary), "\r\nContent-Type: ", type,
                  "; charset=utf-8\r\nContent-Transfer-Encoding: ", Av(TransferEncodingName(encoding)), "\r\n\r\n");
  AppendEncoded(text, encoding, out);
  out->append("\r\n");
}

// A fixed address of the campaign, in the form for a header.
absl::StatusOr<std::string> FixedAddress(absl::string_view field, const std::string& text) {
  const absl::StatusOr<Address> address = ParseAddress(text);
  if (!address.ok()) return Annotate(address.status(), Sv(field));
  if (address->needs_smtputf8) return Bad(field, "the part before the @ must be ASCII, or most receivers refuse it");
  return address->ToString();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const MessageTemplate>> MessageTemplate::Compile(ContentSpec spec) {
  if (spec.columns.size() > kColumnsMax) {
    return Bad("columns", absl::StrCat("there are ", spec.columns.size(), "; at most ", kColumnsMax, " are allowed"));
  }
  std::vector<std::string> sorted = spec.columns;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) {
    return Bad("columns", absl::StrCat("\"", Printable(*twice, kTemplateNameBytesMax), "\" is there twice"));
  }
  std::shared_ptr<MessageTemplate> out(new MessageTemplate);
  RETURN_IF_ERROR(out->CompileHeaders(spec));
  RETURN_IF_ERROR(out->CompileParts(spec));
  out->GatherVariables();
  out->columns_ = std::move(spec.columns);
  for (size_t column : out->needed_) out->variables_.push_back(out->columns_[column]);
  for (size_t column : out->optional_) out->section_variables_.push_back(out->columns_[column]);
  return std::shared_ptr<const MessageTemplate>(std::move(out));
}

absl::Status MessageTemplate::CompileHeaders(const ContentSpec& spec) {
  ASSIGN_OR_RETURN(from_address_, FixedAddress("from_address", spec.from_address));
  if (!spec.reply_to.empty()) {
    ASSIGN_OR_RETURN(const std::string reply_to, FixedAddress("reply_to", spec.reply_to));
    AppendMailbox("Reply-To", "", reply_to, &reply_to_field_);
  }
  if (!spec.from_name.empty()) {
    ASSIGN_OR_RETURN(from_name_, Template::Compile("from_name", spec.from_name, spec.columns, Template::Escape::kNone));
  }
  if (!HasValue(spec.subject)) return Bad("subject", "is empty");
  ASSIGN_OR_RETURN(Template subject, Template::Compile("subject", spec.subject, spec.columns, Template::Escape::kNone));
  headers_.push_back({"Subject", std::move(subject), /*structured=*/false});

  if (spec.headers.size() > kCustomHeadersMax) {
    return Bad("headers",
               absl::StrCat("there are ", spec.headers.size(), "; at most ", kCustomHeadersMax, " are allowed"));
  }
  for (const auto& [name, value] : spec.headers) {
    const std::string field = absl::StrCat("header ", Printable(name, kHeaderNameBytesMax));
    RETURN_IF_ERROR(Annotate(CheckCustomHeaderName(name), field));
    for (const Header& other : headers_) {
      if (EqualsIgnoreCase(other.name, name)) return Bad(field, "is there twice");
    }
    ASSIGN_OR_RETURN(Template compiled, Template::Compile(field, value, spec.columns, Template::Escape::kNone));
    headers_.push_back({name, std::move(compiled), IsStructuredHeader(name)});
  }
  return absl::OkStatus();
}

absl::Status MessageTemplate::CompileParts(const ContentSpec& spec) {
  if (!HasValue(spec.html)) return Bad("html", "is empty; give the HTML of the message (a text is derived from it)");
  ASSIGN_OR_RETURN(const std::vector<TemplateToken> html, TokenizeTemplate("html", spec.html));
  ASSIGN_OR_RETURN(html_, Template::Compile("html", html, spec.columns, Template::Escape::kHtml));
  text_derived_ = !HasValue(spec.text);
  if (!text_derived_) {
    ASSIGN_OR_RETURN(text_, Template::Compile("text", spec.text, spec.columns, Template::Escape::kNone));
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const std::vector<TemplateToken> text, TextFromHtml(html));
  absl::StatusOr<Template> compiled =
      Template::Compile("text derived from html", text, spec.columns, Template::Escape::kNone);
  if (!compiled.ok()) {
    return Bad("text", absl::StrCat("none was given, and none can be derived from the HTML; give a text (",
                                    compiled.status().message(), ")"));
  }
  text_ = *std::move(compiled);
  return absl::OkStatus();
}

void MessageTemplate::GatherVariables() {
  std::vector<const Template*> all = {&html_, &from_name_};
  // A derived text asks for nothing that the HTML does not: there a variable may have lost the section round it.
  if (!text_derived_) all.push_back(&text_);
  for (const Header& header : headers_) all.push_back(&header.value);
  for (size_t column = 0; column < html_.needed().size(); ++column) {
    const auto has = [column](const std::vector<bool>& flags) { return column < flags.size() && flags[column]; };
    if (std::any_of(all.begin(), all.end(), [&](const Template* t) { return has(t->needed()); })) {
      needed_.push_back(column);
    } else if (std::any_of(all.begin(), all.end(), [&](const Template* t) { return has(t->optional()); })) {
      optional_.push_back(column);
    }
  }
}

absl::Status MessageTemplate::CheckNeeded(const std::vector<std::string>& values) const {
  if (values.size() != columns_.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("there are ", values.size(), " values for ", columns_.size(), " columns"));
  }
  for (size_t column : needed_) {
    if (!HasValue(values[column])) return Bad(columns_[column], "has no value, but the template needs one");
  }
  for (size_t column = 0; column < values.size(); ++column) {
    if (!IsUtf8(values[column])) return Bad(columns_[column], "is not valid UTF-8");
  }
  return absl::OkStatus();
}

absl::Status MessageTemplate::CheckValues(const std::vector<std::string>& values) const {
  RETURN_IF_ERROR(CheckNeeded(values));
  std::string scratch;
  RETURN_IF_ERROR(AppendTemplateHeaders(values, &scratch));
  for (const Template* part : {&text_, &html_}) {
    if (part->SizeBound(values) <= kRenderedBytesMax) continue;
    scratch.clear();
    RETURN_IF_ERROR(part->Render(values, &scratch));
  }
  return absl::OkStatus();
}

absl::Status MessageTemplate::AppendTemplateHeaders(const std::vector<std::string>& values, std::string* out) const {
  std::string value;
  RETURN_IF_ERROR(from_name_.Render(values, &value));
  if (value.size() > kHeaderValueBytesMax) return Bad("from_name", "is too long with these values");
  AppendMailbox("From", value, from_address_, out);
  for (const Header& header : headers_) {
    value.clear();
    RETURN_IF_ERROR(header.value.Render(values, &value));
    if (value.size() > kHeaderValueBytesMax) {
      return Bad(absl::StrCat("header ", header.name), "is too long with these values");
    }
    if (!HasValue(value)) {
      if (&header == &headers_.front()) return Bad("subject", "is empty with these values");
      continue;  // its sections left nothing: no field rather than an empty one
    }
    if (header.structured) {
      RETURN_IF_ERROR(AppendStructured(header.name, value, out));
    } else {
      AppendUnstructured(header.name, value, out);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<RenderedMessage> MessageTemplate::Render(const Recipient& recipient) const {
  WP_CHECK(recipient.values != nullptr);
  const std::vector<std::string>& values = *recipient.values;
  RETURN_IF_ERROR(CheckNeeded(values));
  if (!CanStandInTo(recipient.address)) return Bad("address", "cannot stand in a To field");
  if (!IsMessageId(recipient.message_id)) return Bad("message_id", "is not \"local@domain\"");

  RenderedMessage out;
  out.needs_smtputf8 = !IsAscii(recipient.address);
  out.needs_8bit = out.needs_smtputf8;

  const std::string boundary = Boundary(recipient.message_id);
  out.headers.reserve(1024);
  absl::StrAppend(&out.headers,
                  "Date: ", absl::FormatTime("%a, %d %b %Y %H:%M:%S +0000", recipient.date, absl::UTCTimeZone()),
                  "\r\n");
  RETURN_IF_ERROR(AppendTemplateHeaders(values, &out.headers));
  AppendMailbox("To", "", recipient.address, &out.headers);
  absl::StrAppend(&out.headers, reply_to_field_, "Message-ID: <", Av(recipient.message_id),
                  ">\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative");
  AppendParameter("boundary", boundary, &out.headers);
  out.headers.append("\r\n");

  std::string rendered;
  for (const Template* part : {&text_, &html_}) {
    rendered.clear();
    RETURN_IF_ERROR(part->Render(values, &rendered));
    AppendPart(part == &text_ ? kPartTypes[0] : kPartTypes[1], boundary, rendered, &out.body);
  }
  absl::StrAppend(&out.body, "--", boundary, "--\r\n");
  return out;
}

}  // namespace wavepost
