#include "common/mail/attachment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "common/mail/message.h"
#include "common/mail/parsed_message_test_util.h"

namespace wavepost {
namespace {

using ::testing::HasSubstr;

AttachmentSpec File(std::string name, std::string data = "bytes", std::string type = "application/pdf") {
  return {std::move(name), std::move(type), "", std::move(data)};
}
AttachmentSpec Picture(std::string id, std::string name = "") {
  return {std::move(name), "image/png", std::move(id), std::string("\x89PNG\r\n\x1a\n\0\xff", 10)};
}

ContentSpec SpecWith(std::vector<AttachmentSpec> attachments, const std::string& html = "<p>Hi {{first}}</p>") {
  ContentSpec spec = SpecForTest();
  spec.html = html;
  spec.attachments = std::move(attachments);
  return spec;
}

const std::vector<std::string> kValues = {"", "Jo", ""};

struct StructureRow {
  const char* name;
  std::vector<AttachmentSpec> attachments;
  const char* html;
  const char* want;
};

TEST(AttachmentTest, Structures) {
  const StructureRow kRows[] = {
      {"none", {}, "<p>Hi</p>", "alternative(text/plain,text/html)"},
      {"file", {File("a.pdf")}, "<p>Hi</p>", "mixed(alternative(text/plain,text/html),application/pdf)"},
      {"two files",
       {File("a.pdf"), File("b.csv", "x", "text/csv")},
       "<p>Hi</p>",
       "mixed(alternative(text/plain,text/html),application/pdf,text/csv)"},
      {"picture",
       {Picture("logo")},
       "<img src=\"cid:logo\">Hi",
       "alternative(text/plain,related(text/html,image/png))"},
      {"picture and file",
       {File("a.pdf"), Picture("logo", "logo.png")},
       "<img src='CID:logo'>Hi",
       "mixed(alternative(text/plain,related(text/html,image/png)),application/pdf)"},
      {"two pictures, one twice",
       {Picture("a.1"), Picture("b_2")},
       "<img src=\"cid:a.1\"><img src=cid:a.1 ><td style=\"background:url( cid:b_2)\">Hi</td>",
       "alternative(text/plain,related(text/html,image/png,image/png))"},
      {"picture in a section",
       {Picture("logo")},
       "<img src=\"{{#company}}cid:logo{{/company}}\">Hi",
       "alternative(text/plain,related(text/html,image/png))"},
  };
  for (const StructureRow& row : kRows) {
    const auto message = RenderForTest(SpecWith(row.attachments, row.html), kValues);
    ASSERT_TRUE(message.ok()) << row.name << ": " << message.status();
    const ParsedMessage parsed(*message);
    ExpectSoundBytes(parsed.raw());
    EXPECT_EQ(parsed.Structure(), row.want) << row.name;
    EXPECT_THAT(parsed.PartOf("text/plain"), HasSubstr("Dear Jo")) << row.name;
    EXPECT_THAT(parsed.PartOf("text/html"), HasSubstr("Hi")) << row.name;
  }
}

TEST(AttachmentTest, BytesComeThroughUnchanged) {
  std::string all;
  for (int round = 0; round < 40; ++round) {
    for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  }
  const std::string text = "a\nb\r\nc\rFrom here\n.\n--=_x\n" + std::string(3000, 'y');
  const auto message =
      RenderForTest(SpecWith({File("all.bin", all, "application/octet-stream"), File("a.txt", text, "text/plain"),
                              File("empty", ""), Picture("logo", "logo.png")},
                             "<img src=\"cid:logo\">"),
                    kValues);
  ASSERT_TRUE(message.ok()) << message.status();
  const ParsedMessage parsed(*message);
  ExpectSoundBytes(parsed.raw());
  const auto parts = parsed.Parts();
  ASSERT_EQ(parts.size(), 6u);
  EXPECT_EQ(parts[2].content, Picture("").data);
  EXPECT_EQ(parts[2].content_id, "logo");
  EXPECT_EQ(parts[2].disposition, "inline");
  EXPECT_EQ(parts[2].file_name, "logo.png");
  EXPECT_EQ(parts[3].content, all);
  EXPECT_EQ(parts[3].disposition, "attachment");
  EXPECT_EQ(parts[4].content, text);
  EXPECT_EQ(parts[5].content, "");
}

TEST(AttachmentTest, NamesComeThrough) {
  const std::string kNames[] = {
      "report.pdf",
      "Übersicht 2026.pdf",
      "Ein sehr langer Name für eine Datei, über den sich alle freuen, auch die älteren Leser.pdf",
      "アンケート.pdf",
      "\xF0\x9F\x8E\x89.pdf",
      "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D.pdf",
      "a\"b;c=d'e%41.pdf",
      "=?utf-8?q?x?=.pdf",
      std::string(190, 'n') + ".pdf",
  };
  for (const std::string& name : kNames) {
    const auto message = RenderForTest(SpecWith({File(name)}), kValues);
    ASSERT_TRUE(message.ok()) << message.status();
    const ParsedMessage parsed(*message);
    ExpectSoundBytes(parsed.raw());
    const auto part = parsed.Parts().back();
    EXPECT_EQ(part.file_name, name);
    // As an encoded word, which GMime decodes there as old readers do; one inside another it takes apart too.
    EXPECT_TRUE(part.legacy_name == name || name[0] == '=') << part.legacy_name;
  }
}

struct BadRow {
  const char* name;
  std::vector<AttachmentSpec> attachments;
  const char* html;
  const char* want;
};

TEST(AttachmentTest, RefusedWithFieldAndCure) {
  const std::string big(kAttachmentBytesMax / 2, 'x');
  const BadRow kRows[] = {
      {"no name", {File("")}, "Hi", "attachments[0]: file_name is empty"},
      {"blank name", {File("  ")}, "Hi", "attachments[0]: file_name is empty"},
      {"second", {File("a"), File("b\r\nX-Evil: 1")}, "Hi", "attachments[1]: file_name has slashes, control"},
      {"NUL", {File(std::string("a\0b", 3))}, "Hi", "attachments[0]: file_name has"},
      {"slash", {File("../a")}, "Hi", "attachments[0]: file_name has slashes"},
      {"backslash", {File("a\\b")}, "Hi", "attachments[0]: file_name has slashes"},
      {"line separator", {File("a\xE2\x80\xA8")}, "Hi", "attachments[0]: file_name has"},
      {"not UTF-8", {File("\xFF")}, "Hi", "attachments[0]: file_name is not valid UTF-8"},
      {"long name", {File(std::string(201, 'n'))}, "Hi", "attachments[0]: file_name has 201 bytes; at most 200"},
      {"no type", {File("a", "x", "")}, "Hi", "attachments[0]: content_type must be"},
      {"type alone", {File("a", "x", "pdf")}, "Hi", "attachments[0]: content_type must be"},
      {"half a type", {File("a", "x", "text/")}, "Hi", "attachments[0]: content_type must be"},
      {"parameter", {File("a", "x", "text/plain; charset=x")}, "Hi", "attachments[0]: content_type must be"},
      {"type breaks", {File("a", "x", "text/x\r\nBcc: y")}, "Hi", "attachments[0]: content_type must be"},
      {"two slashes", {File("a", "x", "a/b/c")}, "Hi", "attachments[0]: content_type must be"},
      {"message", {File("a", "x", "message/rfc822")}, "Hi", "attachments[0]: content_type message/rfc822 is taken"},
      {"multipart", {File("a", "x", "Multipart/Mixed")}, "Hi", "attachments[0]: content_type Multipart/Mixed is"},
      {"id", {Picture("a b")}, "Hi", "attachments[0]: content_id must be"},
      {"id breaks", {Picture("a>\r\nX: y")}, "Hi", "attachments[0]: content_id must be"},
      {"long id", {Picture(std::string(65, 'i'))}, "Hi", "attachments[0]: content_id must be"},
      {"id twice", {Picture("a"), Picture("a")}, "<img src=\"cid:a\">", "attachments[1]: content_id \"a\" is there"},
      {"never shown", {Picture("a")}, "Hi", "attachments[0]: the HTML never shows it: write src=\"cid:a\""},
      {"shown as a file", {File("a")}, "\n <img src=\"cid:a\">", "html:2:12: the picture cid:a is not among"},
      {"other name", {Picture("ab")}, "<img src=\"cid:ab\"><img src=\"cid:a\">", "html:1:29: the picture cid:a is not"},
      {"longer name", {Picture("a")}, "<img src=\"cid:a@b.example\">", "html:1:11: the picture cid:a@b.example"},
      {"no name behind", {}, "<img src=\"cid:\">", "html:1:11: the picture cid: is not"},
      {"variable", {Picture("a")}, "<img src=\"cid:{{first}}\">", "html:1:11: the name behind cid: ends in a var"},
      {"part variable", {Picture("a")}, "<img src=\"cid:a{{first}}\">", "html:1:11: the name behind cid: ends in"},
      {"too large", {File("a", big), File("b", big), File("c", "x")}, "Hi", "attachments[2]: with it the attachments"},
      {"too many", std::vector<AttachmentSpec>(kAttachmentsMax + 1, File("a")), "Hi", "attachments: there are 51"},
  };
  for (const BadRow& row : kRows) {
    const auto compiled = MessageTemplate::Compile(SpecWith(row.attachments, row.html));
    ASSERT_EQ(compiled.status().code(), absl::StatusCode::kInvalidArgument) << row.name;
    EXPECT_TRUE(absl::StartsWith(compiled.status().message(), row.want)) << row.name << ": " << compiled.status();
  }
}

TEST(AttachmentTest, WordsThatOnlyLookLikePicturesAreLeftAlone) {
  for (const char* html :
       {"<p>the acid: a test</p>", "<p>cid:x</p>", "<p>(cid: 12)</p>", "<a href=\"x?acid:1\">y</a>"}) {
    const auto compiled = MessageTemplate::Compile(SpecWith({}, html));
    EXPECT_TRUE(compiled.ok()) << compiled.status();
  }
}

TEST(AttachmentTest, AsMuchAsIsAllowedGoes) {
  ContentSpec spec = SpecWith({File("a", std::string(kAttachmentBytesMax, '\xFF'))});
  const auto message = RenderForTest(spec, kValues);
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_LT(message->body.size(), kMessageBytesMax);
  spec.attachments.resize(kAttachmentsMax, File("b", ""));
  EXPECT_TRUE(MessageTemplate::Compile(spec).ok());
}

// With large bodies the whole can be too large though each part is not: import says so, as does rendering.
TEST(AttachmentTest, WholeMessageHasALimit) {
  ContentSpec spec = SpecWith({File("a", std::string(kAttachmentBytesMax, 'x'))});
  spec.html = "<p>{{{first}}}</p>";
  spec.text = "{{first}}";
  const auto compiled = MessageTemplate::Compile(spec);
  ASSERT_TRUE(compiled.ok());
  std::string large;
  while (large.size() < 3'900'000) large += "=============ü";
  const std::vector<std::string> values = {"", large, ""};
  EXPECT_EQ((*compiled)->CheckValues(values).code(), absl::StatusCode::kInvalidArgument);  // the subject
  spec.subject = "Hi";
  const auto without = MessageTemplate::Compile(spec);
  ASSERT_TRUE(without.ok());
  const absl::Status checked = (*without)->CheckValues(values);
  EXPECT_EQ(checked.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(checked.message()), HasSubstr("the message has"));
  EXPECT_EQ((*without)->Render({"a@b.example", &values, "m@b.example", "", absl::UnixEpoch()}).status(), checked);
}

}  // namespace
}  // namespace wavepost
