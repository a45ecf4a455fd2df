#include "common/smtp/rule_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "common/smtp/reply.h"
#include "common/smtp/rule_texts.h"

namespace wavepost {
namespace {

TEST(RuleTexts, EachFileIsRead) {
  RuleSet set;
  for (const RuleText& text : kRuleTexts) {
    EXPECT_TRUE(ParseRules(text.yaml, text.file, &set).ok()) << ParseRules(text.yaml, text.file, &set).message();
  }
  EXPECT_GE(set.rules.size(), 80u);
  EXPECT_GE(set.local.size(), 9u);
  EXPECT_GE(set.lists.size(), 9u);
}

TEST(RuleTexts, EverySampleIsTakenByItsOwnRule) {
  EXPECT_THAT(CheckSamples(RuleBook::Active()), testing::IsEmpty());
}

constexpr char kGood[] = R"(
words:
  gone: {en: [has left, "is gone$"], de: [ist weg]}
rules:
  - name: gone
    on: 5xx
    phases: [rcpt, data]
    codes: [550, 551]
    enhanced: ["1.1", "7.*", "2.10"]
    words: [<gone>, moved*away]
    unless: [sender]
    reason: moved
    fault: recipient
    scope: site
    flags: [throttled, names_ip]
    sample: {phase: data, reply: "550 5.1.1 192.0.2.1 he is gone"}
  - name: rest
    sample: {reply: "550 no"}
local:
  - name: local-gone
    words: [gone]
    flags: [permanent]
    reason: moved
    fault: recipient
    sample: {reply: gone}
)";

TEST(ParseRules, ReadsEveryKey) {
  RuleSet set;
  ASSERT_TRUE(ParseRules(kGood, "t.yaml", &set).ok());
  ASSERT_EQ(set.rules.size(), 2u);
  const ClassifyRule& rule = set.rules[0];
  EXPECT_EQ(rule.origin, "t.yaml:5");
  EXPECT_EQ(rule.on, On::k5);
  EXPECT_EQ(rule.phases, (1 << static_cast<int>(Phase::kRcpt)) | (1 << static_cast<int>(Phase::kData)));
  EXPECT_THAT(rule.codes, testing::ElementsAre(550, 551));
  ASSERT_EQ(rule.enhanced.size(), 3u);
  EXPECT_EQ(rule.enhanced[1].detail, -1);
  EXPECT_EQ(rule.enhanced[2].detail, 10);
  EXPECT_EQ(rule.words, "has left|is gone$|ist weg|moved*away");
  EXPECT_EQ(rule.unless, "sender");
  EXPECT_EQ(rule.reason, v1::MOVED);
  EXPECT_EQ(rule.fault, v1::RECIPIENT);
  EXPECT_EQ(rule.scope, Verdict::Scope::kSite);
  EXPECT_EQ(rule.flags, kThrottled | kNamesIp);
  EXPECT_EQ(rule.sample_phase, Phase::kData);
  const RuleBook book(set);
  EXPECT_THAT(CheckSamples(book), testing::IsEmpty());
  EXPECT_EQ(ClassifyWith(book, MakeReply(550, "5.1.1 192.0.2.1 has left"), Phase::kRcpt).rule, "gone");
  EXPECT_EQ(ClassifyWith(book, MakeReply(550, "5.1.1 192.0.2.1 sender has left"), Phase::kRcpt).rule, "rest");
  EXPECT_EQ(ClassifyLocalErrorWith(book, "gone").kind, Verdict::Kind::kPermanent);
}

TEST(CheckSamples, NamesTheRuleThatTookIt) {
  RuleSet set;
  ASSERT_TRUE(ParseRules("rules:\n- {name: all, sample: {reply: 550 no}}\n- {name: dead, sample: {reply: 550 x}}\n"
                         "- {name: wordless, words: [zzz], sample: {reply: nothing}}\n",
                         "t.yaml", &set)
                  .ok());
  EXPECT_THAT(CheckSamples(RuleBook(set)), testing::ElementsAre("t.yaml:3: rule dead: its sample is taken by all",
                                                                "t.yaml:4: rule wordless: its sample is no reply"));
}

struct BadRow {
  const char* name;
  const char* yaml;
  const char* message;
};

class BadRules : public testing::TestWithParam<BadRow> {};

TEST_P(BadRules, Refuses) {
  RuleSet set;
  const absl::Status status = ParseRules(GetParam().yaml, "t.yaml", &set);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), testing::StartsWith(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Rows, BadRules,
    testing::Values(
        BadRow{"NoYaml", "rules: [", "t.yaml:1: not valid YAML"}, BadRow{"NoMap", "- a", "t.yaml:1: a map"},
        BadRow{"UnknownTop", "rule: []", "t.yaml:1: unknown key 'rule'"},
        BadRow{"NoName", "rules:\n- {sample: {reply: 550 x}}", "t.yaml:2: name:"},
        BadRow{"NameInCapitals", "rules:\n- {name: Ab, sample: {reply: 550 x}}", "t.yaml:2: rule Ab: name:"},
        BadRow{"NoSample", "rules:\n- name: a\n  on: 5xx", "t.yaml:2: rule a: sample:"},
        BadRow{"UnknownKey", "rules:\n- name: a\n  wrods: [x]", "t.yaml:3: rule a: unknown key 'wrods'"},
        BadRow{"UnknownReason", "rules:\n- name: a\n  reason: bored", "t.yaml:3: rule a: reason: there is no 'bored'"},
        BadRow{"UnknownFault", "rules:\n- name: a\n  fault: nobody", "t.yaml:3: rule a: fault:"},
        BadRow{"UnknownPhase", "rules:\n- name: a\n  phases: [lunch]", "t.yaml:3: rule a: phases:"},
        BadRow{"CodeOutOfRange", "rules:\n- name: a\n  codes: [250]", "t.yaml:3: rule a: codes:"},
        BadRow{"EnhancedWithClass", "rules:\n- name: a\n  enhanced: [\"5.1.1\"]", "t.yaml:3: rule a: enhanced:"},
        BadRow{"UnknownList", "rules:\n- name: a\n  words: [<zz>]", "t.yaml:3: rule a: there is no list <zz>"},
        BadRow{"NoWords", "rules:\n- name: a\n  words: []", "t.yaml:3: rule a: an empty list"},
        BadRow{"NoPhases", "rules:\n- name: a\n  phases: []", "t.yaml:3: rule a: phases: an empty list"},
        BadRow{"Capitals", "rules:\n- name: a\n  words: [No User]", "t.yaml:3: rule a: pattern 'No User' is not"},
        BadRow{"OneLetter", "rules:\n- name: a\n  words: [\"a*bc\"]", "t.yaml:3: rule a: pattern 'a*bc' must"},
        BadRow{"Twice", "rules:\n- {name: a, sample: {reply: 550 x}}\n- {name: a, sample: {reply: 550 x}}",
               "t.yaml:3: rule a: the name stands at t.yaml:2"}),
    [](const auto& row) { return row.param.name; });

TEST(LoadRules, RefusesARuleThatDoesNotTakeItsSample) {
  const std::string path = testing::TempDir() + "wavepost_rules_" + std::to_string(::getpid()) + ".yaml";
  std::ofstream(path)
      << "rules:\n- name: mine\n  words: [no such gnome]\n  reason: user_unknown\n  sample: {reply: 550 no "
         "such dwarf}\n";
  const absl::Status status = LoadRules(path);
  std::remove(path.c_str());
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr(path + ":2: rule mine: its sample"));
}

TEST(LoadRules, SaysWhatIsMissing) {
  EXPECT_EQ(LoadRules("/nonexistent/rules.yaml").code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace wavepost
