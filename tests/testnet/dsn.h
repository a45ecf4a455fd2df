// Composes the delivery status notification of a message that was taken and failed later (RFC 3464). Pure.
#pragma once

#include <string>

#include "absl/time/time.h"

namespace wavepost::testnet {

struct DsnOrder {
  std::string return_path;  // of the failed message; the report goes there, from the null sender
  std::string rcpt_to;
  std::string status;  // "5.1.1"
  std::string text;    // "User unknown"
  std::string message_id;
  std::string headers;    // of the failed message, CRLF line ends; they come back in the report
  std::string host;       // the reporting mail host
  std::string client_ip;  // the failed message's, for the ledger; likewise the EHLO name
  std::string ehlo;
  uint64_t size = 0;
  absl::Time arrival;
};

// The whole message, CRLF line ends, 7-bit. A non-ASCII recipient is written as RFC 6533's utf-8 address type in its
// 7-bit form. boundary, id: unique per message, letters and digits.
std::string ComposeDsn(const DsnOrder& order, const std::string& id, absl::Time now);

}  // namespace wavepost::testnet
