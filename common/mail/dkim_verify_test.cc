#include "common/mail/dkim_verify.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/mail/dkim.h"
#include "common/mail/dkim_canon.h"
#include "common/mail/dkim_keys.h"

namespace wavepost {
namespace {

std::string Canon(std::string_view field, DkimCanon canon) {
  std::string out;
  for (const HeaderField& one : SplitHeaderFields(field, 10)) {
    AppendCanonHeader(one, canon, &out);
    out += "\r\n";
  }
  return out;
}

// The example of RFC 6376 section 3.4.5.
TEST(DkimCanonTest, Rfc6376Example) {
  const std::string headers = "A: X\r\nB : Y\t\r\n\tZ  \r\n";
  const std::string body = " C \r\nD \t E\r\n\r\n\r\n";
  EXPECT_EQ(Canon(headers, DkimCanon::kRelaxed), "a:X\r\nb:Y Z\r\n");
  EXPECT_EQ(CanonBody(body, DkimCanon::kRelaxed), " C\r\nD E\r\n");
  EXPECT_EQ(Canon(headers, DkimCanon::kSimple), headers);
  EXPECT_EQ(CanonBody(body, DkimCanon::kSimple), " C \r\nD \t E\r\n");
}

TEST(DkimCanonTest, Bodies) {
  const struct {
    std::string body, simple, relaxed;
  } kRows[] = {
      {"", "\r\n", ""},
      {"\r\n", "\r\n", ""},
      {"\r\n\r\n\r\n", "\r\n", ""},
      {" \t\r\n\r\n", " \t\r\n", ""},
      {"a", "a\r\n", "a\r\n"},
      {"a\r\n", "a\r\n", "a\r\n"},
      {"\r\na\r\n", "\r\na\r\n", "\r\na\r\n"},
      {"a\t\tb  c \r\n", "a\t\tb  c \r\n", "a b c\r\n"},
      {"a\tb\r\n", "a\tb\r\n", "a b\r\n"},
      {"\ta\r\n", "\ta\r\n", " a\r\n"},
      {"a\r\n \r\n\t\r\n", "a\r\n \r\n\t\r\n", "a\r\n"},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(CanonBody(row.body, DkimCanon::kSimple), row.simple) << row.body;
    EXPECT_EQ(CanonBody(row.body, DkimCanon::kRelaxed), row.relaxed) << row.body;
  }
}

TEST(DkimCanonTest, SplitsFoldedFields) {
  const auto fields = SplitHeaderFields("A: b\r\n c\r\n\td\r\nnonsense\r\nE:\r\n", 10);
  ASSERT_EQ(fields.size(), 2u);
  EXPECT_EQ(fields[0].raw, "A: b\r\n c\r\n\td");
  EXPECT_EQ(fields[1].name, "E");
  EXPECT_EQ(fields[1].value, "");
  EXPECT_TRUE(SplitHeaderFields(" a: b\r\n: x\r\n", 10).empty());
}

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

// Ours.
class DkimRoundTripTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    key_ = new DkimKey(*MakeRsaKey());
    other_key_ = new DkimKey(*MakeRsaKey());
  }
  static void TearDownTestSuite() {
    delete key_;
    delete other_key_;
  }

  static RenderedMessage Message() {
    RenderedMessage message;
    message.headers =
        "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nFrom: A <a@news.example>\r\nTo: b@example.com\r\n"
        "Subject: =?utf-8?q?f=C3=BCr?=\r\n =?utf-8?q?_Sie?=\r\nMessage-ID: <m@news.example>\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain\r\nReply-To: r@news.example\r\nList-Unsubscribe: <https://u.example/>\r\n"
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nX-Unsigned: 1\r\n";
    message.body = "Hello\r\n\r\nworld \r\n\r\n";
    return message;
  }

