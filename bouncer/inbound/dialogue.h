// The dialogue of one client without a socket: SMTP (RFC 5321, RFC 1870, RFC 2034, RFC 2920, RFC 3030, RFC 3207,
// RFC 6152, RFC 6531) or LMTP (RFC 2033).
//
// It never generates mail: what is refused is refused in the session, and nothing that is taken is ever answered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "bouncer/inbound/limits.h"
#include "bouncer/inbound/mailboxes.h"
#include "bouncer/inbound/memory_budget.h"
#include "bouncer/inbound/message_sink.h"
#include "bouncer/inbound/rate_book.h"
#include "common/smtp/command.h"
#include "common/smtp/server_input.h"

namespace wavepost {

// What the dialogues of a server have in common. One thread.
struct DialogueShared {
  // seed: of the rate books; random.
  DialogueShared(std::string name, const InboundLimits& lim, Mailboxes boxes, uint64_t seed);

  const std::string hostname;
  const InboundLimits limits;
  const Mailboxes mailboxes;
  MemoryBudget budget;
  // What messages that are kept whole may have of it: anybody may send them, without a token, and slowly.
  MemoryBudget whole_budget;
  // Messages leave so much of the budget to connections: whoever fills it does not keep others from the door.
  const size_t connection_reserve;
  RateBook client_rates;
  RateBook network_rates;
  RateBook recipient_rates;
  RateBook unknown_key_notes;  // one for each id and hour
};

// Use: send output, Feed what was read, then Advance() and act on what it wants. Not thread-safe.
class Dialogue {
 public:
  // What a connection holds beside its message, at the most: read buffer, input, output; and with TLS. Taken from the
  // budget by the dialogue, so that no owner can forget to give it back.
  static constexpr size_t kPlainBytes = 40 * 1024;
  static constexpr size_t kTlsBytes = 96 * 1024;
  // Taken for each recipient until the message is stored: a record about him, with what the report says.
  static constexpr size_t kRecipientBytes = 4 * 1024;

  enum class Protocol { kSmtp, kLmtp };

  struct Client {
    Protocol protocol = Protocol::kSmtp;
    bool offer_tls = false;  // there is a certificate
    bool limited = true;     // by the rates of client and network, which have these keys
    uint64_t client_key = 0;
    uint64_t network_key = 0;
  };

  enum class Wants {
    kInput,      // send output, read, Feed
    kOutput,     // send output, Advance again
    kHandshake,  // send output, do the handshake of TLS, then Secured()
    kStore,      // send output, store TakeMessage(), then Stored()
    kClose,      // send output, close
  };

  // `shared` outlives the dialogue and has kPlainBytes left in its budget.
  Dialogue(DialogueShared* shared, const Client& client);
  ~Dialogue();
  Dialogue(const Dialogue&) = delete;
  Dialogue& operator=(const Dialogue&) = delete;

  void Feed(std::string_view bytes) { input_.Feed(bytes); }
  Wants Advance(RateBook::Time now);

  // Replies that wait to be sent; taking them empties it. The greeting is there from the start.
  std::string TakeOutput() { return std::exchange(output_, std::string()); }

  // After kHandshake: all that the client said before is forgotten (RFC 3207 section 4.2).
  void Secured();

  // After kStore. `status` OK is a promise: the client forgets the message. The message's bytes count against the
  // budget until Stored().
  TakenMessage TakeMessage() { return std::move(message_); }
  void Stored(const absl::Status& status);

  // Ends the dialogue with a 421 from our side.
  void Refuse421(std::string_view text);

  // Between the 354 (or the first chunk) and the end of the message: other timeouts hold.
  bool in_message() const { return state_ == State::kMessage || state_ == State::kChunk || chunking_; }
  // The client has said QUIT: nothing more is to be expected from it.
  bool quit() const { return quit_; }
  // Since the start; for the counters of the owner.
  int refused_recipients() const { return refused_recipients_; }
  int rate_limited() const { return rate_limited_; }
  int unknown_keys() const { return unknown_keys_; }
  // The ids of keys that we do not have and that nobody has been told of for an hour: for the log. At most one per id.
  std::vector<uint8_t> TakeUnknownKeyIds() { return std::exchange(unknown_key_ids_, {}); }

 private:
  enum class State { kCommand, kMessage, kChunk, kHandshake, kStoring, kClosed };

  void Say(int code, std::string_view enhanced, std::string_view text);
  void Error(int code, std::string_view enhanced, std::string_view text);  // Say, and counts
  // The reply to a message: LMTP wants one for each recipient. `counts`: as Error.
  void Verdict(int code, std::string_view enhanced, std::string_view text, bool counts = false);
  void Close(int code, std::string_view enhanced, std::string_view text);  // Say, and ends it
  void RateLimited(std::string_view text);

  void OnEvent(const ServerInput::Event& event);
  void OnLine(std::string_view line);
  void Hello(const Command& command);
  void Mail(const Command& command);
  void Rcpt(const Command& command);
  void StartTls(const Command& command);

  // In dialogue_content.cc.
  void Data();
  void Bdat(const Command& command);
  void OnContent(std::string_view piece);
  void OnContentEnd();
  void OnChunkEnd();
  void OnMessageEnd();
  void Keep(std::string_view piece);
  bool TakeForMessage(size_t bytes, bool whole);
  void DropContent();
  void ResetTransaction();

  DialogueShared* const shared_;
  const Client client_;

  ServerInput input_;
  std::string output_;
  State state_ = State::kCommand;
  RateBook::Time now_;
  bool secured_ = false;
  bool quit_ = false;
  bool greeted_ = false;     // by HELO, EHLO or LHLO
  bool has_sender_ = false;  // MAIL was accepted
  size_t recipients_ = 0;    // accepted RCPTs, with repetitions
  TakenMessage message_;
  size_t fixed_taken_ = kPlainBytes;
  size_t recipients_taken_ = 0;
  size_t message_taken_ = 0;
  size_t whole_taken_ = 0;  // of message_taken_, also from the budget of whole messages
  int64_t message_bytes_ = 0;
  bool bad_newline_ = false;
  bool no_memory_ = false;
  bool chunking_ = false;      // a chunk was taken, and not the last
  bool chunk_failed_ = false;  // no chunk can be taken until RSET
  bool chunk_last_ = false;    // of the chunk that is being read
  bool chunk_unwanted_ = false;
  int errors_ = 0;
  int idle_commands_ = 0;
  int refused_recipients_ = 0;
  int rate_limited_ = 0;
  int unknown_keys_ = 0;
  std::vector<uint8_t> unknown_key_ids_;
};

}  // namespace wavepost
