#include "common/mail/outgoing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/mail/dkim.h"
#include "common/mail/dkim_keys.h"
#include "common/mail/dkim_verify.h"
#include "common/mail/parsed_message_test_util.h"
#include "common/mail/smime_fixture.h"
#include "common/mail/verp.h"
#include "wavepost/cluster/v1/dispatch_service.pb.h"

namespace wavepost {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr RecipientId kRecipient{12, 345};

cluster::v1::Content StoredContent() {
  cluster::v1::Content out;
  v1::Content* const content = out.mutable_content();
  content->set_subject("Hallo {{first}}");
  content->set_from_name("Umfrage für alle");
  content->set_from_address("Survey@News.example");
  content->set_html("<p>Grüße an {{first}}</p>");
  for (const char* column : {"email", "first"}) out.add_columns(column);
  out.set_message_id_domain("news.example");
  out.set_unsubscribe_url("https://u.example/u/");
  out.set_unsubscribe_domain("bounce.example");
  out.set_feedback_id("c1:t1:wavepost");
  return out;
}

std::string PathOf(RecipientId id) {
  return ReturnPath(MakeToken(TokenKeys::ForTest(), id, 1), "bounce.example");
}

class OutgoingTest : public ::testing::Test {
 protected:
  // Adds a key, whose record DNS then has.
  void AddKey(const DkimKey& key, const std::string& selector) {
    cluster::v1::SigningKey* const added = keys_.add_keys();
    added->set_domain("news.example");
    added->set_selector(selector);
    added->set_private_key_pem(key.private_key_pem);
    dns_[absl::StrCat(selector, "._domainkey.news.example")] = key.public_txt;
  }

  void AddSmimeKey(const std::string& address, const SmimeCertPtr& certificate) {
    const auto pem = [](auto write) {
      const OpensslPtr<BIO> bio(BIO_new(BIO_s_mem()));
      write(bio.get());
      char* data = nullptr;
      const auto size = static_cast<size_t>(BIO_get_mem_data(bio.get(), &data));
      return std::string(data, size);
    };
    cluster::v1::SmimeKey* const added = keys_.add_smime_keys();
    added->set_address(address);
    added->set_private_key_pem(pem([](BIO* bio) {
      PEM_write_bio_PKCS8PrivateKey(bio, TheSmimeWorld().rsa.get(), nullptr, nullptr, 0, nullptr, nullptr);
    }));
    added->set_chain_pem(pem([&](BIO* bio) { PEM_write_bio_X509(bio, certificate.get()); }));
  }

  absl::StatusOr<OutgoingMessage> Make(const cluster::v1::Content& content) {
    return Make(content, PathOf(kRecipient));
  }
  absl::StatusOr<OutgoingMessage> Make(const cluster::v1::Content& content, const std::string& return_path) {
    const auto compiled = OutgoingContent::Compile(content, keys_);
    if (!compiled.ok()) return compiled.status();
    return (*compiled)->Make({address_, &values_, return_path, kSmimeNow});
  }

  std::vector<DkimCheck> Verify(const std::string& message) const {
    return VerifyDkimEach(message, [this](const std::string& name) {
      const auto found = dns_.find(name);
      return found == dns_.end() ? std::nullopt : std::optional<std::string>(found->second);
    });
  }

