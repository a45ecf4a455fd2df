#include "bouncer/report/charset.h"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

struct Charset {
  std::string_view label;  // lower case, without '-', '_', ':' and spaces
  const char* name;        // for iconv; the widest of its family
};

// By label, in no order that matters. Families: what calls itself ISO 8859-1 has windows-1252's quotes, what calls
// itself GB 2312 has GBK's characters, and so on (WHATWG Encoding Standard).
constexpr std::array kCharsets = {
    Charset{"iso88591", "CP1252"},
    Charset{"latin1", "CP1252"},
    Charset{"windows1252", "CP1252"},
    Charset{"cp1252", "CP1252"},
    Charset{"ansi", "CP1252"},
    Charset{"iso88592", "ISO-8859-2"},
    Charset{"latin2", "ISO-8859-2"},
    Charset{"iso88593", "ISO-8859-3"},
    Charset{"iso88594", "ISO-8859-4"},
    Charset{"iso88595", "ISO-8859-5"},
    Charset{"iso88596", "ISO-8859-6"},
    Charset{"iso88597", "ISO-8859-7"},
    Charset{"iso88598", "ISO-8859-8"},
    Charset{"iso88598i", "ISO-8859-8"},
    Charset{"iso88599", "CP1254"},
    Charset{"latin5", "CP1254"},
    Charset{"iso885910", "ISO-8859-10"},
    Charset{"iso885911", "CP874"},
    Charset{"tis620", "CP874"},
    Charset{"windows874", "CP874"},
    Charset{"iso885913", "ISO-8859-13"},
    Charset{"iso885914", "ISO-8859-14"},
    Charset{"iso885915", "ISO-8859-15"},
    Charset{"latin9", "ISO-8859-15"},
    Charset{"iso885916", "ISO-8859-16"},
    Charset{"windows1250", "CP1250"},
    Charset{"cp1250", "CP1250"},
    Charset{"windows1251", "CP1251"},
    Charset{"cp1251", "CP1251"},
    Charset{"windows1253", "CP1253"},
    Charset{"windows1254", "CP1254"},
    Charset{"windows1255", "CP1255"},
    Charset{"windows1256", "CP1256"},
    Charset{"windows1257", "CP1257"},
    Charset{"windows1258", "CP1258"},
    Charset{"koi8r", "KOI8-R"},
    Charset{"koi8u", "KOI8-U"},
    Charset{"ibm437", "CP437"},
    Charset{"cp437", "CP437"},
    Charset{"ibm850", "CP850"},
    Charset{"cp850", "CP850"},
    Charset{"ibm852", "CP852"},
    Charset{"cp852", "CP852"},
    Charset{"ibm866", "CP866"},
    Charset{"cp866", "CP866"},
    Charset{"macintosh", "MACINTOSH"},
    Charset{"shiftjis", "CP932"},
    Charset{"sjis", "CP932"},
    Charset{"xsjis", "CP932"},
    Charset{"windows31j", "CP932"},
    Charset{"cp932", "CP932"},
    Charset{"mskanji", "CP932"},
    Charset{"eucjp", "EUC-JP-MS"},
    Charset{"xeucjp", "EUC-JP-MS"},
    Charset{"iso2022jp", "ISO-2022-JP-3"},
    Charset{"iso2022jp1", "ISO-2022-JP-3"},
    Charset{"iso2022jp2", "ISO-2022-JP-2"},
    Charset{"iso2022jp3", "ISO-2022-JP-3"},
    Charset{"iso2022jpms", "ISO-2022-JP-3"},
    Charset{"cp50220", "ISO-2022-JP-3"},
    Charset{"cp50221", "ISO-2022-JP-3"},
    Charset{"gb2312", "GB18030"},
    Charset{"xgbk", "GB18030"},
    Charset{"gbk", "GB18030"},
    Charset{"cp936", "GB18030"},
    Charset{"gb18030", "GB18030"},
    Charset{"euccn", "GB18030"},
    Charset{"hzgb2312", "HZ"},
    Charset{"big5", "BIG5-HKSCS"},
    Charset{"cnbig5", "BIG5-HKSCS"},
    Charset{"big5hkscs", "BIG5-HKSCS"},
    Charset{"cp950", "CP950"},
    Charset{"euctw", "EUC-TW"},
    Charset{"euckr", "CP949"},
    Charset{"ksc56011987", "CP949"},
    Charset{"ksc5601", "CP949"},
    Charset{"cp949", "CP949"},
    Charset{"iso2022kr", "ISO-2022-KR"},
    Charset{"utf7", "UTF-7"},
    Charset{"unicode11utf7", "UTF-7"},
    Charset{"utf16", "UTF-16"},
    Charset{"utf16le", "UTF-16LE"},
    Charset{"utf16be", "UTF-16BE"},
    Charset{"ucs2", "UTF-16"},
};

