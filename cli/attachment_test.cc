#include "cli/attachment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "cli/exit_code.h"

namespace wavepost::cli {
namespace {

using testing::HasSubstr;

struct AttachCase {
  const char* name;
  std::string text;
  std::string path, file_name, content_type, content_id;  // path empty: refused
  bool inlined = false;
};

class AttachmentTest : public testing::TestWithParam<AttachCase> {};

TEST_P(AttachmentTest, Parses) {
  const AttachCase& c = GetParam();
  const auto spec = c.inlined ? ParseInline(c.text) : ParseAttach(c.text);
  if (c.path.empty()) {
    ASSERT_FALSE(spec.ok());
    EXPECT_EQ(ExitCodeFor(spec.status()), ExitCode::kUsage);
    EXPECT_THAT(std::string(spec.status().message()), HasSubstr(c.inlined ? "; write --inline" : "; write --attach"));
    return;
  }
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->path, c.path);
  EXPECT_EQ(spec->file_name, c.file_name);
  EXPECT_EQ(spec->content_type, c.content_type);
  EXPECT_EQ(spec->content_id, c.content_id);
}

INSTANTIATE_TEST_SUITE_P(
    Attach, AttachmentTest,
    testing::Values(AttachCase{"Plain", "dir/offer.pdf", "dir/offer.pdf", "offer.pdf", "application/pdf", ""},
                    AttachCase{"UpperCase", "A.PDF", "A.PDF", "A.PDF", "application/pdf", ""},
                    AttachCase{"NoExtension", "dir.d/offer", "dir.d/offer", "offer", "application/octet-stream", ""},
                    AttachCase{"UnknownExtension", "a.xyz", "a.xyz", "a.xyz", "application/octet-stream", ""},
                    AttachCase{"TypeAndName", "x.bin;type=application/pdf;name=Angebot.pdf", "x.bin", "Angebot.pdf",
                               "application/pdf", ""},
                    AttachCase{"NameAndType", "x.bin;name=Angebot für Jörg.pdf;type=a/b", "x.bin",
                               "Angebot für Jörg.pdf", "a/b", ""},
                    AttachCase{"TypeByNewName", "x.tmp;name=a.png", "x.tmp", "a.png", "image/png", ""},
                    AttachCase{"SemicolonInPath", "a;b.txt", "a;b.txt", "a;b.txt", "text/plain", ""},
                    AttachCase{"SemicolonInPathAndType", "a;b;type=x/y", "a;b", "a;b", "x/y", ""},
                    AttachCase{"Empty", "", "", "", "", ""}, AttachCase{"OnlyType", ";type=a/b", "", "", "", ""},
                    AttachCase{"Folder", "dir/", "", "", "", ""},
                    AttachCase{"NoSubtype", "a;type=text", "", "", "", ""},
                    AttachCase{"Parameters", "a;type=text/plain charset", "", "", "", ""},
                    AttachCase{"TypeWithHeader", "a;type=text/plain\r\nX: y", "", "", "", ""},
                    AttachCase{"TwoSlashes", "a;type=a/b/c", "", "", "", ""},
                    AttachCase{"NameWithSlash", "a;name=../b", "", "", "", ""},
                    AttachCase{"NameWithBackslash", "a;name=..\\b", "", "", "", ""},
                    AttachCase{"NameWithLine", "a;name=b\r\nc", "", "", "", ""},
                    AttachCase{"NameNotUtf8", "a;name=\xFC", "", "", "", ""},
                    AttachCase{"EmptyName", "a;name=", "", "", "", ""},
                    AttachCase{"LongestName", "a;name=" + std::string(200, 'n'), "a", std::string(200, 'n'),
                               "application/octet-stream", ""},
                    AttachCase{"NameTooLong", "a;name=" + std::string(201, 'n'), "", "", "", ""}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Inline, AttachmentTest,
    testing::Values(AttachCase{"Plain", "logo=dir/logo.png", "dir/logo.png", "", "image/png", "logo", true},
                    AttachCase{"EqualsInPath", "logo=a=b.gif", "a=b.gif", "", "image/gif", "logo", true},
                    AttachCase{"Named", "l.1_-=x;name=Logo.svg", "x", "Logo.svg", "image/svg+xml", "l.1_-", true},
                    AttachCase{"NoId", "logo.png", "", "", "", "", true},
                    AttachCase{"EmptyId", "=logo.png", "", "", "", "", true},
                    AttachCase{"BadId", "lo go=logo.png", "", "", "", "", true},
                    AttachCase{"IdTooLong", std::string(65, 'i') + "=a.png", "", "", "", "", true},
                    AttachCase{"NoFile", "logo=", "", "", "", "", true}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace wavepost::cli
