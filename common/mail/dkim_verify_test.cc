#include "common/mail/dkim_verify.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/mail/dkim.h"
#include "common/mail/dkim_keys.h"

namespace wavepost {
namespace {

// Signed by another implementation (dkimpy), with folded fields, repeated and absent names.
constexpr char kForeignKey[] =
    "v=DKIM1; k=rsa; p="
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA1TluF8gSpoibXaj95lRJUsURV2eBn2rwtD4wxIeTbWP0XnJ5ohPHylS1"
    "TXXiO7wWwrlwDiXwGnYnok1xUnRBnmV6+mSB5yEemqrcWIBJIB+GfkN9IkIWfkfdf8qAu0pVMN8ok/f19OlOdKL0kV/0LU5UwnLc"
    "KoHCfXpkpADpxHDcTAXSnR/S1B8NCA4ixxBR+m8tjLtvy9cyzrxrw5ZO06cJCI7jnyzcZYpkUsJpvlBznSNAGFoQ+/GAti1vFUg6"
    "FtzV1QnzIHUnL3rHEn6KjpEWW8+zSAnQ+lLuPZ1ld9XHOhADN79Xz4rkbiVN4uUfk0fo6P1ldAmuHSbJR566oQIDAQAB";
constexpr char kForeignHeaders[] =
    "From: Jane <jane@example.com>\r\nTo:  joe@example.net,\r\n\tann@example.net\r\nSubject: Is \t dinner\r\n  "
    "ready?\r\n"
    "X-Other: a\r\nX-Other: b\r\nDate: Fri, 11 Jul 2003 21:00:37 -0700\r\n";
constexpr char kForeignBody[] = "\r\nHi.\r\n\r\nWe  lost \tthe game. \r\n Are you hungry yet?\r\n\r\n\r\n";
constexpr std::pair<const char*, const char*> kForeign[] = {
    {"simple/simple",
     "DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=example.com;\r\n"
     " i=@example.com; q=dns/txt; s=sel; t=1795325655; h=from : to : subject\r\n"
     " : date : x-other : x-other : x-absent;\r\n"
     " bh=um8BlBxW34+7hedMP/8x1rr0sKDCB9qKIKyuqqBq5n0=;\r\n"
     " b=naKz6s4+RCUfuk4R7gHSU2MVxp4DvbIktOkuvUMw+fRy16s+xo/URYET8fmDuiuKz8y6A\r\n"
     " o7rxQzMnRQW+LpXi3veNiwqD5Cd+gXmvRBhBcN9cGPLK0CYWJ7l4BIl5KEAzJmkzh3WR6V3\r\n"
     " QMAdlpc3aQB3TiIKsxsO9bWu7silPOr/D8ptoo1BCfRSSLqay9wZ/H9MguclB+pVHXC8nE1\r\n"
     " pYLMQEkxdNycSzy4YEbmwHlPOVIkCtSa7ExvZ8Sc7Hs9GRC3rQHhgmsToJWRqLp4SeC4/R4\r\n"
     " dG3rBmWKcqlf1On5nsh+SFUqFcO/XvPYTTcCnG4p9sOJwI4GVs7ZOgb7j1sA==\r\n"},
    {"simple/relaxed",
     "DKIM-Signature: v=1; a=rsa-sha256; c=simple/relaxed; d=example.com;\r\n"
     " i=@example.com; q=dns/txt; s=sel; t=1795325655; h=from : to : subject\r\n"
     " : date : x-other : x-other : x-absent;\r\n"
     " bh=JO9Uosux8a/zSH2Y5e89ugfcE+rszwmoRgO06lsGY3M=;\r\n"
     " b=zG5a7GaI3qh5n8j5ixKSJIq9W69z8DkwHT3qqj4AX6uK/Ew3fDEZatUZWA6kFG8vVf89i\r\n"
     " d0VTtzQ2VRVwPZOw4BZJACrjCcM0VL5ZAhh3TrCd/WiFHc+LoRmKZjgIIUZclGS4xb3QeTl\r\n"
     " DwhNvaJdRySAdsiZNZ8qPhKBRMDw64gP+UGkz5LoeABbpgoS1FJ9icqx2tGRb/abM9n9Mpd\r\n"
     " j4fmXami9JduMvA7bGAoAYhEdXnhpEmO1gr1lw/Qd2JKpXxtDQS5SIgy5DhbJ+1gymndQtw\r\n"
     " 8z6cv1u9ylXqX+F+1m71jIIMIW0NAwPLeT+Q41O2lb/jJSyZ3JLNiExJA7dw==\r\n"},
    {"relaxed/simple",
     "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=example.com;\r\n"
     " i=@example.com; q=dns/txt; s=sel; t=1795325655; h=from : to : subject\r\n"
     " : date : x-other : x-other : x-absent;\r\n"
     " bh=um8BlBxW34+7hedMP/8x1rr0sKDCB9qKIKyuqqBq5n0=;\r\n"
     " b=ZpAaPvPd5FjxvlI8zGuaCQoZnXRwX0/ucGIBeCG3K4m6p3zkTAhvR+sj3QNfaCeFJOLOh\r\n"
     " VO98ehjQ00UDl5Z9/iiY/AwqbhK9bmRUWURJnr0gzEh3VsoeofDY+HmYYiUdf+G80dOTBFh\r\n"
     " viXDteDG4Z2mgDfRIuO8lC5PnKZeiBNX3DY4q04yvK8Df9JGeIWBEBTl6QsxHRUqpWj/UQk\r\n"
     " ULns9HFG/h6rlR2xctI3DPyyODiYzfd/8v5yzc8p0L1KYaJ/zAHfDmnT0r0ta2ynrsnmYFZ\r\n"
     " WwqozsYgXxBxNtShw8wnf/OsLHI11Dy7l+7XnG9WZzWS9VClElagMhnZjTUw==\r\n"},
    {"relaxed/relaxed",
     "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com;\r\n"
     " i=@example.com; q=dns/txt; s=sel; t=1795325655; h=from : to : subject\r\n"
     " : date : x-other : x-other : x-absent;\r\n"
     " bh=JO9Uosux8a/zSH2Y5e89ugfcE+rszwmoRgO06lsGY3M=;\r\n"
     " b=nWUldGn2LzdfDOWmI+RGFS+4SdAbwdecjPdpN6J7vh2YdASJjOF4voKmZNCXYRk4mUXge\r\n"
     " x/eZnhoMsca2+Eke4VfAhMJ+uhF1peanX9Q9O2lYZu4C23pasbIVqfZn2a1a4KIStB2ixhT\r\n"
     " Xi71tRD1mGWJiNSkKWtIt8PVmaJVdei0msjD9YQIVyvAMUBj1ffxbfe4QdzZTZWjxspTqUM\r\n"
     " 0skPIP755wJpyRvHEwMrOGBhwcqxfW72rfYRhm53eL9LeY+bTN+0JOHu8R8mtsG5RhfUHyy\r\n"
     " v6qmkw1/eiMXWWrZd3VVeKQzKJC1J5GlmxOviwZLTgeYPdLqvcwTzc5WMY0Q==\r\n"},
};

DkimTxtLookup Answer(std::string record) {
  return [record](const std::string&) { return std::optional<std::string>(record); };
}

TEST(DkimVerifyTest, PassesWhatOthersSigned) {
  for (const auto& [name, signature] : kForeign) {
    const std::string message = absl::StrCat(signature, kForeignHeaders, kForeignBody);
    std::string asked;
    const DkimCheck check = VerifyDkim(message, [&](const std::string& record) {
      asked = record;
      return std::optional<std::string>(kForeignKey);
    });
    EXPECT_EQ(check.result, DkimResult::kPass) << name << ": " << check.detail;
    EXPECT_EQ(asked, "sel._domainkey.example.com");
    EXPECT_EQ(check.domain, "example.com");
    EXPECT_EQ(check.selector, "sel");
  }
}

TEST(DkimVerifyTest, RelaxedForgivesWhatSimpleDoesNot) {
  for (const auto& [name, signature] : kForeign) {
    const std::string reflowed =
        absl::StrReplaceAll(absl::StrCat(signature, kForeignHeaders, kForeignBody),
                            {{"Subject: Is \t dinner\r\n  ready?", "SUBJECT:  Is dinner ready? "}});
    const bool relaxed = std::string_view(name).substr(0, 7) == "relaxed";
    EXPECT_EQ(VerifyDkim(reflowed, Answer(kForeignKey)).result, relaxed ? DkimResult::kPass : DkimResult::kFail)
        << name;
    const std::string body = absl::StrReplaceAll(absl::StrCat(signature, kForeignHeaders, kForeignBody),
                                                 {{"We  lost \tthe game. ", "We lost the game."}});
    const bool relaxed_body = std::string_view(name).substr(std::string_view(name).find('/')) == "/relaxed";
    EXPECT_EQ(VerifyDkim(body, Answer(kForeignKey)).result, relaxed_body ? DkimResult::kPass : DkimResult::kFail)
        << name;
  }
}

// RFC 8463 appendix A: one message, signed with Ed25519 and with RSA (of 1024 bits).
constexpr char kRfc8463Ed25519[] = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
constexpr char kRfc8463Rsa[] =
    "v=DKIM1; k=rsa; "
    "p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0"
    "Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3Q"
    "IDAQAB";
constexpr char kRfc8463Message[] =
    "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
    " d=football.example.com; i=@football.example.com;\r\n"
    " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
    " subject : date : message-id : from : subject : date;\r\n"
    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
    " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
    " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
    " d=football.example.com; i=@football.example.com;\r\n"
    " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
    " date : message-id : from : subject : date;\r\n"
    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
    " b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"
    " DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"
    " dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n"
    "From: Joe SixPack <joe@football.example.com>\r\n"
    "To: Suzie Q <suzie@shopping.example.net>\r\n"
    "Subject: Is dinner ready?\r\n"
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
    "\r\n"
    "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";

std::optional<std::string> Rfc8463Dns(const std::string& name) {
  if (name == "brisbane._domainkey.football.example.com") return kRfc8463Ed25519;
  if (name == "test._domainkey.football.example.com") return kRfc8463Rsa;
  return std::nullopt;
}

TEST(DkimVerifyTest, PassesTheExampleOfRfc8463) {
  const auto checks = VerifyDkimEach(kRfc8463Message, Rfc8463Dns);
  ASSERT_EQ(checks.size(), 2u);
  EXPECT_EQ(checks[0].algorithm, "ed25519-sha256");
  EXPECT_EQ(checks[0].selector, "brisbane");
  EXPECT_EQ(checks[1].algorithm, "rsa-sha256");
  for (const DkimCheck& check : checks) EXPECT_EQ(check.result, DkimResult::kPass) << check.algorithm << check.detail;
  for (const auto& [from, to] :
       {std::pair("hungry", "angry"), std::pair("dinner", "lunch"), std::pair("t=15", "t=16")}) {
    for (const DkimCheck& check : VerifyDkimEach(absl::StrReplaceAll(kRfc8463Message, {{from, to}}), Rfc8463Dns)) {
      EXPECT_EQ(check.result, DkimResult::kFail) << check.algorithm << to;
    }
  }
}

TEST(DkimVerifyTest, AKeyOfTheOtherKindIsBad) {
  const std::pair<std::string, std::string> kRows[] = {
      {kRfc8463Rsa, "the key is not of kind ed25519"},
      {"p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "the key is not of kind ed25519"},
      {"k=ed25519; p=", "the key is revoked"},
      {"k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcH", "the key cannot be read"},
      {"k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo1", "the key cannot be read"},
      {"k=ed25519; p=MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "the key cannot be read"},
  };
  for (const auto& [record, want] : kRows) {
    const DkimCheck check = VerifyDkimEach(kRfc8463Message, Answer(record)).front();
    EXPECT_EQ(check.result, DkimResult::kKeyBad) << record;
    EXPECT_EQ(check.detail, want) << record;
  }
  EXPECT_EQ(VerifyDkimEach(kRfc8463Message, Answer(kRfc8463Ed25519)).back().detail, "the key is not of kind rsa");
  EXPECT_EQ(VerifyDkimEach(kRfc8463Message, Answer(MakeEd25519Key()->public_txt)).front().result, DkimResult::kFail);
}

TEST(DkimVerifyTest, EachSignatureIsReported) {
  EXPECT_TRUE(VerifyDkimEach("From: a@b.example\r\n\r\nx\r\n", Answer("")).empty());
  std::string many;
  for (size_t i = 0; i < kDkimSignaturesMax + 5; ++i) many += "DKIM-Signature: v=1\r\n";
  EXPECT_EQ(VerifyDkimEach(many + "\r\n", Answer("")).size(), kDkimSignaturesMax);
  const auto large = VerifyDkimEach("A: " + std::string(kDkimHeaderBytesMax, 'x') + "\r\n\r\n", Answer(""));
  ASSERT_EQ(large.size(), 1u);
  EXPECT_EQ(large[0].result, DkimResult::kMalformed);
}

// Ours, tampered with.
class DkimHostileTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    key_ = new DkimKey(*MakeRsaKey());
    other_key_ = new DkimKey(*MakeRsaKey());
  }
  static void TearDownTestSuite() {
    delete key_;
    delete other_key_;
  }

  static std::string Signed() {
    const std::string headers = "From: A <a@news.example>\r\nTo: b@example.com\r\nSubject: x\r\n";
    const std::string body = "Hello\r\n";
    const auto signer = DkimSigner::Create("News.Example", "s1", key_->private_key_pem);
    EXPECT_TRUE(signer.ok()) << signer.status();
    const auto field = DkimSign({*signer}, headers, DkimBodyHash(body), absl::FromUnixSeconds(1'700'000'000));
    EXPECT_TRUE(field.ok()) << field.status();
    return absl::StrCat(*field, headers, "\r\n", body);
  }

  static DkimResult Verify(const std::string& message) { return VerifyDkim(message, Answer(key_->public_txt)).result; }

  static DkimKey* key_;
  static DkimKey* other_key_;
};
DkimKey* DkimHostileTest::key_ = nullptr;
DkimKey* DkimHostileTest::other_key_ = nullptr;

TEST_F(DkimHostileTest, KeysAndRecords) {
  const std::string message = Signed();
  const std::string p = key_->public_txt.substr(key_->public_txt.find("p="));
  const std::pair<std::optional<std::string>, DkimResult> kRows[] = {
      {std::nullopt, DkimResult::kKeyMissing},
      {p, DkimResult::kPass},
      {"v=DKIM1; " + p + ";", DkimResult::kPass},
      {"v=DKIM1; h=sha1:sha256; s=email; t=y:s; n=note; " + p, DkimResult::kPass},
      {"v=DKIM1; p= " + p.substr(2, 50) + " \t" + p.substr(52), DkimResult::kPass},
      {other_key_->public_txt, DkimResult::kFail},
      {"", DkimResult::kKeyBad},
      {"v=DKIM1; p=", DkimResult::kKeyBad},
      {"v=DKIM1; k=rsa", DkimResult::kKeyBad},
      {"v=DKIM2; " + p, DkimResult::kKeyBad},
      {"k=ed25519; " + p, DkimResult::kKeyBad},
      {"h=sha1; " + p, DkimResult::kKeyBad},
      {"s=other; " + p, DkimResult::kKeyBad},
      {"p=%%%", DkimResult::kKeyBad},
      {"p=AAAA", DkimResult::kKeyBad},
      {"nonsense", DkimResult::kKeyBad},
      {p + "; " + p, DkimResult::kKeyBad},
  };
  for (const auto& [record, want] : kRows) {
    EXPECT_EQ(VerifyDkim(message, [r = record](const std::string&) { return r; }).result, want)
        << record.value_or("(none)");
  }
}

TEST_F(DkimHostileTest, MalformedSignatures) {
  const std::string message = Signed();
  const std::pair<std::string, std::string> kRows[] = {
      {"v=1;", "v=2;"},
      {"v=1; ", ""},
      {"a=rsa-sha256", "a=rsa-sha1"},
      {"c=relaxed/relaxed", "c=other"},
      {"h=from:from:", "h="},
      {"; s=s1", ""},
      {"d=news.example", "d="},
      {"bh=", "bh=*"},
      {"v=1;", "v=1; v=1;"},
      {"v=1;", "v=1; l=x;"},
      {"v=1;", "v=1; x=soon;"},
      {"v=1;", "v=1; i=a@evil.example;"},
      {"v=1;", "v=1;;"},
      {"v=1;", "v=1; i=@xnews.example;"},
      {"v=1;", "v=1; =;"},
      {"h=from", "h=" +
                     [] {
                       std::string names;
                       for (int i = 0; i < 250; ++i) names += "x:";
                       return names;
                     }() +
                     "from"},
  };
  for (const auto& [from, to] : kRows) {
    EXPECT_EQ(Verify(absl::StrReplaceAll(message, {{from, to}})), DkimResult::kMalformed) << to;
  }
}

TEST_F(DkimHostileTest, OddMessages) {
  EXPECT_EQ(Verify(""), DkimResult::kNone);
  EXPECT_EQ(Verify("\r\n"), DkimResult::kNone);
  EXPECT_EQ(Verify("From: a@b.example\r\n\r\nx\r\n"), DkimResult::kNone);
  EXPECT_EQ(Verify("DKIM-Signature:"), DkimResult::kMalformed);
  EXPECT_EQ(Verify("DKIM-Signature: \r\n\r\n"), DkimResult::kMalformed);
  EXPECT_EQ(Verify("Subject: " + std::string(kDkimHeaderBytesMax, 'x') + "\r\n\r\n"), DkimResult::kMalformed);
  std::string many;
  for (size_t i = 0; i <= kDkimFieldsMax; ++i) many += "A: b\r\n";
  EXPECT_EQ(Verify(many + "\r\n"), DkimResult::kMalformed);
}

TEST_F(DkimHostileTest, AGoodSignatureAmongBadOnes) {
  const std::string bad = "DKIM-Signature: v=1; a=rsa-sha256; d=relay.example; s=x; h=from; bh=AAAA; b=AAAA\r\n";
  EXPECT_EQ(Verify(bad + Signed()), DkimResult::kPass);
  std::string too_many;
  for (size_t i = 0; i < kDkimSignaturesMax; ++i) too_many += bad;
  EXPECT_EQ(Verify(too_many + Signed()), DkimResult::kFail);
}

TEST_F(DkimHostileTest, ExpiryNeedsAClock) {
  const auto lookup = Answer(key_->public_txt);
  const std::string expiring = absl::StrReplaceAll(Signed(), {{"v=1;", "v=1; x=1700000100;"}});
  EXPECT_EQ(VerifyDkim(expiring, lookup, absl::FromUnixSeconds(1'700'000'101)).detail, "the signature has expired");
  EXPECT_NE(VerifyDkim(expiring, lookup, absl::FromUnixSeconds(1'700'000'100)).detail, "the signature has expired");
}

}  // namespace
}  // namespace wavepost
