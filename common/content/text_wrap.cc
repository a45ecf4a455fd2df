#include "common/content/text_wrap.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <utility>

namespace wavepost {
namespace {

constexpr size_t kLinkBytesMax = 2048;  // a longer "<...>" is text
constexpr size_t kBulletDigitsMax = 3;

struct Range {
  char32_t first;
  char32_t last;
};

// Unicode Standard Annex 11, wide and fullwidth, by blocks.
constexpr Range kWide[] = {{0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0xA4CF},   {0xA960, 0xA97F},
                           {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},
                           {0xFFE0, 0xFFE6},   {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF},
                           {0x1FA70, 0x1FAFF}, {0x20000, 0x3FFFD}};

// Combining characters, joiners, direction marks and variation selectors, of the scripts that mail is written in.
constexpr Range kZero[] = {{0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x064B, 0x065F},  {0x0E31, 0x0E31},
                           {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E}, {0x200B, 0x200F}, {0x202A, 0x202E},  {0x2060, 0x2064},
                           {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF}, {0xE0100, 0xE01EF}};

// Chinese and Japanese, which are written without spaces. Korean has spaces.
constexpr Range kUnspaced[] = {{0x2E80, 0x2FDF}, {0x3001, 0x30FF}, {0x31F0, 0x31FF},  {0x3400, 0x9FFF},
                               {0xF900, 0xFAFF}, {0xFF01, 0xFF60}, {0x20000, 0x3FFFD}};

constexpr std::u32string_view kNotAtLineStart =
    U"、。，．・：；？！）］｝」』】〉》〕ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々";
constexpr std::u32string_view kNotAtLineEnd = U"（［｛「『【〈《〔";

template <size_t n>
bool IsIn(char32_t c, const Range (&ranges)[n]) {
  const auto after = std::upper_bound(std::begin(ranges), std::end(ranges), c,
                                      [](char32_t code, const Range& range) { return code < range.first; });
  return after != std::begin(ranges) && c <= std::prev(after)->last;
}

size_t ColumnsOf(char32_t c) {
  if (c < 0x300) return 1;
  if (IsIn(c, kZero)) return 0;
  return IsIn(c, kWide) ? 2 : 1;
}

bool MayBreakBetween(char32_t before, char32_t after) {
  return IsIn(before, kUnspaced) && IsIn(after, kUnspaced) && kNotAtLineEnd.find(before) == kNotAtLineEnd.npos &&
         kNotAtLineStart.find(after) == kNotAtLineStart.npos;
}

// The character at `at` and its bytes. What is not UTF-8 counts byte by byte.
char32_t Decode(std::string_view text, size_t at, size_t* length) {
  const auto first = static_cast<unsigned char>(text[at]);
  *length = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (*length == 1 || at + *length > text.size()) {
    *length = 1;
    return first;
  }
  char32_t code = first & (0xFF >> (*length + 1));
  for (size_t i = 1; i < *length; ++i) {
    const auto next = static_cast<unsigned char>(text[at + i]);
    if ((next & 0xC0) != 0x80) {
      *length = 1;
      return first;
    }
    code = code << 6 | (next & 0x3F);
  }
  return code;
}

// Columns that what follows the first line is moved in by: up to the text of a list item.
size_t HangingIndent(std::string_view line) {
  const size_t spaces = std::min(line.find_first_not_of(' '), line.size());
  const std::string_view text = line.substr(spaces);
  if (text.substr(0, 2) == "- ") return spaces + 2;
  const size_t digits = text.find_first_not_of("0123456789");
  if (digits != std::string_view::npos && digits > 0 && digits <= kBulletDigitsMax && text.substr(digits, 2) == ". ") {
    return spaces + digits + 2;
  }
  return spaces;
}

class LineWrapper {
 public:
  LineWrapper(std::string_view line, size_t width, std::string* out)
      : line_(line), width_(width), indent_(std::min(HangingIndent(line), width / 2)), out_(out) {}

