// The ledger: what the receiving side saw, one JSON object per line, for tests that compare the books of both sides.
//
// An "accepted" line is in the file before the 250 goes out. So a line without a delivered outcome means that the reply
// got lost; a delivered outcome without a line would be a lie of the sender.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace wavepost::testnet {

// Views: valid for the call only.
struct LedgerEntry {
  absl::Time time;
  std::string_view event;  // accepted, refused (5xx), deferred (4xx), disconnected, dsn_sent, dsn_failed
  std::string_view phase;  // connect ... after_reply; of a DSN: dsn
  std::string_view client_ip;
  std::string_view ehlo;
  std::string_view mail_from;     // "" for the null return path
  std::string_view rcpt_to;       // "" if the event came before RCPT
  std::string_view message_id;    // without < and >; "" if none was seen
  int code = 0;                   // 0 if no reply was sent
  std::string_view reply;         // text with enhanced status code; of a disconnection: who closed
  std::string_view domain;        // of rcpt_to
  std::string_view dkim = "off";  // pass, fail, none, off (not verified)
  bool tls = false;
  uint64_t size = 0;  // bytes of the message as received, dots unstuffed; 0 if none was
};

// One line with its line feed. Foreign bytes come out as valid UTF-8 without control characters.
std::string ToJsonLine(const LedgerEntry& entry);

class LedgerSink {
 public:
  virtual ~LedgerSink() = default;
  // OK: the line has been handed to the kernel. Otherwise nothing may be claimed that the entry says.
  virtual absl::Status Write(const LedgerEntry& entry) = 0;
};

// Appends to a file, one write(2) per line. Not thread-safe.
class Ledger final : public LedgerSink {
 public:
  // Creates the file or appends to it; its folder must exist. discard: counts lines and writes none.
  static absl::StatusOr<std::unique_ptr<Ledger>> Open(const std::string& path, bool discard);
  ~Ledger() override;
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  absl::Status Write(const LedgerEntry& entry) override;
  uint64_t lines() const { return lines_; }

 private:
  Ledger(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  const int fd_;  // -1: discard
  const std::string path_;
  bool torn_ = false;  // the last line is incomplete on disk: the next begins with a line feed
  uint64_t lines_ = 0;
};

}  // namespace wavepost::testnet
