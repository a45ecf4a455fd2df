#include "bouncer/inbound/dialogue.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/recipient_id.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

// A client that goes on after so many bytes too many does not listen: the connection ends.
constexpr int64_t kOversizeBytesMax = 16 << 20;

void AddOnce(RecipientId id, std::vector<RecipientId>* ids) {
  if (std::find(ids->begin(), ids->end(), id) == ids->end()) ids->push_back(id);
}

}  // namespace

Dialogue::Dialogue(std::string hostname, const InboundLimits* limits, const Mailboxes* mailboxes, HeadBudget* budget)
    : hostname_(std::move(hostname)), limits_(limits), mailboxes_(mailboxes), budget_(budget) {
  output_ = absl::StrCat("220 ", hostname_, " ESMTP Wavepost bouncer\r\n");
}

Dialogue::~Dialogue() {
  budget_->GiveBack(budget_taken_);
}

std::string Dialogue::TakeOutput() {
  return std::exchange(output_, std::string());
}

void Dialogue::Say(int code, std::string_view enhanced, std::string_view text) {
  absl::StrAppend(&output_, code, " ", Av(enhanced), enhanced.empty() ? "" : " ", Av(text), "\r\n");
}

void Dialogue::Error(int code, std::string_view enhanced, std::string_view text) {
  if (++errors_ > limits_->errors_max) {
    Refuse421("4.7.0 too many errors");
    return;
  }
  Say(code, enhanced, text);
}

void Dialogue::Refuse421(std::string_view text) {
  if (state_ == State::kClosed) return;
  absl::StrAppend(&output_, "421 ", Av(text), ", closing connection\r\n");
  state_ = State::kClosed;
}

void Dialogue::ResetTransaction() {
  has_sender_ = false;
  recipients_ = 0;
  message_ = {};
  budget_->GiveBack(std::exchange(budget_taken_, 0));
  message_bytes_ = 0;
  bad_newline_ = no_memory_ = false;
}

Dialogue::Wants Dialogue::Advance() {
  while (state_ != State::kClosed && state_ != State::kStoring) {
    const ServerInput::Event event = input_.Next();
    switch (event.kind) {
      case ServerInput::Kind::kNeedMore:
        return Wants::kInput;
      case ServerInput::Kind::kLine:
        OnLine(event.text);
        break;
      case ServerInput::Kind::kLineTooLong:
        Error(500, "5.5.2", "line too long");
        break;
      case ServerInput::Kind::kBadNewline:
        if (state_ == State::kMessage) {
          bad_newline_ = true;  // refused at its end; what it says until then is content, never commands
        } else {
          Say(500, "5.5.2", "lines end with CRLF; closing connection");
          state_ = State::kClosed;
        }
        break;
      case ServerInput::Kind::kData:
        OnData(event.text);
        break;
      case ServerInput::Kind::kDataEnd:
        OnDataEnd();
        break;
    }
  }
  return state_ == State::kStoring ? Wants::kStore : Wants::kClose;
}

void Dialogue::OnLine(std::string_view line) {
  if (++idle_commands_ > limits_->idle_commands_max) {
    Refuse421("4.7.0 too many commands without a message");
    return;
  }
  const Command command = ParseCommand(line);
  if (!command.error.empty()) {
    const bool unknown = command.verb == Command::Verb::kUnknown;
    Error(unknown ? 500 : 501, unknown ? "5.5.1" : "5.5.4", Printable(command.error, 200));
    return;
  }
  switch (command.verb) {
    case Command::Verb::kHelo:
      return Hello(command, false);
    case Command::Verb::kEhlo:
      return Hello(command, true);
    case Command::Verb::kMail:
      return Mail(command);
    case Command::Verb::kRcpt:
      return Rcpt(command);
    case Command::Verb::kData:
      return Data();
    case Command::Verb::kRset:
      ResetTransaction();
      return Say(250, "2.0.0", "OK");
    case Command::Verb::kNoop:
      return Say(250, "2.0.0", "OK");
    case Command::Verb::kVrfy:
      return Error(252, "2.5.0", "send mail and see");
    case Command::Verb::kQuit:
      Say(221, "2.0.0", "goodbye");
      state_ = State::kClosed;
      return;
    case Command::Verb::kBdat:
      // Not offered. What follows is content, which must not be read as commands.
      Say(502, "5.5.1", "CHUNKING is not offered; closing connection");
      state_ = State::kClosed;
      return;
    case Command::Verb::kLhlo:
    case Command::Verb::kStartTls:
    case Command::Verb::kUnknown:
      return Error(502, "5.5.1", "command not implemented");
  }
}

