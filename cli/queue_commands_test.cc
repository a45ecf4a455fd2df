// The commands about the queue, run as a whole against a fake coordinator; and what is mended beside them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/app.h"
#include "cli/fake_server.h"
#include "cli/selector.h"
#include "common/base/clock.h"

namespace wavepost::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class QueueCommandsTest : public testing::Test {
 protected:
  int Wavepost(std::vector<std::string> args, const std::string& typed = "", bool terminal = false) {
    out_.str("");
    err_.str("");
    in_.clear();
    in_.str(typed);
    Env env;
    env.out = &out_;
    env.err = &err_;
    env.in = &in_;
    env.in_is_terminal = env.err_is_terminal = env.out_is_terminal = terminal;
    env.clock = &clock_;
    env.nonce = "nonce";
    args.insert(args.begin(), {"--server", server_.address()});
    return cli::Run(args, env);
  }
  std::string out() const { return out_.str(); }
  std::string err() const { return err_.str(); }

  FakeServer server_;
  ManualClock clock_{absl::FromUnixSeconds(1'800'000'000)};
  std::ostringstream out_, err_;
  std::istringstream in_;
};

TEST_F(QueueCommandsTest, PauseListResume) {
  EXPECT_EQ(Wavepost({"pause", "--campaign", "spring", "--for", "2h", "--reason", "wrong logo"}), 0) << err();
  EXPECT_THAT(out(), HasSubstr("Paused: campaign spring, until "));
  EXPECT_THAT(out(), HasSubstr("wavepost resume 1"));
  ASSERT_EQ(server_.pauses.size(), 1u);
  EXPECT_EQ(server_.pauses[0].selector().campaign(), "tenants/default/campaigns/spring");
  EXPECT_EQ(server_.pauses[0].selector().tenant(), "") << "a default is no choice";
  EXPECT_EQ(server_.pauses[0].end_time().seconds(), 1'800'007'200);
  EXPECT_EQ(Wavepost({"pause", "--domain", "example.com", "--tenant", "acme", "--json"}), 0) << err();
  EXPECT_EQ(json::parse(out())["selector"]["tenant"], "tenants/acme");
  EXPECT_EQ(Wavepost({"pauses"}), 0) << err();
  EXPECT_THAT(out(), HasSubstr("wrong logo"));
  EXPECT_THAT(out(), HasSubstr("tenant acme, domain example.com"));
  EXPECT_EQ(Wavepost({"resume", "1", "pauses/2"}), 0) << err();
  EXPECT_TRUE(server_.pauses.empty());
  EXPECT_EQ(Wavepost({"resume", "1"}), 4);
  EXPECT_EQ(Wavepost({"pauses"}), 0);
  EXPECT_EQ(out(), "Nothing is paused.\n");
}

TEST_F(QueueCommandsTest, WrongUsageIsFoundBeforeTheServerHearsOfIt) {
  for (const std::vector<std::string>& args : std::vector<std::vector<std::string>>{
           {"pause"},
           {"drop"},
           {"flush", "--reason", "x"},
           {"pause", "--domain", "a.example", "--for", "soon"},
           {"pause", "--domain", "a.example", "--until", "soon"},
           {"pause", "--domain", "a.example", "--until", "2027-01-01 10:00", "--for", "2h"},
           {"resume", "x"},
           {"explain"},
           {"trace"},
           {"estimate", "spring"},
           {"create", "--priority", "soon"}}) {
    EXPECT_EQ(Wavepost(args), 2) << args[0] << ": " << err();
  }
  EXPECT_TRUE(server_.pauses.empty());
  EXPECT_TRUE(server_.orders.empty());
}

TEST_F(QueueCommandsTest, DropAsksAPersonAndNoScript) {
  const std::vector<std::string> drop = {"drop", "--campaign", "spring"};
  EXPECT_EQ(Wavepost(drop, "n\n", true), 1);
  EXPECT_EQ(Wavepost(drop, "", true), 1);
  EXPECT_THAT(err(), HasSubstr("Everything that waits for campaign spring will be CANCELLED"));
  EXPECT_TRUE(server_.orders.empty());
  EXPECT_EQ(Wavepost(drop, "y\n", true), 0) << err();
  EXPECT_EQ(Wavepost({"drop", "--campaign", "spring", "--yes"}, "", true), 0);
  EXPECT_THAT(err(), Not(HasSubstr("Drop it?")));
  EXPECT_EQ(Wavepost(drop), 0);
  EXPECT_EQ(server_.orders.size(), 3u);
  EXPECT_EQ(server_.orders[0].kind(), v1::QueueOrder::DROP);
  EXPECT_EQ(Wavepost({"flush", "--site", "google", "--ip", "192.0.2.1", "--json"}), 0);
  EXPECT_EQ(json::parse(out())["kind"], "flush");
  EXPECT_EQ(server_.orders[3].selector().egress_ip(), "192.0.2.1");
}

TEST_F(QueueCommandsTest, ExplainTraceEstimate) {
  v1::PathExplanation& path = *server_.explanation.add_paths();
  path.set_node("nodes/sender-0");
  path.set_summary("goes at once");
  EXPECT_EQ(Wavepost({"explain", "jane@example.com"}), 0) << err();
  EXPECT_THAT(out(), HasSubstr("goes at once"));
  EXPECT_EQ(Wavepost({"explain", "jane@example.com", "--json"}), 0) << err();
  EXPECT_EQ(json::parse(out())["paths"][0]["summary"], "goes at once");

  v1::TraceLine line;
  line.set_node("nodes/sender-0");
  line.set_session(7);
  line.set_direction(">");
  line.set_text("EHLO \x1b[31mme");
  server_.trace = {line, line};
  EXPECT_EQ(Wavepost({"trace", "--domain", "example.com"}), 0) << err();
  EXPECT_THAT(out(), HasSubstr("sender-0/7"));
  EXPECT_THAT(out(), HasSubstr("> EHLO"));
  EXPECT_THAT(out(), Not(HasSubstr("\x1b")));

  EXPECT_EQ(Wavepost({"estimate", "spring/main"}), 4);
  server_.waves["tenants/default/campaigns/spring/waves/main"];
  server_.estimate.set_open(12345);
  server_.estimate.mutable_through_time()->set_seconds(1'800'003'600);
  v1::SlowSite& slow = *server_.estimate.add_slowest();
  slow.set_site("google");
  slow.set_bound_by("warm-up: 500 a day");
  EXPECT_EQ(Wavepost({"estimate", "spring/main"}), 0) << err();
  EXPECT_THAT(out(), HasSubstr("in 1:00:00; 12,345 recipients are open (estimated"));
  EXPECT_THAT(out(), HasSubstr("warm-up: 500 a day"));
  EXPECT_EQ(Wavepost({"estimate", "spring/main", "--json"}), 0);
  EXPECT_EQ(json::parse(out())["open"], 12345);
}

TEST_F(QueueCommandsTest, WatchOfWhatIsNotThereIsNotFound) {
  EXPECT_EQ(Wavepost({"watch", "nothing"}), 4) << err();
  server_.campaigns["tenants/default/campaigns/empty"].set_name("tenants/default/campaigns/empty");
  EXPECT_EQ(Wavepost({"watch", "empty"}), 4) << err();
  EXPECT_THAT(err(), HasSubstr("has no wave"));
  EXPECT_EQ(Wavepost({"watch", "empty", "--wave", "none"}), 4) << err();
}

TEST_F(QueueCommandsTest, AFileOfOursIsNotTheServersFault) {
  const std::vector<std::string> create = {
      "create", "--id",   "spring",      "--csv",  "/nonexistent/people.csv", "--subject",
      "Hi",     "--from", "a@b.example", "--html", "/nonexistent/mail.html"};
  EXPECT_EQ(Wavepost(create), 6);
  EXPECT_EQ(err(), "wavepost: --csv /nonexistent/people.csv: no such file, or it cannot be read\n");
  EXPECT_EQ(Wavepost({"--api-key-file", "/nonexistent/key", "nodes"}), 6);
  EXPECT_THAT(err(), Not(HasSubstr("coordinator")));
}

TEST(EndOfTest, ReadsWhatPeopleWrite) {
  const absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  EXPECT_EQ(*EndOf("", "", now), absl::InfiniteFuture());
  EXPECT_EQ(*EndOf("", "90m", now), now + absl::Minutes(90));
  EXPECT_EQ(*EndOf("2027-01-15T08:00:00Z", "", now), absl::FromUnixSeconds(1'800'000'000));
  EXPECT_TRUE(EndOf("2027-01-15 08:00", "", now).ok());
  EXPECT_FALSE(EndOf("tomorrow", "", now).ok());
  EXPECT_FALSE(EndOf("", "-1h", now).ok());
}

}  // namespace
}  // namespace wavepost::cli
