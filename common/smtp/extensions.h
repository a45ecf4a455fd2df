// What a server offers in its reply to EHLO (RFC 5321 section 4.1.1.1).
#pragma once

#include <cstdint>
#include <optional>

#include "common/smtp/reply.h"

namespace wavepost {

struct Extensions {
  bool pipelining = false;             // RFC 2920
  bool eight_bit_mime = false;         // RFC 6152
  bool smtputf8 = false;               // RFC 6531
  bool chunking = false;               // RFC 3030
  bool starttls = false;               // RFC 3207
  bool dsn = false;                    // RFC 3461
  bool enhanced_status_codes = false;  // RFC 2034
  bool size = false;                   // RFC 1870
  std::optional<uint64_t> size_max;    // bytes; absent: no SIZE, SIZE without a number, or SIZE 0 (no fixed limit)

  friend bool operator==(const Extensions&, const Extensions&) = default;
};

// Reads the keyword lines; the first line (the greeting) is skipped, unknown keywords and malformed parameters are
// ignored. Nothing is offered by a reply that is not positive.
Extensions ParseEhlo(const Reply& reply);

}  // namespace wavepost
