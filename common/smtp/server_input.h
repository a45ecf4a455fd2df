// The server's side of the wire: splits a client's bytes into command lines and message content.
//
// Safe against SMTP smuggling: only CRLF ends a line and only CRLF.CRLF ends a message; a lone CR or LF is never taken
// for either, and is reported so that the server can refuse the message and close.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace wavepost {

// Usage: Feed(what was read); then Next() until kNeedMore; then read again. Held so, it keeps at most kLineBytesMax
// bytes beyond what was fed last. Not thread-safe.
class ServerInput {
 public:
  // Without CRLF. RFC 5321 4.5.3.1.4 asks for 512; extensions add to that (RFC 6531, RFC 3461, BASE64 of AUTH).
  static constexpr size_t kLineBytesMax = 4096;
  static constexpr size_t kDataPieceBytesMax = 64 * 1024;

  enum class Kind {
    kNeedMore,     // all taken; feed more
    kLine,         // text: a command line without its CRLF
    kLineTooLong,  // once per line; the line is thrown away up to its CRLF
    kBadNewline,   // a lone CR or LF, or a NUL. In command mode: the line is thrown away up to its CRLF. In a message:
                   // once per message; its content goes on, and the server refuses it at the end
    kData,         // text: a piece of the message, dots unstuffed, CRLF kept, cut anywhere
    kDataEnd,      // the message is complete; command mode again
  };
  struct Event {
    Kind kind = Kind::kNeedMore;
    std::string text;
  };

  void Feed(std::string_view bytes);
  Event Next();

  // After the 354: the bytes that follow are a message, up to CRLF.CRLF (the first dot may come at once: the CRLF of
  // the DATA command counts).
  void BeginData();

  // The next `bytes` bytes are content as they are, NUL and all (RFC 3030); then kDataEnd. 0 is allowed.
  void BeginBdat(uint64_t bytes);

  // True if bytes wait that no event has covered: before a 220 or 354 somebody talked too early.
  bool HasBuffered() const { return pos_ < buffer_.size(); }

  // STARTTLS: what came before the handshake is thrown away (RFC 3207 section 4.2).
  void DropBuffered();

 private:
  enum class Mode { kCommand, kSkipLine, kData, kBdat };
  enum class DataState { kLineStart, kText, kCr, kDot, kDotCr };

  Event NextLine();
  bool SkipLine();  // true when the end of the line was found
  Event NextData();
  Event NextBdat();

  Mode mode_ = Mode::kCommand;
  std::string buffer_;
  size_t pos_ = 0;      // buffer_[pos_] is the first byte not consumed
  size_t scanned_ = 0;  // command mode: bytes from pos_ already known to hold no end of line
  DataState data_state_ = DataState::kLineStart;
  bool bad_reported_ = false;  // in this message
  bool bad_pending_ = false;   // to be reported after the piece that came before it
  uint64_t bdat_left_ = 0;
};

}  // namespace wavepost
