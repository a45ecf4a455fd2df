// Plays a whole SMTP dialogue between a Session and a scripted peer over loopback sockets: a mail host, or a proxy in
// front of one. A test is the two sides' text.
#pragma once

#include <asio/ssl/context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "sender/smtp/session.h"

namespace wavepost {

// One step of the peer: waits until the client has sent `expect` (as the next bytes), then says `say` at once.
struct Line {
  enum class Then {
    kGoOn,
    kClose,
    kReset,     // closes with RST
    kStartTls,  // after `say`
    // Does nothing more. The client must still be waiting just before `limit` and give up just after it; steady clock,
    // without waiting for it.
    kStall,
    kDrip,   // as kStall, while the bytes of `say` come one by one: that must not help
    kFlood,  // says `say` again and again, until the client hangs up
    // Reads nothing. Once the client is stuck, says `say`; if that is empty, the client must give up at `limit`.
    kDeaf,
  };
  std::string expect;
  std::string say;
  Then then = Then::kGoOn;
  absl::Duration limit = absl::ZeroDuration();
};

// Where the peer's port and address go into the route.
enum class Via { kDirect, kSocks5, kProxyV2 };

struct Dialogue {
  std::vector<Line> script;
  Session::Options options;  // the route's source and EHLO name have defaults
  Via via = Via::kDirect;
  TlsDemand tls{.level = TlsDemand::Level::kNever};
  std::string host_name = "mx.test";
  std::shared_ptr<asio::ssl::context> server_tls;
  Envelope envelope{.return_path = "b+t@bounce.test", .recipient = "u@a.test"};
  std::string message = "Subject: x\r\n\r\nhello\r\n";
  bool has_8bit = false;
  int transactions = 1;
  bool nobody_listens = false;  // at the peer's port
  bool mark = true;             // what before_dot says
};

struct Played {
  std::optional<AttemptResult> open;  // why there was no session
  std::optional<AttemptResult> send;  // the last transaction's
  bool usable = false;
  bool bdat_refused = false;
  int marks = 0;  // calls of before_dot
  TlsOutcome tls;
  bool peer_is_content = false;  // it heard all that it expected
  bool resumed = false;          // the TLS session, as the server saw it
  std::string heard;
  std::string client_address;
  std::vector<std::string> wrong;  // what the peer did not like

  // What ended the dialogue.
  const AttemptResult& last() const { return open.has_value() ? *open : *send; }
};

// Opens a session, sends, says goodbye to nobody. Ends by itself: a dialogue that hangs is in `wrong`.
Played Play(Dialogue dialogue);

}  // namespace wavepost
