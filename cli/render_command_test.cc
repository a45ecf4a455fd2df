// wavepost render, run as a whole against a fake coordinator.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "cli/command_fixture.h"

namespace wavepost::cli {
namespace {

using nlohmann::json;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

class RenderCommandTest : public CommandFixture {
 protected:
  RenderCommandTest() {
    server.rendered.set_eml(eml_);
    server.rendered.set_html(
        "<p>Gr\xC3\xBC\xC3\x9F"
        "e</p>");
    server.rendered.set_return_path("b+x@r.example");
  }
  const std::string eml_ = std::string("Subject: x\r\n\r\n\x80\xFF\0\x1b[2Jbody\n\r\r\n", 28);
};

TEST_F(RenderCommandTest, TheMessageIsExact) {
  EXPECT_EQ(Wavepost({"render", "--campaign", "spring", "--recipient", "ann@x.example"}), 0) << err();
  EXPECT_EQ(out(), eml_);
  EXPECT_EQ(err(), "");
  EXPECT_EQ(server.render_request.name(), "tenants/default/campaigns/spring");
  EXPECT_EQ(server.render_request.address(), "ann@x.example");
  EXPECT_FALSE(server.render_request.has_sample());
  EXPECT_EQ(Wavepost({"render", "--campaign", "spring", "--wave", "w2", "--recipient", "ann@x.example", "--output",
                      Path("a.eml")}),
            0);
  EXPECT_EQ(server.render_request.name(), "tenants/default/campaigns/spring/waves/w2");
  EXPECT_EQ(out(), Path("a.eml") + "\n");
  EXPECT_EQ(Read(Path("a.eml")), eml_);
}

TEST_F(RenderCommandTest, OnATerminalItSteersNothing) {
  terminal = true;
  EXPECT_EQ(Wavepost({"render", "--campaign", "spring", "--recipient", "ann@x.example"}), 0) << err();
  EXPECT_THAT(out(), Not(HasSubstr("\x1b")));
  EXPECT_THAT(out(), HasSubstr("Subject: x\n\n"));
}

TEST_F(RenderCommandTest, ASampleHasItsOwnValues) {
  EXPECT_EQ(Wavepost({"render", "--campaign", "spring", "--sample", "t@x.example", "--set", "first_name=Ann", "--set",
                      "note=a=b", "--set", "empty="}),
            0)
      << err();
  const v1::Recipient& sample = server.render_request.sample();
  EXPECT_EQ(sample.address(), "t@x.example");
  EXPECT_EQ(sample.attributes().at("first_name"), "Ann");
  EXPECT_EQ(sample.attributes().at("note"), "a=b");
  EXPECT_EQ(sample.attributes().at("empty"), "");
  EXPECT_EQ(server.render_request.address(), "");
}

TEST_F(RenderCommandTest, HtmlIsAFileForABrowser) {
  setenv("TMPDIR", Path("").c_str(), 1);
  EXPECT_EQ(Wavepost({"render", "--campaign", "spring", "--recipient", "ann@x.example", "--html"}), 0) << err();
  unsetenv("TMPDIR");
  std::string path = out();
  absl::StripAsciiWhitespace(&path);
  EXPECT_THAT(path, EndsWith(".html"));
  EXPECT_EQ(Read(path), server.rendered.html());
  EXPECT_EQ(std::filesystem::status(path).permissions() & std::filesystem::perms::others_read,
            std::filesystem::perms::none)
      << "a recipient's data is nobody else's";
  EXPECT_EQ(Wavepost({"render", "--campaign", "spring", "--recipient", "ann@x.example", "--html", "--output",
                      Path("a.html")}),
            0);
  EXPECT_EQ(Read(Path("a.html")), server.rendered.html());
  server.rendered.clear_html();
  EXPECT_EQ(Wavepost({"render", "--campaign", "spring", "--recipient", "ann@x.example", "--html"}), 4);
  EXPECT_THAT(err(), HasSubstr("no HTML part"));
}

TEST_F(RenderCommandTest, WarningsGoToStderr) {
  server.rendered.add_warnings("nothing signs\x1b]0;x\x07");
  EXPECT_EQ(Wavepost({"render", "--campaign", "spring", "--recipient", "ann@x.example"}), 0);
  EXPECT_EQ(out(), eml_);
  EXPECT_EQ(err(), "wavepost: warning: nothing signs ]0;x \n");
}

TEST_F(RenderCommandTest, Json) {
  server.rendered.add_warnings("nothing signs");
  EXPECT_EQ(Wavepost({"render", "--campaign", "spring", "--recipient", "ann@x.example", "--json"}), 0);
  const json result = json::parse(out());
  EXPECT_EQ(result["return_path"], "b+x@r.example");
  EXPECT_EQ(result["warnings"][0], "nothing signs");
  std::string eml;
  ASSERT_TRUE(absl::Base64Unescape(result["eml_base64"].get<std::string>(), &eml));
  EXPECT_EQ(eml, eml_);
  EXPECT_EQ(
      Wavepost({"render", "--campaign", "spring", "--recipient", "ann@x.example", "--json", "--output", Path("a.eml")}),
      0);
  EXPECT_EQ(json::parse(out())["file"], Path("a.eml"));
}

TEST_F(RenderCommandTest, Mistakes) {
  for (const std::vector<std::string>& more :
       std::vector<std::vector<std::string>>{{},
                                             {"--recipient", "a@x.example", "--sample", "b@x.example"},
                                             {"--recipient", "a@x.example", "--set", "a=b"},
                                             {"--sample", "a@x.example", "--set", "a"},
                                             {"--sample", "a@x.example", "--set", "a=b", "--set", "a=c"}}) {
    std::vector<std::string> args = {"render", "--campaign", "spring"};
    args.insert(args.end(), more.begin(), more.end());
    EXPECT_EQ(Wavepost(args), 2) << err();
  }
  EXPECT_EQ(Wavepost({"render", "--recipient", "a@x.example"}), 2);
  EXPECT_EQ(Wavepost({"render", "--campaign", "spring", "--recipient", "nobody@x.example"}), 4);
  EXPECT_EQ(Wavepost({"render", "--campaign", "spring", "--recipient", "a@x.example", "--output", Path("none/a.eml")}),
            6);
}

}  // namespace
}  // namespace wavepost::cli
