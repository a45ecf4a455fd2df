// Sees an SMTP dialogue as it happens: `wavepost trace`.
#pragma once

#include <string_view>

namespace wavepost {

class SessionTrace {
 public:
  virtual ~SessionTrace() = default;

  // direction: '>' a command of ours, '<' a line of a reply, '*' what happened (connected, TLS, closed).
  // text:      one line, printable, without its line end. A message is elided to "(N bytes)". Valid during the call.
  // Called on the session's thread, in between its I/O: must not block.
  virtual void OnLine(char direction, std::string_view text) = 0;
};

}  // namespace wavepost
