// Runs the whole program against a fake coordinator.
#include "cli/app.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/fake_server.h"
#include "common/base/clock.h"

namespace wavepost::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class AppTest : public testing::Test {
 protected:
  AppTest() {
    folder_ = testing::TempDir() + "cli_app_test_" + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    Write("mail.html", "<p>Hello {{first_name}}</p>");
    Write("people.csv", "email,first_name\na@x.example,Ann\nb@x.example,Bob\nnobody,Nob\n");
  }
  ~AppTest() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  void Write(const std::string& name, const std::string& text) const { std::ofstream(Path(name)) << text; }
  std::string Read(const std::string& name) const {
    std::stringstream text;
    text << std::ifstream(Path(name)).rdbuf();
    return text.str();
  }

  int Wavepost(std::vector<std::string> args, bool terminal = false) {
    out_.str("");
    err_.str("");
    Env env;
    env.out = &out_;
    env.err = &err_;
    env.out_is_terminal = terminal;
    env.err_is_terminal = terminal;
    env.clock = &clock_;
    env.nonce = absl::StrCat("nonce-", ++runs_);
    if (std::find(args.begin(), args.end(), "--server") == args.end())
      args.insert(args.begin(), {"--server", server_.address()});
    return cli::Run(args, env);
  }
  int CreateSpring(std::vector<std::string> more = {}) {
    std::vector<std::string> args = {"create",
                                     "--id",
                                     "spring",
                                     "--csv",
                                     Path("people.csv"),
                                     "--subject",
                                     "Hi",
                                     "--from",
                                     "Jane <jane@example.com>",
                                     "--html",
                                     Path("mail.html")};
    args.insert(args.end(), more.begin(), more.end());
    return Wavepost(args);
  }
  FakeServer::WaveState& Spring() { return server_.waves["tenants/default/campaigns/spring/waves/main"]; }
  std::string out() const { return out_.str(); }
  std::string err() const { return err_.str(); }
  int64_t LineCount() const {
    const std::string text = out();
    return std::count(text.begin(), text.end(), '\n');
  }