  static std::string Signed(absl::Time now = absl::FromUnixSeconds(1'700'000'000)) {
    const auto signer = DkimSigner::Create("News.Example", "s1", key_->private_key_pem);
    EXPECT_TRUE(signer.ok()) << signer.status();
    const auto field = (*signer)->Sign(Message(), now);
    EXPECT_TRUE(field.ok()) << field.status();
    return absl::StrCat(*field, Message().headers, "\r\n", Message().body);
  }

  static DkimResult Verify(const std::string& message) { return VerifyDkim(message, Answer(key_->public_txt)).result; }

  static DkimKey* key_;
  static DkimKey* other_key_;
};
DkimKey* DkimRoundTripTest::key_ = nullptr;
DkimKey* DkimRoundTripTest::other_key_ = nullptr;

TEST_F(DkimRoundTripTest, Passes) {
  const std::string message = Signed();
  const DkimCheck check = VerifyDkim(message, [&](const std::string& name) {
    return name == "s1._domainkey.news.example" ? std::optional<std::string>(key_->public_txt) : std::nullopt;
  });
  EXPECT_EQ(check.result, DkimResult::kPass) << check.detail;
  EXPECT_EQ(check.domain, "news.example");
  EXPECT_EQ(*PublicTxt(key_->private_key_pem), key_->public_txt);
}

TEST_F(DkimRoundTripTest, FieldIsFoldedAndComplete) {
  const std::string message = Signed();
  const std::string field = message.substr(0, message.find("\r\nDate: ") + 2);
  size_t start = 0;
  for (size_t end; (end = field.find("\r\n", start)) != std::string::npos; start = end + 2) EXPECT_LE(end - start, 78u);
  const std::string flat = absl::StrReplaceAll(field, {{"\r\n\t ", ""}, {"\r\n\t", " "}});
  EXPECT_NE(flat.find("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=news.example; s=s1; t=1700000000; bh="),
            std::string::npos);
  EXPECT_NE(flat.find("h=from:from:to:to:subject:subject:date:message-id:mime-version:content-type:reply-to:"
                      "list-unsubscribe:list-unsubscribe-post; b="),
            std::string::npos)
      << flat;
  EXPECT_EQ(flat.find(" l="), std::string::npos);
}

TEST_F(DkimRoundTripTest, EachSignedFieldAndTheBodyCount) {
  for (const char* name : {"Date", "From", "To", "Subject", "Message-ID", "MIME-Version", "Content-Type", "Reply-To",
                           "List-Unsubscribe", "List-Unsubscribe-Post"}) {
    const std::string changed =
        absl::StrReplaceAll(Signed(), {{absl::StrCat("\r\n", name, ": "), absl::StrCat("\r\n", name, ": x")}});
    EXPECT_EQ(Verify(changed), DkimResult::kFail) << name;
    const std::string renamed = absl::StrReplaceAll(Signed(), {{absl::StrCat("\r\n", name, ": "), "\r\nX-Gone: "}});
    EXPECT_EQ(Verify(renamed), DkimResult::kFail) << name;
  }
  EXPECT_EQ(Verify(absl::StrReplaceAll(Signed(), {{"Hello", "Hallo"}})), DkimResult::kFail);
  EXPECT_EQ(Verify(Signed() + "more\r\n"), DkimResult::kFail);
  EXPECT_EQ(Verify(absl::StrReplaceAll(Signed(), {{"t=17", "t=18"}})), DkimResult::kFail);
  EXPECT_EQ(Verify(absl::StrReplaceAll(Signed(), {{"X-Unsigned: 1", "X-Unsigned: 2"}})), DkimResult::kPass);
  EXPECT_EQ(Verify(Signed() + "\r\n\r\n"), DkimResult::kPass);  // relays add empty lines
}

TEST_F(DkimRoundTripTest, AddedFieldsBreakIt) {
  for (const char* added : {"From: evil@evil.example", "To: x@y.example", "Subject: Other"}) {
    EXPECT_EQ(Verify(absl::StrCat(added, "\r\n", Signed())), DkimResult::kFail) << added;
    const std::string below = absl::StrReplaceAll(Signed(), {{"X-Unsigned: 1", added}});
    EXPECT_EQ(Verify(below), DkimResult::kFail) << added;
  }
}

TEST_F(DkimRoundTripTest, KeysAndRecords) {
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

TEST_F(DkimRoundTripTest, MalformedSignatures) {
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

TEST_F(DkimRoundTripTest, OddMessages) {
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

TEST_F(DkimRoundTripTest, AGoodSignatureAmongBadOnes) {
  const std::string bad = "DKIM-Signature: v=1; a=rsa-sha256; d=relay.example; s=x; h=from; bh=AAAA; b=AAAA\r\n";
  EXPECT_EQ(Verify(bad + Signed()), DkimResult::kPass);
  std::string too_many;
  for (size_t i = 0; i < kDkimSignaturesMax; ++i) too_many += bad;
  EXPECT_EQ(Verify(too_many + Signed()), DkimResult::kFail);
}

TEST_F(DkimRoundTripTest, ExpiryNeedsAClock) {
  const auto lookup = Answer(key_->public_txt);
  const std::string expiring = absl::StrReplaceAll(Signed(), {{"v=1;", "v=1; x=1700000100;"}});
  EXPECT_EQ(VerifyDkim(expiring, lookup, absl::FromUnixSeconds(1'700'000'101)).detail, "the signature has expired");
  EXPECT_NE(VerifyDkim(expiring, lookup, absl::FromUnixSeconds(1'700'000'100)).detail, "the signature has expired");
}

TEST_F(DkimRoundTripTest, SignerRefusesBadParts) {
  const std::string& pem = key_->private_key_pem;
  EXPECT_FALSE(DkimSigner::Create("localhost", "s", pem).ok());
  EXPECT_FALSE(DkimSigner::Create("a.example\r\nX: y", "s", pem).ok());
  for (const char* selector : {"", "a b", "a;b", ".a", "a.", "a..b", "ü"}) {
    EXPECT_FALSE(DkimSigner::Create("a.example", selector, pem).ok()) << selector;
  }
  EXPECT_TRUE(DkimSigner::Create("a.example", "2024.may-1", pem).ok());
  EXPECT_FALSE(DkimSigner::Create("a.example", "s", "").ok());
  EXPECT_FALSE(DkimSigner::Create("a.example", "s", pem.substr(0, 400)).ok());
  EXPECT_FALSE(MakeRsaKey(1024).ok());
  EXPECT_FALSE(PublicTxt("nonsense").ok());
  const auto signer = DkimSigner::Create("a.example", "s", pem);
  ASSERT_TRUE(signer.ok());
  EXPECT_EQ((*signer)->Sign(RenderedMessage{"To: x@y.example\r\n", "a\r\n"}, absl::UnixEpoch()).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace wavepost
