// One SMTP session of a receiver, without its socket: a client's bytes in, replies and steps out. Pure but for the
// ledger that it writes to; time comes in.
//
// Speaks RFC 5321 with PIPELINING, SIZE, 8BITMIME, SMTPUTF8, ENHANCEDSTATUSCODES and STARTTLS. The profile of the
// receiver's site rules up to MAIL, that of the recipient's site from RCPT on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "common/smtp/command.h"
#include "common/smtp/server_input.h"
#include "tests/testnet/decide.h"
#include "tests/testnet/dsn.h"
#include "tests/testnet/fate.h"
#include "tests/testnet/ledger.h"
#include "tests/testnet/scenario.h"

namespace wavepost::testnet {

// What all sessions count together.
struct Counters {
  uint64_t connections = 0, connections_open = 0, accepted = 0, refused = 0, deferred = 0, disconnected = 0;
  uint64_t dsn_pending = 0, dsn_sent = 0, dsn_failed = 0, dkim_checked = 0, dkim_failed = 0, ledger_errors = 0;
  uint64_t messages = 0;        // taken, whatever the number of recipients
  uint64_t bytes_buffered = 0;  // of messages held for DKIM, now
};

// What a session needs from its surroundings; all must outlive it.
struct SessionWorld {
  const Scenario* scenario = nullptr;
  Decider* decider = nullptr;
  LedgerSink* ledger = nullptr;
  Counters* counters = nullptr;
  // Message -> "pass", "fail" or "none". Called only for messages that the scenario wants verified.
  std::function<std::string(std::string_view message)> verify_dkim;
  // Takes a DSN to be sent at `due`.
  std::function<void(DsnOrder order, absl::Time due)> send_dsn;
};

class Session {
 public:
  enum class Step {
    kNeedMore,  // flush the output, then read and Feed
    kFlush,     // flush the output, then go on
    kWait,      // flush the output, wait wait(), then go on
    kStartTls,  // flush the output, shake hands, call TlsStarted, then go on
    kClose,     // flush the output and close politely
    kDrop,      // flush the output and close at once, whatever the client is sending
  };

  static constexpr size_t kOutputBytesMax = 64 * 1024;
  static constexpr size_t kRecipientsMax = 100;             // RFC 5321 4.5.3.1.8
  static constexpr size_t kHeaderBytesMax = 32 * 1024;      // kept for the Message-ID and for DSNs
  static constexpr int kErrorsMax = 20;                     // then 421
  static constexpr uint64_t kBufferedBytesMax = 256 << 20;  // of all sessions; beyond, DKIM is not verified

  Session(SessionWorld* world, const Receiver& receiver, uint32_t client_ip);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Step Next(absl::Time now);
  void Feed(std::string_view bytes) { input_.Feed(bytes); }
  std::string TakeOutput() { return std::exchange(output_, {}); }
  absl::Duration wait() const { return wait_; }
  void TlsStarted();

  // The testnet stops: 421 at the next chance.
  void Stop() { stopping_ = true; }
  // The connection is gone (peer closed, timeout); writes down what was under way. `why` for the ledger.
  void Lost(std::string_view why, absl::Time now);

 private:
  struct Recipient {
    std::string address;  // lower case in the domain, as given in the local part
    std::string domain;
    size_t site = 0;
    Fate fate;
  };

  Step Start(absl::Time now);
  Step OnLine(std::string_view line, absl::Time now);
  Step OnHello(const Command& command, absl::Time now);
  Step OnMail(const Command& command, absl::Time now);
  Step OnRcpt(const Command& command, absl::Time now);
  Step OnData(absl::Time now);
  Step OnStartTls(absl::Time now);
  Step OnDataPiece(std::string_view piece, absl::Time now);
  Step OnDot(absl::Time now);
  Step Accept(absl::Time now);

  // Queues a reply behind the phase's delay.
  Step Say(Phase phase, const Profile& profile, int code, std::string_view text, bool close = false);
  Step Say(Phase phase, int code, std::string_view text, bool close = false);
  // A syntax or order error of the client; too many end the session.
  Step Wrong(Phase phase, int code, std::string_view text, absl::Time now);
  Step Refuse(Phase phase, const Action& action, const Profile& profile, const Recipient* recipient, absl::Time now);
  // Cut by the scenario: one line per recipient of the transaction, or one without.
  Step Drop(Phase phase, absl::Time now, const Recipient* recipient = nullptr);
  absl::Status Record(std::string_view event, Phase phase, int code, std::string_view reply, const Recipient* recipient,
                      absl::Time now);
  void RecordAll(std::string_view event, Phase phase, int code, std::string_view reply, absl::Time now);
  static std::string_view EventOf(int code);
  void ResetTransaction();
  void ReleaseBuffer();
  const Profile& OwnProfile() const { return ProfileOf(receiver_.site); }
  const Profile& ProfileOf(size_t site) const;

  SessionWorld& world_;
  const Receiver receiver_;
  const uint32_t client_ip_;
  const std::string client_ip_text_;

  ServerInput input_;
  std::string output_;
  std::string held_;  // behind wait_
  absl::Duration wait_;
  Step after_ = Step::kNeedMore;  // what follows held_, where it is an end
  bool started_ = false;
  bool counted_ = false;  // the decider counts this connection
  bool ended_ = false;
  bool stopping_ = false;
  bool tls_ = false;
  int errors_ = 0;
  int messages_ = 0;

  std::string ehlo_;  // "" before EHLO
  bool in_transaction_ = false;
  bool in_data_ = false;
  bool smtputf8_ = false;
  std::string mail_from_;
  std::vector<Recipient> recipients_;

  bool drop_in_data_ = false;
  bool verify_ = false;
  bool bad_newline_ = false;
  bool header_done_ = false;
  std::string header_;   // up to the empty line or the limit
  std::string content_;  // the whole message, if it is to be verified
  std::string dkim_ = "off";
  std::string message_id_;
  uint64_t size_ = 0;
};

// The Message-ID of a header block, without < and >; "" if there is none.
std::string MessageIdOf(std::string_view header);

}  // namespace wavepost::testnet