  cluster::v1::KeySet keys_;
  std::map<std::string, std::string> dns_;
  std::string address_ = "jane@example.com";
  std::vector<std::string> values_ = {"jane@example.com", "Zoë"};
};

TEST_F(OutgoingTest, UnsignedWithoutKeys) {
  const auto message = Make(StoredContent());
  ASSERT_TRUE(message.ok()) << message.status();
  const ParsedMessage parsed(message->canonical);
  ExpectSoundBytes(parsed.raw());
  EXPECT_TRUE(absl::EndsWith(message->canonical, "\r\n"));
  EXPECT_EQ(parsed.Header("DKIM-Signature"), "(none)");
  EXPECT_EQ(parsed.Subject(), "Hallo Zoë");
  EXPECT_EQ(parsed.Structure(), "alternative(text/plain,text/html)");
  EXPECT_THAT(parsed.PartOf("text/html"), HasSubstr("Grüße an Zoë"));
  EXPECT_FALSE(message->smtputf8);
  EXPECT_FALSE(message->has_8bit);
}

TEST_F(OutgoingTest, SignedByEveryKeyInOrder) {
  AddKey(*MakeRsaKey(), "first");
  AddKey(*MakeEd25519Key(), "second");
  cluster::v1::Content content = StoredContent();
  for (const char* html :
       {"<p>Grüße an {{first}}</p>", "<p>Grüße an alle</p>", "<p>ascii   with    blanks</p> \n\n\n"}) {
    content.mutable_content()->set_html(html);
    const auto message = Make(content);
    ASSERT_TRUE(message.ok()) << message.status();
    const auto checks = Verify(message->canonical);
    ASSERT_EQ(checks.size(), 2u);
    for (const DkimCheck& check : checks) EXPECT_EQ(check.result, DkimResult::kPass) << check.detail;
    // From the bottom up.
    EXPECT_LT(message->canonical.find("s=second"), message->canonical.find("s=first"));
    std::string changed = message->canonical;
    changed[changed.size() - 60] ^= 1;
    for (const DkimCheck& check : Verify(changed)) EXPECT_EQ(check.result, DkimResult::kFail);
  }
}

// The preview of the coordinator and each attempt of the sender compile for themselves.
TEST_F(OutgoingTest, SameRecipientSameBytesInEveryProcess) {
  AddKey(*MakeRsaKey(), "s");
  const auto first = Make(StoredContent());
  const auto again = Make(StoredContent());
  ASSERT_TRUE(first.ok() && again.ok());
  EXPECT_EQ(first->canonical, again->canonical);
  const auto other = Make(StoredContent(), PathOf({12, 346}));
  ASSERT_TRUE(other.ok());
  EXPECT_NE(first->canonical, other->canonical);
}

// A field that only some have makes signatures longer and shorter: what went before leaves no trace.
TEST_F(OutgoingTest, MessagesDoNotDependOnThoseBefore) {
  AddKey(*MakeEd25519Key(), "s");
  cluster::v1::Content content = StoredContent();
  content.add_columns("list");
  v1::Header* const header = content.mutable_content()->add_headers();
  header->set_name("List-Id");
  header->set_value("{{#list}}<{{list}}.news.example>{{/list}}");
  values_.push_back("");
  const auto compiled = OutgoingContent::Compile(content, keys_);
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  for (const char* list : {"a", "", "", "b", "a"}) {
    values_.back() = list;
    const auto message = (*compiled)->Make({address_, &values_, PathOf(kRecipient), kSmimeNow});
    ASSERT_TRUE(message.ok()) << message.status();
    EXPECT_EQ(message->canonical, Make(content)->canonical);
    EXPECT_EQ(Verify(message->canonical)[0].result, DkimResult::kPass);
  }
}

TEST_F(OutgoingTest, UnsubscribeTokenIsTheRecipients) {
  const auto message = Make(StoredContent());
  ASSERT_TRUE(message.ok());
  const std::string token = *UnsubscribeToken(MakeToken(TokenKeys::ForTest(), kRecipient, 1));
  EXPECT_THAT(message->canonical,
              HasSubstr(absl::StrCat("List-Unsubscribe: <https://u.example/u/", token, ">,\r\n\t<mailto:u+", token,
                                     "@bounce.example?subject=unsubscribe>\r\n")));
  EXPECT_EQ(*CheckUnsubscribeToken(TokenKeys::ForTest(), token), kRecipient);
  // The return path's own token, which would report bounces, stands nowhere.
  EXPECT_THAT(message->canonical, Not(HasSubstr(MakeToken(TokenKeys::ForTest(), kRecipient, 1))));
  EXPECT_EQ(Make(StoredContent(), "postmaster@bounce.example").status().code(), absl::StatusCode::kInvalidArgument);
  cluster::v1::Content without = StoredContent();
  without.clear_unsubscribe_url();
  without.clear_unsubscribe_domain();
  EXPECT_TRUE(Make(without, "postmaster@bounce.example").ok());
}

TEST_F(OutgoingTest, EverythingStoredGetsThere) {
  cluster::v1::Content content = StoredContent();
  v1::Content* const inner = content.mutable_content();
  inner->set_text("Text für {{first}}: {{#people}}{{name}},{{/people}}");
  inner->set_html("<img src=\"cid:logo\">{{first}}");
  inner->set_reply_to("{{first}} <answers@news.example>");
  inner->set_auto_submitted(true);
  v1::Header* const header = inner->add_headers();
  header->set_name("X-MS-Exchange-Organization-SkipSafeLinksProcessing");
  header->set_value("1");
  content.add_columns("people");
  content.add_json_columns("people");
  values_.push_back("[{\"name\": \"a\"}, {\"name\": \"b\"}]");
  v1::Attachment* const file = inner->add_attachments();
  file->set_file_name("Übersicht.pdf");
  file->set_content_type("application/pdf");
  v1::Attachment* const picture = inner->add_attachments();
  picture->set_content_type("image/png");
  picture->set_content_id("logo");
  content.add_files("pdf bytes");
  content.add_files("png bytes");
  const auto message = Make(content);
  ASSERT_TRUE(message.ok()) << message.status();
  const ParsedMessage parsed(message->canonical);
  EXPECT_EQ(parsed.Structure(), "mixed(alternative(text/plain,related(text/html,image/png)),application/pdf)");
  EXPECT_THAT(parsed.PartOf("text/plain"), HasSubstr("Text für Zoë: a,b,"));
  EXPECT_EQ(parsed.PartOf("application/pdf"), "pdf bytes");
  EXPECT_EQ(parsed.PartOf("image/png"), "png bytes");
  EXPECT_EQ(parsed.Parts().back().file_name, "Übersicht.pdf");
  EXPECT_EQ(parsed.ReplyTo(), std::vector<std::string>{"Zoë|answers@news.example"});
  EXPECT_EQ(parsed.Header("Auto-Submitted"), "auto-generated");
  EXPECT_EQ(parsed.Header("Feedback-ID"), "c1:t1:wavepost");
  EXPECT_EQ(parsed.Header("X-MS-Exchange-Organization-SkipSafeLinksProcessing"), "1");

  content.mutable_files()->RemoveLast();
  EXPECT_TRUE(absl::StartsWith(Make(content).status().message(), "attachments: there are 2"));
}

TEST_F(OutgoingTest, SmimeStandsInsideDkim) {
  AddKey(*MakeEd25519Key(), "s");
  SmimeCertificateRow row;
  row.alt_names = "email:survey@news.example";
  AddSmimeKey("someone@news.example", IssueSmime(TheSmimeWorld().rsa, row));
  AddSmimeKey("Survey@news.example", IssueSmime(TheSmimeWorld().rsa, row));
  cluster::v1::Content content = StoredContent();
  const auto plain = Make(content);
  content.mutable_content()->set_smime(true);
  for (const char* html : {"<p>Grüße an {{first}}</p>", "<p>Grüße an alle</p>"}) {  // one body varies, one is fixed
    content.mutable_content()->set_html(html);
    const auto message = Make(content);
    ASSERT_TRUE(message.ok()) << message.status();
    const ParsedMessage parsed(message->canonical);
    ExpectSoundBytes(parsed.raw());
    EXPECT_EQ(parsed.Structure(), "signed(alternative(text/plain,text/html),application/pkcs7-signature)");
    EXPECT_THAT(parsed.PartOf("text/html"), HasSubstr("Grüße an "));
    EXPECT_EQ(parsed.Subject(), "Hallo Zoë");
    const auto checks = Verify(message->canonical);
    ASSERT_EQ(checks.size(), 1u);
    EXPECT_EQ(checks[0].result, DkimResult::kPass) << checks[0].detail;
  }
  keys_.clear_smime_keys();
  const absl::Status status = Make(content).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("there is no certificate for Survey@news.example"));
}

