// The SMTP dialogue of one client (RFC 5321, RFC 1870, RFC 2920, RFC 6152, RFC 6531, RFC 2034) without a socket.
//
// It never generates mail: what is refused is refused in the session.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "bouncer/inbound/limits.h"
#include "bouncer/inbound/mailboxes.h"
#include "bouncer/inbound/message_sink.h"
#include "common/smtp/command.h"
#include "common/smtp/server_input.h"

namespace wavepost {

// Bytes that all connections together may hold. One thread.
class HeadBudget {
 public:
  explicit HeadBudget(size_t bytes_max) : left_(bytes_max) {}
  bool Take(size_t bytes) {
    if (bytes > left_) return false;
    left_ -= bytes;
    return true;
  }
  void GiveBack(size_t bytes) { left_ += bytes; }
  size_t left() const { return left_; }

 private:
  size_t left_;
};

// Use: send output(), Feed what was read, then Advance() and act on what it wants. Not thread-safe.
class Dialogue {
 public:
  enum class Wants {
    kInput,  // send output, read, Feed
    kStore,  // send output, store TakeMessage(), then Stored()
    kClose,  // send output, close
  };

  // What is given must outlive the dialogue.
  Dialogue(std::string hostname, const InboundLimits* limits, const Mailboxes* mailboxes, HeadBudget* budget);
  ~Dialogue();
  Dialogue(const Dialogue&) = delete;
  Dialogue& operator=(const Dialogue&) = delete;

  void Feed(std::string_view bytes) { input_.Feed(bytes); }
  Wants Advance();

  // Replies that wait to be sent; taking them empties it. The greeting is there from the start.
  std::string TakeOutput();

  // After kStore. `status` OK is a promise: the client forgets the message.
  TakenMessage TakeMessage() { return std::move(message_); }
  void Stored(const absl::Status& status);

  // Ends the dialogue with a 421 from our side.
  void Refuse421(std::string_view text);

  // Between the 354 and the final dot: another timeout holds.
  bool in_message() const { return state_ == State::kMessage; }
  // Since the start; for the limits of the owner.
  int refused_recipients() const { return refused_recipients_; }

 private:
  enum class State { kCommand, kMessage, kStoring, kClosed };

  void Say(int code, std::string_view enhanced, std::string_view text);
  void Error(int code, std::string_view enhanced, std::string_view text);  // Say, and counts
  void OnLine(std::string_view line);
  void Hello(const Command& command, bool extended);
  void Mail(const Command& command);
  void Rcpt(const Command& command);
  void Data();
  void OnData(std::string_view piece);
  void OnDataEnd();
  void ResetTransaction();

  const std::string hostname_;
  const InboundLimits* const limits_;
  const Mailboxes* const mailboxes_;
  HeadBudget* const budget_;

  ServerInput input_;
  std::string output_;
  State state_ = State::kCommand;
  bool greeted_ = false;     // by HELO or EHLO
  bool has_sender_ = false;  // MAIL was accepted
  size_t recipients_ = 0;    // accepted RCPTs, with repetitions
  TakenMessage message_;
  size_t budget_taken_ = 0;
  int64_t message_bytes_ = 0;
  bool bad_newline_ = false;
  bool no_memory_ = false;
  int errors_ = 0;
  int idle_commands_ = 0;
  int refused_recipients_ = 0;
};

}  // namespace wavepost
