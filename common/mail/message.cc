#include "common/mail/message.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "common/base/base64.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/content/html_text.h"
#include "common/mail/attachment.h"
#include "common/mail/dkim.h"
#include "common/mail/openssl_ptr.h"

namespace wavepost {
namespace {

constexpr size_t kBoundarySeedBytes = 15;  // 24 characters
// Encoded text against rendered text at most: quoted-printable of nothing but escapes, with its soft line breaks.
constexpr size_t kEncodedGrowthMax = 4;
// Header fields and the signatures on top of them, at most: what a body leaves free of kMessageBytesMax.
constexpr size_t kHeadBytesMax = 512 * 1024;

absl::Status Bad(absl::string_view field, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", what));
}

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<uint8_t>(c) < 0x80; });
}

// Differs between campaigns, not between recipients: a body without variables is the same bytes for all of them.
std::string BoundarySeed(const ContentSpec& spec) {
  const OpensslPtr<EVP_MD_CTX> context(EVP_MD_CTX_new());
  WP_CHECK(context != nullptr && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1);
  const auto add = [&](std::string_view bytes) {
    const uint64_t size = bytes.size();
    WP_CHECK(EVP_DigestUpdate(context.get(), &size, sizeof(size)) == 1);
    WP_CHECK(EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) == 1);
  };
  add(spec.html);
  add(spec.text);
  for (const AttachmentSpec& attachment : spec.attachments) {
    add(attachment.file_name);
    add(attachment.content_type);
    add(attachment.content_id);
    add(attachment.data);
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  WP_CHECK(EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1);
  return Base32Encode(std::string_view(reinterpret_cast<const char*>(digest.data()), kBoundarySeedBytes));
}

bool IsSet(const std::vector<bool>& flags, size_t at) {
  return at < flags.size() && flags[at];
}

absl::Status TooLarge(size_t bytes) {
  return absl::ResourceExhaustedError(absl::StrCat("the message has ", bytes, " bytes; at most ",
                                                   kMessageBytesMax - kHeadBytesMax,
                                                   " are allowed; leave attachments out, or put them behind a link"));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const MessageTemplate>> MessageTemplate::Compile(ContentSpec spec) {
  std::shared_ptr<MessageTemplate> out(new MessageTemplate);
  RETURN_IF_ERROR(out->SetColumns(spec));
  ASSIGN_OR_RETURN(out->headers_, MessageHeaders::Compile(spec, out->columns_));
  RETURN_IF_ERROR(out->CompileParts(spec));
  out->GatherVariables();
  RETURN_IF_ERROR(out->FixBody());
  return std::shared_ptr<const MessageTemplate>(std::move(out));
}

absl::Status MessageTemplate::SetColumns(const ContentSpec& spec) {
  if (spec.columns.size() > kColumnsMax) {
    return Bad("columns", absl::StrCat("there are ", spec.columns.size(), "; at most ", kColumnsMax, " are allowed"));
  }
  std::vector<std::string> sorted = spec.columns;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) {
    return Bad("columns", absl::StrCat("\"", Printable(*twice, kTemplateNameBytesMax), "\" is there twice"));
  }
  columns_.names = spec.columns;
  columns_.json.resize(spec.columns.size());
  for (const std::string& name : spec.json_columns) {
    const auto found = std::find(spec.columns.begin(), spec.columns.end(), name);
    if (found == spec.columns.end()) {
      return Bad("json_columns", absl::StrCat("\"", Printable(name, kTemplateNameBytesMax),
                                              "\" is not a column; correct the name, or add it to the columns"));
    }
    columns_.json[static_cast<size_t>(found - spec.columns.begin())] = true;
  }
  return absl::OkStatus();
}

absl::Status MessageTemplate::CompileParts(const ContentSpec& spec) {
  if (!HasValue(spec.html)) return Bad("html", "is empty; give the HTML of the message (a text is derived from it)");
  ASSIGN_OR_RETURN(const std::vector<TemplateToken> html, TokenizeTemplate("html", spec.html));
  ASSIGN_OR_RETURN(html_, BodyTemplate::Compile("html", html, columns_, Template::Escape::kHtml, /*wrap=*/false));
  RETURN_IF_ERROR(CheckAttachments(spec.attachments, html));
  frame_ = MakeMimeFrame(spec.attachments, BoundarySeed(spec));

  text_derived_ = !HasValue(spec.text);
  if (!text_derived_) {
    ASSIGN_OR_RETURN(const std::vector<TemplateToken> text, TokenizeTemplate("text", spec.text));
    ASSIGN_OR_RETURN(text_, BodyTemplate::Compile("text", text, columns_, Template::Escape::kNone, /*wrap=*/false));
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const std::vector<TemplateToken> text, TextFromHtml(html));
  absl::StatusOr<BodyTemplate> compiled =
      BodyTemplate::Compile("text derived from html", text, columns_, Template::Escape::kNone, /*wrap=*/true);
  if (!compiled.ok()) {
    return Bad("text", absl::StrCat("none was given, and none can be derived from the HTML; give a text (",
                                    compiled.status().message(), ")"));
  }
  text_ = *std::move(compiled);
  return absl::OkStatus();
}

std::vector<const Template*> MessageTemplate::Templates() const {
  std::vector<const Template*> out = headers_.templates();
  out.push_back(&html_.whole());
  // A derived text asks for nothing that the HTML does not: there a variable may have lost the section round it.
  if (!text_derived_) out.push_back(&text_.whole());
  return out;
}