TEST_F(OutgoingTest, RefusesBadKeys) {
  AddKey(*MakeEd25519Key(), "s");
  keys_.mutable_keys(0)->set_private_key_pem("nonsense");
  EXPECT_EQ(Make(StoredContent()).status().code(), absl::StatusCode::kInvalidArgument);
  keys_.clear_keys();
  for (size_t i = 0; i <= kDkimSignersMax; ++i) AddKey(*MakeEd25519Key(), absl::StrCat("s", i));
  EXPECT_THAT(std::string(Make(StoredContent()).status().message()), HasSubstr("at most 8"));
}

TEST_F(OutgoingTest, SaysWhatTheMessageNeeds) {
  address_ = "jürgen@example.com";
  const auto message = Make(StoredContent());
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_TRUE(message->smtputf8);
  EXPECT_TRUE(message->has_8bit);
  EXPECT_GT((*OutgoingContent::Compile(StoredContent(), keys_))->bytes(), 20u);
}

TEST(StableMessageIdTest, IsAHashOfTheReturnPath) {
  // base32 of the first 20 bytes of SHA-256, computed with Python.
  EXPECT_EQ(StableMessageId("b+abc@bounce.example", "news.example"), "cjoy5fbczja6fhqwciyzibqkk3y2hywq@news.example");
  EXPECT_NE(StableMessageId("b+abd@bounce.example", "news.example"),
            StableMessageId("b+abc@bounce.example", "news.example"));
}

}  // namespace
}  // namespace wavepost
