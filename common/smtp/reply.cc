#include "common/smtp/reply.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr size_t kTextBytesMax = 1024;

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsWordByte(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Reads "5.1.1" at text[at]; sets *end behind it. Not present unless a code stands there and ends there.
EnhancedCode ReadCode(std::string_view text, size_t at, size_t* end) {
  int parts[3] = {0, 0, 0};
  size_t i = at;
  for (int part = 0; part < 3; ++part) {
    const size_t start = i;
    while (i < text.size() && IsDigit(text[i]) && i - start < 3) parts[part] = parts[part] * 10 + (text[i++] - '0');
    if (i == start) return {};
    if (part < 2 && (i >= text.size() || text[i++] != '.')) return {};
  }
  if (parts[0] != 2 && parts[0] != 4 && parts[0] != 5) return {};
  if (text[at] == '0' || text[at + 1] != '.') return {};  // the class has one digit
  if (i < text.size() && IsWordByte(text[i])) return {};
  if (i + 1 < text.size() && text[i] == '.' && IsDigit(text[i + 1])) return {};  // an IP address or version
  *end = i;
  return {parts[0], parts[1], parts[2]};
}

// The three digits of a reply code at the start of `line`, or 0.
int ReadReplyCode(std::string_view line) {
  if (line.size() < 3 || line[0] < '2' || line[0] > '5' || !IsDigit(line[1]) || !IsDigit(line[2])) return 0;
  if (line.size() > 3 && IsDigit(line[3])) return 0;
  return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

// What follows the code and its separator.
std::string_view AfterCode(std::string_view line) {
  line.remove_prefix(3);
  if (!line.empty() && (line[0] == ' ' || line[0] == '-' || line[0] == '\t')) line.remove_prefix(1);
  return line;
}

std::string_view TrimLeft(std::string_view s) {
  while (!s.empty() && (s[0] == ' ' || s[0] == '\t')) s.remove_prefix(1);
  return s;
}

}  // namespace

std::string EnhancedCode::ToString() const {
  return present() ? absl::StrCat(klass, ".", subject, ".", detail) : std::string();
}

EnhancedCode EnhancedCode::Parse(std::string_view text) {
  text = TrimLeft(text);
  if (text.starts_with('#')) text.remove_prefix(1);
  size_t end = 0;
  return ReadCode(text, 0, &end);
}

EnhancedCode EnhancedCode::Find(std::string_view text, int klass) {
  for (size_t i = 0; i + 4 < text.size(); ++i) {
    if (text[i] != '0' + klass || text[i + 1] != '.') continue;
    if (i > 0 && (IsWordByte(text[i - 1]) || text[i - 1] == '.' || text[i - 1] == '-' || text[i - 1] == '/')) continue;
    size_t end = 0;
    const EnhancedCode code = ReadCode(text, i, &end);
    if (code.present()) return code;
  }
  return {};
}

std::string Reply::Text() const {
  std::string joined;
  for (const std::string& line : lines) {
    std::string_view text = TrimLeft(line);
    if (!joined.empty()) {
      size_t end = 0;
      if (enhanced.present() && ReadCode(text, 0, &end) == enhanced) text = TrimLeft(text.substr(end));
      if (text.empty()) continue;
      joined += ' ';
    }
    joined += text;
    if (joined.size() > 2 * kTextBytesMax) break;
  }
  return Printable(joined, kTextBytesMax);
}

Reply MakeReply(int code, std::string_view text) {
  Reply reply;
  reply.code = code;
  reply.enhanced = EnhancedCode::Parse(text);
  reply.lines.emplace_back(text.substr(0, ReplyParser::kLineBytesMax));
  return reply;
}

std::optional<Reply> ReplyFromText(std::string_view text) {
  std::optional<Reply> reply;
  size_t lines = 0;
  while (!text.empty() && lines < ReplyParser::kLinesMax) {
    const size_t lf = text.find('\n');
    std::string_view line = text.substr(0, lf);
    text = lf == std::string_view::npos ? std::string_view() : text.substr(lf + 1);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    line = TrimLeft(line);
    const int code = ReadReplyCode(line);
    if (!reply) {
      if (code == 0) return std::nullopt;
      reply.emplace();
      reply->code = code;
    }
    const std::string_view rest = code == reply->code ? AfterCode(line) : line;
    reply->lines.emplace_back(rest.substr(0, ReplyParser::kLineBytesMax));
    ++lines;
  }
  if (reply) {
    std::string_view first = TrimLeft(reply->lines.front());
    if (first.starts_with(": ")) first = first.substr(2);  // "550: 5.1.1 ..."
    reply->enhanced = EnhancedCode::Parse(first);
  }
  return reply;
}

absl::Status ReplyParser::Feed(std::string_view bytes) {
  if (!error_.ok()) return error_;
  while (!bytes.empty()) {
    const size_t lf = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, lf);
    if (line_.size() + piece.size() > kLineBytesMax) {
      return error_ = absl::InvalidArgumentError(absl::StrCat("reply line longer than ", kLineBytesMax, " bytes"));
    }
    line_ += piece;
    if (lf == std::string_view::npos) return absl::OkStatus();
    bytes.remove_prefix(lf + 1);
    if (error_ = TakeLine(); !error_.ok()) return error_;
    line_.clear();
  }
  return absl::OkStatus();
}

absl::Status ReplyParser::TakeLine() {
  std::string_view line = line_;
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.find('\0') != std::string_view::npos) return absl::InvalidArgumentError("NUL in a reply line");
  if (line.find('\r') != std::string_view::npos) return absl::InvalidArgumentError("lone CR in a reply line");
  const int code = ReadReplyCode(line);
  if (code == 0) {
    return absl::InvalidArgumentError(absl::StrCat("not an SMTP reply: \"", Printable(line, 80), "\""));
  }
  if (partial_.lines.empty()) {
    partial_.code = code;
  } else if (code != partial_.code) {
    return absl::InvalidArgumentError(absl::StrCat("code ", code, " within a reply ", partial_.code));
  }
  if (partial_.lines.size() >= kLinesMax) {
    return absl::InvalidArgumentError(absl::StrCat("reply of more than ", kLinesMax, " lines"));
  }
  const bool last = line.size() < 4 || line[3] != '-';
  const std::string_view text = AfterCode(line);
  if (partial_.lines.empty()) partial_.enhanced = EnhancedCode::Parse(text);
  partial_.lines.emplace_back(text);
  if (!last) return absl::OkStatus();
  if (ready_.size() >= kRepliesWaitingMax) return absl::InvalidArgumentError("more replies than anybody asked for");
  ready_.push_back(std::exchange(partial_, Reply()));
  return absl::OkStatus();
}

std::optional<Reply> ReplyParser::Next() {
  if (ready_.empty()) return std::nullopt;
  std::optional<Reply> reply = std::move(ready_.front());
  ready_.pop_front();
  return reply;
}

}  // namespace wavepost