void MessageTemplate::GatherVariables() {
  const std::vector<const Template*> all = Templates();
  uses_json_ = text_.whole().uses_json();
  for (const Template* part : all) uses_json_ = uses_json_ || part->uses_json();
  for (size_t column = 0; column < columns_.names.size(); ++column) {
    if (std::any_of(all.begin(), all.end(), [&](const Template* t) { return IsSet(t->needed(), column); })) {
      needed_.push_back(column);
      variables_.push_back(columns_.names[column]);
    } else if (std::any_of(all.begin(), all.end(), [&](const Template* t) { return IsSet(t->optional(), column); })) {
      optional_.push_back(column);
      section_variables_.push_back(columns_.names[column]);
    }
  }
}

// Renders the body now if no recipient can change it.
absl::Status MessageTemplate::FixBody() {
  for (const Template* part : {&text_.whole(), &html_.whole()}) {
    for (size_t column = 0; column < columns_.names.size(); ++column) {
      if (IsSet(part->needed(), column) || IsSet(part->optional(), column)) return absl::OkStatus();
    }
  }
  const std::vector<std::string> values(columns_.names.size());
  RETURN_IF_ERROR(AppendBody(TemplateRow{&values, nullptr}, &fixed_body_));
  fixed_body_hash_ = DkimBodyHash(fixed_body_);
  return absl::OkStatus();
}

absl::Status MessageTemplate::ReadValues(const std::vector<std::string>& values, Values* out) const {
  if (values.size() != columns_.names.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("there are ", values.size(), " values for ", columns_.names.size(), " columns"));
  }
  for (size_t column : needed_) {
    if (!HasValue(values[column])) return Bad(columns_.names[column], "has no value, but the template needs one");
  }
  for (size_t column = 0; column < values.size(); ++column) {
    if (!IsUtf8(values[column])) return Bad(columns_.names[column], "is not valid UTF-8");
  }
  out->row.values = &values;
  if (!uses_json_) return absl::OkStatus();
  out->trees.resize(values.size());
  const auto parse = [&](size_t column) -> absl::Status {
    if (!columns_.json[column]) return absl::OkStatus();
    absl::StatusOr<TemplateValue> tree = ParseTemplateJson(values[column]);
    if (!tree.ok()) return Annotate(tree.status(), columns_.names[column]);
    out->trees[column] = *std::move(tree);
    return absl::OkStatus();
  };
  for (size_t column : needed_) RETURN_IF_ERROR(parse(column));
  for (size_t column : optional_) RETURN_IF_ERROR(parse(column));
  out->row.trees = &out->trees;
  return absl::OkStatus();
}

absl::Status MessageTemplate::CheckValues(const std::vector<std::string>& values) const {
  Values read;
  RETURN_IF_ERROR(ReadValues(values, &read));
  if (uses_json_) {
    for (const Template* part : Templates()) RETURN_IF_ERROR(part->Check(read.row));
  }
  RETURN_IF_ERROR(headers_.CheckValues(read.row));
  if (!fixed_body_.empty()) return absl::OkStatus();
  const size_t text_bytes = text_.whole().SizeBound(values);
  const size_t html_bytes = html_.whole().SizeBound(values);
  if (text_bytes <= kRenderedBytesMax && html_bytes <= kRenderedBytesMax &&
      frame_.bytes() + (text_bytes + html_bytes) * kEncodedGrowthMax <= kMessageBytesMax - kHeadBytesMax) {
    return absl::OkStatus();
  }
  std::string scratch;
  return AppendBody(read.row, &scratch);
}

absl::Status MessageTemplate::AppendBody(const TemplateRow& row, std::string* out) const {
  const size_t start = out->size();
  out->append(frame_.before_text);
  RETURN_IF_ERROR(text_.Append(row, out));
  out->append(frame_.before_html);
  RETURN_IF_ERROR(html_.Append(row, out));
  out->append(frame_.after_html);
  if (out->size() - start > kMessageBytesMax - kHeadBytesMax) return TooLarge(out->size() - start);
  return absl::OkStatus();
}

absl::StatusOr<RenderedMessage> MessageTemplate::Render(const Recipient& recipient,
                                                        const RenderOptions& options) const {
  WP_CHECK(recipient.values != nullptr);
  Values read;
  RETURN_IF_ERROR(ReadValues(*recipient.values, &read));
  RenderedMessage out;
  out.needs_smtputf8 = !IsAscii(recipient.address);
  out.needs_8bit = out.needs_smtputf8;
  out.headers.reserve(2048);
  const HeaderFacts facts{recipient.address, recipient.message_id, recipient.unsubscribe_token, recipient.date};
  RETURN_IF_ERROR(headers_.Append(facts, read.row, &out.headers));
  out.content_headers = frame_.content_headers;
  if (!fixed_body_.empty()) {
    out.body_hash = fixed_body_hash_;
    if (options.omit_fixed_body) return out;
  }
  size_t room = 0;
  if (options.room.has_value()) room = *options.room + out.headers.size() + out.content_headers.size() + 2;
  out.body.reserve(room + frame_.bytes() + text_.size_hint() + html_.size_hint());
  out.body.resize(room);
  if (!fixed_body_.empty()) {
    out.body += fixed_body_;
    return out;
  }
  RETURN_IF_ERROR(AppendBody(read.row, &out.body));
  return out;
}

size_t MessageTemplate::bytes() const {
  return text_.bytes() + html_.bytes() + frame_.bytes() + fixed_body_.size();
}

}  // namespace wavepost
