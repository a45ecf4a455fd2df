#include "common/smtp/compose.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr size_t kNameBytesMax = 255;  // RFC 5321 4.5.3.1.2
constexpr size_t kPathBytesMax = 512;  // RFC 5321 4.5.3.1.3 allows 256; a VERP path with a quoted part may need more
constexpr size_t kEnvelopeIdBytesMax = 100;  // RFC 3461 4.4

bool IsControl(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

absl::StatusOr<std::string> Hello(std::string_view verb, std::string_view name) {
  if (name.empty() || name.size() > kNameBytesMax) return absl::InvalidArgumentError("EHLO name is empty or too long");
  for (char c : name) {
    if (IsControl(c) || c == ' ' || static_cast<unsigned char>(c) >= 0x80) {
      return absl::InvalidArgumentError("EHLO name holds a space, a control character or a byte beyond ASCII");
    }
  }
  return absl::StrCat(Av(verb), " ", Av(name), "\r\n");
}

// Refuses whatever would let an address end its brackets or its line.
absl::Status CheckPath(std::string_view path, bool utf8_allowed) {
  if (path.size() > kPathBytesMax) return absl::InvalidArgumentError("address is too long for a command line");
  bool quoted = false;
  for (size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    if (IsControl(c)) return absl::InvalidArgumentError("address holds a control character");
    if (static_cast<unsigned char>(c) >= 0x80) {
      if (!utf8_allowed) return absl::InvalidArgumentError("address beyond ASCII without SMTPUTF8");
    } else if (quoted) {
      if (c == '\\') {
        if (++i == path.size() || IsControl(path[i]))
          return absl::InvalidArgumentError("address ends within its quotes");
      } else if (c == '"') {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == ' ' || c == '<' || c == '>') {
      return absl::InvalidArgumentError("address holds a space or a bracket outside quotes");
    }
  }
  if (quoted) return absl::InvalidArgumentError("address ends within its quotes");
  if (!IsUtf8(path)) return absl::InvalidArgumentError("address is not UTF-8");
  return absl::OkStatus();
}

// RFC 3461 section 4: printable ASCII stays, "+", "=" and the rest become "+XX".
void AppendXtext(std::string_view text, std::string* out) {
  constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : text) {
    if (c > ' ' && c < 0x7f && c != '+' && c != '=') {
      out->push_back(c);
    } else {
      out->push_back('+');
      out->push_back(kHex[static_cast<unsigned char>(c) >> 4]);
      out->push_back(kHex[static_cast<unsigned char>(c) & 15]);
    }
  }
}

// RFC 6533 section 3, utf-8-addr-xtext: as ASCII, code points that may not stand for themselves as "\x{HEX}".
void AppendUtf8AddressXtext(std::string_view text, std::string* out) {
  size_t i = 0;
  while (i < text.size()) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    if (c > ' ' && c < 0x7f && c != '+' && c != '=' && c != '\\') {
      out->push_back(text[i++]);
      continue;
    }
    const size_t length = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;  // valid UTF-8: CheckPath has seen to it
    uint32_t point = length == 1 ? c : c & (0x7fu >> length);
    for (size_t k = 1; k < length; ++k) point = point << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3fu);
    absl::StrAppend(out, "\\x{", absl::AsciiStrToUpper(absl::StrCat(absl::Hex(point))), "}");
    i += length;
  }
}

bool IsEnvelopeId(std::string_view id) {
  if (id.empty() || id.size() > kEnvelopeIdBytesMax) return false;
  for (const char c : id) {
    if (c < ' ' || c > '~') return false;
  }
  return true;
}

void AppendLines(std::string_view message, bool stuff, std::string* out) {
  out->reserve(out->size() + message.size() + message.size() / 32 + 8);
  bool line_start = true;
  size_t i = 0;
  while (i < message.size()) {
    if (stuff && line_start && message[i] == '.') out->push_back('.');
    const size_t end = message.find_first_of("\r\n", i);
    if (end == std::string_view::npos) {
      out->append(message.substr(i));
      line_start = false;
      break;
    }
    out->append(message.substr(i, end - i));
    out->append("\r\n");
    line_start = true;
    i = end + (message[end] == '\r' && end + 1 < message.size() && message[end + 1] == '\n' ? 2 : 1);
  }
  if (!line_start || message.empty()) out->append("\r\n");
}

}  // namespace

