// What stands in TXT, TLSA and MX records, as plain data.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace wavepost {

inline constexpr size_t kTxtRecordsMax = 32;       // of one name; more are ignored
inline constexpr size_t kTxtBytesMax = 4096;       // of one record; a longer one is ignored as a whole
inline constexpr size_t kPtrNamesMax = 16;         // of one address; more are ignored
inline constexpr size_t kTlsaRecordsMax = 32;      // of one name; more are ignored
inline constexpr size_t kTlsaDataBytesMax = 8192;  // of one record; a longer one is kept as unusable

struct MxRecord {
  int preference = 0;
  std::string host;  // normalized; empty: "." (null MX, RFC 7505)

  friend bool operator==(const MxRecord&, const MxRecord&) = default;
};

// A TLSA record (RFC 6698) from a validated answer.
struct TlsaRecord {
  int usage = 0;  // 2: DANE-TA, 3: DANE-EE; others are unusable for SMTP (RFC 7672 section 3.1)
  int selector = 0;
  int matching = 0;
  std::string data;  // binary

  friend bool operator==(const TlsaRecord&, const TlsaRecord&) = default;
};

// `authentic`: a trusted resolver has validated the whole answer with DNSSEC, also where it says "nothing there".
struct TxtAnswer {
  std::vector<std::string> texts;  // each record's strings joined; any bytes; empty: no such name or no TXT there
  bool authentic = false;
  absl::Duration ttl;
};

struct TlsaAnswer {
  std::vector<TlsaRecord> records;  // empty: no such name or no TLSA there; unreadable ones have usage 255
  bool authentic = false;
  absl::Duration ttl;
};

}  // namespace wavepost