// Null: unknown, or one that needs no conversion.
const char* IconvName(std::string_view label) {
  std::string key;
  for (const char c : label.substr(0, 40)) {
    if (c == '-' || c == '_' || c == ':' || c == ' ') continue;
    key += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  }
  for (const Charset& charset : kCharsets) {
    if (charset.label == key) return charset.name;
  }
  return nullptr;
}

struct CloseIconv {
  void operator()(void* handle) const { iconv_close(handle); }
};
using Converter = std::unique_ptr<void, CloseIconv>;

// Opened once per thread and name: at most as many as the list has. Null: this machine has no such converter.
void* ConverterFor(const char* name) {
  thread_local std::map<std::string_view, Converter> converters;
  const auto found = converters.find(name);
  if (found != converters.end()) return found->second.get();
  iconv_t opened = iconv_open("UTF-8", name);
  Converter converter(opened == reinterpret_cast<iconv_t>(-1) ? nullptr : opened);  // NOLINT: iconv's own convention
  return converters.emplace(name, std::move(converter)).first->second.get();
}

// False if the machine cannot.
bool Convert(std::string_view bytes, const char* name, size_t bytes_max, std::string* out) {
  void* const converter = ConverterFor(name);
  if (converter == nullptr) return false;
  iconv(converter, nullptr, nullptr, nullptr, nullptr);
  char* in = const_cast<char*>(bytes.data());  // NOLINT: iconv does not write there
  size_t in_left = bytes.size();
  std::array<char, 4096> buffer;
  while (in_left > 0 && out->size() < bytes_max) {
    char* to = buffer.data();
    size_t to_left = buffer.size();
    const size_t result = iconv(converter, &in, &in_left, &to, &to_left);
    const int error = errno;
    out->append(buffer.data(), buffer.size() - to_left);
    if (result != static_cast<size_t>(-1) || error == E2BIG) continue;
    // A byte that means nothing, or a character that is cut off at the end: both cost one byte.
    *out += kReplacement;
    ++in;
    --in_left;
  }
  return true;
}

bool HasJapaneseEscapes(std::string_view bytes) {
  return bytes.find("\x1b$B") != std::string_view::npos || bytes.find("\x1b$@") != std::string_view::npos;
}

bool IsAscii(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return static_cast<uint8_t>(c) < 0x80; });
}

// At most `bytes_max`, cut between characters.
std::string_view Head(std::string_view utf8, size_t bytes_max) {
  if (utf8.size() <= bytes_max) return utf8;
  while (bytes_max > 0 && (static_cast<uint8_t>(utf8[bytes_max]) & 0xC0) == 0x80) --bytes_max;
  return utf8.substr(0, bytes_max);
}

}  // namespace

void AppendUtf8(char32_t c, std::string* out) {
  if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) c = 0xFFFD;
  const auto tail = [&](int shift) { out->push_back(static_cast<char>(0x80 | (c >> shift & 0x3F))); };
  if (c < 0x80) {
    out->push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out->push_back(static_cast<char>(0xC0 | c >> 6));
    tail(0);
  } else if (c < 0x10000) {
    out->push_back(static_cast<char>(0xE0 | c >> 12));
    tail(6);
    tail(0);
  } else {
    out->push_back(static_cast<char>(0xF0 | c >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

std::string ToUtf8(std::string_view bytes, std::string_view charset, size_t bytes_max) {
  const char* name = IconvName(charset);
  const bool ascii = IsAscii(bytes);
  if (ascii && HasJapaneseEscapes(bytes)) {
    if (name == nullptr || !std::string_view(name).starts_with("ISO-2022-JP")) name = "ISO-2022-JP-3";
  } else if (ascii) {
    // Seven bits that mean something else than ASCII.
    constexpr std::array<std::string_view, 5> kSevenBits = {"ISO-2022-JP-2", "ISO-2022-JP-3", "ISO-2022-KR", "HZ",
                                                            "UTF-7"};
    if (name == nullptr || (std::find(kSevenBits.begin(), kSevenBits.end(), name) == kSevenBits.end() &&
                            !std::string_view(name).starts_with("UTF-16"))) {
      return std::string(Head(bytes, bytes_max));
    }
  } else if ((name == nullptr || !std::string_view(name).starts_with("UTF-16")) && IsUtf8(bytes)) {
    return std::string(Head(bytes, bytes_max));
  }
  std::string out;
  if (name == nullptr || !Convert(bytes, name, bytes_max, &out)) {
    out.clear();
    if (!Convert(bytes, "CP1252", bytes_max, &out)) out = Printable(bytes, bytes_max);
  }
  return std::string(Head(out, bytes_max));
}

}  // namespace wavepost
