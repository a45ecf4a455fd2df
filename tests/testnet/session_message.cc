// Session's part from DATA to the reply to the final dot.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "tests/testnet/session.h"

namespace wavepost::testnet {
namespace {

constexpr uint64_t kOversizeFactor = 4;

}  // namespace

std::string MessageIdOf(std::string_view header) {
  constexpr std::string_view kName = "message-id:";
  for (size_t at = 0; at < header.size();) {
    size_t end = header.find("\r\n", at);
    if (end == std::string_view::npos) end = header.size();
    if (end - at >= kName.size() && StartsWithIgnoreCase(header.substr(at), kName)) {
      // Unfolded (RFC 5322 section 2.2.3): the identifier often stands on a line of its own.
      size_t stop = end;
      while (stop + 2 < header.size() && (header[stop + 2] == ' ' || header[stop + 2] == '\t')) {
        stop = std::min(header.find("\r\n", stop + 2), header.size());
      }
      std::string_view value = header.substr(at + kName.size(), stop - at - kName.size());
      const size_t open = value.find('<');
      const size_t close = value.find('>', open == std::string_view::npos ? 0 : open);
      if (open != std::string_view::npos && close != std::string_view::npos) {
        value = value.substr(open + 1, close - open - 1);
      }
      std::string id;
      for (const char c : value) {
        if (c != ' ' && c != '\t' && c != '\r' && c != '\n') id += c;
      }
      return id;
    }
    at = end + 2;
  }
  return {};
}

Session::Step Session::OnData(absl::Time now) {
  if (!in_transaction_) return Wrong(Phase::kData, 503, "5.5.1 Say MAIL first", now);
  if (recipients_.empty()) {
    // Usual for a pipelining client whose RCPT was refused; no error of its own.
    output_ += "554 5.5.1 No valid recipients\r\n";
    return Step::kNeedMore;
  }
  const size_t site = recipients_[0].site;
  if (world_.decider->Disconnects(site, Phase::kData)) return Drop(Phase::kData, now);
  drop_in_data_ = world_.decider->Disconnects(site, Phase::kInData);
  in_data_ = true;
  input_.BeginData();
  // Checking a signature costs more than all the rest: only the messages of the sample are held whole and checked.
  const Scenario& scenario = *world_.scenario;
  verify_ = scenario.verify_dkim && world_.verify_dkim && world_.counters->messages % scenario.sample == 0 &&
            world_.counters->bytes_buffered < kBufferedBytesMax;
  return Say(Phase::kData, ProfileOf(site), 354, "End data with <CR><LF>.<CR><LF>");
}

Session::Step Session::OnDataPiece(std::string_view piece, absl::Time now) {
  if (drop_in_data_) return Drop(Phase::kInData, now);
  size_ += piece.size();
  if (size_ > kOversizeFactor * world_.scenario->message_bytes_max) {
    // A client that ignores SIZE is heard out to a point, then no longer.
    constexpr std::string_view kText = "5.3.4 Message size far exceeds the fixed limit";
    RecordAll("refused", Phase::kInData, 552, kText, now);
    return Say(Phase::kInData, 552, kText, true);
  }
  if (!header_done_) {
    const size_t from = header_.size() < 3 ? 0 : header_.size() - 3;
    header_.append(piece.substr(0, kHeaderBytesMax - header_.size()));
    const size_t end = header_.find("\r\n\r\n", from);
    if (end != std::string::npos) header_.resize(end + 2);
    header_done_ = end != std::string::npos || header_.size() >= kHeaderBytesMax;
  }
  if (verify_) {
    if (size_ > world_.scenario->message_bytes_max) {
      verify_ = false;
      ReleaseBuffer();
    } else {
      content_ += piece;
      world_.counters->bytes_buffered += piece.size();
    }
  }
  return Step::kNeedMore;
}

Session::Step Session::OnDot(absl::Time now) {
  in_data_ = false;
  const size_t site = recipients_[0].site;
  const Profile& profile = ProfileOf(site);
  message_id_ = MessageIdOf(header_);
  if (drop_in_data_) return Drop(Phase::kInData, now);
  Action action;
  if (size_ > world_.scenario->message_bytes_max) {
    action = {Action::Kind::kReply, 552, "5.3.4 Message size exceeds the fixed limit"};
  } else if (bad_newline_) {
    action = {Action::Kind::kReply, 554, "5.6.0 A lone CR, LF or NUL in the message"};
  } else if (world_.decider->Disconnects(site, Phase::kAfterDot)) {
    return Drop(Phase::kAfterDot, now);
  }
  for (const Recipient& recipient : recipients_) {
    if (action.kind == Action::Kind::kProceed) action = Decider::OnDot(recipient.fate);
  }
  if (verify_ && action.kind == Action::Kind::kProceed) {
    dkim_ = world_.verify_dkim(content_);
    ++world_.counters->dkim_checked;
    if (dkim_ != "pass") ++world_.counters->dkim_failed;
  }
  if (action.kind == Action::Kind::kProceed) return Accept(now);
  RecordAll(EventOf(action.code), Phase::kAfterDot, action.code, action.text, now);
  ResetTransaction();
  return Say(Phase::kAfterDot, profile, action.code, action.text, action.kind == Action::Kind::kReplyAndClose);
}

Session::Step Session::Accept(absl::Time now) {
  const size_t site = recipients_[0].site;
  const std::string reply =
      absl::StrCat("2.0.0 Ok: queued as ", absl::Hex(world_.counters->messages + 1, absl::kZeroPad8));
  for (const Recipient& recipient : recipients_) {
    const absl::Status status = Record("accepted", Phase::kAfterDot, 250, reply, &recipient, now);
    if (!status.ok()) {
      // With several recipients earlier ones may stand in the ledger already; ours send one recipient per message.
      ResetTransaction();
      return Say(Phase::kAfterDot, 452, "4.3.1 The ledger cannot be written");
    }
  }
  ++world_.counters->messages;
  const bool lose_reply = world_.decider->Disconnects(site, Phase::kLostReply);
  const bool drop_after = !lose_reply && world_.decider->Disconnects(site, Phase::kAfterReply);
  for (const Recipient& recipient : recipients_) {
    if (recipient.fate.kind != Fate::Kind::kDsn || mail_from_.empty() || !world_.send_dsn) continue;
    absl::Duration after = world_.scenario->dsn.after;
    if (recipient.fate.after.has_value()) after = *recipient.fate.after / world_.scenario->clock_scale;
    world_.send_dsn({.return_path = mail_from_,
                     .rcpt_to = recipient.address,
                     .status = recipient.fate.status,
                     .text = recipient.fate.text,
                     .message_id = message_id_,
                     .headers = header_,
                     .host = receiver_.host,
                     .client_ip = client_ip_text_,
                     .ehlo = ehlo_,
                     .size = size_,
                     .arrival = now},
                    now + after);
  }
  ResetTransaction();
  if (lose_reply) {
    ended_ = true;
    return after_ = Step::kDrop;
  }
  const Step step = Say(Phase::kAfterDot, ProfileOf(site), 250, reply);
  if (drop_after) {
    // Politely, for an abrupt end could take the 250 with it; that is what lost_reply is for.
    ended_ = true;
    after_ = Step::kClose;
  }
  return step == Step::kNeedMore ? after_ : step;
}

void Session::ReleaseBuffer() {
  world_.counters->bytes_buffered -= content_.size();
  content_.clear();
}

}  // namespace wavepost::testnet