void Dialogue::Hello(const Command& command, bool extended) {
  if (command.argument.empty()) return Error(501, "5.5.4", "a name must follow");
  ResetTransaction();
  greeted_ = true;
  if (!extended) return Say(250, "", hostname_);
  absl::StrAppend(&output_, "250-", hostname_, "\r\n250-PIPELINING\r\n250-SIZE ", limits_->message_bytes_max,
                  "\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES\r\n");
}

void Dialogue::Mail(const Command& command) {
  if (!greeted_) return Error(503, "5.5.1", "EHLO first");
  if (has_sender_) return Error(503, "5.5.1", "one MAIL at a time");
  for (const auto& [keyword, value] : command.params) {
    if (keyword == "SIZE") {
      int64_t size = 0;
      if (!absl::SimpleAtoi(value, &size) || size < 0) return Error(501, "5.5.4", "SIZE is a number of bytes");
      if (size > limits_->message_bytes_max) return Error(552, "5.3.4", "message too large");
    } else if (keyword == "BODY") {
      if (!EqualsIgnoreCase(value, "7BIT") && !EqualsIgnoreCase(value, "8BITMIME")) {
        return Error(501, "5.5.4", "BODY is 7BIT or 8BITMIME");
      }
    } else if (keyword != "SMTPUTF8") {
      return Error(555, "5.5.4", "unknown parameter of MAIL");
    }
  }
  // Who sends does not matter: whoever knows the token may report on its recipient.
  has_sender_ = true;
  Say(250, "2.1.0", "OK");
}

void Dialogue::Rcpt(const Command& command) {
  if (!has_sender_) return Error(503, "5.5.1", "MAIL first");
  if (!command.params.empty()) return Error(555, "5.5.4", "unknown parameter of RCPT");
  if (recipients_ >= limits_->recipients_max) return Error(452, "4.5.3", "too many recipients");
  const Mailboxes::Match match = mailboxes_->Find(command.path);
  switch (match.kind) {
    case Mailboxes::Kind::kNone:
      ++refused_recipients_;
      return Error(550, "5.1.1", "no such address");
    case Mailboxes::Kind::kPostmaster:
      message_.envelope.keep = true;
      break;
    case Mailboxes::Kind::kReturnPath:
      AddOnce(match.recipient, &message_.envelope.recipients);
      break;
    case Mailboxes::Kind::kUnsubscribe:
      AddOnce(match.recipient, &message_.envelope.unsubscribes);
      break;
  }
  ++recipients_;
  Say(250, "2.1.5", "OK");
}

void Dialogue::Data() {
  if (!has_sender_) return Error(503, "5.5.1", "MAIL first");
  if (recipients_ == 0) return Error(554, "5.5.1", "no valid recipients");
  Say(354, "", "end with CRLF.CRLF");
  state_ = State::kMessage;
  input_.BeginData();
}

void Dialogue::OnData(std::string_view piece) {
  message_bytes_ += static_cast<int64_t>(piece.size());
  if (message_bytes_ > limits_->message_bytes_max + kOversizeBytesMax) {
    Say(552, "5.3.4", "message far too large; closing connection");
    state_ = State::kClosed;
    return;
  }
  if (bad_newline_ || no_memory_ || message_bytes_ > limits_->message_bytes_max) {
    // It will be refused: nothing of it is kept.
    message_.head = std::string();
    budget_->GiveBack(std::exchange(budget_taken_, 0));
    return;
  }
  if (message_.head.size() >= limits_->head_bytes_max) return;
  piece = piece.substr(0, limits_->head_bytes_max - message_.head.size());
  if (!budget_->Take(piece.size())) {
    no_memory_ = true;
    return;
  }
  budget_taken_ += piece.size();
  message_.head += piece;
}

void Dialogue::OnDataEnd() {
  state_ = State::kCommand;
  idle_commands_ = 0;
  if (bad_newline_) {
    // A lone CR or LF is how one message is smuggled in another; whoever sends it is not talked to any longer.
    Say(554, "5.6.0", "bare CR, bare LF or NUL in the message (RFC 5321 section 2.3.8); closing connection");
    state_ = State::kClosed;
  } else if (message_bytes_ > limits_->message_bytes_max) {
    Error(552, "5.3.4", "message too large");
  } else if (no_memory_) {
    Say(452, "4.3.1", "too much mail at once, try again later");
  } else {
    state_ = State::kStoring;
    return;
  }
  ResetTransaction();
}

void Dialogue::Stored(const absl::Status& status) {
  if (state_ != State::kStoring) return;
  state_ = State::kCommand;
  if (status.ok()) {
    Say(250, "2.0.0", "OK");
  } else if (absl::IsResourceExhausted(status)) {
    Say(452, "4.3.1", "out of space, try again later");
  } else {
    Say(451, "4.3.0", "could not be stored, try again later");
  }
  ResetTransaction();
}

}  // namespace wavepost
