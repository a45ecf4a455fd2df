// STARTTLS under every demand, with certificates of every kind, and the sessions that are resumed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509_vfy.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "sender/smtp/session.h"
#include "sender/smtp/testing/dialogue.h"
#include "sender/smtp/testing/test_certificates.h"
#include "sender/smtp/tls_verdict.h"

namespace wavepost {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using Failure = AttemptResult::Failure;
using Level = TlsDemand::Level;
using Then = Line::Then;

const Line kGreeting{"", "220 mx.test ESMTP\r\n"};
const Line kEhlo{"EHLO out.test\r\n", "250-mx.test\r\n250 STARTTLS\r\n"};
const Line kEhloWithout{"EHLO out.test\r\n", "250 mx.test\r\n"};
const Line kStartTls{"STARTTLS\r\n", "220 go\r\n", Then::kStartTls};

std::vector<Line> Delivery(std::vector<Line> before) {
  const std::vector<Line> rest = {{"MAIL FROM:<b+t@bounce.test>\r\n", "250 ok\r\n"},
                                  {"RCPT TO:<u@a.test>\r\n", "250 ok\r\n"},
                                  {"DATA\r\n", "354 go\r\n"},
                                  {"Subject: x\r\n\r\nhello\r\n.\r\n", "250 ok\r\n"}};
  before.insert(before.end(), rest.begin(), rest.end());
  return before;
}

std::vector<Line> Encrypted() {
  return Delivery({kGreeting, kEhlo, kStartTls, kEhloWithout});
}

class TlsTest : public testing::Test {
 protected:
  TlsTest() {
    const std::string path = testing::TempDir() + "/wavepost-ca-" + std::to_string(getpid()) + ".pem";
    std::ofstream(path) << ca_.certificate_pem;
    client_ = *TlsClient::Create({.ca_file = path});
    std::remove(path.c_str());
  }

  IssuedCertificate Leaf(std::vector<std::string> names, bool expired = false) const {
    return IssueCertificate({.names = std::move(names), .expired = expired, .issuer = &ca_});
  }

  Played PlayTls(std::vector<Line> script, TlsDemand demand, std::vector<IssuedCertificate> chain) const {
    return Play({.script = std::move(script),
                 .options = {.tls = client_},
                 .tls = std::move(demand),
                 .server_tls = TestServerContext(chain)});
  }

