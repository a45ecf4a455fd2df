// wavepost create: attachments, defaults and the other options of content; wavepost files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/command_fixture.h"
#include "cli/content_id.h"
#include "cli/upload.h"

namespace wavepost::cli {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class CreateContentTest : public CommandFixture {
 protected:
  CreateContentTest() {
    Write("mail.html", "<p>Hello {{first_name}} <img src=\"cid:logo\"></p>");
    Write("people.csv", "email,first_name,items\na@x.example,Ann,[1]\nb@x.example,,[]\n");
    Write("offer.pdf", "PDF");
    Write("logo.png", std::string("\x89PNG\0\r\n", 7));
  }
  int Create(std::vector<std::string> more) {
    std::vector<std::string> args = {"create", "--id",   "spring", "--csv",  Path("people.csv"), "--subject",
                                     "Hi",     "--from", "j@c.de", "--html", Path("mail.html")};
    args.insert(args.end(), more.begin(), more.end());
    return Wavepost(args);
  }
  const v1::Campaign& Made() { return server.campaigns["tenants/default/campaigns/spring"]; }
};

TEST_F(CreateContentTest, FilesAreUploadedAndNamed) {
  EXPECT_EQ(Create({"--attach", Path("offer.pdf"), "--attach", Path("offer.pdf") + ";name=Angebot.pdf;type=a/b",
                    "--inline", "logo=" + Path("logo.png")}),
            0)
      << err();
  const auto& attachments = Made().content().attachments();
  ASSERT_EQ(attachments.size(), 3);
  EXPECT_EQ(attachments[0].file(), "tenants/default/files/" + Sha256Hex("PDF"));
  EXPECT_EQ(attachments[0].file_name(), "offer.pdf");
  EXPECT_EQ(attachments[0].content_type(), "application/pdf");
  EXPECT_EQ(attachments[0].content_id(), "");
  EXPECT_EQ(attachments[1].file(), attachments[0].file());
  EXPECT_EQ(attachments[1].file_name(), "Angebot.pdf");
  EXPECT_EQ(attachments[1].content_type(), "a/b");
  EXPECT_EQ(attachments[2].content_id(), "logo");
  EXPECT_EQ(attachments[2].content_type(), "image/png");
  EXPECT_EQ(server.content.files[attachments[2].file()].size_bytes(), 7) << "binary, byte by byte";
}

TEST_F(CreateContentTest, BigFilesGoInChunks) {
  Write("big.bin", std::string(2 * kUploadChunkBytes + 1, 'b'));
  EXPECT_EQ(Create({"--attach", Path("big.bin")}), 0) << err();
  EXPECT_THAT(server.content.chunk_bytes, ElementsAre(kUploadChunkBytes, kUploadChunkBytes, 1));
}

TEST_F(CreateContentTest, TooLargeIsRefusedBeforeAnyCall) {
  Write("big.bin", std::string(kAttachmentBytesMax + 1, 'b'));
  EXPECT_EQ(Create({"--attach", Path("big.bin")}), 6);
  EXPECT_THAT(err(), HasSubstr("--attach " + Path("big.bin") + ": has more than 10485760 bytes; "));
  EXPECT_THAT(err(), HasSubstr("campaign.content.attachments may have 10 MB"));
  EXPECT_THAT(err(), HasSubstr("put it on a web page"));
  Write("big.bin", std::string(kAttachmentBytesMax, 'b'));
  EXPECT_EQ(Create({"--attach", Path("big.bin"), "--inline", "x=" + Path("offer.pdf")}), 6);
  EXPECT_THAT(err(), HasSubstr("--inline " + Path("offer.pdf") + ": with it the files have 10,485,763 bytes"));
  EXPECT_THAT(server.content.chunk_bytes, IsEmpty());
  EXPECT_TRUE(server.campaigns.empty());
  EXPECT_EQ(Create({"--attach", Path("big.bin")}), 0) << "10 MB are just right";
}

TEST_F(CreateContentTest, MistakesAreFoundBeforeAnyCall) {
  EXPECT_EQ(Create({"--attach", Path("none.pdf")}), 6);
  EXPECT_THAT(err(), HasSubstr("none.pdf: no such file"));
  Write("empty.pdf", "");
  EXPECT_EQ(Create({"--attach", Path("empty.pdf")}), 6);
  EXPECT_THAT(err(), HasSubstr("empty.pdf: is empty"));
  for (const std::vector<std::string>& args :
       std::vector<std::vector<std::string>>{{"--attach", "a;type=x"},
                                             {"--inline", Path("logo.png")},
                                             {"--inline", "a=" + Path("logo.png"), "--inline", "a=" + Path("logo.png")},
                                             {"--default", "first_name"},
                                             {"--default", "=x"},
                                             {"--default", "frist_name=x"},
                                             {"--default", "first_name=x", "--default", "first_name=y"},
                                             {"--json-column", "itmes"},
                                             {"--unsubscribe", "--no-unsubscribe"}}) {
    EXPECT_EQ(Create(args), 2) << args[0] << " " << err();
  }
  std::vector<std::string> many;
  for (size_t i = 0; i <= kAttachmentsMax; ++i) many.insert(many.end(), {"--attach", Path("offer.pdf")});
  EXPECT_EQ(Create(many), 2);
  EXPECT_THAT(server.content.chunk_bytes, IsEmpty());
  EXPECT_TRUE(server.campaigns.empty());
}

TEST_F(CreateContentTest, AnUploadThatFailsLeavesNoCampaign) {
  server.content.files_max = 0;
  EXPECT_EQ(Create({"--attach", Path("offer.pdf")}), 1);
  EXPECT_THAT(err(), HasSubstr("upload of --attach " + Path("offer.pdf") + ": the tenant has 1000 files"));
  server.content.files_max = 10;
  server.content.spoil_uploads = true;
  EXPECT_EQ(Create({"--attach", Path("offer.pdf")}), 1);
  EXPECT_THAT(err(), HasSubstr("stored something else"));
  EXPECT_TRUE(server.campaigns.empty());
}

TEST_F(CreateContentTest, OptionsReachTheCampaign) {
  EXPECT_EQ(Create({"--default", "first_name=dear = friend", "--default", "items=", "--json-column", "items",
                    "--no-unsubscribe", "--auto-submitted", "--smime", "--reply-to", "{{first_name}} <a@{{items}}>"}),
            0)
      << err();
  EXPECT_EQ(Made().defaults().at("first_name"), "dear = friend");
  EXPECT_EQ(Made().defaults().at("items"), "");
  EXPECT_THAT(Made().json_columns(), ElementsAre("items"));
  EXPECT_EQ(Made().content().unsubscribe(), v1::UNSUBSCRIBE_NO);
  EXPECT_TRUE(Made().content().auto_submitted());
  EXPECT_TRUE(Made().content().smime());
  EXPECT_EQ(Made().content().reply_to(), "{{first_name}} <a@{{items}}>");
}

TEST_F(CreateContentTest, WithoutThemTheServerDecides) {
  EXPECT_EQ(Create({}), 0) << err();
  EXPECT_EQ(Made().content().unsubscribe(), v1::UNSUBSCRIBE_UNSPECIFIED);
  EXPECT_FALSE(Made().content().auto_submitted());
  EXPECT_FALSE(Made().content().smime());
}

TEST_F(CreateContentTest, RepeatingIsSafeWithFilesAndDefaults) {
  const std::vector<std::string> more = {"--attach",  Path("offer.pdf"), "--default", "first_name=x",
                                         "--default", "items=[]",        "--default", "email=none"};
  // A map's order differs from run to run; the request id must not.
  for (int i = 0; i < 20; ++i) ASSERT_EQ(Create(more), 0) << err();
  EXPECT_EQ(server.campaigns.size(), 1u);
  EXPECT_EQ(server.campaign_requests.size(), 1u);
  Write("offer.pdf", "other");
  EXPECT_EQ(Create(more), 1);
  EXPECT_THAT(err(), HasSubstr("exists with another content"));
}

TEST_F(CreateContentTest, WarningsAndTheFallbackAreSaid) {
  server.warnings = {"c.de is not verified\x1b[2J"};
  server.started_from = "surveys@neutral.example";
  EXPECT_EQ(Create({"--start"}), 0);
  EXPECT_THAT(err(), HasSubstr("wavepost: warning: c.de is not verified [2J\n"));
  EXPECT_THAT(out(), HasSubstr("It leaves from surveys@neutral.example, the tenant's fallback"));
  EXPECT_EQ(Create({"--start", "--json"}), 0);
  EXPECT_EQ(json::parse(out())["warnings"][0], "c.de is not verified\x1b[2J");
  EXPECT_EQ(json::parse(out())["from_address"], "surveys@neutral.example");
  EXPECT_THAT(out(), Not(HasSubstr("\x1b")));
  EXPECT_EQ(Wavepost({"start", "spring"}), 0);
  EXPECT_THAT(out(), HasSubstr("Its mail leaves from surveys@neutral.example\n"));
  server.started_from = "j@c.de";
  EXPECT_EQ(Create({"--start"}), 0);
  EXPECT_THAT(out(), Not(HasSubstr("fallback")));
}

TEST_F(CreateContentTest, FilesListAndDelete) {
  EXPECT_EQ(Wavepost({"files", "list"}), 0) << err();
  EXPECT_THAT(out(), StartsWith("No file is stored."));
  Create({"--attach", Path("offer.pdf"), "--inline", "logo=" + Path("logo.png")});
  const std::string pdf = Sha256Hex("PDF");
  server.content.files["tenants/default/files/" + pdf].set_campaigns(1234);
  EXPECT_EQ(Wavepost({"files", "list"}), 0) << err();
  EXPECT_THAT(out(), testing::ContainsRegex(pdf + " +3 +1,234"));
  EXPECT_EQ(Wavepost({"files", "list", "--json"}), 0);
  EXPECT_THAT(out(), HasSubstr("\"size_bytes\":7"));
  EXPECT_EQ(Wavepost({"files", "delete", pdf}), 0) << err();
  EXPECT_EQ(Wavepost({"files", "delete", pdf}), 4);
  EXPECT_EQ(Wavepost({"files", "delete", "a/b"}), 2);
  const std::string full = server.content.files.begin()->first;
  EXPECT_EQ(Wavepost({"files", "delete", full, "--json"}), 0);
  EXPECT_EQ(json::parse(out())["file"], full);
  EXPECT_TRUE(server.content.files.empty());
}

}  // namespace
}  // namespace wavepost::cli
