#include "common/smtp/classify.h"

#include <gtest/gtest.h>

#include <set>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "common/smtp/classify_index.h"
#include "common/smtp/classify_rules.h"
#include "common/smtp/classify_text.h"
#include "common/smtp/rule_book.h"

namespace wavepost {
namespace {

using Kind = Verdict::Kind;
using Scope = Verdict::Scope;

Reply Parse(std::string_view text) {
  std::optional<Reply> reply = ReplyFromText(text);
  EXPECT_TRUE(reply.has_value()) << text;
  return reply.value_or(MakeReply(250, ""));
}

// Each row of the table is reached by its own sample: no row is dead, none is shadowed by another.
TEST(ClassifyRules, EverySampleFiresItsRule) {
  std::set<std::string, std::less<>> names;
  for (const ClassifyRule& rule : RuleBook::Active().rules()) {
    SCOPED_TRACE(rule.name);
    EXPECT_TRUE(names.insert(rule.name).second) << "name used twice";
    const Reply reply = Parse(rule.sample);
    const Verdict verdict = Classify(reply, rule.sample_phase);
    EXPECT_EQ(verdict.rule, rule.name) << rule.sample;
    EXPECT_EQ(verdict.reason, rule.reason);
    EXPECT_EQ(verdict.fault, rule.fault);
    EXPECT_EQ(verdict.throttled, (rule.flags & kThrottled) != 0);
    const bool temporary = reply.transient() || (rule.flags & kTemporaryAnyway) != 0;
    EXPECT_EQ(verdict.kind, temporary ? Kind::kTemporary : Kind::kPermanent);
  }
}

// A row that blames the recipient is only open where a recipient has been named.
TEST(ClassifyRules, NobodyIsBlamedBeforeRcpt) {
  for (const ClassifyRule& rule : RuleBook::Active().rules()) {
    for (Phase phase : {Phase::kConnect, Phase::kGreeting, Phase::kEhlo, Phase::kStartTls, Phase::kMail, Phase::kRset,
                        Phase::kQuit}) {
      const Verdict verdict = Classify(Parse(rule.sample), phase);
      EXPECT_NE(verdict.fault, v1::RECIPIENT) << rule.name << " at " << PhaseName(phase);
      EXPECT_NE(BounceClassOf(verdict), v1::HARD) << rule.name << " at " << PhaseName(phase);
      EXPECT_NE(verdict.scope, Scope::kRecipient) << rule.name << " at " << PhaseName(phase);
    }
  }
}

// The class of the code is kept in every phase, whatever stands in the text.
TEST(ClassifyRules, FourIsNeverPermanent) {
  for (const ClassifyRule& rule : RuleBook::Active().rules()) {
    Reply reply = Parse(rule.sample);
    reply.code = 451;
    for (int phase = 0; phase <= static_cast<int>(Phase::kQuit); ++phase) {
      EXPECT_EQ(Classify(reply, static_cast<Phase>(phase)).kind, Kind::kTemporary) << rule.name;
    }
  }
}

struct Row {
  const char* name;
  Phase phase;
  const char* reply;
  Kind kind;
  v1::Reason reason;
  v1::Fault fault;
};

class ClassifyTable : public testing::TestWithParam<Row> {};

TEST_P(ClassifyTable, Classifies) {
  const Row& row = GetParam();
  const Verdict verdict = Classify(Parse(row.reply), row.phase);
  EXPECT_EQ(verdict.kind, row.kind) << verdict.rule;
  EXPECT_EQ(v1::Reason_Name(verdict.reason), v1::Reason_Name(row.reason)) << verdict.rule;
  EXPECT_EQ(v1::Fault_Name(verdict.fault), v1::Fault_Name(row.fault)) << verdict.rule;
}

constexpr Row kRows[] = {
    {"Accepted", Phase::kRcpt, "250 2.1.5 ok", Kind::kAccepted, v1::REASON_UNSPECIFIED, v1::FAULT_UNSPECIFIED},
    {"GoAhead", Phase::kData, "354 send it", Kind::kAccepted, v1::REASON_UNSPECIFIED, v1::FAULT_UNSPECIFIED},
    {"GoAheadOutOfPlace", Phase::kRcpt, "354 send it", Kind::kTemporary, v1::SYNTAX, v1::NETWORK_FAULT},
    // the address
    {"CodeAndText", Phase::kRcpt,
     "550 5.1.1 <a@x.test>: Recipient address rejected: User unknown in local recipient table", Kind::kPermanent,
     v1::USER_UNKNOWN, v1::RECIPIENT},
    {"TextOnly", Phase::kRcpt, "550 unknown user", Kind::kPermanent, v1::USER_UNKNOWN, v1::RECIPIENT},
    {"PolicyCodeButNoSuchUser", Phase::kRcpt, "550 5.7.1 No such user here", Kind::kPermanent, v1::USER_UNKNOWN,
     v1::RECIPIENT},
    {"AtEndOfData", Phase::kEndOfData, "550 5.1.1 mailbox does not exist", Kind::kPermanent, v1::USER_UNKNOWN,
     v1::RECIPIENT},
    {"German", Phase::kRcpt, "550 Empf\xc3\xa4nger ist hier unbekannt", Kind::kPermanent, v1::USER_UNKNOWN,
     v1::RECIPIENT},
    {"GermanTranscribed", Phase::kRcpt, "550 Empfaenger unbekannt", Kind::kPermanent, v1::USER_UNKNOWN, v1::RECIPIENT},
    {"GermanUser", Phase::kRcpt, "550 Benutzer hier unbekannt", Kind::kPermanent, v1::USER_UNKNOWN, v1::RECIPIENT},
    {"GermanShouting", Phase::kRcpt, "550 EMPF\xc3\x84NGER UNBEKANNT", Kind::kPermanent, v1::USER_UNKNOWN,
     v1::RECIPIENT},
    {"French", Phase::kRcpt, "550 Utilisateur inconnu", Kind::kPermanent, v1::USER_UNKNOWN, v1::RECIPIENT},
    {"Spanish", Phase::kRcpt, "550 El usuario no existe", Kind::kPermanent, v1::USER_UNKNOWN, v1::RECIPIENT},
    {"Polish", Phase::kRcpt, "550 Odbiorca nie istnieje", Kind::kPermanent, v1::USER_UNKNOWN, v1::RECIPIENT},
    {"TemporaryUnknown", Phase::kRcpt, "450 4.1.1 User unknown", Kind::kTemporary, v1::USER_UNKNOWN, v1::RECIPIENT},
    {"WordsInAddressDoNotCount", Phase::kRcpt, "550 <user-unknown@spam.example.com> no", Kind::kPermanent,
     v1::REJECTED_POLICY, v1::FAULT_UNSPECIFIED},
    {"BoilerplateOf550", Phase::kRcpt, "550 Requested action not taken: mailbox unavailable", Kind::kPermanent,
     v1::USER_UNKNOWN, v1::RECIPIENT},
    {"BoilerplateOf450", Phase::kRcpt, "450 Requested mail action not taken: mailbox unavailable", Kind::kTemporary,
     v1::REASON_UNSPECIFIED, v1::FAULT_UNSPECIFIED},
    {"Full", Phase::kRcpt, "452 4.2.2 mailbox full", Kind::kTemporary, v1::MAILBOX_FULL, v1::RECIPIENT},
    {"FullAgainstItsCode", Phase::kRcpt, "552 5.1.1 Boite du destinataire pleine. Recipient overquota.",
     Kind::kPermanent, v1::MAILBOX_FULL, v1::RECIPIENT},
    {"FullGerman", Phase::kRcpt, "552 Das Postfach ist voll", Kind::kPermanent, v1::MAILBOX_FULL, v1::RECIPIENT},
    {"Disabled", Phase::kRcpt, "550 5.2.1 mailbox disabled", Kind::kPermanent, v1::MAILBOX_DISABLED, v1::RECIPIENT},
    {"NullMx", Phase::kRcpt, "556 5.1.10 null MX", Kind::kPermanent, v1::DOMAIN_UNKNOWN, v1::RECIPIENT},
    // bare codes
    {"Bare550", Phase::kRcpt, "550", Kind::kPermanent, v1::REJECTED_POLICY, v1::FAULT_UNSPECIFIED},
    {"Bare553", Phase::kRcpt, "553 sorry", Kind::kPermanent, v1::REJECTED_POLICY, v1::FAULT_UNSPECIFIED},
    {"Bare552AtRcpt", Phase::kRcpt, "552 aborted", Kind::kTemporary, v1::MAILBOX_FULL, v1::FAULT_UNSPECIFIED},
    {"Bare421", Phase::kGreeting, "421", Kind::kTemporary, v1::RATE_LIMITED, v1::SENDER},
    {"Bare450", Phase::kRcpt, "450", Kind::kTemporary, v1::REASON_UNSPECIFIED, v1::FAULT_UNSPECIFIED},
    {"ShuttingDown421", Phase::kEndOfData, "421 mx.test shutting down", Kind::kTemporary, v1::NETWORK,
     v1::NETWORK_FAULT},
    // too many recipients: temporary at any code
    {"TooMany452", Phase::kRcpt, "452 4.5.3 too many recipients", Kind::kTemporary, v1::RATE_LIMITED, v1::SENDER},
    {"TooMany550", Phase::kRcpt, "550 5.5.3 Too many recipients", Kind::kTemporary, v1::RATE_LIMITED, v1::SENDER},
    {"TooMany552", Phase::kRcpt, "552 too many rcpts", Kind::kTemporary, v1::RATE_LIMITED, v1::SENDER},
    {"TooManyCodeOnly", Phase::kRcpt, "550 5.5.3 no", Kind::kTemporary, v1::RATE_LIMITED, v1::SENDER},
    // us
    {"OurIp", Phase::kRcpt, "550 5.7.1 Mail from IP 192.0.2.1 was rejected due to listing", Kind::kPermanent,
     v1::BLOCKED_IP, v1::SENDER},
    {"OurIp6", Phase::kRcpt, "550 2001:db8::25 not allowed here", Kind::kPermanent, v1::BLOCKED_IP, v1::SENDER},
    {"ListBeatsUserUnknownCode", Phase::kRcpt, "550 5.1.1 <a@x.test> blocked using zen.dnsbl.test", Kind::kPermanent,
     v1::BLOCKED_IP, v1::SENDER},
    {"DominoIsNotABlockList", Phase::kRcpt, "550 a@x.test User not listed in public Name & Address Book",
     Kind::kPermanent, v1::USER_UNKNOWN, v1::RECIPIENT},
    {"Policy", Phase::kRcpt, "550 5.7.1 user unknown or rejected by local policy", Kind::kPermanent,
     v1::REJECTED_POLICY, v1::SENDER},
    {"PolicyAgainstItsCode", Phase::kRcpt, "554 5.1.1 mail for this user refused by policy", Kind::kPermanent,
     v1::REJECTED_POLICY, v1::SENDER},
    {"IpAndNoSuchUserWithoutCode", Phase::kRcpt, "550 Host refuses mail from 192.0.2.1, no such user", Kind::kPermanent,
     v1::BLOCKED_IP, v1::SENDER},
    {"BlockListAtGreeting", Phase::kGreeting, "554 5.7.1 your host is on our blacklist", Kind::kPermanent,
     v1::BLOCKED_IP, v1::SENDER},
    {"NoServiceAtGreeting", Phase::kGreeting, "554 no", Kind::kPermanent, v1::REJECTED_POLICY, v1::SENDER},
    {"UnknownAtMail", Phase::kMail, "550 5.1.1 user unknown", Kind::kPermanent, v1::REJECTED_POLICY, v1::SENDER},
    {"UnknownAtEhlo", Phase::kEhlo, "550 no such user", Kind::kPermanent, v1::REJECTED_POLICY, v1::SENDER},
    {"SenderVerify", Phase::kRcpt,
     "550-Verification failed for <b@x.test>\n550-Called:   192.0.2.3\n550-Response: 550 5.1.1 User unknown\n550 "
     "Sender verify failed",
     Kind::kPermanent, v1::REJECTED_POLICY, v1::SENDER},
    {"Spf", Phase::kEndOfData, "550 5.7.23 SPF validation failed", Kind::kPermanent, v1::AUTH_FAILED, v1::SENDER},
    {"Dmarc", Phase::kEndOfData, "550 5.7.26 Unauthenticated email is not accepted due to domain's DMARC policy",
     Kind::kPermanent, v1::AUTH_FAILED, v1::SENDER},
    // the message
    {"Spam", Phase::kEndOfData, "554 5.7.1 Spam message rejected", Kind::kPermanent, v1::SPAM, v1::CONTENT_FAULT},
    {"Virus", Phase::kEndOfData, "550 infected with Test-Virus", Kind::kPermanent, v1::VIRUS, v1::CONTENT_FAULT},
    {"Size", Phase::kMail, "552 5.3.4 message too big", Kind::kPermanent, v1::TOO_LARGE, v1::CONTENT_FAULT},
    {"Loop", Phase::kEndOfData, "554 5.4.6 too many hops", Kind::kPermanent, v1::LOOP, v1::NETWORK_FAULT},
    {"Relay", Phase::kRcpt, "550 5.7.1 Unable to relay for a@x.test", Kind::kPermanent, v1::RELAY_DENIED,
     v1::NETWORK_FAULT},
    // waiting
    {"Postgrey", Phase::kRcpt,
     "450 4.2.0 <a@x.test>: Recipient address rejected: Greylisted, see http://help.test/x.html", Kind::kTemporary,
     v1::GREYLISTED, v1::SENDER},
    {"MilterGreylist", Phase::kRcpt, "451 4.7.1 Greylisting in action, please come back in 00:04:30", Kind::kTemporary,
     v1::GREYLISTED, v1::SENDER},
    {"EximGreylist", Phase::kRcpt, "451 Greylisted - please try again in 5 minutes", Kind::kTemporary, v1::GREYLISTED,
     v1::SENDER},
    {"ExchangeGreylist", Phase::kRcpt, "451 4.7.1 Please try again later", Kind::kTemporary, v1::GREYLISTED,
     v1::SENDER},
    {"GreylistAtData", Phase::kData, "451 4.7.1 Graylisted", Kind::kTemporary, v1::GREYLISTED, v1::SENDER},
    {"HintOnly", Phase::kRcpt, "451 Temporarily deferred, try again in 300 seconds", Kind::kTemporary, v1::GREYLISTED,
     v1::SENDER},
    {"ServerBusyIsNoGreylist", Phase::kEndOfData, "451 4.7.500 Server busy. Please try again later from [192.0.2.8]",
     Kind::kTemporary, v1::RATE_LIMITED, v1::SENDER},
    {"LocalErrorIsNoGreylist", Phase::kRcpt, "451 Temporary local problem - please try later", Kind::kTemporary,
     v1::SYSTEM_FULL, v1::NETWORK_FAULT},
    {"UnusualRate", Phase::kEndOfData, "421-4.7.28 unusual rate of unsolicited mail from your SPF\n421 4.7.28 domain",
     Kind::kTemporary, v1::RATE_LIMITED, v1::SENDER},
    {"Complaints", Phase::kMail, "421 4.7.0 [X] Messages from 192.0.2.1 temporarily deferred due to user complaints",
     Kind::kTemporary, v1::RATE_LIMITED, v1::SENDER},
    {"FiveHundredRate", Phase::kEndOfData, "550 Connection frequency limited", Kind::kTemporary, v1::RATE_LIMITED,
     v1::SENDER},
    {"GermanRate", Phase::kGreeting, "421 Zu viele Verbindungen von Ihrer Adresse", Kind::kTemporary, v1::RATE_LIMITED,
     v1::SENDER},
    {"Dns", Phase::kRcpt, "451 4.4.3 x", Kind::kTemporary, v1::DNS_FAILURE, v1::NETWORK_FAULT},
    {"StartTlsRefused", Phase::kStartTls, "502 5.5.1 what?", Kind::kPermanent, v1::TLS_FAILURE, v1::NETWORK_FAULT},
    {"Binary", Phase::kRcpt, "550 \xff\xfe\x01\x02", Kind::kPermanent, v1::REJECTED_POLICY, v1::FAULT_UNSPECIFIED},
};

INSTANTIATE_TEST_SUITE_P(Rows, ClassifyTable, testing::ValuesIn(kRows), [](const auto& row) { return row.param.name; });

TEST(Classify, ReadsTheHintOfTemporaryRepliesOnly) {
  EXPECT_EQ(Classify(Parse("451 4.7.1 Greylisting in action, please come back in 00:04:30"), Phase::kRcpt).retry_hint,
            absl::Seconds(270));
  EXPECT_EQ(Classify(Parse("550 No such user, try again in 300 seconds"), Phase::kRcpt).retry_hint, std::nullopt);
}

TEST(Classify, ThrottlingReplies) {
  EXPECT_TRUE(Classify(Parse("421 4.7.0 IP not in whitelist, closing connection"), Phase::kGreeting).throttled);
  EXPECT_TRUE(Classify(Parse("421 later"), Phase::kGreeting).throttled);
  EXPECT_TRUE(Classify(Parse("451 4.7.500 Server busy"), Phase::kEndOfData).throttled);
  EXPECT_FALSE(Classify(Parse("421 4.4.2 timeout exceeded"), Phase::kData).throttled);
  EXPECT_FALSE(Classify(Parse("450 4.2.0 Greylisted"), Phase::kRcpt).throttled);
  EXPECT_FALSE(Classify(Parse("452 4.5.3 too many recipients"), Phase::kRcpt).throttled);
}

TEST(Classify, ScopeTellsHowFarItReaches) {
  EXPECT_EQ(Classify(Parse("550 5.1.1 user unknown"), Phase::kRcpt).scope, Scope::kRecipient);
  EXPECT_EQ(Classify(Parse("554 5.7.1 spam"), Phase::kEndOfData).scope, Scope::kMessage);
  EXPECT_EQ(Classify(Parse("554 blocked using bl.test"), Phase::kRcpt).scope, Scope::kEgressIp);
  EXPECT_EQ(Classify(Parse("452 insufficient system storage"), Phase::kMail).scope, Scope::kSite);
  EXPECT_EQ(Classify(Parse("450 hm"), Phase::kEhlo).scope, Scope::kSite);
}

TEST(BounceClass, OnlyTheAddressIsHard) {
  EXPECT_EQ(BounceClassOf(Classify(Parse("550 5.1.1 user unknown"), Phase::kRcpt)), v1::HARD);
  EXPECT_EQ(BounceClassOf(Classify(Parse("550 5.2.2 mailbox full"), Phase::kRcpt)), v1::SOFT);
  EXPECT_EQ(BounceClassOf(Classify(Parse("550 5.7.1 denied"), Phase::kRcpt)), v1::POLICY);
  EXPECT_EQ(BounceClassOf(Classify(Parse("450 4.1.1 user unknown"), Phase::kRcpt)), v1::BOUNCE_CLASS_UNSPECIFIED);
}

TEST(ReplyWords, MakesWords) {
  const struct {
    const char* text;
    const char* words;
    bool names_ip;
  } rows[] = {
      {"", " ", false},
      {"User-Unknown: <spam@x.test>!", " user unknown addr ", false},
      {"[192.0.2.1]:25 blocked", " ipaddr 25 blocked ", true},
      {"ip=2001:db8::1;", " ip ipaddr ", true},
      {"at 11:59:39", " at 11 59 39 ", false},
      {"5.7.1 v1.2.3.4.5", " 5 7 1 v1 2 3 4 5 ", false},
      {"300.1.1.1", " 300 1 1 1 ", false},
      {"@ a@ @b", " a b ", false},
      {"Bo\xc3\xaete PE\xc5\x81NA gro\xc3\x9f", " boite pelna gross ", false},
      {"НЕТ Ящика", " нет ящика ", false},
      {"doesn\xe2\x80\x99t", " doesn t ", false},
      {"用户,不存在。IP地址192.0.2.1", " 用户 不存在 ip地址 ipaddr ", true},
      {"\xc3", " \xc3 ", false},  // cut in the middle
  };
  for (const auto& row : rows) {
    const ReplyWords words = ToWords(row.text);
    EXPECT_EQ(words.text, row.words) << row.text;
    EXPECT_EQ(words.names_ip, row.names_ip) << row.text;
  }
}

TEST(ReplyWords, Matches) {
  const struct {
    const char* text;
    const char* pattern;
    bool match;
  } rows[] = {
      {"user unknown", "user unknown", true},
      {"user unknown", "", false},
      {"marble", "rbl", false},              // pieces start at a word
      {"该用户不存在", "用户不存在", true},  // but anywhere where words are not apart
      {"该用户名不存在", "用户*不存在", true},
      {"该用户名不存在", "用户不存在", false},
      {"rbls", "rbl_", false},  // '_' ends a word
      {"on rbl now", "rbl_", true},
      {"address rejected", "address rejected$", true},
      {"address rejected by us", "address rejected$", false},
      {"user bob is unknown", "x|user*unknown", true},
      {"unknown is the user", "user*unknown", false},
      // the second "user" stands near enough, the first does not
      {"user aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa user unknown", "user*unknown",
       true},
      {"user aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa unknown", "user*unknown",
       false},
  };
  for (const auto& row : rows)
    EXPECT_EQ(MatchesWords(ToWords(row.text), row.pattern), row.match) << row.text << " / " << row.pattern;
}

// The index is a faster way to the same answer.
TEST(RuleIndex, AgreesWithPlainMatching) {
  const std::span<const ClassifyRule> rules = RuleBook::Active().rules();
  for (const ClassifyRule& sample : rules) {
    const ReplyWords words = ToWords(Parse(sample.sample).Text());
    const RuleIndex::Hits hits = RuleBook::Active().index().Find(words);
    for (size_t i = 0; i < rules.size(); ++i) {
      EXPECT_EQ(hits.words[i], MatchesWords(words, rules[i].words)) << rules[i].name << ": " << sample.sample;
      EXPECT_EQ(hits.unless[i], MatchesWords(words, rules[i].unless)) << rules[i].name << ": " << sample.sample;
    }
  }
}

// Every alternative of every pattern can match: it is written as texts are compared.
TEST(ClassifyRules, EveryWordCanMatch) {
  for (const ClassifyRule& rule : RuleBook::Active().rules()) {
    for (std::string pattern : {std::string(rule.words), std::string(rule.unless)}) {
      for (char& c : pattern) {
        if (c == '*' || c == '|') c = '\n';
      }
      std::istringstream pieces(pattern);
      for (std::string piece; std::getline(pieces, piece);) {
        if (piece.ends_with('_') || piece.ends_with('$')) piece.pop_back();
        EXPECT_EQ(ToWords(piece).text, " " + piece + " ") << rule.name;
      }
    }
  }
}

// A megabyte of what the patterns look for is answered at once.
TEST(Classify, HostileTextIsBounded) {
  std::string text;
  while (text.size() < 1024 * 1024) text += "user sender too many blocked ";
  EXPECT_EQ(Classify(MakeReply(550, text), Phase::kRcpt).kind, Kind::kPermanent);
}

}  // namespace
}  // namespace wavepost