  const IssuedCertificate ca_ = IssueCertificate({.is_ca = true});
  const IssuedCertificate other_ca_ = IssueCertificate({.is_ca = true});
  const IssuedCertificate good_ = Leaf({"mx.test"});
  const IssuedCertificate self_signed_ = IssueCertificate({.names = {"mx.test"}});
  std::shared_ptr<TlsClient> client_;
};

TEST_F(TlsTest, Certificates) {
  const IssuedCertificate expired = Leaf({"mx.test"}, true);
  const IssuedCertificate wrong_name = Leaf({"other.test"});
  const IssuedCertificate no_name = Leaf({});
  const IssuedCertificate wildcard = Leaf({"*.mx.test"});
  const IssuedCertificate partial_wildcard = Leaf({"a*.mx.test"});
  const IssuedCertificate deep = Leaf({"a.mx.test"});
  const IssuedCertificate untrusted = IssueCertificate({.names = {"mx.test"}, .issuer = &other_ca_});
  const IssuedCertificate expired_self = IssueCertificate({.names = {"other.test"}, .expired = true});
  const TlsaRecord ee = TlsaOf(good_, 3);
  TlsaRecord broken = ee;
  broken.data.resize(7);
  struct Row {
    const char* name;
    TlsDemand demand;
    std::vector<IssuedCertificate> chain;
    const char* verified_by;
    const char* failure_type = "";  // with Failure::kTls, unless `delivers`
    bool delivers = false;
  };
  const TlsDemand verified{.level = Level::kVerified, .source = "MTA-STS enforce"};
  const TlsDemand testing{.level = Level::kOpportunistic, .testing = true};
  auto dane = [](std::vector<TlsaRecord> records, std::vector<std::string> names = {}) {
    return TlsDemand{.level = Level::kDane, .names = std::move(names), .tlsa = std::move(records)};
  };
  auto named = [](std::string name) { return TlsDemand{.level = Level::kVerified, .names = {std::move(name)}}; };
  const Row rows[] = {
      {"OpportunisticTakesAnything", {.level = Level::kOpportunistic}, {expired_self}, ""},
      {"EncryptedTakesAnything", {.level = Level::kEncrypted}, {expired_self}, ""},
      {"Verified", verified, {good_}, "PKIX"},
      {"VerifiedByWildcard", named("a.mx.test"), {wildcard}, "PKIX"},
      {"WildcardIsForOneLabel", named("b.a.mx.test"), {wildcard}, "", "certificate-host-mismatch"},
      {"WildcardIsForALabel", verified, {wildcard}, "", "certificate-host-mismatch"},
      {"PartialWildcard", named("ab.mx.test"), {partial_wildcard}, "", "certificate-host-mismatch"},
      {"VerifiedByName", named("other.test"), {wrong_name}, "PKIX"},
      {"VerifiedByNameWithDot", named("other.test."), {wrong_name}, "PKIX"},
      {"NameIsAWildcard", named("*.mx.test"), {deep}, "PKIX"},
      {"NameIsAWildcardForOneLabelOnly", named("*.test"), {deep}, "", "certificate-host-mismatch"},
      {"Expired", verified, {expired}, "", "certificate-expired"},
      {"WrongName", verified, {wrong_name}, "", "certificate-host-mismatch"},
      {"NoName", verified, {no_name}, "", "certificate-host-mismatch"},
      {"Untrusted", verified, {untrusted}, "", "certificate-not-trusted"},
      {"UntrustedWithItsCa", verified, {untrusted, other_ca_}, "", "certificate-not-trusted"},
      {"SelfSigned", verified, {self_signed_}, "", "certificate-not-trusted"},
      {"TestingGood", testing, {good_}, "PKIX"},
      {"TestingExpired", testing, {expired}, "", "certificate-expired", true},
      {"TestingWrongName", testing, {wrong_name}, "", "certificate-host-mismatch", true},
      {"TestingSelfSigned", testing, {self_signed_}, "", "certificate-not-trusted", true},
      {"DaneEe", dane({ee}), {good_}, "DANE-EE"},
      {"DaneEeSecondRecordMatches", dane({TlsaOf(expired, 3), ee}), {good_}, "DANE-EE"},
      {"DaneEeIgnoresNameAndTime", dane({TlsaOf(expired_self, 3)}), {expired_self}, "DANE-EE"},
      {"DaneEeMismatch", dane({TlsaOf(expired, 3)}), {good_}, "", "validation-failure"},
      {"DaneTa", dane({TlsaOf(other_ca_, 2)}), {untrusted, other_ca_}, "DANE-TA"},
      {"DaneTaOtherName", dane({TlsaOf(ca_, 2)}), {wrong_name, ca_}, "", "certificate-host-mismatch"},
      {"DaneTaNameOfTheDemand", dane({TlsaOf(ca_, 2)}, {"other.test"}), {wrong_name, ca_}, "DANE-TA"},
      {"DaneTaExpired", dane({TlsaOf(ca_, 2)}), {expired, ca_}, "", "certificate-expired"},
      {"DaneTaMismatch", dane({TlsaOf(other_ca_, 2)}), {good_, ca_}, "", "validation-failure"},
      {"DanePkixUsagesAreNotUsable", dane({TlsaOf(expired, 1)}), {good_}, "", "tlsa-invalid", true},
      {"DaneBrokenRecord", dane({broken}), {good_}, "", "tlsa-invalid", true},
      {"DaneBrokenAndGood", dane({broken, ee}), {good_}, "DANE-EE"},
      {"DaneBrokenAndMismatch", dane({broken, TlsaOf(expired, 3)}), {good_}, "", "validation-failure"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const bool delivers = row.delivers || *row.failure_type == '\0';
    const Played played = PlayTls(Encrypted(), row.demand, row.chain);
    EXPECT_EQ(played.tls.failure_type, row.failure_type) << played.tls.failure_detail;
    EXPECT_EQ(played.tls.verified_by, row.verified_by);
    EXPECT_EQ(played.tls.encrypted, delivers);
    EXPECT_EQ(played.open.has_value(), !delivers);
    if (delivers) {
      ASSERT_TRUE(played.send.has_value()) << played.open->text;
      EXPECT_EQ(played.send->reply->code, 250);
      EXPECT_THAT(played.send->tls, HasSubstr("TLSv1.3 "));
      EXPECT_THAT(played.wrong, IsEmpty());
    } else if (played.open.has_value()) {
      EXPECT_EQ(played.open->failure, Failure::kTls);
      EXPECT_EQ(PhaseName(played.open->phase), "starttls");
      EXPECT_FALSE(played.tls.failure_detail.empty());
      EXPECT_EQ(played.heard.find("MAIL"), std::string::npos) << "nothing in clear text afterwards";
    }
  }
}

TEST_F(TlsTest, Offers) {
  struct Row {
    const char* name;
    std::vector<Line> script;
    TlsDemand demand;
    Failure failure = Failure::kNone;
    const char* failure_type = "";
    int code = 250;
  };
  const SmtpTimeouts t;
  const std::vector<Line> clear = Delivery({kGreeting, kEhloWithout});
  const TlsDemand opportunistic{.level = Level::kOpportunistic};
  const Line helo_only{"EHLO out.test\r\n", "500 what?\r\n"};
  const Line helo{"HELO out.test\r\n", "250 hi\r\n"};
  const Row rows[] = {
      {"NeverThoughOffered", Delivery({kGreeting, kEhlo}), {.level = Level::kNever}},
      {"NotOfferedOpportunistic", clear, opportunistic},
      {"NotOfferedTesting",
       clear,
       {.level = Level::kOpportunistic, .testing = true},
       Failure::kNone,
       "starttls-not-supported"},
      {"NotOfferedEncrypted", clear, {.level = Level::kEncrypted}, Failure::kTls, "starttls-not-supported"},
      {"NotOfferedVerified", clear, {.level = Level::kVerified}, Failure::kTls, "starttls-not-supported"},
      {"NotOfferedDane",
       clear,
       {.level = Level::kDane, .tlsa = {TlsaOf(good_, 3)}},
       Failure::kTls,
       "starttls-not-supported"},
      {"HeloOnlyVerified",
       {kGreeting, helo_only, helo},
       {.level = Level::kVerified},
       Failure::kTls,
       "starttls-not-supported"},
      {"Refused",
       {kGreeting, kEhlo, {"STARTTLS\r\n", "454 4.7.0 not now\r\n"}},
       opportunistic,
       Failure::kTls,
       "starttls-not-supported"},
      {"AnsweredBy250",
       {kGreeting, kEhlo, {"STARTTLS\r\n", "250 ok\r\n"}},
       opportunistic,
       Failure::kTls,
       "starttls-not-supported"},
      {"Busy421", {kGreeting, kEhlo, {"STARTTLS\r\n", "421 bye\r\n"}}, opportunistic, Failure::kNone, "", 421},
      {"Injected",
       {kGreeting, kEhlo, {"STARTTLS\r\n", "220 go\r\n250-mx.test\r\n250 SIZE\r\n"}},
       opportunistic,
       Failure::kTls,
       "validation-failure"},
      {"InjectedInFrontOfAGoodHandshake",
       {kGreeting, kEhlo, {"STARTTLS\r\n", "220 go\r\n250 mx.test\r\n", Then::kStartTls}, kEhloWithout},
       opportunistic,
       Failure::kTls,
       "validation-failure"},
      {"InjectedHalfALine",
       {kGreeting, kEhlo, {"STARTTLS\r\n", "220 go\r\n250"}},
       opportunistic,
       Failure::kTls,
       "validation-failure"},
      {"NotTls",
       {kGreeting, kEhlo, {"STARTTLS\r\n", "220 go\r\n"}, {"", "250 ok, and here is more of it\r\n"}},
       opportunistic,
       Failure::kTls,
       "validation-failure"},
      {"ClosesInstead",
       {kGreeting, kEhlo, {"STARTTLS\r\n", "220 go\r\n", Then::kClose}},
       opportunistic,
       Failure::kTls,
       "validation-failure"},
      {"Stalls",
       {kGreeting, kEhlo, {"STARTTLS\r\n", "220 go\r\n", Then::kStall, t.tls}},
       opportunistic,
       Failure::kTls,
       "validation-failure"},
      {"StallsBefore220",
       {kGreeting, kEhlo, {"STARTTLS\r\n", "", Then::kStall, t.command}},
       opportunistic,
       Failure::kTls,
       "validation-failure"},
      {"OffersAgainWithinTls", Delivery({kGreeting, kEhlo, kStartTls, kEhlo}), opportunistic},
      {"RefusesEhloWithinTls",
       {kGreeting, kEhlo, kStartTls, {"EHLO out.test\r\n", "421 4.7.0 no\r\n"}},
       opportunistic,
       Failure::kNone,
       "",
       421},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const Played played = PlayTls(row.script, row.demand, {good_});
    EXPECT_THAT(played.wrong,
                row.failure == Failure::kNone ? testing::Matcher<std::vector<std::string>>(IsEmpty()) : testing::_);
    EXPECT_EQ(played.last().failure, row.failure) << played.last().text;
    EXPECT_EQ(played.tls.failure_type, row.failure_type);
    if (row.failure == Failure::kNone) {
      EXPECT_EQ(played.last().reply->code, row.code);
    } else {
      EXPECT_EQ(played.heard.find("MAIL"), std::string::npos);
      EXPECT_FALSE(played.usable);
    }
  }
}

TEST_F(TlsTest, DemandedButSwitchedOff) {
  const Played played = Play({.script = {kGreeting, kEhlo}, .tls = {.level = Level::kEncrypted}});
  EXPECT_EQ(played.open->failure, Failure::kTls);
  EXPECT_EQ(played.tls.failure_type, "") << "not the host's failure";
}

// What the host offered in clear text is forgotten: somebody may have written it.
TEST_F(TlsTest, ExtensionsOfTheClearTextAreForgotten) {
  const Line offers{"EHLO out.test\r\n", "250-mx.test\r\n250-STARTTLS\r\n250-PIPELINING\r\n250 SIZE 1\r\n"};
  const Played played = PlayTls(Delivery({kGreeting, offers, kStartTls, kEhloWithout}), {}, {good_});
  EXPECT_THAT(played.wrong, IsEmpty());
  EXPECT_EQ(played.send->reply->code, 250);
}

TEST_F(TlsTest, ResumesOnlyUnderTheSameDemand) {
  const auto server = TestServerContext({good_});
  auto play = [&](TlsDemand demand, const std::string& host = "mx.test") {
    return Play({.script = Encrypted(),
                 .options = {.tls = client_},
                 .tls = std::move(demand),
                 .host_name = host,
                 .server_tls = server});
  };
  const TlsDemand verified{.level = Level::kVerified};
  EXPECT_FALSE(play(verified).resumed);
  const Played again = play(verified);
  EXPECT_TRUE(again.resumed);
  EXPECT_EQ(again.tls.verified_by, "PKIX") << "as in the first handshake";
  EXPECT_FALSE(play({.level = Level::kOpportunistic}).resumed);
  EXPECT_TRUE(play({.level = Level::kOpportunistic}).resumed);
  EXPECT_FALSE(play({.level = Level::kVerified, .names = {"mx.test", "x.test"}}).resumed);
  const TlsDemand dane{.level = Level::kDane, .tlsa = {TlsaOf(good_, 3)}};
  EXPECT_FALSE(play(dane).resumed);
  const Played dane_again = play(dane);
  EXPECT_TRUE(dane_again.resumed);
  EXPECT_EQ(dane_again.tls.verified_by, "DANE-EE");
  const TlsDemand other{.level = Level::kDane, .tlsa = {TlsaOf(self_signed_, 3)}};
  EXPECT_EQ(play(other).open->failure, Failure::kTls) << "a new key is not resumed past";
  EXPECT_EQ(play(verified, "other.test").open->failure, Failure::kTls);
}

// A handshake that nobody verified must not become a verified one by resumption.
TEST_F(TlsTest, UnverifiedSessionsNeverSatisfyADemand) {
  const auto server = TestServerContext({self_signed_});
  for (int i = 0; i < 2; ++i) {
    Dialogue dialogue{.script = Encrypted(), .options = {.tls = client_}, .tls = {}, .server_tls = server};
    EXPECT_EQ(Play(dialogue).tls.encrypted, true);
    dialogue.tls = {.level = Level::kVerified};
    EXPECT_EQ(Play(dialogue).open->failure, Failure::kTls);
    dialogue.tls = {.testing = true};
    const Played played = Play(dialogue);
    EXPECT_EQ(played.tls.failure_type, "certificate-not-trusted") << "reported each time";
    EXPECT_EQ(played.tls.verified_by, "");
  }
}

TEST_F(TlsTest, KeepsNoMoreSessionsThanAllowed) {
  auto small = *TlsClient::Create({.sessions_max = 2});
  const auto server = TestServerContext({good_});
  auto resumed = [&](const std::string& host) {
    return Play({.script = Encrypted(), .options = {.tls = small}, .tls = {}, .host_name = host, .server_tls = server})
        .resumed;
  };
  resumed("a.test");
  resumed("b.test");
  EXPECT_TRUE(resumed("a.test"));
  resumed("c.test");  // b is the least recently used
  EXPECT_EQ(small->sessions(), 2u);
  EXPECT_TRUE(resumed("a.test"));
  EXPECT_FALSE(resumed("b.test"));
}

TEST_F(TlsTest, LargeMessage) {
  std::string message;
  while (message.size() < 3'000'000) message += "a line of some text that is not very long\r\n";
  std::vector<Line> script = Encrypted();
  script.back().expect = message + ".\r\n";
  const Played played = Play({.script = script,
                              .options = {.tls = client_},
                              .tls = {},
                              .server_tls = TestServerContext({good_}),
                              .message = message});
  EXPECT_THAT(played.wrong, IsEmpty());
  EXPECT_EQ(played.send->reply->code, 250);
}

TEST_F(TlsTest, EarlyAnswersWithinTls) {
  std::vector<Line> script = Encrypted();
  script.insert(script.end() - 1, Line{"", "250 queued\r\n"});
  const Played played = PlayTls(script, {}, {good_});
  EXPECT_EQ(played.send->failure, Failure::kLost);
  EXPECT_EQ(PhaseName(played.send->phase), "data");
  EXPECT_FALSE(played.send->maybe_delivered);
}

TEST(TlsClientTest, CaFileThatIsNotThere) {
  const auto client = TlsClient::Create({.ca_file = "/nonexistent/ca.pem"});
  ASSERT_FALSE(client.ok());
  EXPECT_THAT(std::string(client.status().message()), HasSubstr("/nonexistent/ca.pem"));
}

TEST(TlsVerdict, Types) {
  EXPECT_EQ(TlsFailureType(X509_V_ERR_HOSTNAME_MISMATCH), "certificate-host-mismatch");
  EXPECT_EQ(TlsFailureType(X509_V_ERR_CERT_NOT_YET_VALID), "certificate-expired");
  EXPECT_EQ(TlsFailureType(X509_V_ERR_CERT_REVOKED), "certificate-not-trusted");
  EXPECT_EQ(TlsFailureType(X509_V_ERR_DANE_NO_MATCH), "validation-failure");
}

}  // namespace
}  // namespace wavepost
