#include "bouncer/inbound/dialogue.h"

#include <algorithm>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/recipient_id.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

// Keys that are remembered; see rate_book.h. 16 bytes each.
constexpr size_t kClientEntries = 1 << 16;
constexpr size_t kNetworkEntries = 1 << 14;
constexpr size_t kRecipientEntries = 1 << 18;
constexpr size_t kKeyEntries = 1 << 10;  // ids are a byte; enough that no set of them is ever full

// Whole messages have one part of the memory, connections at least another.
constexpr size_t kBudgetParts = 4;

// Replies gather up to so much before they are sent; one more is short.
constexpr size_t kOutputBytesMax = 4 * 1024;

// False: it was there.
bool AddOnce(RecipientId id, std::vector<RecipientId>* ids) {
  if (std::find(ids->begin(), ids->end(), id) != ids->end()) return false;
  ids->push_back(id);
  return true;
}

// Whatever somebody else may take for a BDAT, however it is written.
bool LooksLikeBdat(std::string_view line) {
  while (!line.empty() && static_cast<unsigned char>(line.front()) <= ' ') line.remove_prefix(1);
  return StartsWithIgnoreCase(line, "bdat");
}

}  // namespace

DialogueShared::DialogueShared(std::string name, const InboundLimits& lim, Mailboxes boxes, uint64_t seed)
    : hostname(std::move(name)),
      limits(lim),
      mailboxes(std::move(boxes)),
      budget(lim.memory_bytes_max),
      whole_budget(lim.memory_bytes_max / kBudgetParts),
      connection_reserve(std::min(lim.connections_max * Dialogue::kPlainBytes, lim.memory_bytes_max / kBudgetParts)),
      client_rates(lim.client_messages_per_minute, absl::Minutes(1), kClientEntries, seed),
      network_rates(lim.network_messages_per_minute, absl::Minutes(1), kNetworkEntries, seed),
      recipient_rates(lim.recipient_messages_per_hour, absl::Hours(1), kRecipientEntries, seed),
      unknown_key_notes(1, absl::Hours(1), kKeyEntries, seed) {}

Dialogue::Dialogue(DialogueShared* shared, const Client& client) : shared_(shared), client_(client) {
  if (!shared_->budget.Take(fixed_taken_)) fixed_taken_ = 0;
  const bool lmtp = client_.protocol == Protocol::kLmtp;
  output_ = absl::StrCat("220 ", shared_->hostname, lmtp ? " LMTP" : " ESMTP", " Wavepost bouncer\r\n");
}

Dialogue::~Dialogue() {
  shared_->budget.GiveBack(fixed_taken_ + recipients_taken_ + message_taken_);
  shared_->whole_budget.GiveBack(whole_taken_);
}

void Dialogue::Say(int code, std::string_view enhanced, std::string_view text) {
  absl::StrAppend(&output_, code, " ", Av(enhanced), enhanced.empty() ? "" : " ", Av(text), "\r\n");
}

void Dialogue::Error(int code, std::string_view enhanced, std::string_view text) {
  if (++errors_ > shared_->limits.errors_max) {
    Refuse421("4.7.0 too many errors");
    return;
  }
  Say(code, enhanced, text);
}

void Dialogue::Close(int code, std::string_view enhanced, std::string_view text) {
  Say(code, enhanced, text);
  state_ = State::kClosed;
}

void Dialogue::Refuse421(std::string_view text) {
  if (state_ == State::kClosed) return;
  absl::StrAppend(&output_, "421 ", Av(text), ", closing connection\r\n");
  state_ = State::kClosed;
}

void Dialogue::RateLimited(std::string_view text) {
  ++rate_limited_;
  Error(450, "4.7.1", text);
}

Dialogue::Wants Dialogue::Advance(RateBook::Time now) {
  now_ = now;
  while (true) {
    if (state_ == State::kClosed) return Wants::kClose;
    if (state_ == State::kStoring) return Wants::kStore;
    if (state_ == State::kHandshake) return Wants::kHandshake;
    if (output_.size() >= kOutputBytesMax) return Wants::kOutput;
    const ServerInput::Event event = input_.Next();
    if (event.kind == ServerInput::Kind::kNeedMore) return Wants::kInput;
    OnEvent(event);
  }
}