  FakeServer server_;
  ManualClock clock_{absl::FromUnixSeconds(1'800'000'000)};
  std::string folder_;
  int runs_ = 0;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(AppTest, CreateImportsAndReportsRefusedRows) {
  EXPECT_EQ(CreateSpring({"--refused", Path("refused.csv"), "--header", "X-Kind: survey", "--max-age", "90m"}), 0)
      << err();
  EXPECT_THAT(out(), HasSubstr("campaign spring, wave main: 2 recipients accepted, 1 rows refused"));
  EXPECT_THAT(out(), HasSubstr("wavepost start spring"));
  EXPECT_THAT(err(), HasSubstr("line 4: refused: nobody: has no @ (MALFORMED_ADDRESS)"));
  EXPECT_EQ(Read("refused.csv"), "line,address,reason,description\n4,\"nobody\",\"MALFORMED_ADDRESS\",\"has no @\"\n");
  const v1::Campaign& campaign = server_.campaigns["tenants/default/campaigns/spring"];
  EXPECT_EQ(campaign.content().from_name(), "Jane");
  EXPECT_EQ(campaign.content().headers(0).name(), "X-Kind");
  EXPECT_EQ(campaign.max_age().seconds(), 5400);
  EXPECT_EQ(campaign.columns_size(), 2);
  ASSERT_EQ(Spring().recipients.size(), 2u);
  EXPECT_EQ(Spring().recipients[1].attributes().at("first_name"), "Bob");
  EXPECT_EQ(Spring().wave.state(), v1::Wave::DRAFT);
}

TEST_F(AppTest, CreateJsonAndStart) {
  EXPECT_EQ(CreateSpring({"--start", "--json"}), 0) << err();
  const json result = json::parse(out());
  EXPECT_EQ(result["campaign"], "tenants/default/campaigns/spring");
  EXPECT_EQ(result["accepted"], 2);
  EXPECT_EQ(result["refused"], 1);
  EXPECT_EQ(result["refusals"][0]["line"], 4);
  EXPECT_EQ(result["started"], true);
  EXPECT_EQ(Spring().wave.state(), v1::Wave::RUNNING);
}

TEST_F(AppTest, CreateTwiceIsHarmless) {
  EXPECT_EQ(CreateSpring(), 0);
  EXPECT_EQ(CreateSpring({"--json"}), 0) << err();
  EXPECT_EQ(json::parse(out())["accepted"], 2);
  EXPECT_EQ(Spring().recipients.size(), 2u);
  Write("mail.html", "other");
  EXPECT_EQ(CreateSpring(), 1);
  EXPECT_THAT(err(), HasSubstr("exists with another content"));
}

TEST_F(AppTest, UnknownVariableStopsBeforeTheImport) {
  Write("mail.html", "{{unknown}}");
  EXPECT_EQ(CreateSpring(), 1);
  EXPECT_THAT(err(), HasSubstr("wavepost: campaign.content.html: line 1: {{unknown}} is no column"));
  EXPECT_TRUE(server_.waves.empty());
  EXPECT_EQ(server_.import_streams, 0);
}

TEST_F(AppTest, BadRowsKeepTheirLineNumbers) {
  Write("people.csv",
        "email,first_name\n\"a@x.example\",\"Ann\nMarie\"\nb@x.example\nc\"d,e\nf@x.example,Fay\na@x.example,A\n");
  EXPECT_EQ(CreateSpring(), 0);
  EXPECT_THAT(err(), HasSubstr("line 4: refused: b@x.example: 1 fields, but the header has 2 (BAD_ROW)"));
  EXPECT_THAT(err(), HasSubstr("line 5: refused: a quote stands inside"));
  EXPECT_THAT(err(), HasSubstr("line 7: refused: a@x.example: stands in this wave already (DUPLICATE)"));
  EXPECT_EQ(Spring().recipients.size(), 2u);
  EXPECT_EQ(Spring().recipients[0].attributes().at("first_name"), "Ann\nMarie");
}

TEST_F(AppTest, BrokenImportGoesOnWithoutRepeating) {
  std::string csv = "email,first_name\n";
  for (int i = 0; i < 7500; ++i) absl::StrAppend(&csv, "r", i, "@x.example,R\n");
  Write("people.csv", csv);
  server_.break_import_after = 3;
  EXPECT_EQ(CreateSpring({"--json"}), 0) << err();
  EXPECT_EQ(server_.import_streams, 2);
  EXPECT_EQ(json::parse(out())["accepted"], 7500);
  EXPECT_EQ(json::parse(out())["refused"], 0);
  EXPECT_EQ(Spring().recipients.size(), 7500u);
  EXPECT_EQ(Spring().recipients[7499].address(), "r7499@x.example");
}

TEST_F(AppTest, OnlyBadRowsIsAFailure) {
  Write("people.csv", "email,first_name\nx\n");
  EXPECT_EQ(CreateSpring({"--start"}), 1);
  EXPECT_EQ(Spring().wave.state(), v1::Wave::DRAFT);
}

TEST_F(AppTest, FileMistakesAreNamed) {
  Write("people.csv", "mail;first_name\n");
  EXPECT_EQ(CreateSpring(), 6);
  EXPECT_THAT(err(), HasSubstr("people.csv:1: no column 'email' among mail;first_name; is it --delimiter ';'?"));
  Write("people.csv", "email,email\n");
  EXPECT_EQ(CreateSpring(), 6);
  EXPECT_THAT(err(), HasSubstr("column 'email' stands there twice"));
  std::filesystem::remove(Path("people.csv"));
  EXPECT_EQ(CreateSpring(), 6);
  EXPECT_THAT(err(), HasSubstr("people.csv: no such file"));
  Write("people.csv", "email\n");
  Write("mail.html", "M\xFCller");
  EXPECT_EQ(CreateSpring(), 6);
  EXPECT_THAT(err(), HasSubstr("mail.html: is not UTF-8"));
  EXPECT_TRUE(server_.campaigns.empty());
}

TEST_F(AppTest, WatchEndsWithTheWave) {
  CreateSpring({"--start"});
  EXPECT_EQ(Wavepost({"watch", "spring", "--json"}), 0) << err();
  std::vector<std::string> lines = absl::StrSplit(out(), '\n', absl::SkipEmpty());
  ASSERT_GE(lines.size(), 2u);
  EXPECT_EQ(json::parse(lines.front())["open"], 2);
  EXPECT_EQ(json::parse(lines.back())["state"], "completed");
  EXPECT_EQ(json::parse(lines.back())["delivered"], 2);
  EXPECT_EQ(Wavepost({"watch", "spring"}), 0);
  EXPECT_THAT(out(), HasSubstr("main completed  2/2 done  delivered 2"));
  EXPECT_EQ(Wavepost({"watch", "spring"}, /*terminal=*/true), 0);
  EXPECT_THAT(out(), HasSubstr("[========"));
  EXPECT_EQ(Wavepost({"watch", "spring", "--interval", "1ms"}), 2);
}

TEST_F(AppTest, StartNeedsAChoiceOnlyIfThereIsOne) {
  CreateSpring();
  EXPECT_EQ(Wavepost({"start", "spring"}), 0) << err();
  EXPECT_EQ(Wavepost({"start", "spring", "--json"}), 0);  // again: harmless
  EXPECT_EQ(json::parse(out())["state"], "running");
  for (const char* id : {"x", "y"}) {
    FakeServer::WaveState& state = server_.waves[absl::StrCat("tenants/default/campaigns/spring/waves/", id)];
    state.wave.set_name(absl::StrCat("tenants/default/campaigns/spring/waves/", id));
    state.wave.set_state(v1::Wave::DRAFT);
  }
  EXPECT_EQ(Wavepost({"start", "spring"}), 1);
  EXPECT_THAT(err(), HasSubstr("several waves in draft: x, y; choose one with --wave"));
  EXPECT_EQ(Wavepost({"start", "spring", "--wave", "y"}), 0);
}

TEST_F(AppTest, AuditBalances) {
  CreateSpring({"--start"});
  Wavepost({"watch", "spring"});
  EXPECT_EQ(Wavepost({"audit", "spring", "--json"}), 0) << err();
  const json audit = json::parse(out());
  EXPECT_EQ(audit["campaign"], "tenants/default/campaigns/spring");
  EXPECT_EQ(audit["accepted"], 2);
  EXPECT_EQ(audit["refused"], 1);
  EXPECT_EQ(audit["balanced"], true);
  EXPECT_EQ(audit["findings"], json::array());
  ASSERT_EQ(audit["recipients"].size(), 2u);
  EXPECT_EQ(audit["recipients"][0]["address"], "a@x.example");
  EXPECT_EQ(audit["recipients"][0]["outcome"], "delivered");
  EXPECT_FALSE(audit.contains("lost"));
  EXPECT_EQ(Wavepost({"audit", "spring", "--json", "--summary"}), 0);
  EXPECT_FALSE(json::parse(out()).contains("recipients"));
  EXPECT_EQ(Wavepost({"audit", "spring"}), 0);
  EXPECT_THAT(out(), HasSubstr("The books balance"));
}

TEST_F(AppTest, AuditFindsALie) {
  CreateSpring();
  server_.lie_about_delivered = true;
  EXPECT_EQ(Wavepost({"audit", "spring", "--json"}), 5);
  EXPECT_EQ(json::parse(out())["balanced"], false);
  EXPECT_THAT(out(), HasSubstr("delivered: one too many"));
}

TEST_F(AppTest, AuditAgainstALedger) {
  CreateSpring({"--start"});
  Wavepost({"watch", "spring"});
  // Tokens for key 1, wave 1, recipients 0 and 1.
  const std::string first = "aeaaaaabaaaaaaaaaaaaaaaaaaaaaaaaa";
  const auto line = [](const std::string& token, const std::string& to) {
    return absl::StrCat(R"({"event":"accepted","mail_from":"b+)", token.substr(0, 31), R"(@r.example","rcpt_to":")", to,
                        "\"}\n");
  };
  const std::string second = "aeaaaaabaaaaaaiaaaaaaaaaaaaaaaaaa";
  Write("ledger", line(first, "a@x.example") + line(second, "b@x.example"));
  EXPECT_EQ(Wavepost({"audit", "spring", "--json", "--ledger", Path("ledger")}), 0) << out();
  EXPECT_EQ(json::parse(out())["lost"], 0);
  EXPECT_EQ(json::parse(out())["duplicates"], 0);
  Write("ledger", line(first, "a@x.example") + line(first, "a@x.example"));
  EXPECT_EQ(Wavepost({"audit", "spring", "--json", "--ledger", Path("ledger")}), 5);
  EXPECT_EQ(json::parse(out())["lost"], 1);
  EXPECT_EQ(json::parse(out())["duplicates"], 1);
  EXPECT_EQ(json::parse(out())["mismatches"].size(), 2u);
}

TEST_F(AppTest, ReportNamesReasons) {
  CreateSpring({"--start"});
  Spring().recipients[0].set_outcome(v1::BOUNCED);
  Spring().recipients[0].mutable_status()->set_code(550);
  Spring().recipients[0].mutable_status()->set_reason(v1::USER_UNKNOWN);
  EXPECT_EQ(Wavepost({"report", "spring"}), 0) << err();
  EXPECT_THAT(out(), HasSubstr("user_unknown"));
  EXPECT_EQ(Wavepost({"report", "spring", "--json"}), 0);
  EXPECT_EQ(json::parse(out())["failures"][0]["top_domain"], "x.example");
}

TEST_F(AppTest, RecipientByShortName) {
  CreateSpring();
  EXPECT_EQ(Wavepost({"recipient", "spring/main/w1-1", "--json"}), 0) << err();
  EXPECT_EQ(json::parse(out())["address"], "b@x.example");
  EXPECT_EQ(Wavepost({"recipient", "spring/main/w1-99"}), 4);
}

TEST_F(AppTest, EventsPageLimitAndFollow) {
  for (int i = 1; i <= 5; ++i) {
    v1::Event event;
    event.set_sequence(i * 10);
    event.set_kind(v1::Event::OUTCOME_RECORDED);
    server_.events.push_back(event);
  }
  EXPECT_EQ(Wavepost({"events", "--json"}), 0) << err();
  EXPECT_EQ(LineCount(), 5);
  EXPECT_EQ(Wavepost({"events", "--after", "20", "--limit", "2", "--json"}), 0);
  EXPECT_EQ(out(),
            "{\"sequence\":30,\"kind\":\"outcome_recorded\"}\n{\"sequence\":40,\"kind\":\"outcome_recorded\"}\n");
  // The stream breaks after the first event and is taken up behind it.
  EXPECT_EQ(Wavepost({"events", "--follow", "--after", "10", "--limit", "3", "--json"}), 0) << err();
  EXPECT_THAT(err(), HasSubstr("connection lost at event 20"));
  EXPECT_EQ(LineCount(), 3);
}

TEST_F(AppTest, SuppressionsLifeCycle) {
  EXPECT_EQ(Wavepost({"suppressions", "show", "a@x.example"}), 4);
  EXPECT_EQ(Wavepost({"suppressions", "add", "a@x.example", "--evidence", "asked"}), 0) << err();
  EXPECT_EQ(Wavepost({"suppressions", "list", "--json"}), 0);
  EXPECT_EQ(json::parse(out())["cause"], "manual");
  EXPECT_EQ(Wavepost({"suppressions", "remove", "a@x.example", "--who", "me"}), 2);  // why?
  EXPECT_EQ(Wavepost({"suppressions", "remove", "a@x.example", "--who", "me", "--why", "error"}), 0);
  EXPECT_EQ(Wavepost({"suppressions", "remove", "a@x.example", "--who", "me", "--why", "error"}), 4);
}

TEST_F(AppTest, ApiKeyFromFile) {
  server_.required_key = "s3cret";
  EXPECT_EQ(CreateSpring(), 1);
  EXPECT_THAT(err(), HasSubstr("--api-key-file"));
  Write("key", "s3cret\n");
  EXPECT_EQ(CreateSpring({"--api-key-file", Path("key")}), 0) << err();
}

TEST_F(AppTest, MistakesOfTheCommandLine) {
  EXPECT_EQ(Wavepost({}), 2);
  EXPECT_EQ(Wavepost({"lunch"}), 2);
  EXPECT_THAT(err(), HasSubstr("there is no command 'lunch'"));
  EXPECT_EQ(Wavepost({"watch"}), 2);
  EXPECT_EQ(Wavepost({"watch", "spring", "--wavee", "x"}), 2);
  EXPECT_THAT(err(), HasSubstr("--wavee"));
  EXPECT_THAT(err(), HasSubstr("See 'wavepost watch --help'"));
  EXPECT_EQ(Wavepost({"watch", "a/b"}), 2);
  EXPECT_EQ(CreateSpring({"--from", "nobody"}), 2);
  EXPECT_EQ(CreateSpring({"--max-age", "soon"}), 2);
  EXPECT_EQ(CreateSpring({"--subject-file", "x"}), 2);  // both
}

TEST_F(AppTest, HelpTeaches) {
  EXPECT_EQ(Wavepost({"--help"}), 0);
  EXPECT_THAT(out(), HasSubstr("A campaign in five steps"));
  EXPECT_EQ(Wavepost({"create", "--help"}), 0);
  EXPECT_THAT(out(), HasSubstr("Example:\n  wavepost create"));
  EXPECT_EQ(err(), "");
}

TEST_F(AppTest, UnknownCampaignAndUnreachableServer) {
  EXPECT_EQ(Wavepost({"watch", "winter"}), 4);
  EXPECT_THAT(err(), HasSubstr("tenants/default/campaigns/winter: not found"));
  EXPECT_EQ(Wavepost({"watch", "winter", "--server", "127.0.0.1:1"}), 3);
  EXPECT_THAT(err(), HasSubstr("no answer from 127.0.0.1:1"));
  EXPECT_EQ(Wavepost({"watch", "winter", "--server", "192.0.2.1:7000"}), 1);
  EXPECT_THAT(err(), HasSubstr("no tls is configured"));
}

}  // namespace
}  // namespace wavepost::cli
