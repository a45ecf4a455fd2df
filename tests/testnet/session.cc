#include "tests/testnet/session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/strings.h"

namespace wavepost::testnet {
namespace {

constexpr size_t kEhloBytesMax = 255;

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

Session::Session(SessionWorld* world, const Receiver& receiver, uint32_t client_ip)
    : world_(*world), receiver_(receiver), client_ip_(client_ip), client_ip_text_(Ipv4Text(client_ip)) {
  ++world_.counters->connections;
  ++world_.counters->connections_open;
}

Session::~Session() {
  ReleaseBuffer();
  if (counted_) world_.decider->OnClose(receiver_.site, client_ip_);
  --world_.counters->connections_open;
}

const Profile& Session::ProfileOf(size_t site) const {
  return world_.scenario->profiles[world_.scenario->sites[site].profile];
}

Session::Step Session::Next(absl::Time now) {
  if (!held_.empty()) output_ += std::exchange(held_, {});
  if (after_ != Step::kNeedMore) return after_;
  if (!started_) return Start(now);
  while (true) {
    if (output_.size() > kOutputBytesMax) return Step::kFlush;
    ServerInput::Event event = input_.Next();
    Step step = Step::kNeedMore;
    switch (event.kind) {
      case ServerInput::Kind::kNeedMore:
        if (!stopping_ || in_data_) return Step::kNeedMore;
        output_ += "421 4.3.2 The testnet stops\r\n";
        return after_ = Step::kClose;
      case ServerInput::Kind::kLine:
        step = OnLine(event.text, now);
        break;
      case ServerInput::Kind::kLineTooLong:
        step = Wrong(Phase::kEhlo, 500, "5.5.2 Line too long", now);
        break;
      case ServerInput::Kind::kBadNewline:
        if (in_data_) {
          bad_newline_ = true;
        } else {
          step = Wrong(Phase::kEhlo, 500, "5.5.2 Lines end with CRLF, a lone CR or LF does not belong here", now);
        }
        break;
      case ServerInput::Kind::kData:
        step = OnDataPiece(event.text, now);
        break;
      case ServerInput::Kind::kDataEnd:
        step = OnDot(now);
        break;
    }
    if (step != Step::kNeedMore) return step;
  }
}

Session::Step Session::Start(absl::Time now) {
  started_ = true;
  if (world_.decider->Disconnects(receiver_.site, Phase::kConnect)) return Drop(Phase::kConnect, now);
  const Action action = world_.decider->OnConnect(receiver_.site, client_ip_, now);
  counted_ = action.kind == Action::Kind::kProceed;
  if (!counted_) return Refuse(Phase::kConnect, action, OwnProfile(), nullptr, now);
  if (world_.decider->Disconnects(receiver_.site, Phase::kGreeting)) {
    output_ += "220-";
    return Drop(Phase::kGreeting, now);
  }
  return Say(Phase::kConnect, 220, absl::StrCat(receiver_.host, " ESMTP testnet"));
}

Session::Step Session::OnLine(std::string_view line, absl::Time now) {
  const Command command = ParseCommand(line);
  if (!command.error.empty()) {
    const bool unknown = command.verb == Command::Verb::kUnknown;
    const Phase phase = command.verb == Command::Verb::kMail   ? Phase::kMail
                        : command.verb == Command::Verb::kRcpt ? Phase::kRcpt
                                                               : Phase::kEhlo;
    return Wrong(phase, unknown ? 500 : 501, absl::StrCat(unknown ? "5.5.2 " : "5.5.4 ", command.error), now);
  }
  switch (command.verb) {
    case Command::Verb::kHelo:
    case Command::Verb::kEhlo:
      return OnHello(command, now);
    case Command::Verb::kMail:
      return OnMail(command, now);
    case Command::Verb::kRcpt:
      return OnRcpt(command, now);
    case Command::Verb::kData:
      return OnData(now);
    case Command::Verb::kStartTls:
      return OnStartTls(now);
    case Command::Verb::kRset:
      ResetTransaction();
      output_ += "250 2.0.0 Ok\r\n";
      return Step::kNeedMore;
    case Command::Verb::kNoop:
      output_ += "250 2.0.0 Ok\r\n";
      return Step::kNeedMore;
    case Command::Verb::kVrfy:
      output_ += "252 2.5.0 Send the mail and see\r\n";
      return Step::kNeedMore;
    case Command::Verb::kQuit:
      ended_ = true;
      output_ += "221 2.0.0 Bye\r\n";
      return after_ = Step::kClose;
    case Command::Verb::kLhlo:
    case Command::Verb::kBdat:
    case Command::Verb::kUnknown:
      break;
  }
  return Wrong(Phase::kEhlo, 502, "5.5.1 Command not offered here", now);
}

Session::Step Session::OnHello(const Command& command, absl::Time now) {
  if (world_.decider->Disconnects(receiver_.site, Phase::kEhlo)) return Drop(Phase::kEhlo, now);
  ResetTransaction();
  ehlo_ = Printable(command.argument, kEhloBytesMax);
  const Profile& profile = OwnProfile();
  if (command.verb == Command::Verb::kHelo) return Say(Phase::kEhlo, 250, receiver_.host);
  std::string reply = absl::StrCat("250-", receiver_.host, "\r\n");
  if (profile.pipelining) reply += "250-PIPELINING\r\n";
  if (profile.eight_bit_mime) reply += "250-8BITMIME\r\n";
  if (profile.smtputf8) reply += "250-SMTPUTF8\r\n";
  if (profile.starttls != StartTls::kOff && !tls_) reply += "250-STARTTLS\r\n";
  absl::StrAppend(&reply, "250-ENHANCEDSTATUSCODES\r\n250 SIZE ", world_.scenario->message_bytes_max, "\r\n");
  wait_ = profile.delays[static_cast<size_t>(Phase::kEhlo)];
  if (wait_ > absl::ZeroDuration()) {
    held_ = std::move(reply);
    return Step::kWait;
  }
  output_ += reply;
  return Step::kNeedMore;
}

Session::Step Session::OnMail(const Command& command, absl::Time now) {
  if (ehlo_.empty()) return Wrong(Phase::kMail, 503, "5.5.1 Say EHLO first", now);
  if (in_transaction_) return Wrong(Phase::kMail, 503, "5.5.1 Nested MAIL command", now);
  if (world_.decider->Disconnects(receiver_.site, Phase::kMail)) return Drop(Phase::kMail, now);
  const Profile& profile = OwnProfile();
  bool utf8 = false;
  for (const auto& [keyword, value] : command.params) {
    uint64_t size = 0;
    if (keyword == "SIZE") {
      if (!absl::SimpleAtoi(value, &size)) return Wrong(Phase::kMail, 501, "5.5.4 SIZE wants a number", now);
      if (size > world_.scenario->message_bytes_max) {
        return Wrong(Phase::kMail, 552, "5.3.4 Message size exceeds the fixed limit", now);
      }
    } else if (keyword == "BODY" && profile.eight_bit_mime) {
      if (!EqualsIgnoreCase(value, "7BIT") && !EqualsIgnoreCase(value, "8BITMIME")) {
        return Wrong(Phase::kMail, 501, "5.5.4 BODY is 7BIT or 8BITMIME", now);
      }
    } else if (keyword == "SMTPUTF8" && profile.smtputf8 && value.empty()) {
      utf8 = true;
    } else {
      return Wrong(Phase::kMail, 555, "5.5.4 A parameter that was not offered", now);
    }
  }
  if (!IsAscii(command.path) && (!utf8 || !IsUtf8(command.path))) {
    return Wrong(Phase::kMail, 553, "5.6.7 A non-ASCII address needs SMTPUTF8", now);
  }
  mail_from_ = command.path;
  const Action action = world_.decider->OnMail(receiver_.site, client_ip_, messages_, now);
  if (action.kind != Action::Kind::kProceed) return Refuse(Phase::kMail, action, profile, nullptr, now);
  ++messages_;
  in_transaction_ = true;
  smtputf8_ = utf8;
  return Say(Phase::kMail, 250, "2.1.0 Ok");
}

Session::Step Session::OnRcpt(const Command& command, absl::Time now) {
  if (!in_transaction_) return Wrong(Phase::kRcpt, 503, "5.5.1 Say MAIL first", now);
  if (!command.params.empty()) return Wrong(Phase::kRcpt, 555, "5.5.4 A parameter that was not offered", now);
  Recipient recipient;
  const size_t at = command.path.rfind('@');
  recipient.domain = at == std::string::npos ? "" : AsciiLower(std::string_view(command.path).substr(at + 1));
  recipient.address =
      at == std::string::npos ? command.path : absl::StrCat(command.path.substr(0, at + 1), recipient.domain);
  if (!IsAscii(command.path) && (!smtputf8_ || !IsUtf8(command.path))) {
    const Action action{Action::Kind::kReply, 553, "5.6.7 A non-ASCII address needs SMTPUTF8"};
    return Refuse(Phase::kRcpt, action, OwnProfile(), &recipient, now);
  }
  if (recipients_.size() >= kRecipientsMax) {
    const Action action{Action::Kind::kReply, 452, "4.5.3 Too many recipients"};
    return Refuse(Phase::kRcpt, action, OwnProfile(), &recipient, now);
  }
  const std::optional<size_t> site = world_.scenario->SiteOf(recipient.domain);
  if (!site.has_value() || !world_.scenario->Serves(receiver_.address, *site)) {
    // Also what a sender deserves that looked up the wrong MX.
    const Action action{Action::Kind::kReply, 550,
                        absl::StrCat("5.7.1 <", Printable(recipient.address, 200), ">: Relay access denied, ",
                                     receiver_.host, " takes no mail for this domain")};
    return Refuse(Phase::kRcpt, action, OwnProfile(), &recipient, now);
  }
  recipient.site = *site;
  const Profile& profile = ProfileOf(*site);
  if (world_.decider->Disconnects(*site, Phase::kRcpt)) return Drop(Phase::kRcpt, now, &recipient);
  const std::string key = AsciiLower(recipient.address);
  const Action action = world_.decider->OnRcpt(
      {.site = *site, .client_ip = client_ip_, .mail_from = mail_from_, .address = key}, now, &recipient.fate);
  if (action.kind != Action::Kind::kProceed) return Refuse(Phase::kRcpt, action, profile, &recipient, now);
  recipients_.push_back(std::move(recipient));
  return Say(Phase::kRcpt, profile, 250, "2.1.5 Ok");
}

Session::Step Session::OnStartTls(absl::Time now) {
  const StartTls policy = OwnProfile().starttls;
  if (policy == StartTls::kOff || tls_) return Wrong(Phase::kEhlo, 502, "5.5.1 STARTTLS is not offered", now);
  if (in_transaction_) return Wrong(Phase::kEhlo, 503, "5.5.1 STARTTLS within a transaction", now);
  output_ += "220 2.0.0 Ready to start TLS\r\n";
  if (policy == StartTls::kBroken) return Drop(Phase::kEhlo, now);
  // RFC 3207 section 4.2: neither what was said nor what was heard in clear text counts any more.
  input_.DropBuffered();
  ehlo_.clear();
  return Step::kStartTls;
}

void Session::TlsStarted() {
  tls_ = true;
  input_.DropBuffered();
}

Session::Step Session::Say(Phase phase, const Profile& profile, int code, std::string_view text, bool close) {
  std::string& out = profile.delays[static_cast<size_t>(phase)] > absl::ZeroDuration() ? held_ : output_;
  absl::StrAppend(&out, code, " ", Av(text), "\r\n");
  if (close) {
    ended_ = true;
    after_ = Step::kClose;
  }
  if (&out == &held_) {
    wait_ = profile.delays[static_cast<size_t>(phase)];
    return Step::kWait;
  }
  return after_;
}

Session::Step Session::Say(Phase phase, int code, std::string_view text, bool close) {
  return Say(phase, OwnProfile(), code, text, close);
}

Session::Step Session::Wrong(Phase phase, int code, std::string_view text, absl::Time now) {
  (void)Record(EventOf(code), phase, code, text, nullptr, now);
  if (++errors_ >= kErrorsMax) return Say(phase, 421, "4.7.0 Too many errors", true);
  return Say(phase, code, text);
}

Session::Step Session::Refuse(Phase phase, const Action& action, const Profile& profile, const Recipient* recipient,
                              absl::Time now) {
  (void)Record(EventOf(action.code), phase, action.code, action.text, recipient, now);
  return Say(phase, profile, action.code, action.text, action.kind == Action::Kind::kReplyAndClose);
}

Session::Step Session::Drop(Phase phase, absl::Time now, const Recipient* recipient) {
  constexpr std::string_view kWhy = "closed by the scenario";
  if (recipient != nullptr) {
    (void)Record("disconnected", phase, 0, kWhy, recipient, now);
  } else {
    RecordAll("disconnected", phase, 0, kWhy, now);
  }
  ended_ = true;
  return after_ = Step::kDrop;
}

void Session::Lost(std::string_view why, absl::Time now) {
  if (ended_) return;
  ended_ = true;
  if (!in_transaction_) return;
  const Phase phase = in_data_ ? Phase::kInData : recipients_.empty() ? Phase::kMail : Phase::kRcpt;
  RecordAll("disconnected", phase, 0, why, now);
}

absl::Status Session::Record(std::string_view event, Phase phase, int code, std::string_view reply,
                             const Recipient* recipient, absl::Time now) {
  Counters& counters = *world_.counters;
  const absl::Status status = world_.ledger->Write({
      .time = now,
      .event = event,
      .phase = PhaseName(phase),
      .client_ip = client_ip_text_,
      .ehlo = ehlo_,
      .mail_from = mail_from_,
      .rcpt_to = recipient == nullptr ? std::string_view{} : recipient->address,
      .message_id = message_id_,
      .code = code,
      .reply = reply,
      .domain = recipient == nullptr ? std::string_view{} : recipient->domain,
      .dkim = dkim_,
      .tls = tls_,
      .size = size_,
  });
  if (!status.ok()) {
    ++counters.ledger_errors;
    return status;
  }
  uint64_t& counter = event == "accepted"   ? counters.accepted
                      : event == "refused"  ? counters.refused
                      : event == "deferred" ? counters.deferred
                                            : counters.disconnected;
  ++counter;
  return status;
}

std::string_view Session::EventOf(int code) {
  return code >= 500 ? "refused" : "deferred";
}

void Session::RecordAll(std::string_view event, Phase phase, int code, std::string_view reply, absl::Time now) {
  if (recipients_.empty()) (void)Record(event, phase, code, reply, nullptr, now);
  for (const Recipient& recipient : recipients_) (void)Record(event, phase, code, reply, &recipient, now);
}

void Session::ResetTransaction() {
  ReleaseBuffer();
  in_transaction_ = false;
  in_data_ = false;
  smtputf8_ = false;
  mail_from_.clear();
  recipients_.clear();
  drop_in_data_ = false;
  verify_ = false;
  bad_newline_ = false;
  header_done_ = false;
  header_.clear();
  dkim_ = "off";
  message_id_.clear();
  size_ = 0;
}

}  // namespace wavepost::testnet