void Dialogue::OnEvent(const ServerInput::Event& event) {
  switch (event.kind) {
    case ServerInput::Kind::kNeedMore:
      return;
    case ServerInput::Kind::kLine:
      return OnLine(event.text);
    case ServerInput::Kind::kLineTooLong:
      // It may have been a BDAT: how much content follows?
      return Close(500, "5.5.2", "line too long; closing connection");
    case ServerInput::Kind::kBadNewline:
      if (state_ == State::kCommand) return Close(500, "5.5.2", "lines end with CRLF; closing connection");
      bad_newline_ = true;  // refused at its end; what it says until then is content, never commands
      return;
    case ServerInput::Kind::kData:
      return OnContent(event.text);
    case ServerInput::Kind::kDataEnd:
      return OnContentEnd();
  }
}

void Dialogue::OnLine(std::string_view line) {
  if (++idle_commands_ > shared_->limits.idle_commands_max) {
    return Refuse421("4.7.0 too many commands without a message");
  }
  const Command command = ParseCommand(line);
  if (!command.error.empty()) {
    const std::string why = Printable(command.error, 200);
    // How much content follows? It must not be read as commands.
    if (LooksLikeBdat(line)) return Close(501, "5.5.4", why + "; closing connection");
    const bool unknown = command.verb == Command::Verb::kUnknown;
    return Error(unknown ? 500 : 501, unknown ? "5.5.1" : "5.5.4", why);
  }
  const bool lmtp = client_.protocol == Protocol::kLmtp;
  switch (command.verb) {
    case Command::Verb::kHelo:
    case Command::Verb::kEhlo:
      if (lmtp) return Error(500, "5.5.1", "this is LMTP: LHLO");
      return Hello(command);
    case Command::Verb::kLhlo:
      if (!lmtp) return Error(500, "5.5.1", "this is SMTP: EHLO");
      return Hello(command);
    case Command::Verb::kMail:
      return Mail(command);
    case Command::Verb::kRcpt:
      return Rcpt(command);
    case Command::Verb::kData:
      return Data();
    case Command::Verb::kBdat:
      return Bdat(command);
    case Command::Verb::kRset:
      ResetTransaction();
      return Say(250, "2.0.0", "OK");
    case Command::Verb::kNoop:
      return Say(250, "2.0.0", "OK");
    case Command::Verb::kVrfy:
      return Error(252, "2.5.0", "send mail and see");
    case Command::Verb::kQuit:
      quit_ = true;
      return Close(221, "2.0.0", "goodbye");
    case Command::Verb::kStartTls:
      return StartTls(command);
    case Command::Verb::kUnknown:
      return Error(502, "5.5.1", "command not implemented");
  }
}

void Dialogue::Hello(const Command& command) {
  if (command.argument.empty()) return Error(501, "5.5.4", "a name must follow");
  ResetTransaction();
  greeted_ = true;
  if (command.verb == Command::Verb::kHelo) return Say(250, "", shared_->hostname);
  const bool offer_tls = client_.offer_tls && !secured_;
  absl::StrAppend(&output_, "250-", shared_->hostname, "\r\n250-PIPELINING\r\n250-SIZE ",
                  shared_->limits.message_bytes_max, "\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n",
                  offer_tls ? "250-STARTTLS\r\n" : "", "250 ENHANCEDSTATUSCODES\r\n");
}

void Dialogue::StartTls(const Command& command) {
  if (!client_.offer_tls) return Error(502, "5.5.1", "STARTTLS is not offered");
  if (secured_) return Error(503, "5.5.1", "TLS is there already");
  if (!command.argument.empty()) return Error(501, "5.5.4", "nothing follows STARTTLS");
  // A handshake costs us more than a message: it counts as one.
  if (client_.limited && !shared_->client_rates.Take(client_.client_key, now_)) {
    ++rate_limited_;
    return Error(454, "4.7.0", "too many handshakes from your address, try again in a minute");
  }
  if (!shared_->budget.Take(kTlsBytes)) return Error(454, "4.7.0", "no memory for TLS, try again later");
  fixed_taken_ += kTlsBytes;
  ResetTransaction();
  Say(220, "2.0.0", "go ahead");
  state_ = State::kHandshake;
}