  void Run() {
    char32_t before = 0;
    size_t length = 0;
    for (size_t i = 0; i < line_.size(); i += length) {
      if (IsPlain(line_[i])) {
        length = PlainLength(i);
        before = U'x';
      } else if (line_[i] == ' ') {
        length = 1;
        ++columns_;
        if (before != ' ') spaces_ = i;
        if (spaces_ >= indent_ && spaces_ > start_ && i >= link_end_) Allow(spaces_, i + 1);
        before = ' ';
        continue;
      } else {
        const char32_t c = Decode(line_, i, &length);
        if (c == '<') SeeLink(i);
        if (i > indent_ && i >= link_end_ && MayBreakBetween(before, c)) Allow(i, i);
        columns_ += ColumnsOf(c);
        before = c;
      }
      if (columns_ > width_ && next_ > start_) Break();
    }
    std::string_view rest = line_.substr(start_);
    if (start_ > 0 || columns_ > width_) rest = rest.substr(0, rest.find_last_not_of(' ') + 1);
    out_->append(rest);
  }

 private:
  // Bytes of characters below U+0300, of one column each, that no line breaks at and no link begins with.
  static bool IsPlain(char byte) {
    const auto c = static_cast<unsigned char>(byte);
    return c > ' ' && c < 0xCC && c != '<';
  }

  // Counts the columns of a run of plain bytes, nearly all that mail is made of, in one go; returns its length.
  size_t PlainLength(size_t begin) {
    size_t end = begin;
    for (; end < line_.size() && IsPlain(line_[end]); ++end) columns_ += (line_[end] & 0xC0) != 0x80;
    return end - begin;
  }

  // If a link in angle brackets starts here, remembers where it ends: spaces inside do not count.
  void SeeLink(size_t i) {
    if (i < link_seen_) return;
    const std::string_view inside = line_.substr(i + 1, kLinkBytesMax);
    const size_t close = std::min(inside.find('>'), inside.size());
    const bool is_link = close < inside.size() && inside[0] != ' ' &&
                         inside.substr(0, close).find_first_of(":@") != std::string_view::npos;
    link_seen_ = i + 1 + close;  // what has been looked through is not looked through again
    if (is_link) link_end_ = link_seen_;
  }

  // The line may end at `end` and go on at `next`.
  void Allow(size_t end, size_t next) {
    break_ = end;
    next_ = next;
    columns_at_next_ = columns_;
  }

  void Break() {
    out_->append(line_, start_, break_ - start_);
    out_->append("\r\n");
    out_->append(indent_, ' ');
    start_ = next_;
    columns_ = indent_ + columns_ - columns_at_next_;
  }

  const std::string_view line_;
  const size_t width_;
  const size_t indent_;
  std::string* out_;
  size_t start_ = 0;    // of what is not written yet
  size_t columns_ = 0;  // that it takes up to here
  size_t spaces_ = 0;   // where the last run of spaces begins
  // The last place to break at: where the line ends, where the next begins (start_ or less: none), columns up to there.
  size_t break_ = 0;
  size_t next_ = 0;
  size_t columns_at_next_ = 0;
  size_t link_seen_ = 0;
  size_t link_end_ = 0;
};

}  // namespace

void WrapText(std::string* text, size_t width) {
  std::string out;
  size_t copied = 0;  // of `text`, into `out`
  for (size_t begin = 0; begin < text->size();) {
    const size_t newline = std::min(text->find('\n', begin), text->size());
    const size_t end = newline > begin && (*text)[newline - 1] == '\r' ? newline - 1 : newline;
    if (end - begin > width) {  // no character takes more columns than bytes
      out.append(*text, copied, begin - copied);
      LineWrapper(std::string_view(*text).substr(begin, end - begin), width, &out).Run();
      copied = end;
    }
    begin = newline + 1;
  }
  if (copied == 0) return;
  out.append(*text, copied);
  *text = std::move(out);
}

}  // namespace wavepost
