#include "common/mail/body_template.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/content/text_wrap.h"

namespace wavepost {
namespace {

// The mark of a literal: a byte that no UTF-8 has, so that no value can hold it, and the literal's number, seven bits a
// byte. A template has fewer literals than that, see kTemplateTagsMax.
constexpr char kMark = '\xFF';
constexpr size_t kMarkBytes = 4;
// Shorter literals are encoded where they stand, without a soft line break.
constexpr size_t kEncodedBytesMin = 40;

std::string MarkOf(size_t number) {
  std::string out(1, kMark);
  for (int shift : {14, 7, 0}) out.push_back(static_cast<char>(0x80 | ((number >> shift) & 0x7F)));
  return out;
}

size_t NumberOf(const char* mark) {
  const auto bits = [mark](int i) { return static_cast<size_t>(static_cast<uint8_t>(mark[i]) & 0x7F); };
  return bits(1) << 14 | bits(2) << 7 | bits(3);
}

absl::Status TooLarge() {
  return absl::ResourceExhaustedError(
      absl::StrCat("the rendered template has more than ", kRenderedBytesMax, " bytes"));
}

void AppendEncodingField(TransferEncoding encoding, std::string* out) {
  out->append("Content-Transfer-Encoding: ").append(TransferEncodingName(encoding)).append("\r\n\r\n");
}

}  // namespace

absl::StatusOr<BodyTemplate> BodyTemplate::Compile(std::string_view field, const std::vector<TemplateToken>& tokens,
                                                   const TemplateColumns& columns, Template::Escape escape, bool wrap) {
  BodyTemplate out;
  out.wrap_ = wrap;
  ASSIGN_OR_RETURN(out.whole_, Template::Compile(field, tokens, columns, escape));
  std::vector<TemplateToken> marked = tokens;
  for (TemplateToken& token : marked) {
    if (token.kind != TemplateToken::Kind::kLiteral) continue;
    // A template of its own, so that line ends and control characters become what they become in `whole_`.
    ASSIGN_OR_RETURN(const Template alone,
                     Template::Compile(field, {token}, TemplateColumns{}, Template::Escape::kNone));
    Literal literal;
    RETURN_IF_ERROR(alone.Render(TemplateRow{}, &literal.raw));
    literal.non_ascii = CountNonAscii(literal.raw);
    if (literal.raw.size() >= kEncodedBytesMin) {
      literal.quoted_printable = QuotedPrintableWriter::Encode(literal.raw);
    }
    out.literal_bytes_ += literal.raw.size();
    token.text = MarkOf(out.literals_.size());
    out.literals_.push_back(std::move(literal));
  }
  // Seen without its literals, no place in HTML is forbidden: `whole_` has been found good.
  ASSIGN_OR_RETURN(out.marked_, Template::Compile(field, marked, columns, escape));
  return out;
}

template <class OnValue, class OnLiteral>
void BodyTemplate::ForEachPiece(std::string_view marks, OnValue on_value, OnLiteral on_literal) const {
  while (!marks.empty()) {
    if (marks.front() == kMark) {
      on_literal(literals_[NumberOf(marks.data())]);
      marks.remove_prefix(kMarkBytes);
      continue;
    }
    const void* const found = std::memchr(marks.data(), kMark, marks.size());
    const size_t end =
        found == nullptr ? marks.size() : static_cast<size_t>(static_cast<const char*>(found) - marks.data());
    on_value(marks.substr(0, end));
    marks.remove_prefix(end);
  }
}

void BodyTemplate::AppendRaw(std::string_view marks, std::string* out) const {
  ForEachPiece(
      marks, [out](std::string_view value) { out->append(value); },
      [out](const Literal& literal) { out->append(literal.raw); });
}

absl::Status BodyTemplate::Append(const TemplateRow& row, std::string* out) const {
  std::string marks;
  marks.reserve(1024);
  RETURN_IF_ERROR(marked_.Render(row, &marks));
  TextScan scan;
  ForEachPiece(
      marks,
      [&](std::string_view value) {
        scan.bytes += value.size();
        scan.non_ascii += CountNonAscii(value);
      },
      [&](const Literal& literal) {
        scan.bytes += literal.raw.size();
        scan.non_ascii += literal.non_ascii;
      });
  if (scan.bytes > kRenderedBytesMax) return TooLarge();

  TransferEncoding encoding = ChooseEncoding(scan);
  if (wrap_ || encoding != TransferEncoding::kQuotedPrintable) {
    std::string raw;
    raw.reserve(scan.bytes);
    AppendRaw(marks, &raw);
    if (wrap_) WrapText(&raw);
    // Whether ASCII may go as it is, only whole lines tell.
    encoding = ChooseEncoding(raw);
    if (wrap_ || encoding != TransferEncoding::kQuotedPrintable) {
      AppendEncodingField(encoding, out);
      AppendEncoded(raw, encoding, out);
      return absl::OkStatus();
    }
  }
  AppendEncodingField(encoding, out);
  QuotedPrintableWriter writer(out);
  ForEachPiece(
      marks, [&](std::string_view value) { writer.Add(value); },
      [&](const Literal& literal) {
        if (literal.quoted_printable.encoded.empty()) {
          writer.Add(literal.raw);
        } else {
          writer.Add(literal.quoted_printable);
        }
      });
  writer.Finish();
  return absl::OkStatus();
}

size_t BodyTemplate::bytes() const {
  size_t bytes = literal_bytes_ * 2;
  for (const Literal& literal : literals_) bytes += sizeof(literal) + literal.quoted_printable.encoded.size();
  return bytes;
}

}  // namespace wavepost
