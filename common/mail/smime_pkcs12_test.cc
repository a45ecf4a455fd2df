#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "common/base/strings.h"
#include "common/mail/openssl_ptr.h"
#include "common/mail/smime.h"
#include "common/mail/smime_fixture.h"

namespace wavepost {
namespace {

constexpr char kPassword[] = "pass w\xC3\xB6rd";

std::string DerOf(PKCS12* file) {
  unsigned char* der = nullptr;
  const int size = i2d_PKCS12(file, &der);
  std::string out(reinterpret_cast<const char*>(der), size < 0 ? 0 : static_cast<size_t>(size));
  OPENSSL_free(der);
  PKCS12_free(file);
  return out;
}

struct Pack {
  int cipher = 0;  // OpenSSL's default
  int iterations = 2048;
  int mac_iterations = 2048;
  int chain_copies = 1;
  const char* password = kPassword;
  OSSL_LIB_CTX* library = nullptr;
};

std::string MakePkcs12(const SmimeKeyPtr* key, X509* certificate, const Pack& pack = {}) {
  STACK_OF(X509)* chain = sk_X509_new_null();
  for (int i = 0; i < pack.chain_copies; ++i) sk_X509_push(chain, TheSmimeWorld().ca.get());
  // Without the key's own check: some tests pack what does not belong together.
  STACK_OF(PKCS7)* safes = nullptr;
  STACK_OF(PKCS12_SAFEBAG)* bags = nullptr;
  if (certificate != nullptr) PKCS12_add_cert(&bags, certificate);
  for (int i = 0; i < pack.chain_copies; ++i) PKCS12_add_cert(&bags, sk_X509_value(chain, i));
  const int cipher = pack.cipher == 0 ? NID_aes_256_cbc : pack.cipher;
  if (bags != nullptr) {
    EXPECT_EQ(PKCS12_add_safe_ex(&safes, bags, cipher, pack.iterations, pack.password, pack.library, nullptr), 1);
  }
  sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
  bags = nullptr;
  if (key != nullptr) {
    EXPECT_NE(PKCS12_add_key_ex(&bags, key->get(), 0, pack.iterations, cipher, pack.password, pack.library, nullptr),
              nullptr);
    EXPECT_EQ(PKCS12_add_safe(&safes, bags, -1, 0, nullptr), 1);
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
  }
  PKCS12* file = PKCS12_add_safes(safes, 0);
  if (pack.mac_iterations > 0) {
    EXPECT_EQ(PKCS12_set_mac(file, pack.password, -1, nullptr, 0, pack.mac_iterations, EVP_sha256()), 1);
  }
  sk_PKCS7_pop_free(safes, PKCS7_free);
  sk_X509_free(chain);
  return DerOf(file);
}

std::string Refusal(const std::string& der, const std::string& password = kPassword, absl::Time now = kSmimeNow) {
  const auto identity = ReadPkcs12(der, password, now);
  if (identity.ok()) return "accepted";
  EXPECT_EQ(identity.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(identity.status().message().find("PRIVATE"), absl::string_view::npos);
  EXPECT_TRUE(password.size() < 6 || identity.status().message().find(password) == absl::string_view::npos);
  EXPECT_EQ(ERR_peek_error(), 0u) << "OpenSSL's queue of errors is left full";
  return std::string(identity.status().message());
}

TEST(Pkcs12Test, ReadsRsaAndEcdsa) {
  for (const SmimeKeyPtr* key : {&TheSmimeWorld().rsa, &TheSmimeWorld().p256}) {
    SmimeCertificateRow row;
    row.subject_email = "JANE@news.example";
    const auto identity = ReadPkcs12(MakePkcs12(key, IssueSmime(*key, row).get()), kPassword, kSmimeNow);
    ASSERT_TRUE(identity.ok()) << identity.status();
    EXPECT_EQ(identity->addresses, (std::vector<std::string>{"JANE@news.example", "Jane@news.example",
                                                             "jane@news.example", "other@news.example"}));
    EXPECT_EQ(identity->subject, "emailAddress=JANE@news.example,CN=J\xC3\xA4ne,O=News\\, Inc.");
    EXPECT_EQ(identity->issuer, "CN=Test CA,O=News\\, Inc.");
    EXPECT_EQ(identity->not_before, kSmimeNow - absl::Hours(24));
    EXPECT_EQ(identity->not_after, kSmimeNow + absl::Hours(24));
    EXPECT_EQ(identity->fingerprint.size(), 64u);
    EXPECT_EQ(identity->fingerprint, AsciiLower(identity->fingerprint));
    EXPECT_EQ(identity->private_key_pem.substr(0, 27), "-----BEGIN PRIVATE KEY-----");
    std::vector<std::string> chain = absl::StrSplit(identity->chain_pem, "BEGIN CERTIFICATE");
    EXPECT_EQ(chain.size(), 3u);  // its own and the authority's
    EXPECT_TRUE(SmimeSigner::Create(identity->private_key_pem, identity->chain_pem).ok());
  }
}

TEST(Pkcs12Test, PutsTheCertificateOfTheKeyFirst) {
  const SmimeCertPtr own = IssueSmime(TheSmimeWorld().rsa);
  STACK_OF(PKCS7)* safes = nullptr;
  STACK_OF(PKCS12_SAFEBAG)* bags = nullptr;
  PKCS12_add_cert(&bags, TheSmimeWorld().ca.get());
  PKCS12_add_cert(&bags, own.get());
  PKCS12_add_key(&bags, TheSmimeWorld().rsa.get(), 0, 0, -1, kPassword);  // not encrypted
  ASSERT_EQ(PKCS12_add_safe(&safes, bags, -1, 0, nullptr), 1);
  sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
  PKCS12* file = PKCS12_add_safes(safes, 0);
  sk_PKCS7_pop_free(safes, PKCS7_free);
  const auto identity = ReadPkcs12(DerOf(file), "whatever", kSmimeNow);  // no MAC, nothing encrypted
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_EQ(identity->issuer, "CN=Test CA,O=News\\, Inc.");
  EXPECT_EQ(identity->addresses.front(), "Jane@news.example");
}

TEST(Pkcs12Test, PasswordsThatAreEmpty) {
  const SmimeCertPtr own = IssueSmime(TheSmimeWorld().rsa);
  Pack empty;
  empty.password = "";
  Pack none;
  none.password = nullptr;
  for (const Pack& pack : {empty, none}) {
    const std::string der = MakePkcs12(&TheSmimeWorld().rsa, own.get(), pack);
    EXPECT_EQ(Refusal(der, ""), "accepted");
    EXPECT_EQ(Refusal(der, "x"), "the password of the PKCS#12 file is wrong");
  }
}

TEST(Pkcs12Test, RefusesFilesThatAreNone) {
  SmimeWorld& w = TheSmimeWorld();
  const std::string good = MakePkcs12(&w.rsa, IssueSmime(w.rsa).get());
  ASSERT_EQ(Refusal(good), "accepted");
  const OpensslPtr<BIO> bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), w.ca.get());
  const std::pair<std::string, std::string> kRows[] = {
      {"", "the PKCS#12 file is empty"},
      {"nonsense", "that is no PKCS#12 file"},
      {std::string(kPkcs12BytesMax + 1, '\x30'), "that is no PKCS#12 file of one certificate: longer than"},
      {good.substr(0, good.size() - 10), "that is no PKCS#12 file"},
      {BioText(bio.get()), "that is PEM text, not PKCS#12; convert it: openssl pkcs12 -export"},
      {PrivateKeyToPem(w.rsa.get()), "that is PEM text, not PKCS#12"},
      {"Bag Attributes\n" + PrivateKeyToPem(w.rsa.get()), "that is PEM text, not PKCS#12"},
  };
  for (const auto& [der, want] : kRows) EXPECT_EQ(Refusal(der).substr(0, want.size()), want);
  for (const std::string password : {"", "pass", "Pass w\xC3\xB6rd", "pass word"}) {
    EXPECT_EQ(Refusal(good, password), "the password of the PKCS#12 file is wrong") << password;
  }
  // The MAC takes an umlaut of either kind, the encryption does not.
  EXPECT_EQ(Refusal(good, "pass w\xF6rd"), "the password of the PKCS#12 file is wrong, or the file is damaged");
}

TEST(Pkcs12Test, RefusesWhatItHolds) {
  SmimeWorld& w = TheSmimeWorld();
  const auto begins = [](const std::string& text, std::string_view want) {
    EXPECT_EQ(text.substr(0, want.size()), want);
  };
  begins(Refusal(MakePkcs12(nullptr, IssueSmime(w.rsa).get())), "the PKCS#12 file holds no private key; export it");
  Pack no_chain;
  no_chain.chain_copies = 0;
  begins(Refusal(MakePkcs12(&w.rsa, nullptr, no_chain)), "the PKCS#12 file holds no certificate");
  begins(Refusal(MakePkcs12(&w.rsa, IssueSmime(w.p256).get())), "the private key does not belong to a certificate");
  begins(Refusal(MakePkcs12(&w.rsa_1024, IssueSmime(w.rsa_1024).get())),
         "the key has 1024 bits; mail programs trust 2048");
  begins(Refusal(MakePkcs12(&w.p192, IssueSmime(w.p192).get())), "the key is on a curve of 192 bits");
  Pack long_chain;
  long_chain.chain_copies = static_cast<int>(kSmimeChainMax);
  begins(Refusal(MakePkcs12(&w.rsa, IssueSmime(w.rsa).get(), long_chain)),
         "the PKCS#12 file holds more than 10 certificates");
}

TEST(Pkcs12Test, RefusesCertificatesThatCannotSign) {
  const struct {
    const char* name;
    SmimeCertificateRow row;
    std::string want;
  } kRows[] = {
      {"subject only", {.subject_email = "jane@news.example", .alt_names = ""}, "accepted"},
      {"no address", {.alt_names = ""}, "the certificate names no e-mail address"},
      {"host only", {.alt_names = "DNS:news.example"}, "the certificate names no e-mail address"},
      {"bad address", {.alt_names = "email:jane"}, "the certificate names no e-mail address"},
      {"no usage at all", {.key_usage = "", .extended = ""}, "accepted"},
      {"non-repudiation", {.key_usage = "nonRepudiation"}, "accepted"},
      {"encryption only", {.key_usage = "keyEncipherment"}, "the certificate is not for signing mail"},
      {"web server", {.extended = "serverAuth,clientAuth"}, "the certificate is not for signing mail"},
      {"web server and mail", {.extended = "serverAuth,emailProtection"}, "accepted"},
      {"any", {.extended = "anyExtendedKeyUsage"}, "accepted"},
      {"not yet valid",
       {.not_before = kSmimeNow + absl::Seconds(1)},
       "the certificate is valid from 2027-01-15 08:00 UTC"},
      {"from now", {.not_before = kSmimeNow}, "accepted"},
      {"until now", {.not_after = kSmimeNow}, "accepted"},
      {"expired",
       {.not_after = kSmimeNow - absl::Seconds(1)},
       "the certificate expired on 2027-01-15 07:59 UTC; get a new"},
  };
  for (const auto& row : kRows) {
    const std::string der = MakePkcs12(&TheSmimeWorld().p256, IssueSmime(TheSmimeWorld().p256, row.row).get());
    EXPECT_EQ(Refusal(der).substr(0, row.want.size()), row.want) << row.name;
  }
}

TEST(Pkcs12Test, RefusesKeysThatMailProgramsDoNotKnow) {
  SmimeWorld& w = TheSmimeWorld();
  const SmimeCertPtr own = IssueSmime(w.p256);
  // An Ed25519 certificate of an EC authority.
  EXPECT_EQ(Refusal(MakePkcs12(&w.ed25519, IssueSmime(w.ed25519).get())).substr(0, 33),
            "the key is neither RSA nor ECDSA;");
}

// A file says how often its password is hashed: one of 2^31 would hold a thread for an hour.
TEST(Pkcs12Test, RefusesBombs) {
  SmimeWorld& w = TheSmimeWorld();
  const SmimeCertPtr own = IssueSmime(w.p256);
  const std::string said("\x02\x03\x01\x11\x70", 5);  // INTEGER 70,000
  const std::string huge("\x02\x03\x7F\xFF\xFF", 5);  // 8,388,607
  const std::string none("\x02\x03\x80\x00\x01", 5);  // negative
  Pack by_mac;
  by_mac.mac_iterations = 70'000;
  Pack inside;
  inside.iterations = 70'000;
  Pack inside_older = inside;
  inside_older.cipher = NID_pbe_WithSHA1And3_Key_TripleDES_CBC;
  for (const Pack& pack : {by_mac, inside, inside_older}) {
    const std::string good = MakePkcs12(&w.p256, own.get(), pack);
    ASSERT_NE(good.find(said), std::string::npos);
    EXPECT_EQ(Refusal(good), "accepted");
    for (const std::string& bomb : {huge, none}) {
      std::string bad = good;
      for (size_t at; (at = bad.find(said)) != std::string::npos;) bad.replace(at, said.size(), bomb);
      if (pack.mac_iterations != by_mac.mac_iterations) {  // the MAC is over the altered part
        const unsigned char* der = reinterpret_cast<const unsigned char*>(bad.data());
        PKCS12* const file = d2i_PKCS12(nullptr, &der, static_cast<long>(bad.size()));
        ASSERT_EQ(PKCS12_set_mac(file, kPassword, -1, nullptr, 0, 2048, EVP_sha256()), 1);
        bad = DerOf(file);
      }
      EXPECT_EQ(Refusal(bad).substr(0, 48), "the PKCS#12 file hashes its password in a way th");
    }
  }
}

TEST(Pkcs12Test, OlderEncryption) {
  SmimeWorld& w = TheSmimeWorld();
  const SmimeCertPtr own = IssueSmime(w.rsa);
  Pack triple_des;
  triple_des.cipher = NID_pbe_WithSHA1And3_Key_TripleDES_CBC;  // OpenSSL 3 still reads this
  EXPECT_EQ(Refusal(MakePkcs12(&w.rsa, own.get(), triple_des)), "accepted");

  OSSL_LIB_CTX* const library = OSSL_LIB_CTX_new();
  OSSL_PROVIDER* const base = OSSL_PROVIDER_load(library, "default");
  OSSL_PROVIDER* const legacy = OSSL_PROVIDER_load(library, "legacy");
  ASSERT_NE(base, nullptr);
  if (legacy != nullptr) {
    Pack rc2;
    rc2.cipher = NID_pbe_WithSHA1And40BitRC2_CBC;
    rc2.library = library;
    const std::string der = MakePkcs12(&w.rsa, own.get(), rc2);
    const std::string refusal = Refusal(der);
    EXPECT_NE(refusal.find("pbeWithSHA1And40BitRC2-CBC, an older way"), std::string::npos) << refusal;
    EXPECT_NE(refusal.find("openssl pkcs12 -legacy"), std::string::npos) << refusal;
    EXPECT_EQ(Refusal(der, "other"), "the password of the PKCS#12 file is wrong");
    OSSL_PROVIDER_unload(legacy);
  }
  OSSL_PROVIDER_unload(base);
  OSSL_LIB_CTX_free(library);
  if (legacy == nullptr) GTEST_SKIP() << "this OpenSSL has no legacy provider to make such a file with";
}

TEST(Pkcs12Test, NoMacAndAWrongPassword) {
  SmimeWorld& w = TheSmimeWorld();
  Pack no_mac;
  no_mac.mac_iterations = 0;
  const std::string der = MakePkcs12(&w.rsa, IssueSmime(w.rsa).get(), no_mac);
  EXPECT_EQ(Refusal(der), "accepted");
  EXPECT_EQ(Refusal(der, "other"), "the password of the PKCS#12 file is wrong, or the file is damaged");
}

TEST(Pkcs12Test, FlippedBytesNeverCrash) {
  SmimeWorld& w = TheSmimeWorld();
  const std::string good = MakePkcs12(&w.p256, IssueSmime(w.p256).get());
  for (size_t i = 0; i < good.size(); i += 3) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x41);
    Refusal(bad);
  }
}

}  // namespace
}  // namespace wavepost
