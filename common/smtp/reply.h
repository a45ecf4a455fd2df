// SMTP replies (RFC 5321 section 4.2): from bytes to a code and its text lines. Knows nothing of sockets.
//
// The peer is hostile: every limit below holds whatever it sends, and what it wrote is made printable before people see
// it.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace wavepost {

// Enhanced status code, RFC 3463: class.subject.detail. klass 0 means that there is none.
struct EnhancedCode {
  int klass = 0;    // 2, 4 or 5
  int subject = 0;  // 0..999
  int detail = 0;   // 0..999

  bool present() const { return klass != 0; }
  // "5.1.1"; empty when there is none.
  std::string ToString() const;

  // Reads a code at the very start of `text` ("5.1.1 no such user", also "#5.1.1"). Not present when there is none.
  static EnhancedCode Parse(std::string_view text);
  // Finds the first code of class `klass` anywhere in `text`; never takes a part of an IP address or version for one.
  static EnhancedCode Find(std::string_view text, int klass);

  friend bool operator==(const EnhancedCode&, const EnhancedCode&) = default;
};

struct Reply {
  int code = 0;           // 200..599
  EnhancedCode enhanced;  // of the first line; may contradict `code`, which then rules
  std::vector<std::string>
      lines;  // what follows the code and separator, raw bytes, enhanced code still in it; never empty

  bool positive() const { return code >= 200 && code < 300; }
  bool intermediate() const { return code >= 300 && code < 400; }
  bool transient() const { return code >= 400 && code < 500; }
  bool permanent() const { return code >= 500 && code < 600; }

  // The lines joined by a space, printable (no control characters, valid UTF-8), at most 1024 bytes. Repeated enhanced
  // codes at the start of later lines are dropped.
  std::string Text() const;
};

// A one-line reply as a test, a diagnostic field or a connection failure has it. Takes the enhanced code from `text`.
Reply MakeReply(int code, std::string_view text);

// "550-5.1.1 no\r\n550 5.1.1 such user", "smtp; 550 5.1.1 ..." without the type, on one line or several. Nothing when
// the text does not start with a reply code. Lenient: for diagnostic texts in reports, not for the wire.
std::optional<Reply> ReplyFromText(std::string_view text);

// Collects replies from a byte stream, cut anywhere. Not thread-safe.
class ReplyParser {
 public:
  static constexpr size_t kLineBytesMax = 2048;       // RFC 5321 4.5.3.1.5 asks for 512
  static constexpr size_t kLinesMax = 128;            // of one reply
  static constexpr size_t kRepliesWaitingMax = 1024;  // complete replies that nobody took yet

  // Takes bytes as they came. Lines end with CRLF; a lone LF is taken too, as old servers send it.
  //
  // kInvalidArgument: not an SMTP reply (no code, another code in the middle of a reply, NUL, lone CR) or over a limit.
  // The error stays: the stream has lost its frame and the connection must be dropped. Replies completed before the
  // error can still be taken.
  absl::Status Feed(std::string_view bytes);

  // The oldest complete reply, or nothing.
  std::optional<Reply> Next();

  // What Feed said last: the error that stays.
  const absl::Status& status() const { return error_; }

  // True if Next has one.
  bool HasReply() const { return !ready_.empty(); }

  // True if bytes beyond the last complete reply, or complete replies, are waiting. After the reply to STARTTLS this
  // means that somebody put plain text in front of the handshake: the connection must be dropped.
  bool HasBuffered() const { return !ready_.empty() || !line_.empty() || !partial_.lines.empty(); }

 private:
  absl::Status TakeLine();

  std::string line_;  // the unfinished line, at most kLineBytesMax
  Reply partial_;     // lines of the unfinished reply
  std::deque<Reply> ready_;
  absl::Status error_;
};

}  // namespace wavepost
