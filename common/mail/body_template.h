// A text part of a message: a template together with its transfer encoding.
//
// What makes it fast: most of a mail is the same for everybody. The literals of the template are looked through and
// encoded when it is compiled; per message only the values are. That costs quoted-printable a soft line break behind a
// value here and there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/content/template.h"
#include "common/mail/body_encode.h"

namespace wavepost {

// Immutable after Compile; all members may be called from any thread at once.
class BodyTemplate {
 public:
  BodyTemplate() = default;

  // wrap: rendered lines are wrapped at kTextWidth (text_wrap.h).
  // Errors: as Template::Compile.
  static absl::StatusOr<BodyTemplate> Compile(std::string_view field, const std::vector<TemplateToken>& tokens,
                                              const TemplateColumns& columns, Template::Escape escape, bool wrap);

  // Appends "Content-Transfer-Encoding: ...", a blank line and the encoded text, which ends with CRLF.
  // Errors: as Template::Render; `out` then holds a part.
  absl::Status Append(const TemplateRow& row, std::string* out) const;

  // The whole template, for what it needs and how large it can get.
  const Template& whole() const { return whole_; }

  // Bytes that Append mostly appends.
  size_t size_hint() const { return literal_bytes_ + literal_bytes_ / 4 + 512; }

  // Bytes that it keeps in memory, about.
  size_t bytes() const;

 private:
  // Text that is the same in every message: a literal of the template.
  struct Literal {
    std::string raw;
    QuotedPrintableWriter::EncodedPiece quoted_printable;  // empty: too short to be worth it
    size_t non_ascii = 0;
  };

  // Calls on_value(text) and on_literal(literal) for what `marks` consists of, in order. No text is empty.
  template <class OnValue, class OnLiteral>
  void ForEachPiece(std::string_view marks, OnValue on_value, OnLiteral on_literal) const;
  void AppendRaw(std::string_view marks, std::string* out) const;

  Template whole_;
  Template marked_;  // the same with marks in the place of literals
  bool wrap_ = false;
  size_t literal_bytes_ = 0;
  std::vector<Literal> literals_;
};

}  // namespace wavepost
