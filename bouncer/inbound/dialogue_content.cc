// The half of the dialogue that takes messages: DATA, BDAT, and what is said at their end.
#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bouncer/inbound/dialogue.h"
#include "bouncer/inbound/hops.h"

namespace wavepost {
namespace {

// A client that goes on after so many bytes too many does not listen: the connection ends.
constexpr int64_t kOversizeBytesMax = 16 << 20;

// Whoever sends smaller chunks (but the last) than a line has is not sending a message, but keeping us busy.
constexpr uint64_t kChunkBytesMin = 512;

}  // namespace

void Dialogue::ResetTransaction() {
  has_sender_ = false;
  recipients_ = 0;
  DropContent();
  shared_->budget.GiveBack(std::exchange(recipients_taken_, 0));
  message_ = {};
  message_bytes_ = 0;
  bad_newline_ = no_memory_ = chunking_ = chunk_failed_ = false;
}

void Dialogue::Verdict(int code, std::string_view enhanced, std::string_view text, bool counts) {
  const size_t times = client_.protocol == Protocol::kLmtp ? recipients_ : 1;
  for (size_t i = 1; i < times; ++i) Say(code, enhanced, text);
  counts ? Error(code, enhanced, text) : Say(code, enhanced, text);
}

void Dialogue::Data() {
  if (!has_sender_) return Error(503, "5.5.1", "MAIL first");
  if (chunking_ || chunk_failed_) return Error(503, "5.5.1", "the message has begun with BDAT");
  if (recipients_ == 0) {
    return Error(client_.protocol == Protocol::kLmtp ? 503 : 554, "5.5.1", "no valid recipients");
  }
  Say(354, "", "end with CRLF.CRLF");
  state_ = State::kMessage;
  input_.BeginData();
}

void Dialogue::Bdat(const Command& command) {
  const auto bytes_max = static_cast<uint64_t>(shared_->limits.message_bytes_max + kOversizeBytesMax);
  if (command.bdat_bytes > bytes_max) return Close(552, "5.3.4", "chunk far too large; closing connection");
  // Wanted or not, the bytes follow, and are not commands.
  chunk_unwanted_ = !has_sender_ || recipients_ == 0 || chunk_failed_;
  chunk_last_ = command.bdat_last;
  if (!chunk_unwanted_ && command.bdat_bytes >= kChunkBytesMin) --idle_commands_;
  state_ = State::kChunk;
  input_.BeginBdat(command.bdat_bytes);
}

void Dialogue::OnContent(std::string_view piece) {
  if (state_ == State::kChunk && chunk_unwanted_) return;
  message_bytes_ += static_cast<int64_t>(piece.size());
  if (message_bytes_ > shared_->limits.message_bytes_max + kOversizeBytesMax) {
    return Close(552, "5.3.4", "message far too large; closing connection");
  }
  if (bad_newline_ || no_memory_ || message_bytes_ > shared_->limits.message_bytes_max) {
    DropContent();  // it will be refused: nothing of it is kept
  } else {
    Keep(piece);
  }
}

void Dialogue::Keep(std::string_view piece) {
  const bool whole = message_.envelope.aggregate || message_.envelope.keep;
  const size_t bytes_max =
      whole ? static_cast<size_t>(shared_->limits.message_bytes_max) : shared_->limits.head_bytes_max;
  std::string& head = message_.head;
  piece = piece.substr(0, bytes_max - std::min(bytes_max, head.size()));
  if (piece.empty()) return;
  // What counts is what the string holds, not what it uses.
  const size_t needed = head.size() + piece.size();
  if (needed > message_taken_) {
    const size_t capacity = std::max(needed, std::min(bytes_max, 2 * message_taken_));
    if (!TakeForMessage(capacity - message_taken_, whole)) {
      no_memory_ = true;
      return DropContent();
    }
    head.reserve(capacity);
  }
  head += piece;
}

bool Dialogue::TakeForMessage(size_t bytes, bool whole) {
  if (!shared_->budget.Take(bytes, shared_->connection_reserve)) return false;
  if (whole && !shared_->whole_budget.Take(bytes)) {
    shared_->budget.GiveBack(bytes);
    return false;
  }
  message_taken_ += bytes;
  if (whole) whole_taken_ += bytes;
  return true;
}

void Dialogue::DropContent() {
  // Assigning an empty string would keep the old one's memory.
  std::string().swap(message_.head);
  shared_->budget.GiveBack(std::exchange(message_taken_, 0));
  shared_->whole_budget.GiveBack(std::exchange(whole_taken_, 0));
}

void Dialogue::OnContentEnd() {
  const bool chunk = state_ == State::kChunk;
  state_ = State::kCommand;
  chunk ? OnChunkEnd() : OnMessageEnd();
}

void Dialogue::OnChunkEnd() {
  if (chunk_unwanted_) {
    if (!has_sender_) return Error(503, "5.5.1", "MAIL first");
    if (chunk_failed_) return Error(503, "5.5.1", "a chunk has failed: RSET first");
    return Error(client_.protocol == Protocol::kLmtp ? 503 : 554, "5.5.1", "no valid recipients");
  }
  if (chunk_last_) return OnMessageEnd();
  chunk_failed_ = no_memory_ || message_bytes_ > shared_->limits.message_bytes_max;
  chunking_ = !chunk_failed_;
  if (chunking_) return Say(250, "2.0.0", absl::StrCat("OK, ", message_bytes_, " bytes so far"));
  DropContent();
  no_memory_ ? Error(452, "4.3.1", "too much mail at once, try again later") : Error(552, "5.3.4", "message too large");
}

void Dialogue::OnMessageEnd() {
  idle_commands_ = 0;
  if (bad_newline_) {
    // A lone CR or LF is how one message is smuggled in another; whoever sends it is not talked to any longer.
    Verdict(554, "5.6.0", "bare CR, bare LF or NUL in the message (RFC 5321 section 2.3.8); closing connection");
    state_ = State::kClosed;
  } else if (message_bytes_ > shared_->limits.message_bytes_max) {
    Verdict(552, "5.3.4", "message too large", true);
  } else if (no_memory_) {
    Verdict(452, "4.3.1", "too much mail at once, try again later");
  } else if (CountHops(message_.head) > shared_->limits.hops_max) {
    Verdict(554, "5.4.6", "too many hops: this message goes round in circles", true);
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
    Verdict(250, "2.0.0", "OK");
  } else if (absl::IsResourceExhausted(status)) {
    Verdict(452, "4.3.1", "too much at once or out of space, try again later");
  } else {
    Verdict(451, "4.3.0", "could not be stored, try again later");
  }
  ResetTransaction();
}

}  // namespace wavepost
