#include "common/smtp/compose.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr size_t kNameBytesMax = 255;  // RFC 5321 4.5.3.1.2
constexpr size_t kPathBytesMax = 512;  // RFC 5321 4.5.3.1.3 allows 256; a VERP path with a quoted part may need more

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
  line += "\r\n";
  return line;
}

absl::StatusOr<std::string> RcptCommand(std::string_view address) {
  if (address.empty()) return absl::InvalidArgumentError("recipient address is empty");
  if (absl::Status status = CheckPath(address, /*utf8_allowed=*/true); !status.ok()) return status;
  return absl::StrCat("RCPT TO:<", Av(address), ">\r\n");
}

std::string BdatCommand(uint64_t bytes, bool last) {
  return absl::StrCat("BDAT ", bytes, last ? " LAST\r\n" : "\r\n");
}

void AppendCanonical(std::string_view message, std::string* out) {
  AppendLines(message, /*stuff=*/false, out);
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
