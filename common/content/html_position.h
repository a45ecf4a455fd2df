// Knows where in HTML source a template tag stands: in text, in a quoted attribute, or where escaping cannot help.
//
// A scanner, not a parser: it follows the tokenizer states of the HTML standard (13.2.5) as far as quoting needs them,
// and reads straight through sections. Script and style contents count as text.
#pragma once

#include <string_view>

namespace wavepost {

class HtmlPosition {
 public:
  enum class Place {
    kText,
    kQuoted,   // inside a quoted attribute value
    kComment,  // inside <!-- -->, conditional comments included
    kTag,      // inside a tag, but not inside quotes: a name, or a value without quotes
  };

  // Goes on over the next literal bytes of the source.
  void Feed(std::string_view literal) {
    for (char c : literal) Feed(c);
  }

  // Where the next byte would stand.
  Place place() const {
    switch (state_) {
      case State::kText:
        return Place::kText;
      case State::kDoubleQuoted:
      case State::kSingleQuoted:
        return Place::kQuoted;
      case State::kComment:
        return Place::kComment;
      default:
        return Place::kTag;
    }
  }

 private:
  enum class State { kText, kLess, kMarkup, kTag, kEquals, kUnquoted, kDoubleQuoted, kSingleQuoted, kComment };

  void Feed(char c) {
    switch (state_) {
      case State::kText:
        if (c == '<') state_ = State::kLess;
        break;
      case State::kLess:
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '/') {
          state_ = State::kTag;
        } else if (c == '!' || c == '?') {
          state_ = State::kMarkup;
          dashes_ = 0;
        } else if (c != '<') {
          state_ = State::kText;
        }
        break;
      case State::kMarkup:  // behind "<!": a comment if "--" follows
        if (c == '>') {
          state_ = State::kText;
        } else if (dashes_ < 2) {
          dashes_ = c == '-' ? dashes_ + 1 : 3;
          if (dashes_ == 2) {
            state_ = State::kComment;
            bang_ = false;
          }
        }
        break;
      case State::kComment:  // "<!-->" ends at once: the dashes of its opening count
        if (c == '>' && (dashes_ >= 2 || bang_)) state_ = State::kText;  // "--!>" ends it too
        bang_ = c == '!' && dashes_ >= 2;
        dashes_ = c == '-' ? dashes_ + 1 : 0;
        break;
      case State::kTag:
        if (c == '>') state_ = State::kText;
        if (c == '=') state_ = State::kEquals;
        break;
      case State::kEquals:
        if (c == '"') {
          state_ = State::kDoubleQuoted;
        } else if (c == '\'') {
          state_ = State::kSingleQuoted;
        } else if (c == '>') {
          state_ = State::kText;
        } else if (!IsSpace(c)) {
          state_ = State::kUnquoted;
        }
        break;
      case State::kUnquoted:
        if (c == '>') state_ = State::kText;
        if (IsSpace(c)) state_ = State::kTag;
        break;
      case State::kDoubleQuoted:
        if (c == '"') state_ = State::kTag;
        break;
      case State::kSingleQuoted:
        if (c == '\'') state_ = State::kTag;
        break;
    }
  }

  static bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

  State state_ = State::kText;
  int dashes_ = 0;
  bool bang_ = false;  // behind "--!" in a comment
};

}  // namespace wavepost
