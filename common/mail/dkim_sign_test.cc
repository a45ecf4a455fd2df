#include <gtest/gtest.h>
#include <openssl/rsa.h>

#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/base/base64.h"
#include "common/mail/dkim.h"
#include "common/mail/dkim_keys.h"
#include "common/mail/dkim_verify.h"
#include "common/mail/openssl_ptr.h"

namespace wavepost {
namespace {

constexpr absl::string_view kHeaders =
    "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nFrom: A <a@news.example>\r\nTo: b@example.com\r\n"
    "Subject: =?utf-8?q?f=C3=BCr?=\r\n =?utf-8?q?_Sie?=\r\nMessage-ID: <m@news.example>\r\nMIME-Version: 1.0\r\n"
    "Reply-To: r@news.example\r\nList-Unsubscribe: <https://u.example/>\r\n"
    "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nList-Id: <l.news.example>\r\nFeedback-ID: c:t:k:w\r\n"
    "Auto-Submitted: auto-generated\r\nX-Unsigned: 1\r\n"
    "Content-Type: text/plain\r\nContent-Transfer-Encoding: 7bit\r\n";
constexpr absl::string_view kBody = "Hello\r\n\r\nworld \r\n\r\n";
constexpr absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

using Signers = std::vector<std::shared_ptr<const DkimSigner>>;

// Two domains with a key of each kind.
class DkimSignTest : public ::testing::TestWithParam<const char*> {
 protected:
  static void SetUpTestSuite() {
    rsa_ = new DkimKey(*MakeRsaKey());
    ed25519_ = new DkimKey(*MakeEd25519Key());
  }
  static void TearDownTestSuite() {
    delete rsa_;
    delete ed25519_;
  }

  static std::shared_ptr<const DkimSigner> Signer(std::string domain, std::string_view kind) {
    const DkimKey& key = kind == "rsa" ? *rsa_ : *ed25519_;
    auto signer = DkimSigner::Create(std::move(domain), kind == "rsa" ? "s1" : "S1e", key.private_key_pem);
    EXPECT_TRUE(signer.ok()) << signer.status();
    return *signer;
  }

  static std::string SignedBy(const Signers& signers, std::string_view headers = {kHeaders.data(), kHeaders.size()}) {
    const auto fields = DkimSign(signers, headers, DkimBodyHash({kBody.data(), kBody.size()}), kNow);
    EXPECT_TRUE(fields.ok()) << fields.status();
    return absl::StrCat(*fields, std::string(headers), "\r\n", kBody);
  }
  static std::string Signed() { return SignedBy({Signer("News.Example", GetParam())}); }

  static std::optional<std::string> Dns(const std::string& name) {
    return name.substr(0, 3) == "s1." ? rsa_->public_txt : ed25519_->public_txt;
  }
  static DkimResult Verify(const std::string& message) { return VerifyDkim(message, Dns).result; }

