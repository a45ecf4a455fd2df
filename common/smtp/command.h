// The syntax of a client's commands (RFC 5321 section 4.1.1, RFC 3030, RFC 3207, RFC 2033), read from one line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wavepost {

struct Command {
  enum class Verb {
    kHelo,
    kEhlo,
    kLhlo,
    kMail,
    kRcpt,
    kData,
    kBdat,
    kRset,
    kNoop,
    kQuit,
    kVrfy,
    kStartTls,
    kUnknown,
  };

  static constexpr size_t kParamsMax = 16;
  static constexpr size_t kPathBytesMax = 512;  // RFC 5321 4.5.3.1.3 allows 256; generous, as others err

  Verb verb = Verb::kUnknown;
  // What follows the verb, trimmed. HELO, EHLO, LHLO: the client's name. BDAT: "1000 LAST". MAIL, RCPT: empty.
  std::string argument;
  // MAIL, RCPT: the address between < and >, source route taken off, quoted local part left as it was written, case
  // kept. "" is the null return path (MAIL only). At most kPathBytesMax.
  std::string path;
  // MAIL, RCPT: ESMTP parameters in their order; keywords in upper case, values as written ("" without '=').
  std::vector<std::pair<std::string, std::string>> params;
  // BDAT only.
  uint64_t bdat_bytes = 0;
  bool bdat_last = false;
  // Not empty: the syntax is wrong and this is the text for the 501 (for 500 when verb is kUnknown). The rest is not
  // valid, but for the verb: what follows a BDAT is content even if its line cannot be read.
  std::string error;

  // The value of `keyword` (upper case), or nullptr.
  const std::string* Param(std::string_view keyword) const;
};

// line: without CRLF. Verbs in any case; white space after "FROM:" and "TO:" and at the end of the line is tolerated;
// "MAIL FROM:a@b" without brackets is an error. Never fails otherwise: what is wrong stands in Command::error.
Command ParseCommand(std::string_view line);

}  // namespace wavepost
