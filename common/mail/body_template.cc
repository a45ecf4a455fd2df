#include "common/mail/body_template.h"

#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/content/html_position.h"
#include "common/content/text_wrap.h"

namespace wavepost {
namespace {

// The mark of fixed lines: a byte that no UTF-8 has, so that no value can hold it, and their number, seven bits a byte.
constexpr char kMark = '\xFF';
constexpr size_t kMarkBytes = 4;
constexpr size_t kFixedMax = 1 << 21;
constexpr size_t kFixedBytesMin = 64;  // less is not worth a mark

std::string MarkOf(size_t number) {
  std::string out(1, kMark);
  for (int shift : {14, 7, 0}) out.push_back(static_cast<char>(0x80 | ((number >> shift) & 0x7F)));
  return out;
}

size_t NumberOf(std::string_view mark) {
  size_t number = 0;
  for (char c : mark.substr(1)) number = number << 7 | (static_cast<uint8_t>(c) & 0x7F);
  return number;
}

// Calls text(piece) and fixed(number) for what `rendered` consists of, in order. No piece is empty.
template <class OnText, class OnFixed>
void ForEachPiece(std::string_view rendered, OnText on_text, OnFixed on_fixed) {
  while (!rendered.empty()) {
    const void* found = std::memchr(rendered.data(), kMark, rendered.size());
    const size_t at =
        found == nullptr ? rendered.size() : static_cast<size_t>(static_cast<const char*>(found) - rendered.data());
    if (at > 0) on_text(rendered.substr(0, at));
    rendered.remove_prefix(at);
    if (rendered.empty()) break;
    on_fixed(NumberOf(rendered.substr(0, kMarkBytes)));
    rendered.remove_prefix(kMarkBytes);
  }
}

// The text between the marks wrapped; it starts and ends with a line.
std::string Wrapped(std::string_view rendered) {
  std::string out;
  std::string piece;
  ForEachPiece(
      rendered,
      [&](std::string_view text) {
        piece.assign(text);
        WrapText(&piece);
        out.append(piece);
      },
      [&](size_t number) { out.append(MarkOf(number)); });
  return out;
}

// Where the whole lines of a literal are that may be taken out: begin and end, both at the start of a line. In HTML
// both outside of tags, so that the compiler sees the rest in the same light as before.
struct Span {
  size_t begin = 0;
  size_t end = 0;
};
std::optional<Span> WholeLines(std::string_view literal, bool starts_line, HtmlPosition* position) {
  std::optional<Span> span;
  const auto may_cut = [&] { return position == nullptr || position->place() == HtmlPosition::Place::kText; };
  if (starts_line && may_cut()) span = Span{0, 0};
  for (size_t i = 0; i < literal.size(); ++i) {
    if (position != nullptr) position->Feed(literal.substr(i, 1));
    if (literal[i] != '\n' || !may_cut()) continue;
    if (!span.has_value()) span = Span{i + 1, i + 1};
    span->end = i + 1;
  }
  if (span.has_value() && span->end - span->begin < kFixedBytesMin) span.reset();
  return span;
}

absl::Status TooLarge() {
  return absl::ResourceExhaustedError(
      absl::StrCat("the rendered template has more than ", kRenderedBytesMax, " bytes"));
}

void AppendEncodingField(TransferEncoding encoding, std::string* out) {
  absl::StrAppend(out, "Content-Transfer-Encoding: ", Av(TransferEncodingName(encoding)), "\r\n\r\n");
}

}  // namespace

absl::StatusOr<BodyTemplate> BodyTemplate::Compile(std::string_view field, const std::vector<TemplateToken>& tokens,
                                                   const TemplateColumns& columns, Template::Escape escape, bool wrap) {
  using Kind = TemplateToken::Kind;
  BodyTemplate out;
  out.wrap_ = wrap;
  for (const TemplateToken& token : tokens) out.literal_bytes_ += token.text.size();
  ASSIGN_OR_RETURN(out.whole_, Template::Compile(field, tokens, columns, escape));

  std::vector<TemplateToken> rest = tokens;
  HtmlPosition position;
  HtmlPosition* const html = escape == Template::Escape::kHtml ? &position : nullptr;
  for (size_t i = 0; i < rest.size() && out.fixed_.size() < kFixedMax; ++i) {
    if (rest[i].kind != Kind::kLiteral) continue;
    std::string& text = rest[i].text;
    const std::optional<Span> span = WholeLines(text, /*starts_line=*/i == 0, html);
    if (!span.has_value()) continue;
    // A template of its own, so that its line ends and control characters become what they become elsewhere.
    TemplateToken literal = rest[i];
    literal.text = text.substr(span->begin, span->end - span->begin);
    ASSIGN_OR_RETURN(const Template lines,
                     Template::Compile(field, {literal}, TemplateColumns{}, Template::Escape::kNone));
    FixedLines fixed;
    RETURN_IF_ERROR(lines.Render(TemplateRow{}, &fixed.raw));
    if (wrap) WrapText(&fixed.raw);
    fixed.scan = ScanText(fixed.raw);
    AppendEncoded(fixed.raw, TransferEncoding::kQuotedPrintable, &fixed.quoted_printable);
    text.replace(span->begin, span->end - span->begin, MarkOf(out.fixed_.size()));
    out.fixed_.push_back(std::move(fixed));
  }
  if (out.fixed_.empty()) return out;
  ASSIGN_OR_RETURN(out.rest_, Template::Compile(field, rest, columns, escape));
  return out;
}

absl::Status BodyTemplate::Append(const TemplateRow& row, std::string* out) const {
  if (fixed_.empty()) return AppendWhole(row, out);
  std::string rendered;
  RETURN_IF_ERROR(rest_.Render(row, &rendered));
  if (wrap_) rendered = Wrapped(rendered);
  TextScan scan;
  ForEachPiece(
      rendered, [&](std::string_view text) { scan.Add(ScanText(text)); },
      [&](size_t number) { scan.Add(fixed_[number].scan); });
  if (scan.bytes > kRenderedBytesMax) return TooLarge();
  const TransferEncoding encoding = ChooseEncoding(scan);
  if (encoding == TransferEncoding::kBase64) return AppendWhole(row, out);
  const bool quoted = encoding == TransferEncoding::kQuotedPrintable;
  AppendEncodingField(encoding, out);
  ForEachPiece(
      rendered, [&](std::string_view text) { AppendEncoded(text, encoding, out); },
      [&](size_t number) { out->append(quoted ? fixed_[number].quoted_printable : fixed_[number].raw); });
  return absl::OkStatus();
}

absl::Status BodyTemplate::AppendWhole(const TemplateRow& row, std::string* out) const {
  std::string rendered;
  RETURN_IF_ERROR(whole_.Render(row, &rendered));
  if (wrap_) WrapText(&rendered);
  const TransferEncoding encoding = ChooseEncoding(rendered);
  AppendEncodingField(encoding, out);
  AppendEncoded(rendered, encoding, out);
  return absl::OkStatus();
}

size_t BodyTemplate::bytes() const {
  size_t bytes = literal_bytes_;
  for (const FixedLines& lines : fixed_) bytes += lines.raw.size() + lines.quoted_printable.size();
  return bytes;
}

}  // namespace wavepost