absl::StatusOr<std::string> EhloCommand(std::string_view name) {
  return Hello("EHLO", name);
}
absl::StatusOr<std::string> HeloCommand(std::string_view name) {
  return Hello("HELO", name);
}

absl::StatusOr<std::string> MailCommand(std::string_view return_path, const MailOptions& options) {
  if (absl::Status status = CheckPath(return_path, options.smtputf8); !status.ok()) return status;
  std::string line = absl::StrCat("MAIL FROM:<", Av(return_path), ">");
  if (options.size) absl::StrAppend(&line, " SIZE=", *options.size);
  if (options.body_8bit) line += " BODY=8BITMIME";
  if (options.smtputf8) line += " SMTPUTF8";
  if (options.dsn) {
    line += " RET=HDRS";
    if (IsEnvelopeId(options.envelope_id)) {
      line += " ENVID=";
      AppendXtext(options.envelope_id, &line);
    }
  }
  line += "\r\n";
  return line;
}

absl::StatusOr<std::string> RcptCommand(std::string_view address, bool dsn) {
  if (address.empty()) return absl::InvalidArgumentError("recipient address is empty");
  if (absl::Status status = CheckPath(address, /*utf8_allowed=*/true); !status.ok()) return status;
  std::string line = absl::StrCat("RCPT TO:<", Av(address), ">");
  if (dsn) {
    const bool ascii = std::all_of(address.begin(), address.end(), [](char c) { return (c & 0x80) == 0; });
    line += " NOTIFY=FAILURE ORCPT=";
    if (ascii) {
      line += "rfc822;";
      AppendXtext(address, &line);
    } else {
      line += "utf-8;";
      AppendUtf8AddressXtext(address, &line);
    }
  }
  line += "\r\n";
  return line;
}

std::string BdatCommand(uint64_t bytes, bool last) {
  return absl::StrCat("BDAT ", bytes, last ? " LAST\r\n" : "\r\n");
}

void AppendCanonical(std::string_view message, std::string* out) {
  AppendLines(message, /*stuff=*/false, out);
}

std::string Canonical(std::string message) {
  if (ScanForWire(message).canonical) return message;
  std::string out;
  AppendCanonical(message, &out);
  return out;
}

WireScan ScanForWire(std::string_view message) {
  WireScan scan;
  const char* const begin = message.data();
  const char* const end = begin + message.size();
  for (const char* line = begin; line < end;) {
    if (*line == '.' && scan.first_dot == std::string_view::npos) scan.first_dot = static_cast<size_t>(line - begin);
    const char* cr = static_cast<const char*>(std::memchr(line, '\r', static_cast<size_t>(end - line)));
    if (cr == nullptr || cr + 1 == end || cr[1] != '\n') return scan;
    if (std::memchr(line, '\n', static_cast<size_t>(cr - line)) != nullptr) return scan;
    line = cr + 2;
  }
  scan.canonical = !message.empty();
  return scan;
}

void AppendStuffed(std::string_view canonical, size_t first_dot, std::string* out) {
  out->reserve(out->size() + canonical.size() + canonical.size() / 32 + 8);
  size_t done = 0;
  size_t dot = first_dot;
  while (dot != std::string_view::npos) {  // `dot` stands at the start of a line
    out->append(canonical, done, dot - done);
    out->push_back('.');
    done = dot;
    dot = canonical.find("\n.", dot);
    if (dot != std::string_view::npos) ++dot;
  }
  out->append(canonical, done);
}

void AppendDotStuffed(std::string_view message, std::string* out) {
  AppendLines(message, /*stuff=*/true, out);
  out->append(".\r\n");
}

std::string DotStuffed(std::string_view message) {
  std::string out;
  AppendDotStuffed(message, &out);
  return out;
}

}  // namespace wavepost
