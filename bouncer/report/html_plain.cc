#include "bouncer/report/html_plain.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "bouncer/report/charset.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

// The references that mail programs write; all others are as rare as they are useless to rules.
constexpr std::array<std::pair<std::string_view, char32_t>, 46> kReferences = {{
    {"amp", '&'},      {"lt", '<'},        {"gt", '>'},       {"quot", '"'},     {"apos", '\''},    {"nbsp", ' '},
    {"auml", 0xE4},    {"ouml", 0xF6},     {"uuml", 0xFC},    {"Auml", 0xC4},    {"Ouml", 0xD6},    {"Uuml", 0xDC},
    {"szlig", 0xDF},   {"eacute", 0xE9},   {"egrave", 0xE8},  {"ecirc", 0xEA},   {"euml", 0xEB},    {"Eacute", 0xC9},
    {"agrave", 0xE0},  {"aacute", 0xE1},   {"acirc", 0xE2},   {"atilde", 0xE3},  {"aring", 0xE5},   {"ccedil", 0xE7},
    {"iacute", 0xED},  {"icirc", 0xEE},    {"iuml", 0xEF},    {"oacute", 0xF3},  {"ocirc", 0xF4},   {"otilde", 0xF5},
    {"ograve", 0xF2},  {"oslash", 0xF8},   {"uacute", 0xFA},  {"ugrave", 0xF9},  {"ucirc", 0xFB},   {"ntilde", 0xF1},
    {"Agrave", 0xC0},  {"hellip", 0x2026}, {"ndash", 0x2013}, {"mdash", 0x2014}, {"lsquo", 0x2018}, {"rsquo", 0x2019},
    {"ldquo", 0x201C}, {"rdquo", 0x201D},  {"laquo", 0xAB},   {"raquo", 0xBB},
}};

constexpr std::array<std::string_view, 26> kBlocks = {
    "br", "p",  "div", "tr", "li", "ul", "ol",      "table",   "h1",     "h2",     "h3",         "h4",   "h5",
    "h6", "hr", "pre", "dl", "dt", "dd", "section", "article", "header", "footer", "blockquote", "body", "title"};
constexpr std::array<std::string_view, 3> kNotShown = {"style", "script", "template"};

template <size_t n>
bool Has(const std::array<std::string_view, n>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

class Writer {
 public:
  explicit Writer(size_t bytes_max) : bytes_max_(bytes_max) {}

  void Text(std::string_view text) {
    for (const char c : text) Character(c);
  }
  void Reference(char32_t c) {
    if (c == ' ' || c == 0xA0) {
      Character(' ');
    } else {
      std::string bytes;
      AppendUtf8(c, &bytes);
      Append(bytes);
    }
  }
  void Break() {
    space_ = false;
    if (!out_.empty() && out_.back() != '\n') out_ += '\n';
  }
  void Space() { space_ = true; }
  void set_preformatted(bool preformatted) { preformatted_ = preformatted; }
  bool full() const { return out_.size() + 8 > bytes_max_; }
  std::string Take() { return std::move(out_); }

 private:
  void Character(char c) {
    if (preformatted_ && c == '\n') {
      out_ += c;
    } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      space_ = true;
    } else {
      Append(std::string_view(&c, 1));
    }
  }
  void Append(std::string_view bytes) {
    if (full()) return;
    if (space_ && !out_.empty() && out_.back() != '\n') out_ += ' ';
    space_ = false;
    out_ += bytes;
  }

  const size_t bytes_max_;
  std::string out_;
  bool space_ = false;
  bool preformatted_ = false;
};

// Reads the reference at the start of `text` ("&auml;"); returns its length, or 0 if it is none.
size_t ReadReference(std::string_view text, char32_t* character) {
  const size_t end = text.substr(0, 12).find(';');
  if (end == std::string_view::npos || end < 2) return 0;
  std::string_view name = text.substr(1, end - 1);
  if (name[0] != '#') {
    for (const auto& [known, c] : kReferences) {
      if (known != name) continue;
      *character = c;
      return end + 1;
    }
    return 0;
  }
  name.remove_prefix(1);
  const bool hex = !name.empty() && (name[0] | 0x20) == 'x';
  if (hex) name.remove_prefix(1);
  if (name.empty()) return 0;
  uint32_t value = 0;
  for (const char c : name) {
    const char lower = static_cast<char>(c | 0x20);
    uint32_t digit = 16;
    if (c >= '0' && c <= '9') digit = static_cast<uint32_t>(c - '0');
    if (hex && lower >= 'a' && lower <= 'f') digit = static_cast<uint32_t>(lower - 'a' + 10);
    if (digit >= (hex ? 16U : 10U)) return 0;
    value = std::min<uint32_t>(value * (hex ? 16 : 10) + digit, 0x110000);
  }
  *character = value < 0x20 ? ' ' : value;
  return end + 1;
}

