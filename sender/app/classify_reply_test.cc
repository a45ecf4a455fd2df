#include "sender/app/classify_reply.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>

namespace wavepost {
namespace {

struct Ran {
  int exit_code;
  std::string out;
  std::string err;
};

Ran Classified(ClassifyReplyOptions options, const std::string& input) {
  std::istringstream in(input);
  std::ostringstream out;
  std::ostringstream err;
  const int exit_code = RunClassifyReply(options, in, out, err);
  return {exit_code, out.str(), err.str()};
}

Ran Lines(const std::string& input) {
  return Classified({.jsonl = true}, input);
}

TEST(ClassifyReply, OneLineForEach) {
  const Ran ran = Lines(
      "{\"id\":\"a\",\"reply\":\"550 5.1.1 no such user\"}\n"
      "\n"
      "{\"path\":\"x/y.eml\",\"reply\":\"550 5.1.1 no such user\",\"command\":\"MAIL FROM\"}\r\n"
      "{\"id\":3,\"reply\":\"421 RP-001 sorry\",\"command\":null,\"provider\":\"outlook\"}");
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(ran.err, "");
  EXPECT_EQ(ran.out,
            "{\"id\":\"a\",\"class\":\"hard\",\"reason\":\"user_unknown\",\"fault\":\"recipient\","
            "\"scope\":\"recipient\",\"rule\":\"user-unknown-certain\"}\n"
            "{\"path\":\"x/y.eml\",\"class\":\"soft\",\"reason\":\"rejected_policy\",\"fault\":\"sender\","
            "\"scope\":\"message\",\"rule\":\"refused\"}\n"
            "{\"id\":3,\"class\":\"soft\",\"reason\":\"rate_limited\",\"fault\":\"sender\","
            "\"scope\":\"egress_ip\",\"rule\":\"outlook/rate-by-reputation\"}\n");
}

TEST(ClassifyReply, BadLinesAreNamedAndSkipped) {
  const Ran ran = Lines("nonsense\n[1]\n{\"reply\":\"550 x\"}\n{\"id\":\"a\"}\n{\"id\":\"a\",\"reply\":7}\n" +
                        ("{\"id\":\"" + std::string(kClassifyLineBytesMax, 'x') + "\",\"reply\":\"550 x\"}\n") +
                        "{\"id\":{},\"reply\":\"550 x\"}\n{\"id\":1,\"reply\":\"550 x\",\"command\":[]}\n" +
                        "{\"id\":\"good\",\"reply\":\"550 x\"}\n");
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_EQ(ran.err,
            "line 1: not a JSON object\nline 2: not a JSON object\nline 3: has neither \"id\" nor \"path\"\n"
            "line 4: has no \"reply\"\nline 5: has no \"reply\"\nline 6: is longer than 64 KiB\n"
            "line 7: has neither \"id\" nor \"path\"\nline 8: \"command\" and \"provider\" must be texts\n");
  EXPECT_NE(ran.out.find("\"good\""), std::string::npos);
  EXPECT_EQ(std::count(ran.out.begin(), ran.out.end(), '\n'), 1);
}

TEST(ClassifyReply, HostileLinesDoNoHarm) {
  const std::string deep = "{\"id\":1,\"reply\":" + std::string(30000, '[');
  EXPECT_EQ(Lines(deep + "\n").exit_code, 1);
  EXPECT_EQ(Lines("{\"id\":1,\"reply\":\"550 \\u0000\\uffff\"}\n").exit_code, 0);
  EXPECT_EQ(Lines(std::string("{\"id\":1,\"reply\":\"550 \xff\xfe\"}\n")).exit_code, 1) << "JSON is UTF-8";
}

TEST(ClassifyReply, ASentenceForPeople) {
  EXPECT_EQ(Classified({.text = "550 5.1.1 no such user"}, "").out,
            "Permanent: user_unknown. It blames the recipient and concerns this recipient. The bounce is hard. "
            "(rule user-unknown-certain)\n");
  const Ran ran = Classified({.provider = "t-online", .phase = "greeting"}, "554 IP=192.0.2.1 - A problem occurred.\n");
  EXPECT_EQ(ran.out,
            "Permanent: blocked_ip. It blames the sender and concerns everything from this egress IP at this site. "
            "The bounce is policy. Action: suspend_ip for 12h. (rule t-online/reputation)\n");
  EXPECT_EQ(Classified({.text = "250 ok"}, "").out, "Accepted.\n");
  EXPECT_EQ(Classified({.text = "451 4.7.1 Greylisted for 300 seconds"}, "").out,
            "Temporary: greylisted. It blames the sender and concerns this recipient. It asks us to come back in 5m. "
            "(rule greylisted)\n");
  EXPECT_NE(Classified({.text = "connect to mx.example[192.0.2.1]:25: Connection refused"}, "")
                .out.find("Temporary: network"),
            std::string::npos);
}

TEST(ClassifyReply, WrongUse) {
  EXPECT_EQ(Classified({.phase = "lunch", .text = "550 x"}, "").exit_code, 2);
  EXPECT_EQ(Classified({.provider = "nobody", .text = "550 x"}, "").exit_code, 2);
  EXPECT_EQ(Classified({.providers_file = "/nonexistent.yaml", .text = "550 x"}, "").exit_code, 2);
  EXPECT_EQ(Classified({}, " \n").exit_code, 2);
}

TEST(CheckProviders, SaysOkOrWhatIsWrong) {
  std::ostringstream out;
  std::ostringstream err;
  const std::string good = std::string(WAVEPOST_SOURCE_DIR) + "/sender/sites/providers.yaml";
  EXPECT_EQ(RunCheckProviders(good, out, err), 0) << err.str();
  EXPECT_NE(out.str().find("providers.yaml: ok, "), std::string::npos) << out.str();
  const std::string bad = testing::TempDir() + "/check-providers.yaml";
  std::ofstream(bad) << "providers:\n  - {name: one, mx: [.a.example.], sample_hosts: [x.a.example]}\n";
  EXPECT_EQ(RunCheckProviders(bad, out, err), 2);
  EXPECT_NE(err.str().find("check-providers.yaml:2: providers[0].mx: '.a.example.' can never match"), std::string::npos)
      << err.str();
}

// Against replies with a known class (WAVEPOST_CORPUS, or ../shared/corpus beside the clone).
TEST(ReplyCorpus, HardAndSoftAreRight) {
  const char* given = std::getenv("WAVEPOST_CORPUS");
  const std::string folder =
      given != nullptr ? std::string(given) : std::string(WAVEPOST_SOURCE_DIR) + "/../shared/corpus";
  std::ifstream file(folder + "/replies/open.jsonl");
  if (!file) GTEST_SKIP() << "no corpus of replies in " << folder;
  std::stringstream input;
  input << file.rdbuf();
  const Ran ran = Lines(input.str());
  EXPECT_EQ(ran.exit_code, 0) << ran.err;

  std::map<std::string, std::string> predicted;
  std::istringstream out(ran.out);
  for (std::string line; std::getline(out, line);) {
    const auto row = nlohmann::json::parse(line);
    predicted[row["id"].get<std::string>()] = row["class"].get<std::string>();
  }
  int rows = 0;
  int right = 0;
  int soft_rows = 0;
  int false_hard = 0;
  input.clear();
  input.seekg(0);
  for (std::string line; std::getline(input, line);) {
    const auto row = nlohmann::json::parse(line);
    std::set<std::string> good = {row["class"].get<std::string>()};
    if (row.contains("also_ok") && row["also_ok"].is_array()) {
      for (const auto& also : row["also_ok"]) good.insert(also.get<std::string>());
    }
    const std::string& got = predicted[row["id"].get<std::string>()];
    ++rows;
    right += good.contains(got) ? 1 : 0;
    soft_rows += good.contains("hard") ? 0 : 1;
    false_hard += got == "hard" && !good.contains("hard") ? 1 : 0;
    if (!good.contains(got)) std::cout << row["id"] << " is not " << got << ": " << row["reply"] << "\n";
  }
  ASSERT_GT(rows, 100);
  EXPECT_GE(right, 0.95 * rows) << right << " of " << rows;
  EXPECT_LE(false_hard, 0.005 * soft_rows) << false_hard << " of " << soft_rows;
}

}  // namespace
}  // namespace wavepost
