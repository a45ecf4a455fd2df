// Dialogues in text: what the client sends, what it must read.
#include "tests/testnet/session.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace wavepost::testnet {
namespace {

constexpr uint32_t kIp = 0x7f00000b;
const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

// Keeps the lines as "event phase rcpt code".
class MemoryLedger : public LedgerSink {
 public:
  absl::Status Write(const LedgerEntry& entry) override {
    if (full) return absl::UnavailableError("full");
    lines.push_back(absl::StrCat(std::string(entry.event), " ", std::string(entry.phase), " ",
                                 std::string(entry.rcpt_to), " ", entry.code));
    last_id = std::string(entry.message_id);
    last_dkim = std::string(entry.dkim);
    last_size = entry.size;
    return absl::OkStatus();
  }
  std::vector<std::string> lines;
  std::string last_id, last_dkim;
  uint64_t last_size = 0;
  bool full = false;
};

class SessionTest : public testing::Test {
 protected:
  void Open(const std::string& yaml) {
    absl::StatusOr<Scenario> scenario = ParseScenario(yaml, "s.yaml");
    ASSERT_TRUE(scenario.ok()) << scenario.status();
    scenario_ = *std::move(scenario);
    decider_ = std::make_unique<Decider>(&scenario_);
    world_ = {.scenario = &scenario_, .decider = decider_.get(), .ledger = &ledger_, .counters = &counters_};
    world_.send_dsn = [this](DsnOrder order, absl::Time due) {
      dsns_.push_back(absl::StrCat(order.rcpt_to, " ", order.status, " after ", absl::FormatDuration(due - kNow)));
    };
    world_.verify_dkim = [this](std::string_view message) {
      verified_ = std::string(message);
      return "pass";
    };
    session_ = std::make_unique<Session>(&world_, scenario_.receivers[0], kIp);
    Run();
  }

  // Drives the session until it wants input; returns what it said since the last call.
  std::string Run() {
    std::string said;
    for (int i = 0; i < 10'000; ++i) {
      step_ = session_->Next(kNow);
      said += session_->TakeOutput();
      if (step_ == Session::Step::kWait) said += absl::StrCat("[wait ", absl::FormatDuration(session_->wait()), "]\n");
      if (step_ != Session::Step::kWait && step_ != Session::Step::kFlush) break;
    }
    said_ = said;
    return said;
  }

  // `lines` are sent with CRLF at each \n; returns the reply codes, "/" between them.
  std::string Send(const std::string& lines) {
    session_->Feed(absl::StrReplaceAll(lines, {{"\n", "\r\n"}}));
    std::vector<std::string> codes;
    const std::string said = Run();
    for (const auto line : absl::StrSplit(said, "\r\n", absl::SkipEmpty())) {
      if (line.size() < 4 || line[3] != '-') codes.emplace_back(line.substr(0, 3));
    }
    return absl::StrJoin(codes, "/");
  }

