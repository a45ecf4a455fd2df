// A text part of a message: a template together with its transfer encoding.
//
// What makes it fast: most lines of a mail are the same for everybody. Whole lines without a tag are taken out of the
// template when it is compiled, and wait in each encoding that they may get; per message only the rest is rendered,
// looked through and encoded. The bytes are those that encoding the rendered text as a whole would yield.
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
  // Whole lines that are the same in every message.
  struct FixedLines {
    std::string raw;
    std::string quoted_printable;
    TextScan scan;
  };

  // Append without the fixed lines' help.
  absl::Status AppendWhole(const TemplateRow& row, std::string* out) const;

  Template whole_;
  Template rest_;  // yields marks where fixed lines belong
  bool wrap_ = false;
  size_t literal_bytes_ = 0;
  std::vector<FixedLines> fixed_;  // empty: `rest_` is not used
};

}  // namespace wavepost