  static DkimKey* rsa_;
  static DkimKey* ed25519_;
};
DkimKey* DkimSignTest::rsa_ = nullptr;
DkimKey* DkimSignTest::ed25519_ = nullptr;
INSTANTIATE_TEST_SUITE_P(Keys, DkimSignTest, ::testing::Values("rsa", "ed25519"),
                         [](const auto& row) { return std::string(row.param); });

TEST_P(DkimSignTest, Passes) {
  const auto checks = VerifyDkimEach(Signed(), Dns);
  ASSERT_EQ(checks.size(), 1u);
  EXPECT_EQ(checks[0].result, DkimResult::kPass) << checks[0].detail;
  EXPECT_EQ(checks[0].domain, "news.example");
  EXPECT_EQ(checks[0].selector, GetParam() == std::string("rsa") ? "s1" : "s1e");
  EXPECT_EQ(checks[0].algorithm, absl::StrCat(GetParam(), "-sha256"));
  const auto signer = Signer("News.Example", GetParam());
  EXPECT_EQ(signer->domain(), "news.example");
  EXPECT_EQ(signer->algorithm(), checks[0].algorithm);
  EXPECT_EQ(signer->selector(), checks[0].selector);
}

TEST_P(DkimSignTest, FieldIsFoldedAndComplete) {
  const std::string message = Signed();
  const std::string field = message.substr(0, message.find("\r\nDate: ") + 2);
  size_t start = 0;
  for (size_t end; (end = field.find("\r\n", start)) != std::string::npos; start = end + 2) EXPECT_LE(end - start, 78u);
  const size_t b = field.find("b=", field.find("bh=") + 3);
  std::string flat = absl::StrReplaceAll(field.substr(0, b), {{":\r\n\t", ":"}, {"\r\n\t", " "}});
  flat = flat.substr(0, flat.find(" bh=")) + flat.substr(flat.find("; h=") + 1);
  const bool rsa = GetParam() == std::string("rsa");
  EXPECT_EQ(flat, absl::StrCat("DKIM-Signature: v=1; a=", GetParam(),
                               "-sha256; c=relaxed/relaxed; d=news.example; s=", rsa ? "s1" : "s1e",
                               "; t=1700000000; h=from:from:to:to:subject:subject:date:date:message-id:message-id:"
                               "reply-to:reply-to:mime-version:mime-version:content-type:content-type:"
                               "content-transfer-encoding:list-unsubscribe:list-unsubscribe:list-unsubscribe-post:"
                               "list-unsubscribe-post:list-id:feedback-id:auto-submitted; "));
  const auto bytes = Base64Decode(absl::StrReplaceAll(field.substr(b + 2), {{"\r\n", ""}, {"\t", ""}}));
  ASSERT_TRUE(bytes.has_value()) << field;
  EXPECT_EQ(bytes->size(), rsa ? 256u : 64u);
}

TEST_P(DkimSignTest, LongNamesAreFoldedToo) {
  const std::string label(60, 'd');
  const std::string domain = absl::StrCat(label, ".", label, ".", label, ".example");
  const auto signer =
      DkimSigner::Create(domain, std::string(63, 's'),
                         GetParam() == std::string("rsa") ? rsa_->private_key_pem : ed25519_->private_key_pem);
  ASSERT_TRUE(signer.ok()) << signer.status();
  const std::string message = SignedBy({*signer});
  EXPECT_NE(message.find(absl::StrCat("\r\n\td=", domain, ";\r\n\ts=sss")), std::string::npos) << message;
  EXPECT_EQ(message.find("\r\n\t\r\n"), std::string::npos) << "a line of blanks only ends the header for some";
  EXPECT_EQ(message.find("\r\n\t\r\n"), std::string::npos) << "a line of blanks ends the header for some";
  const std::string& record = GetParam() == std::string("rsa") ? rsa_->public_txt : ed25519_->public_txt;
  EXPECT_EQ(VerifyDkim(message, [&](const std::string&) { return std::optional(record); }).result, DkimResult::kPass);
}

TEST_P(DkimSignTest, EachSignedFieldAndTheBodyCount) {
  const std::string good = Signed();
  for (const char* name :
       {"Date", "From", "To", "Subject", "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
        "Reply-To", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Feedback-ID", "Auto-Submitted"}) {
    const std::string changed =
        absl::StrReplaceAll(good, {{absl::StrCat("\r\n", name, ": "), absl::StrCat("\r\n", name, ": x")}});
    EXPECT_EQ(Verify(changed), DkimResult::kFail) << name;
    const std::string renamed = absl::StrReplaceAll(good, {{absl::StrCat("\r\n", name, ": "), "\r\nX-Gone: "}});
    EXPECT_EQ(Verify(renamed), DkimResult::kFail) << name;
  }
  EXPECT_EQ(Verify(absl::StrReplaceAll(good, {{"Hello", "Hallo"}})), DkimResult::kFail);
  EXPECT_EQ(Verify(good + "more\r\n"), DkimResult::kFail);
  EXPECT_EQ(Verify(absl::StrReplaceAll(good, {{"t=17", "t=18"}})), DkimResult::kFail);
  EXPECT_EQ(Verify(absl::StrReplaceAll(good, {{"X-Unsigned: 1", "X-Unsigned: 2"}})), DkimResult::kPass);
  EXPECT_EQ(Verify(good + "\r\n\r\n"), DkimResult::kPass);  // relays add empty lines
}

TEST_P(DkimSignTest, AddedFieldsBreakIt) {
  for (const char* added :
       {"From: evil@evil.example", "To: x@y.example", "Subject: Other", "Date: Wed, 15 Nov 2023 22:13:20 +0000",
        "Message-ID: <x@y.example>", "Reply-To: evil@evil.example", "MIME-Version: 1.0", "Content-Type: text/html",
        "List-Unsubscribe: <https://evil.example/>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"}) {
    EXPECT_EQ(Verify(absl::StrCat(added, "\r\n", Signed())), DkimResult::kFail) << added;
    const std::string below = absl::StrReplaceAll(Signed(), {{"X-Unsigned: 1", added}});
    EXPECT_EQ(Verify(below), DkimResult::kFail) << added;
  }
}

TEST_P(DkimSignTest, AbsentFieldsAreSignedAsAbsent) {
  const std::string message = SignedBy({Signer("news.example", GetParam())}, "From: a@news.example\r\n");
  EXPECT_EQ(Verify(message), DkimResult::kPass);
  for (const char* added : {"To: x@y.example", "Subject: x", "Reply-To: x@y.example", "List-Unsubscribe: <x>"}) {
    EXPECT_EQ(Verify(absl::StrCat(added, "\r\n", message)), DkimResult::kFail) << added;
  }
  EXPECT_EQ(Verify("List-Id: <x.example>\r\n" + message), DkimResult::kPass);
}

TEST_P(DkimSignTest, FieldsThatComeTwice) {
  const std::string headers =
      "From: a@news.example\r\nTo: a@x.example\r\nTo: b@x.example\r\nFeedback-ID: 1\r\nFeedback-ID: 2\r\n";
  const std::string message = SignedBy({Signer("news.example", GetParam())}, headers);
  EXPECT_EQ(Verify(message), DkimResult::kPass);
  for (const auto& [from, to] : {std::pair("To: a", "To: c"), std::pair("To: b", "To: c"), std::pair("ID: 1", "ID: 3"),
                                 std::pair("ID: 2", "ID: 3")}) {
    EXPECT_EQ(Verify(absl::StrReplaceAll(message, {{from, to}})), DkimResult::kFail) << to;
  }
}

TEST_F(DkimSignTest, SeveralSignersTheLastOnTop) {
  const Signers signers = {Signer("news.example", "rsa"), Signer("news.example", "ed25519"),
                           Signer("mail.wavepost.example", "rsa"), Signer("mail.wavepost.example", "ed25519")};
  const std::string message = SignedBy(signers);
  const auto checks = VerifyDkimEach(message, Dns);
  ASSERT_EQ(checks.size(), 4u);
  for (size_t i = 0; i < checks.size(); ++i) {
    EXPECT_EQ(checks[i].result, DkimResult::kPass) << i << checks[i].detail;
    EXPECT_EQ(checks[i].domain, signers[3 - i]->domain());
    EXPECT_EQ(checks[i].algorithm, signers[3 - i]->algorithm());
  }
  // None depends on the others.
  const std::string without_first = message.substr(message.find("\r\nDKIM-Signature: ") + 2);
  for (const DkimCheck& check : VerifyDkimEach(without_first, Dns)) EXPECT_EQ(check.result, DkimResult::kPass);
}

TEST_P(DkimSignTest, SameInputSameBytes) {
  EXPECT_EQ(Signed(), Signed());
}

TEST_P(DkimSignTest, ManyThreadsShareASigner) {
  constexpr int kThreads = 8;
  constexpr int kEach = 20;
  const Signers signers = {Signer("news.example", GetParam())};
  const std::string want = SignedBy(signers);
  std::vector<int> same(kThreads, 0);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int j = 0; j < kEach; ++j) same[static_cast<size_t>(i)] += SignedBy(signers) == want ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(same, std::vector<int>(kThreads, kEach));
}

TEST_F(DkimSignTest, RefusesBadMessages) {
  const std::string hash = DkimBodyHash("x");
  const Signers one = {Signer("news.example", "ed25519")};
  const auto code = [&](const Signers& signers, const std::string& headers, const std::string& body_hash) {
    return DkimSign(signers, headers, body_hash, kNow).status().code();
  };
  const std::string from = "From: a@news.example\r\n";
  EXPECT_EQ(code(one, from, hash), absl::StatusCode::kOk);
  EXPECT_EQ(code(one, "To: x@y.example\r\n", hash), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(one, "", hash), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(one, from, ""), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(Signers(kDkimSignersMax, one[0]), from, hash), absl::StatusCode::kOk);
  EXPECT_EQ(code(Signers(kDkimSignersMax + 1, one[0]), from, hash), absl::StatusCode::kInvalidArgument);
  std::string many = from;
  for (size_t i = 0; i < kDkimFieldsMax; ++i) many += "A: b\r\n";
  EXPECT_EQ(code(one, many, hash), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(*DkimSign({}, from, hash, kNow), "");
}

TEST_F(DkimSignTest, RefusesBadParts) {
  const std::string& pem = rsa_->private_key_pem;
  EXPECT_FALSE(DkimSigner::Create("localhost", "s", pem).ok());
  EXPECT_FALSE(DkimSigner::Create("a.example\r\nX: y", "s", pem).ok());
  for (const char* selector : {"", "a b", "a;b", ".a", "a.", "a..b", "\xC3\xBC"}) {
    EXPECT_FALSE(DkimSigner::Create("a.example", selector, pem).ok()) << selector;
  }
  EXPECT_TRUE(DkimSigner::Create("a.example", "2024.may-1", pem).ok());
  EXPECT_FALSE(DkimSigner::Create("a.example", "s", "").ok());
  EXPECT_FALSE(DkimSigner::Create("a.example", "s", pem.substr(0, 400)).ok());
  EXPECT_FALSE(DkimSigner::Create("a.example", "s", ed25519_->private_key_pem.substr(0, 60)).ok());
  EXPECT_FALSE(PublicTxt("nonsense").ok());
}

// Keys that OpenSSL reads but DKIM does not know, and one that is encrypted (and must not ask on the terminal).
TEST_F(DkimSignTest, RefusesForeignKeys) {
  const auto pem_of = [](EVP_PKEY* key, const EVP_CIPHER* cipher) {
    const OpensslPtr<EVP_PKEY> owner(key);
    const OpensslPtr<BIO> bio(BIO_new(BIO_s_mem()));
    char password[] = "password";
    EXPECT_EQ(PEM_write_bio_PKCS8PrivateKey(bio.get(), key, cipher, password, 8, nullptr, nullptr), 1);
    return BioText(bio.get());
  };
  const std::pair<const char*, std::string> kRows[] = {
      {"P-256", pem_of(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"), nullptr)},
      {"X25519", pem_of(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"), nullptr)},
      {"RSA-1024", pem_of(EVP_RSA_gen(1024), nullptr)},
      {"encrypted", pem_of(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), EVP_aes_256_cbc())},
  };
  for (const auto& [name, pem] : kRows) {
    EXPECT_EQ(DkimSigner::Create("a.example", "s", pem).status().code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_EQ(PublicTxt(pem).ok(), name == std::string("RSA-1024")) << name;
  }
}

TEST(DkimKeysTest, RsaSizes) {
  for (int bits : {0, 1024, 2047, 4097, 16384}) EXPECT_FALSE(MakeRsaKey(bits).ok()) << bits;
  const auto key = MakeRsaKey();
  ASSERT_TRUE(key.ok());
  EXPECT_EQ(key->public_txt.substr(0, 18), "v=DKIM1; k=rsa; p=");
  EXPECT_EQ(*PublicTxt(key->private_key_pem), key->public_txt);
}

// RFC 8463 appendix A.2 and RFC 8032 section 7.1, test 1: the private key, the record, and what it signs.
TEST(DkimKeysTest, KnownEd25519Key) {
  const std::string der = absl::HexStringToBytes("302e020100300506032b657004220420") +
                          *Base64Decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=");
  const std::string pem =
      absl::StrCat("-----BEGIN PRIVATE KEY-----\n", Base64Encode(der), "\n-----END PRIVATE KEY-----\n");
  const auto record = PublicTxt(pem);
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(*record, "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
}

TEST(DkimKeysTest, MakesEd25519Keys) {
  const auto key = MakeEd25519Key();
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(key->public_txt.substr(0, 22), "v=DKIM1; k=ed25519; p=");
  EXPECT_EQ(Base64Decode(key->public_txt.substr(22))->size(), 32u);
  EXPECT_EQ(*PublicTxt(key->private_key_pem), key->public_txt);
  EXPECT_NE(MakeEd25519Key()->public_txt, key->public_txt);
}

}  // namespace
}  // namespace wavepost
