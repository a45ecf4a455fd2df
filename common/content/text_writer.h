// Writes text in lines and paragraphs: white space collapses, blank lines are asked for and come when text follows.
// Part of html_text.h; not for others.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace wavepost {

class TextWriter {
 public:
  // A run of text from the HTML. With `lines_kept`, as in <pre>, its line ends are line ends.
  void Text(std::string_view text, bool lines_kept = false);

  // A section's begin or end: takes no room, and what was asked for before it must not depend on it.
  void Mark(std::string_view mark);

  // At least `count` line ends before the next text; a space while on one line.
  void Break(int count);

  // One line end more than there are, two at most: <br>.
  void LineBreak();

  // Until Unindent, lines begin further right; with a `bullet`, the next text, whatever paragraphs it is wrapped in,
  // follows on the line of the bullet.
  void Indent(size_t columns) { indent_ += columns; }
  void Bullet(std::string_view bullet);
  void Unindent(size_t columns);

  // Between these, everything stands on one line.
  void OpenLine() { ++one_line_; }
  void CloseLine() { --one_line_; }

  // Writes what comes before the next text, so that the text itself is what written() grows by.
  void BeginText();
  std::string_view written() const { return out_; }

  std::string Finish();

 private:
  void Flush();

  std::string out_;
  bool empty_ = true;       // no text yet; marks are not text
  bool line_start_ = true;  // the indent is still to be written
  bool space_ = false;      // white space stood here
  bool bullet_ = false;     // nothing came after the bullet yet
  int one_line_ = 0;
  size_t indent_ = 0;
  int wanted_ = 0;
  int newlines_ = 0;  // line ends that `out_` ends in, marks aside
};

}  // namespace wavepost
