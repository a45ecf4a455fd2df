#include "bouncer/report/header_block.h"

#include <algorithm>
#include <optional>

#include "bouncer/report/charset.h"
#include "common/base/base64.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr size_t kNameBytesMax = 76;

bool IsSpace(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::string UndoQ(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '_') {
      out += ' ';
    } else if (text[i] == '=' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 && HexDigit(text[i + 2]) >= 0) {
      out += static_cast<char>(HexDigit(text[i + 1]) << 4 | HexDigit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// Many forget the padding, or cut it off.
std::string UndoB(std::string_view text) {
  std::string clean;
  for (const char c : text) {
    if (!IsSpace(c) && c != '=') clean += c;
  }
  if (clean.size() % 4 == 1) clean.pop_back();
  while (clean.size() % 4 != 0) clean += '=';
  return Base64Decode(clean).value_or("");
}

struct EncodedWord {
  std::string_view charset;
  std::string bytes;
  size_t length;  // of the word in the field
};

// At the start of `text`: =?charset?B?...?=
std::optional<EncodedWord> ReadEncodedWord(std::string_view text) {
  if (text.substr(0, 2) != "=?") return std::nullopt;
  const size_t charset_end = text.substr(0, 60).find('?', 2);
  if (charset_end == std::string_view::npos || charset_end + 2 >= text.size() || text[charset_end + 2] != '?') {
    return std::nullopt;
  }
  const char encoding = static_cast<char>(text[charset_end + 1] | 0x20);
  const size_t start = charset_end + 3;
  const size_t end = text.find("?=", start);
  if ((encoding != 'b' && encoding != 'q') || end == std::string_view::npos) return std::nullopt;
  std::string_view charset = text.substr(2, charset_end - 2);
  charset = charset.substr(0, charset.find('*'));  // RFC 2231 section 5: "utf-8*de"
  const std::string_view content = text.substr(start, end - start);
  return EncodedWord{charset, encoding == 'b' ? UndoB(content) : UndoQ(content), end + 2};
}

// Characters are cut between words by careless senders, so neighbours in one charset are joined as bytes.
std::string UndoEncodedWords(std::string_view text, size_t bytes_max) {
  std::string out;
  std::string_view charset;
  std::string pending;  // bytes in `charset`
  const auto flush = [&] {
    out += ToUtf8(pending, charset, bytes_max);
    pending.clear();
  };
  size_t pos = 0;
  size_t words_left = 200;
  while (pos < text.size() && out.size() < bytes_max) {
    size_t start = text.find("=?", pos);
    if (start == std::string_view::npos || words_left == 0) start = text.size();
    const std::string_view between = text.substr(pos, start - pos);
    const bool only_space = std::all_of(between.begin(), between.end(), IsSpace);
    const auto word = start < text.size() ? ReadEncodedWord(text.substr(start)) : std::nullopt;
    if (!pending.empty() && (!only_space || !word || !EqualsIgnoreCase(word->charset, charset))) flush();
    // White space between two words is not part of the text (RFC 2047 section 6.2).
    const bool between_words = only_space && pos > 0 && word.has_value();
    if (!between_words) out += between;
    if (!word) {
      if (start < text.size()) out += "=?";
      pos = std::min(start + 2, text.size());
      continue;
    }
    --words_left;
    charset = word->charset;
    pending += word->bytes;
    pos = start + word->length;
  }
  flush();
  return out;
}

std::string_view Trim(std::string_view s) {
  while (!s.empty() && IsSpace(s.front())) s.remove_prefix(1);
  while (!s.empty() && IsSpace(s.back())) s.remove_suffix(1);
  return s;
}

}  // namespace

std::string_view HeaderFields::Get(std::string_view name) const {
  for (const HeaderField& field : fields) {
    if (field.name == name) return field.value;
  }
  return {};
}

bool HeaderFields::Has(std::string_view name) const {
  return std::any_of(fields.begin(), fields.end(), [name](const HeaderField& field) { return field.name == name; });
}

std::string DecodeHeaderValue(std::string_view raw, size_t bytes_max) {
  raw = Trim(raw).substr(0, 4 * bytes_max);
  // Nearly all fields need nothing of what follows.
  const bool plain = raw.size() <= bytes_max && raw.find("=?") == std::string_view::npos &&
                     std::all_of(raw.begin(), raw.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (plain) return std::string(raw);
  std::string line;
  line.reserve(raw.size());
  for (const char c : raw) {
    // Unfolded: the line end goes, the white space behind it stays.
    if (c != '\r' && c != '\n') line += c;
  }
  if (line.find("=?") != std::string::npos) line = UndoEncodedWords(line, bytes_max);
  if (!IsUtf8(line)) line = ToUtf8(line, "", bytes_max);
  return Printable(line, bytes_max);
}

bool AddHeaderField(std::string_view name, std::string_view raw, HeaderFields* fields) {
  if (fields->fields.size() >= kHeaderFieldsMax) return false;
  fields->fields.push_back({AsciiLower(name), DecodeHeaderValue(raw, kHeaderValueBytesMax)});
  return true;
}

bool IsHeaderLine(std::string_view line) {
  const size_t colon = line.substr(0, kNameBytesMax + 1).find(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  for (const char c : line.substr(0, colon)) {
    if (c <= ' ' || c > '~') return false;
  }
  return line.substr(colon, 3) != "://";
}

size_t ReadHeaderBlock(std::string_view text, HeaderFields* fields, bool* complete) {
  size_t pos = 0;
  size_t field_start = std::string_view::npos;
  bool any = false;
  const auto flush = [&](size_t end) {
    if (field_start == std::string_view::npos) return;
    const std::string_view field = text.substr(field_start, end - field_start);
    const size_t colon = field.find(':');
    if (!AddHeaderField(field.substr(0, colon), field.substr(colon + 1), fields) && complete != nullptr) {
      *complete = false;
    }
    field_start = std::string_view::npos;
  };
  while (pos < text.size()) {
    size_t end = text.find('\n', pos);
    end = end == std::string_view::npos ? text.size() : end + 1;
    const std::string_view line = text.substr(pos, end - pos);
    if (Trim(line).empty()) {
      if (any) {
        flush(pos);
        return end;
      }
    } else if (line[0] == ' ' || line[0] == '\t') {
      // Continues the field, if there is one.
    } else {
      flush(pos);
      if (IsHeaderLine(line)) {
        field_start = pos;
        any = true;
      } else if (!any) {
        return 0;
      }
    }
    pos = end;
  }
  flush(text.size());
  return any ? pos : 0;
}

}  // namespace wavepost