// Behind the tag that starts at `pos` ('<'). A quote that is never closed ends with the tag's first '>'.
size_t EndOfTag(std::string_view html, size_t pos) {
  char quote = 0;
  const size_t limit = std::min(html.size(), pos + 512);  // so that open quotes cannot make it slow
  for (size_t i = pos + 1; i < limit; ++i) {
    const char c = html[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '>') {
      return i + 1;
    } else if ((c == '"' || c == '\'') && html[i - 1] == '=') {
      quote = c;
    }
  }
  const size_t end = html.find('>', pos);
  return end == std::string_view::npos ? html.size() : end + 1;
}

// Behind "</name", searched from `pos`.
size_t BehindClosing(std::string_view html, size_t pos, std::string_view name) {
  for (size_t i = html.find("</", pos); i != std::string_view::npos; i = html.find("</", i + 2)) {
    if (StartsWithIgnoreCase(html.substr(i + 2), name)) return EndOfTag(html, i);
  }
  return html.size();
}

}  // namespace

std::string PlainFromHtml(std::string_view html, size_t bytes_max) {
  Writer writer(bytes_max);
  size_t pos = 0;
  while (pos < html.size() && !writer.full()) {
    const size_t next = html.find_first_of("<&", pos);
    writer.Text(html.substr(pos, next == std::string_view::npos ? next : next - pos));
    if (next == std::string_view::npos) break;
    pos = next;
    if (html[pos] == '&') {
      char32_t character = 0;
      const size_t length = ReadReference(html.substr(pos), &character);
      if (length == 0) {
        writer.Text("&");
        ++pos;
      } else {
        writer.Reference(character);
        pos += length;
      }
      continue;
    }
    if (html.substr(pos, 4) == "<!--") {
      const size_t end = html.find("-->", pos + 4);
      pos = end == std::string_view::npos ? html.size() : end + 3;
      continue;
    }
    size_t name_start = pos + 1;
    const bool closing = name_start < html.size() && html[name_start] == '/';
    if (closing) ++name_start;
    size_t name_end = name_start;
    while (name_end < html.size() && name_end < name_start + 12 &&
           (((html[name_end] | 0x20) >= 'a' && (html[name_end] | 0x20) <= 'z') ||
            (html[name_end] >= '0' && html[name_end] <= '9'))) {
      ++name_end;
    }
    const char after = name_end < html.size() ? html[name_end] : '>';
    const bool is_mark = name_start < html.size() && (html[name_start] == '!' || html[name_start] == '?');
    // "<a@b.example>" and "a < b" are text that somebody forgot to escape.
    if (!is_mark && (name_end == name_start || std::string_view(" \t\r\n/>:-").find(after) == std::string_view::npos)) {
      writer.Text("<");
      ++pos;
      continue;
    }
    const std::string name = AsciiLower(html.substr(name_start, name_end - name_start));
    pos = !closing && Has(kNotShown, name) ? BehindClosing(html, name_end, name) : EndOfTag(html, pos);
    if (name == "pre") writer.set_preformatted(!closing);
    if (Has(kBlocks, name)) {
      writer.Break();
    } else if (name == "td" || name == "th") {
      writer.Space();
    }
  }
  return writer.Take();
}

bool LooksLikeHtml(std::string_view text) {
  const size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return false;
  text.remove_prefix(start);
  return StartsWithIgnoreCase(text, "<!doctype html") || StartsWithIgnoreCase(text, "<html") ||
         StartsWithIgnoreCase(text, "<head") || StartsWithIgnoreCase(text, "<body");
}

}  // namespace wavepost