  Scenario scenario_;
  std::unique_ptr<Decider> decider_;
  MemoryLedger ledger_;
  Counters counters_;
  SessionWorld world_;
  std::unique_ptr<Session> session_;
  Session::Step step_ = Session::Step::kNeedMore;
  std::string said_;
  std::string verified_;
  std::vector<std::string> dsns_;
};

constexpr char kPlain[] = "domains: [{names: [a.example, b.example], shared: true}]\n";
constexpr char kMessage[] = "EHLO me\nMAIL FROM:<b+t@r.example>\nRCPT TO:<anna@a.example>\nDATA\n";
constexpr char kContent[] = "Subject: x\nMessage-ID: <id1@r.example>\n\n..dot\n.\n";

TEST_F(SessionTest, TakesAPipelinedMessage) {
  Open(kPlain);
  EXPECT_EQ(said_, "220 mx.a.example ESMTP testnet\r\n");
  EXPECT_EQ(Send(kMessage), "250/250/250/354");
  EXPECT_EQ(Send(kContent), "250");
  EXPECT_EQ(ledger_.lines, std::vector<std::string>{"accepted after_dot anna@a.example 250"});
  EXPECT_EQ(ledger_.last_id, "id1@r.example");
  EXPECT_EQ(ledger_.last_dkim, "off");
  EXPECT_EQ(ledger_.last_size, 12u + 29u + 2u + 6u) << "dots unstuffed";
  EXPECT_EQ(Send("QUIT\n"), "221");
  EXPECT_TRUE(step_ == Session::Step::kClose);
}

TEST_F(SessionTest, EverythingInOnePacketTwice) {
  Open(kPlain);
  EXPECT_EQ(Send("EHLO me\n"), "250");
  const std::string one = std::string("MAIL FROM:<s@x>\nRCPT TO:<anna@b.example>\nDATA\n") + kContent;
  EXPECT_EQ(Send(one + one), "250/250/354/250/250/250/354/250");
  EXPECT_EQ(counters_.accepted, 2u);
}

TEST_F(SessionTest, OffersWhatTheProfileOffers) {
  Open("profiles: {default: {starttls: offer, smtputf8: false}}\ndomains: [{name: a.example}]\n");
  Send("EHLO me\n");
  EXPECT_EQ(said_,
            "250-mx.a.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-STARTTLS\r\n250-ENHANCEDSTATUSCODES\r\n"
            "250 SIZE 10485760\r\n");
  EXPECT_EQ(Send("STARTTLS\nEHLO injected\n"), "220");
  EXPECT_TRUE(step_ == Session::Step::kStartTls);
  session_->TlsStarted();
  EXPECT_EQ(Send("MAIL FROM:<s@x>\n"), "503") << "EHLO is forgotten, and what came before the handshake too";
  Send("EHLO me\n");
  EXPECT_EQ(said_.find("STARTTLS"), std::string::npos);
}

TEST_F(SessionTest, BrokenStartTlsHangsUp) {
  Open("profiles: {default: {starttls: broken}}\ndomains: [{name: a.example}]\n");
  EXPECT_EQ(Send("EHLO me\nSTARTTLS\n"), "250/220");
  EXPECT_TRUE(step_ == Session::Step::kDrop);
}

struct WrongRow {
  std::string name;
  std::string sent;
  std::string codes;
};

class SessionOrder : public SessionTest, public testing::WithParamInterface<WrongRow> {};

TEST_P(SessionOrder, Row) {
  Open(kPlain);
  EXPECT_EQ(Send(GetParam().sent), GetParam().codes);
}

INSTANTIATE_TEST_SUITE_P(
    Session, SessionOrder,
    testing::Values(
        WrongRow{"MailBeforeEhlo", "MAIL FROM:<s@x>\n", "503"},
        WrongRow{"Nested", "EHLO m\nMAIL FROM:<s@x>\nMAIL FROM:<s@x>\n", "250/250/503"},
        WrongRow{"RcptBeforeMail", "EHLO m\nRCPT TO:<a@a.example>\n", "250/503"},
        WrongRow{"DataBeforeMail", "EHLO m\nDATA\n", "250/503"},
        WrongRow{"DataWithoutRecipient", "EHLO m\nMAIL FROM:<>\nRCPT TO:<unknown-1@a.example>\nDATA\nRSET\n",
                 "250/250/550/554/250"},
        WrongRow{"UnknownCommand", "FROBNICATE\n", "500"}, WrongRow{"Bdat", "EHLO m\nBDAT 5 LAST\n", "250/502"},
        WrongRow{"StartTlsNotOffered", "EHLO m\nSTARTTLS\n", "250/502"},
        WrongRow{"TooBigBySize", "EHLO m\nMAIL FROM:<s@x> SIZE=99999999\n", "250/552"},
        WrongRow{"UnknownParameter", "EHLO m\nMAIL FROM:<s@x> RET=HDRS\n", "250/555"},
        WrongRow{"Body8Bit", "EHLO m\nMAIL FROM:<s@x> BODY=8BITMIME SIZE=10\n", "250/250"},
        WrongRow{"BodyWrong", "EHLO m\nMAIL FROM:<s@x> BODY=BINARY\n", "250/501"},
        WrongRow{"RelayDenied", "EHLO m\nMAIL FROM:<s@x>\nRCPT TO:<a@elsewhere.example>\n", "250/250/550"},
        WrongRow{"Utf8WithoutParameter", "EHLO m\nMAIL FROM:<s@x>\nRCPT TO:<\xc3\xbc@a.example>\n", "250/250/553"},
        WrongRow{"Utf8", "EHLO m\nMAIL FROM:<s@x> SMTPUTF8\nRCPT TO:<\xc3\xbc@a.example>\n", "250/250/250"},
        WrongRow{"Helo", "HELO m\nMAIL FROM:<s@x>\nRCPT TO:<a@A.Example>\n", "250/250/250"},
        WrongRow{"LongLine", "NOOP " + std::string(5000, 'x') + "\nNOOP\n", "500/250"}),
    [](const auto& row) { return row.param.name; });

TEST_F(SessionTest, TooManyErrorsEndIt) {
  Open(kPlain);
  std::string lines;
  for (int i = 0; i < Session::kErrorsMax + 5; ++i) lines += "X\n";
  const std::string codes = Send(lines);
  EXPECT_EQ(codes.substr(codes.size() - 7), "500/421");
  EXPECT_TRUE(step_ == Session::Step::kClose);
}

TEST_F(SessionTest, BareNewlineInTheMessageIsRefused) {
  Open(kPlain);
  Send(kMessage);
  session_->Feed("a\n.\nMAIL FROM:<evil@x>\r\n.\r\n");
  Run();
  EXPECT_EQ(said_.substr(0, 9), "554 5.6.0");
  EXPECT_EQ(ledger_.lines, std::vector<std::string>{"refused after_dot anna@a.example 554"});
}

TEST_F(SessionTest, TooBigIsRefusedAndFarTooBigCutOff) {
  Open("message_bytes_max: 1024\ndomains: [{name: a.example}]\n");
  Send(kMessage);
  EXPECT_EQ(Send(std::string(1100, 'x') + "\n.\n"), "552");
  EXPECT_EQ(Send(std::string(kMessage).substr(8)), "250/250/354");
  EXPECT_EQ(Send(std::string(5000, 'x')), "552");
  EXPECT_TRUE(step_ == Session::Step::kClose);
  EXPECT_EQ(counters_.refused, 2u);
}

TEST_F(SessionTest, WhatTheLedgerCannotHoldIsNotTaken) {
  Open(kPlain);
  Send(kMessage);
  ledger_.full = true;
  EXPECT_EQ(Send(kContent), "452");
  EXPECT_EQ(counters_.accepted, 0u);
}

TEST_F(SessionTest, FatesAfterTheDot) {
  Open(kPlain);
  Send("EHLO me\n");
  EXPECT_EQ(Send(std::string("MAIL FROM:<s@x>\nRCPT TO:<spam-1@a.example>\nDATA\n") + kContent), "250/250/354/554");
  EXPECT_EQ(Send(std::string("MAIL FROM:<s@x>\nRCPT TO:<bounce-1@a.example>\nDATA\n") + kContent), "250/250/354/250");
  EXPECT_EQ(Send(std::string("MAIL FROM:<>\nRCPT TO:<bounce-2@a.example>\nDATA\n") + kContent), "250/250/354/250");
  EXPECT_EQ(dsns_, std::vector<std::string>{"bounce-1@a.example 5.1.1 after 30s"}) << "none to the null return path";
  EXPECT_EQ(ledger_.lines[0], "refused after_dot spam-1@a.example 554");
}

TEST_F(SessionTest, A421AtRcptCloses) {
  Open(kPlain);
  EXPECT_EQ(Send("EHLO me\nMAIL FROM:<s@x>\nRCPT TO:<421-x@a.example>\nDATA\n"), "250/250/421");
  EXPECT_TRUE(step_ == Session::Step::kClose);
}

struct CutRow {
  std::string phase;
  std::string codes;   // of the whole dialogue
  std::string ledger;  // "" for no line
  bool polite = false;
};

class SessionCut : public SessionTest, public testing::WithParamInterface<CutRow> {};

TEST_P(SessionCut, Row) {
  Open("profiles: {default: {disconnect: [{phase: " + GetParam().phase +
       ", every: 1}]}}\ndomains: [{name: a.example}]\n");
  const std::string greeting = said_.substr(0, 4);
  std::string codes = greeting.empty() ? "" : greeting.substr(0, 3);
  if (step_ == Session::Step::kNeedMore) codes += "/" + Send(kMessage);
  if (step_ == Session::Step::kNeedMore) codes += "/" + Send(kContent);
  EXPECT_EQ(codes, GetParam().codes);
  EXPECT_EQ(step_ == Session::Step::kClose, GetParam().polite);
  EXPECT_EQ(step_ == Session::Step::kDrop, !GetParam().polite);
  EXPECT_EQ(absl::StrJoin(ledger_.lines, ","), GetParam().ledger);
}

INSTANTIATE_TEST_SUITE_P(
    Session, SessionCut,
    testing::Values(CutRow{"connect", "", "disconnected connect  0"},
                    CutRow{"greeting", "220", "disconnected greeting  0"},
                    CutRow{"ehlo", "220/", "disconnected ehlo  0"}, CutRow{"mail", "220/250", "disconnected mail  0"},
                    CutRow{"rcpt", "220/250/250", "disconnected rcpt anna@a.example 0"},
                    CutRow{"data", "220/250/250/250", "disconnected data anna@a.example 0"},
                    CutRow{"in_data", "220/250/250/250/354/", "disconnected in_data anna@a.example 0"},
                    CutRow{"after_dot", "220/250/250/250/354/", "disconnected after_dot anna@a.example 0"},
                    CutRow{"lost_reply", "220/250/250/250/354/", "accepted after_dot anna@a.example 250"},
                    CutRow{"after_reply", "220/250/250/250/354/250", "accepted after_dot anna@a.example 250", true}),
    [](const auto& row) { return row.param.phase; });

TEST_F(SessionTest, DelaysStandBeforeTheirReply) {
  Open("profiles: {default: {delays: {connect: 1s, rcpt: 2s, after_dot: 3s}}}\ndomains: [{name: a.example}]\n");
  EXPECT_EQ(said_, "[wait 1s]\n220 mx.a.example ESMTP testnet\r\n");
  Send(kMessage);
  EXPECT_NE(said_.find("250 2.1.0 Ok\r\n[wait 2s]\n250 2.1.5 Ok\r\n354"), std::string::npos) << said_;
  Send(kContent);
  EXPECT_EQ(said_.substr(0, 23), "[wait 3s]\n250 2.0.0 Ok:");
}

TEST_F(SessionTest, ConnectionLimitGreetsWith421) {
  Open("profiles: {default: {limits: {connections_open: 1}}}\ndomains: [{name: a.example}]\n");
  {
    Session second(&world_, scenario_.receivers[0], kIp);
    EXPECT_TRUE(second.Next(kNow) == Session::Step::kClose);
    EXPECT_EQ(second.TakeOutput(), "421 4.7.0 Too many concurrent connections from 127.0.0.11\r\n");
  }
  session_.reset();
  Session third(&world_, scenario_.receivers[0], kIp);
  EXPECT_TRUE(third.Next(kNow) == Session::Step::kNeedMore);
}

TEST_F(SessionTest, VerifiesTheSampleOnly) {
  Open("verify_dkim: true\nsample: 2\ndomains: [{name: a.example}]\n");
  Send(kMessage);
  Send(kContent);
  EXPECT_EQ(verified_, "Subject: x\r\nMessage-ID: <id1@r.example>\r\n\r\n.dot\r\n");
  EXPECT_EQ(ledger_.last_dkim, "pass");
  Send(std::string(kMessage).substr(8));
  Send(kContent);
  EXPECT_EQ(ledger_.last_dkim, "off");
  EXPECT_EQ(counters_.bytes_buffered, 0u);
}

TEST_F(SessionTest, LostClientLeavesALine) {
  Open(kPlain);
  Send(kMessage);
  session_->Feed("half a mess");
  Run();
  session_->Lost("closed by the client", kNow);
  EXPECT_EQ(ledger_.lines, std::vector<std::string>{"disconnected in_data anna@a.example 0"});
}

TEST_F(SessionTest, StopWaitsForTheMessageUnderWay) {
  Open(kPlain);
  Send(kMessage);
  session_->Stop();
  EXPECT_EQ(Send("half\n"), "");
  EXPECT_TRUE(step_ == Session::Step::kNeedMore);
  EXPECT_EQ(Send(".\n"), "250/421");
  EXPECT_TRUE(step_ == Session::Step::kClose);
}

TEST(MessageIdOf, FoldedMissingAndOdd) {
  EXPECT_EQ(MessageIdOf("A: b\r\nMESSAGE-ID:\r\n <x@y>\r\nC: d\r\n"), "x@y");
  EXPECT_EQ(MessageIdOf("Message-ID: bare@y\r\n"), "bare@y");
  EXPECT_EQ(MessageIdOf("X-Message-ID: <x@y>\r\nA: b\r\n"), "");
  EXPECT_EQ(MessageIdOf("Message-ID: <x@y"), "<x@y");
  EXPECT_EQ(MessageIdOf(""), "");
}

}  // namespace
}  // namespace wavepost::testnet
