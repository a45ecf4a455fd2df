#include "common/content/text_writer.h"

#include <algorithm>

namespace wavepost {
namespace {

bool IsSpace(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

size_t NoBreakSpace(std::string_view s) {
  return s.substr(0, 2) == "\xC2\xA0" ? 2 : 0;
}

// What invisible preheaders are padded with: soft hyphen, zero-width characters, word joiner, joiner, BOM.
size_t Invisible(std::string_view s) {
  if (s.substr(0, 2) == "\xC2\xAD" || s.substr(0, 2) == "\xCD\x8F") return 2;
  for (std::string_view c : {"\xE2\x80\x8B", "\xE2\x80\x8C", "\xE2\x81\xA0", "\xEF\xBB\xBF"}) {
    if (s.substr(0, 3) == c) return 3;
  }
  return 0;
}

}  // namespace

void TextWriter::Text(std::string_view text, bool lines_kept) {
  while (!text.empty()) {
    size_t length = 1;
    if (lines_kept && text[0] == '\n') {
      LineBreak();
    } else if (IsSpace(text[0])) {
      space_ = true;
    } else if ((length = NoBreakSpace(text)) != 0) {
      space_ = true;
    } else if ((length = Invisible(text)) == 0) {
      length = 1;
      BeginText();
      out_.push_back(text[0]);
      newlines_ = 0;
      empty_ = false;
      bullet_ = false;
    }
    text.remove_prefix(length);
  }
}

void TextWriter::Mark(std::string_view mark) {
  Flush();
  out_.append(mark);
}

void TextWriter::Break(int count) {
  if (bullet_) return;
  if (one_line_ > 0) {
    space_ = true;
    return;
  }
  wanted_ = std::max(wanted_, count);
  space_ = false;
}

void TextWriter::LineBreak() {
  Break(std::min(2, std::max(wanted_, newlines_) + 1));
}

void TextWriter::Bullet(std::string_view bullet) {
  bullet_ = false;  // of an item that was empty
  Break(1);
  Text(bullet);
  space_ = true;
  bullet_ = true;
  Indent(bullet.size() + 1);
}

void TextWriter::Unindent(size_t columns) {
  indent_ -= std::min(columns, indent_);
  bullet_ = false;
}

void TextWriter::BeginText() {
  Flush();
  if (line_start_) out_.append(indent_, ' ');
  line_start_ = false;
}

std::string TextWriter::Finish() {
  if (!empty_ && newlines_ == 0) out_.append("\n");
  return std::move(out_);
}

void TextWriter::Flush() {
  if (empty_) {  // nothing goes before the first text
    wanted_ = 0;
    space_ = false;
  }
  for (; newlines_ < wanted_; ++newlines_) {
    out_.push_back('\n');
    line_start_ = true;
  }
  wanted_ = 0;
  if (space_ && newlines_ == 0 && !line_start_ && out_.back() != ' ') out_.push_back(' ');
  space_ = false;
}

}  // namespace wavepost
