#include "cli/zone.h"

#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "common/base/strings.h"

namespace wavepost::cli {
namespace {

constexpr int kTtlSeconds = 3600;  // short enough that a mistake is soon over

void AppendEscaped(char c, std::string* out) {
  absl::StrAppendFormat(out, "\\%03d", static_cast<int>(static_cast<unsigned char>(c)));
}

// A domain name with its final dot.
std::string Absolute(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == '_' || c == '*') {
      out += c;
    } else {
      AppendEscaped(c, &out);
    }
  }
  if (out.empty() || out.back() != '.') out += '.';
  return out;
}

std::string Quoted(std::string_view text) {
  std::string out;
  do {
    const std::string_view piece = text.substr(0, kTxtStringBytesMax);
    text.remove_prefix(piece.size());
    out += out.empty() ? "\"" : " \"";
    for (const char c : piece) {
      if (c == '"' || c == '\\') {
        out += '\\';
        out += c;
      } else if (c >= ' ' && c <= '~') {
        out += c;
      } else {
        AppendEscaped(c, &out);
      }
    }
    out += '"';
  } while (!text.empty());
  return out;
}

// "10 mx.example.com": words, of which the last is a name.
std::string Words(std::string_view data) {
  std::string out;
  const std::vector<absl::string_view> words = absl::StrSplit(Av(data), ' ', absl::SkipEmpty());
  for (size_t i = 0; i < words.size(); ++i) {
    std::string word = Absolute(Sv(words[i]));
    if (i + 1 < words.size()) word.pop_back();
    absl::StrAppend(&out, i > 0 ? " " : "", word);
  }
  return out;
}

}  // namespace

std::string ZoneLine(const v1::DnsRecord& record) {
  std::string type;
  for (const char c : record.type()) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c))) type += c;
  }
  return absl::StrCat(Absolute(record.owner()), " ", kTtlSeconds, " IN ", type, " ",
                      type == "TXT" ? Quoted(record.data()) : Words(record.data()), "\n");
}

}  // namespace wavepost::cli
