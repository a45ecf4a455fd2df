// How long each phase of the dialogue may take: RFC 5321 section 4.5.3.2, where it names one.
#pragma once

#include "absl/time/time.h"

namespace wavepost {

struct SmtpTimeouts {
  absl::Duration dns = absl::Seconds(60);
  absl::Duration connect = absl::Seconds(30);  // to the host, or to the proxy and through it
  absl::Duration greeting = absl::Minutes(5);
  absl::Duration command = absl::Minutes(5);       // EHLO, MAIL, RCPT, RSET
  absl::Duration data = absl::Minutes(2);          // the 354
  absl::Duration block = absl::Minutes(3);         // the message's bytes; more for a large message (session.h)
  absl::Duration end_of_data = absl::Minutes(10);  // the reply to the final dot: impatience here makes duplicates
  absl::Duration tls = absl::Seconds(60);
  absl::Duration quit = absl::Seconds(5);
  absl::Duration idle = absl::Seconds(1);  // an open connection waits this long for more work
};

}  // namespace wavepost
