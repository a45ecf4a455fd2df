#include "coordinator/api/render_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "common/mail/dkim_keys.h"
#include "common/mail/verp.h"
#include "common/rpc/status.h"
#include "common/seal/seal.h"
#include "coordinator/api/api_context.h"
#include "coordinator/api/campaign_check.h"
#include "coordinator/rpc/auth.h"
#include "coordinator/store/store_test_util.h"

namespace wavepost {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kPicture[] = "\x89PNG";

class RenderMessageTest : public StoreTest {
 protected:
  RenderMessageTest() {
    Open();
    EXPECT_TRUE(MakeDraft(store_.get()).ok());
    const std::string sha256 = absl::BytesToHexString(Av(Sha256(kPicture)));
    const auto file = store_->PutFile(kTenant, sha256, kPicture);
    EXPECT_TRUE(file.ok()) << file.status();
    api_.store = store_.get();
    api_.clock = &clock_;
    api_.sealer = &sealer_;
    api_.token_keys = &keys_;
    api_.token_key_id = 1;
    api_.content = {.message_id_domain = "mail.example",
                    .return_path_domain = "bounce.mail.example",
                    .unsubscribe_url = "https://u.mail.example/u/",
                    .feedback_id = "wavepost"};
    v1::Campaign campaign;
    for (const char* column : {"name", "people"}) campaign.add_columns(column);
    campaign.add_json_columns("people");
    v1::Content& content = *campaign.mutable_content();
    content.set_subject("Hello {{name}}");
    content.set_from_address("survey@example.com");
    content.set_html("<p>Hello {{name}}</p><img src=\"cid:logo\">{{#people}}<b>{{first}}</b>{{/people}}");
    v1::Attachment& picture = *content.add_attachments();
    picture.set_file(file->name());
    picture.set_content_type("image/png");
    picture.set_content_id("logo");
    const CampaignFiles files = {.size_of = [](const std::string&) { return int64_t{4}; },
                                 .read = [this](const std::string& name) { return store_->ReadFile(name); }};
    const auto checked = CheckCampaign(campaign, kPreviewed, api_.content, files);
    EXPECT_TRUE(checked.ok()) << checked.status();
    EXPECT_TRUE(store_->CreateCampaign(*checked, {}).ok());
    for (const char* wave : {"a", "b"}) {
      EXPECT_TRUE(store_->CreateWave(kPreviewed, absl::StrCat(kPreviewed, "/waves/", wave), {}).ok());
    }
    NewRecipient jane;
    jane.recipient.set_address("jane@example.org");
    jane.recipient.add_values("Jane");
    jane.recipient.add_values(R"([{"first": "Ann & Bob"}])");
    EXPECT_EQ(store_->ImportChunk(absl::StrCat(kPreviewed, "/waves/b"), {jane}, {}, {})->accepted(), 1);
  }

  absl::StatusOr<v1::RenderMessageResponse> Render(const v1::RenderMessageRequest& request) {
    return RenderForPreview(api_, caller_, request);
  }

  static v1::RenderMessageRequest For(const std::string& name, const std::string& address) {
    v1::RenderMessageRequest request;
    request.set_name(name);
    request.set_address(address);
    return request;
  }