void Dialogue::Secured() {
  if (state_ != State::kHandshake) return;
  // What was sent in clear text behind the command could come from anybody.
  input_.DropBuffered();
  secured_ = true;
  greeted_ = false;
  state_ = State::kCommand;
}

void Dialogue::Mail(const Command& command) {
  if (!greeted_) return Error(503, "5.5.1", "EHLO first");
  if (has_sender_) return Error(503, "5.5.1", "one MAIL at a time");
  for (const auto& [keyword, value] : command.params) {
    if (keyword == "SIZE") {
      int64_t size = 0;
      if (!absl::SimpleAtoi(value, &size) || size < 0) return Error(501, "5.5.4", "SIZE is a number of bytes");
      if (size > shared_->limits.message_bytes_max) return Error(552, "5.3.4", "message too large");
    } else if (keyword == "BODY") {
      if (!EqualsIgnoreCase(value, "7BIT") && !EqualsIgnoreCase(value, "8BITMIME")) {
        return Error(501, "5.5.4", "BODY is 7BIT or 8BITMIME");
      }
    } else if (keyword != "SMTPUTF8") {
      return Error(555, "5.5.4", "unknown parameter of MAIL");
    }
  }
  if (client_.limited) {
    if (!shared_->network_rates.Has(client_.network_key, now_)) {
      return RateLimited("too many messages from your network, try again in a minute");
    }
    if (!shared_->client_rates.Take(client_.client_key, now_)) {
      return RateLimited("too many messages from your address, try again in a minute");
    }
    shared_->network_rates.Take(client_.network_key, now_);
  }
  // Who sends does not matter: whoever knows the token may report on its recipient.
  has_sender_ = true;
  Say(250, "2.1.0", "OK");
}

void Dialogue::Rcpt(const Command& command) {
  if (!has_sender_) return Error(503, "5.5.1", "MAIL first");
  if (chunking_ || chunk_failed_) return Error(503, "5.5.1", "the message has begun");
  if (!command.params.empty()) return Error(555, "5.5.4", "unknown parameter of RCPT");
  if (recipients_ >= shared_->limits.recipients_max) return Error(452, "4.5.3", "too many recipients");
  const Mailboxes::Match match = shared_->mailboxes.Find(command.path);
  Envelope& envelope = message_.envelope;
  switch (match.kind) {
    case Mailboxes::Kind::kNone:
      ++refused_recipients_;
      return Error(550, "5.1.1", "no such address");
    case Mailboxes::Kind::kUnknownKey:
      // A new key may have reached the senders before us. After a 550 the report would be lost for good.
      ++unknown_keys_;
      if (shared_->unknown_key_notes.Take(match.key_id, now_)) unknown_key_ids_.push_back(match.key_id);
      return Error(450, "4.7.1", "the key of this address is not known here, try again later");
    case Mailboxes::Kind::kReturnPath:
    case Mailboxes::Kind::kUnsubscribe: {
      const bool report = match.kind == Mailboxes::Kind::kReturnPath;
      std::vector<RecipientId>& ids = report ? envelope.recipients : envelope.unsubscribes;
      if (!AddOnce(match.recipient, &ids)) break;
      if (!shared_->budget.Take(kRecipientBytes, shared_->connection_reserve)) {
        ids.pop_back();
        return Say(452, "4.3.1", "too much mail at once, try again later");
      }
      if (!shared_->recipient_rates.Take(match.recipient.packed(), now_)) {
        shared_->budget.GiveBack(kRecipientBytes);
        ids.pop_back();
        return RateLimited("too many messages for this recipient, try again in an hour");
      }
      recipients_taken_ += kRecipientBytes;
      break;
    }
    case Mailboxes::Kind::kFeedback:
      envelope.feedback = true;
      break;
    case Mailboxes::Kind::kAggregate:
      envelope.aggregate = true;
      break;
    case Mailboxes::Kind::kKeep:
      envelope.keep = true;
      break;
  }
  ++recipients_;
  --idle_commands_;  // recipients_max limits them; MAIL and RSET, which begin anew, do count
  Say(250, "2.1.5", "OK");
}

}  // namespace wavepost