  static constexpr char kPreviewed[] = "tenants/acme/campaigns/preview";
  const Sealer sealer_ = Sealer::ForTest();
  const TokenKeys keys_ = TokenKeys::ForTest();
  Caller caller_{.is_operator = true};
  ApiContext api_;
};

TEST_F(RenderMessageTest, ShowsWhatLeavesForARecipient) {
  const auto shown = Render(For(kPreviewed, "jane@EXAMPLE.org"));
  ASSERT_TRUE(shown.ok()) << shown.status();
  EXPECT_THAT(shown->eml(), HasSubstr("\r\nSubject: Hello Jane\r\n"));
  EXPECT_THAT(shown->eml(), HasSubstr("jane@example.org"));
  EXPECT_THAT(shown->eml(), HasSubstr("List-Unsubscribe: "));
  EXPECT_THAT(shown->eml(), HasSubstr("Feedback-ID: preview:acme:bulk:wavepost"));
  EXPECT_EQ(shown->return_path(), ReturnPath(MakeToken(keys_, {2 + 1, 0}, 1), "bounce.mail.example"));
  EXPECT_EQ(shown->html(), "<p>Hello Jane</p><img src=\"data:image/png;base64,iVBORw==\"><b>Ann &amp; Bob</b>");
  EXPECT_THAT(shown->warnings(), testing::Contains(HasSubstr("nothing signs")));
  EXPECT_EQ(Render(For(absl::StrCat(kPreviewed, "/waves/b"), "jane@example.org"))->return_path(), shown->return_path());
}

TEST_F(RenderMessageTest, ShowsASample) {
  v1::RenderMessageRequest request = For(kPreviewed, "");
  request.mutable_sample()->set_address("max@example.org");
  (*request.mutable_sample()->mutable_attributes())["name"] = "M\xc3\xa4x";
  const auto shown = Render(request);
  ASSERT_TRUE(shown.ok()) << shown.status();
  EXPECT_THAT(shown->html(), HasSubstr("Hello M\xc3\xa4x"));
  EXPECT_THAT(shown->html(), Not(HasSubstr("<b>")));
  EXPECT_EQ(shown->return_path(), ReturnPath(MakeToken(keys_, {0, 0}, 1), "bounce.mail.example"));
}

// Whoever may not send from an address gets no signature of the operator's under it either.
TEST_F(RenderMessageTest, NothingIsSignedThatMayNotLeave) {
  const auto key = MakeRsaKey();
  ASSERT_TRUE(key.ok());
  ASSERT_TRUE(store_
                  ->ChangeIdentity([&](cluster::v1::StoredIdentity* identity, std::vector<v1::Event>*) {
                    identity->mutable_identity()->set_domain("mail.example");
                    identity->mutable_own()->mutable_domain()->set_name("identity/mail.example");
                    auto& info = *identity->mutable_own()->mutable_domain()->add_dkim_keys();
                    info.set_selector("own");
                    info.set_algorithm("rsa-sha256");
                    info.set_state(v1::DkimKeyInfo::ACTIVE);
                    auto& sealed = *identity->mutable_own()->add_keys();
                    sealed.set_selector("own");
                    sealed.set_sealed_pem(*sealer_.Seal(key->private_key_pem, "dkim/identity/mail.example/own"));
                    return absl::OkStatus();
                  })
                  .ok());
  const auto refused = Render(For(kPreviewed, "jane@example.org"));
  ASSERT_TRUE(refused.ok()) << refused.status();
  EXPECT_THAT(refused->eml(), Not(HasSubstr("DKIM-Signature")));
  api_.domain_policy.allow_unverified = true;
  const auto allowed = Render(For(kPreviewed, "jane@example.org"));
  ASSERT_TRUE(allowed.ok()) << allowed.status();
  EXPECT_THAT(allowed->eml(), HasSubstr("d=mail.example"));
}

TEST_F(RenderMessageTest, FollowsTheWavesStart) {
  const std::string wave = absl::StrCat(kPreviewed, "/waves/b");
  ASSERT_TRUE(store_
                  ->StartWave(wave, {.token_key_id = 1,
                                     .from_address = "acme@neutral.example",
                                     .return_path_domain = "wpbounce.neutral.example"})
                  .ok());
  const auto shown = Render(For(wave, "jane@example.org"));
  ASSERT_TRUE(shown.ok()) << shown.status();
  EXPECT_THAT(shown->eml(), HasSubstr("From: acme@neutral.example\r\n"));
  EXPECT_THAT(shown->eml(), HasSubstr("Reply-To: survey@example.com\r\n"));
  EXPECT_THAT(shown->return_path(), HasSubstr("@wpbounce.neutral.example"));
}

struct BadRenderRow {
  const char* name;
  void (*change)(v1::RenderMessageRequest*);
  absl::StatusCode code;
  const char* field;  // empty: none
};

class BadRenderTest : public RenderMessageTest, public testing::WithParamInterface<BadRenderRow> {};

TEST_P(BadRenderTest, IsRefusedWithItsField) {
  v1::RenderMessageRequest request = For(kPreviewed, "jane@example.org");
  GetParam().change(&request);
  const absl::Status status = Render(request).status();
  EXPECT_EQ(status.code(), GetParam().code) << status;
  const auto violations = ViolationsOf(status);
  EXPECT_EQ(violations.empty() ? "" : violations[0].field, GetParam().field);
}

void UseSample(v1::RenderMessageRequest* request, const std::string& address, const std::string& name) {
  request->clear_address();
  request->mutable_sample()->set_address(address);
  (*request->mutable_sample()->mutable_attributes())["name"] = name;
}

INSTANTIATE_TEST_SUITE_P(
    Rows, BadRenderTest,
    testing::Values(
        BadRenderRow{"NoName", [](v1::RenderMessageRequest* r) { r->clear_name(); }, absl::StatusCode::kInvalidArgument,
                     "name"},
        BadRenderRow{"NoSuchCampaign", [](v1::RenderMessageRequest* r) { r->set_name("tenants/acme/campaigns/x"); },
                     absl::StatusCode::kNotFound, ""},
        BadRenderRow{"NoSuchWave",
                     [](v1::RenderMessageRequest* r) { r->set_name("tenants/acme/campaigns/preview/waves/x"); },
                     absl::StatusCode::kNotFound, ""},
        BadRenderRow{"Nobody", [](v1::RenderMessageRequest* r) { r->set_address("nobody@example.org"); },
                     absl::StatusCode::kNotFound, ""},
        BadRenderRow{"InAnotherWave",
                     [](v1::RenderMessageRequest* r) { r->set_name("tenants/acme/campaigns/preview/waves/a"); },
                     absl::StatusCode::kNotFound, ""},
        BadRenderRow{"NoAddress", [](v1::RenderMessageRequest* r) { r->clear_address(); },
                     absl::StatusCode::kInvalidArgument, "address"},
        BadRenderRow{"BadAddress", [](v1::RenderMessageRequest* r) { r->set_address("jane"); },
                     absl::StatusCode::kInvalidArgument, "address"},
        BadRenderRow{"Both", [](v1::RenderMessageRequest* r) { r->mutable_sample()->set_address("a@example.org"); },
                     absl::StatusCode::kInvalidArgument, "address"},
        BadRenderRow{"SampleWithBadAddress", [](v1::RenderMessageRequest* r) { UseSample(r, "jane", "Jane"); },
                     absl::StatusCode::kInvalidArgument, "sample.address"},
        BadRenderRow{"SampleWithHeader",
                     [](v1::RenderMessageRequest* r) { UseSample(r, "a@example.org", "x\r\nBcc: b@example.org"); },
                     absl::StatusCode::kInvalidArgument, "sample.attributes"},
        BadRenderRow{"SampleWithoutName", [](v1::RenderMessageRequest* r) { UseSample(r, "a@example.org", ""); },
                     absl::StatusCode::kInvalidArgument, "sample.attributes"}),
    [](const auto& row) { return row.param.name; });

TEST_F(RenderMessageTest, AnotherTenantSeesNothing) {
  caller_ = {.tenant = "tenants/other"};
  EXPECT_EQ(Render(For(kPreviewed, "jane@example.org")).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(RenderMessageTest, SmimeWithoutACertificateIsSaid) {
  api_.domain_policy.allow_unverified = true;
  auto campaign = *store_->GetCampaign(kPreviewed);
  campaign.mutable_campaign()->set_name(absl::StrCat(kPreviewed, "-smime"));
  campaign.mutable_campaign()->mutable_content()->set_smime(true);
  ASSERT_TRUE(store_->CreateCampaign(campaign, {}).ok());
  v1::RenderMessageRequest request = For(campaign.campaign().name(), "");
  UseSample(&request, "a@example.org", "A");
  const absl::Status status = Render(request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_EQ(ReasonOf(status), "NO_CERTIFICATE");
}

struct PictureRow {
  const char* name;
  const char* html;
  const char* shown;
};

class WithPicturesTest : public testing::TestWithParam<PictureRow> {};

TEST_P(WithPicturesTest, ReplacesReferencesOnly) {
  cluster::v1::Content content;
  for (const char* id : {"", "logo", "foot.er"}) {
    v1::Attachment& attachment = *content.mutable_content()->add_attachments();
    attachment.set_content_id(id);
    attachment.set_content_type("image/png");
    content.add_files("abc");
  }
  EXPECT_EQ(WithPictures(GetParam().html, content), GetParam().shown);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, WithPicturesTest,
    testing::Values(PictureRow{"None", "<p>a:b cid:logo</p>", "<p>a:b cid:logo</p>"},
                    PictureRow{"Quoted", "<img src=\"cid:logo\">!", "<img src=\"data:image/png;base64,YWJj\">!"},
                    PictureRow{"Single", "<img src='CID:foot.er'>", "<img src='data:image/png;base64,YWJj'>"},
                    PictureRow{"Bare", "<img src=cid:logo>", "<img src=data:image/png;base64,YWJj>"},
                    PictureRow{"Css", "url(cid:logo)", "url(data:image/png;base64,YWJj)"},
                    PictureRow{"Unknown", "<img src=\"cid:logos\">", "<img src=\"cid:logos\">"},
                    PictureRow{"Nameless", "<img src=\"cid:\">", "<img src=\"cid:\">"},
                    PictureRow{"AtTheStart", "cid:logo", "cid:logo"},
                    PictureRow{"AtTheEnd", "x=\"cid:logo", "x=\"data:image/png;base64,YWJj"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace wavepost
