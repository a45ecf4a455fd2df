#include <gtest/gtest.h>

#include <string>

#include "common/base/strings.h"
#include "sender/sites/provider_book.h"

namespace wavepost {
namespace {

struct Row {
  const char* name;
  std::string yaml;     // the list of providers
  const char* problem;  // a part of the message
};

class ProviderCheck : public testing::TestWithParam<Row> {};

TEST_P(ProviderCheck, SaysWhatIsWrong) {
  const auto book = ProviderBook::Parse(GetParam().yaml, "p.yaml");
  ASSERT_FALSE(book.ok());
  EXPECT_EQ(book.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(book.status().message().find(GetParam().problem), absl::string_view::npos) << book.status().message();
}

std::string Provider(const std::string& mx, const std::string& hosts) {
  return "providers:\n  - name: one\n    mx: " + mx + "\n    sample_hosts: " + hosts + "\n";
}

// A good provider with one rule, of which the row changes a line.
std::string Rule(const std::string& lines) {
  return Provider("[.mx.example]", "[a.mx.example]") + "    rules:\n      - name: first\n        text: too fast\n" +
         "        reason: rate_limited\n        scope: egress_ip\n        sample: 421 too fast\n" + lines;
}

std::string NextRule(const std::string& lines) {
  return Rule("") + "      - name: second\n        reason: spam\n        scope: egress_ip\n" + lines;
}

TEST(ProviderCheckGood, TheBaseOfTheRowsIsGood) {
  for (const std::string& yaml : {Provider("[.mx.example]", "[a.mx.example]"), Rule(""),
                                  NextRule("        text: too slow\n        sample: 421 too slow\n")}) {
    const auto book = ProviderBook::Parse(yaml, "p.yaml");
    EXPECT_TRUE(book.ok()) << book.status().message() << yaml;
  }
}

const Row kRows[] = {
    {"Empty", "", "providers: is required"},
    {"UnknownKey", Provider("[.mx.example]", "[a.mx.example]") + "    conections: 4\n",
     "p.yaml:5: providers[0].conections: unknown key"},
    {"NotYaml", "providers: [", "not valid YAML"},
    {"NoName", "providers:\n  - {mx: [.mx.example], sample_hosts: [a.mx.example]}\n", "name: is required"},
    {"BadName", "providers:\n  - {name: One_, mx: [.mx.example], sample_hosts: [a.mx.example]}\n", "1 to 32 of a-z"},
    {"NameTwice",
     "providers:\n  - {name: one, mx: [.a.example], sample_hosts: [x.a.example]}\n"
     "  - {name: one, mx: [.b.example], sample_hosts: [x.b.example]}\n",
     "p.yaml:3: providers[1].name: 'one' stands here twice"},
    // MX entries that can never match
    {"NoMx", Provider("[]", "[a.mx.example]"), "mx: needs at least one"},
    {"TrailingDot", Provider("[.mx.example.]", "[a.mx.example]"), "'.mx.example.' can never match: it ends in a dot"},
    {"EmptyLabel", Provider("[.mx..example]", "[a.mx.example]"), "'.mx..example' can never match"},
    {"TwoDotsAhead", Provider("[..mx.example]", "[a.mx.example]"), "'..mx.example' can never match"},
    {"UpperCase", Provider("[.MX.example]", "[a.mx.example]"), "must be written 'mx.example'"},
    {"Space", Provider("['.mx .example']", "[a.mx.example]"), "can never match"},
    {"Star", Provider("['*.mx.example']", "[a.mx.example]"), "can never match"},
    {"TopLevel", Provider("[.example]", "[a.mx.example]"), "takes a whole top-level domain"},
    {"NoHostReachesIt", Provider("[.mx.example, .other.example]", "[a.mx.example]"),
     "'.other.example': none of sample_hosts matches it"},
    {"HiddenBehindWider", Provider("[.example.net, .mx.example.net]", "[a.mx.example.net]"),
     "'.mx.example.net' is hidden behind '.example.net'"},
    {"ExactHiddenBehindWider", Provider("[.example.net, mx.example.net]", "[a.example.net, mx.example.net]"),
     "'mx.example.net' is hidden behind '.example.net'"},
    {"OfSomebodyElse",
     "providers:\n  - {name: one, mx: [.mx.example], sample_hosts: [x.mx.example]}\n"
     "  - {name: two, mx: [.mx.example], sample_hosts: [y.mx.example]}\n",
     "'.mx.example' already belongs to 'one'"},
    {"TakenByLongerOfSomebodyElse",
     "providers:\n  - {name: one, mx: [.mx.example], sample_hosts: [x.a.mx.example]}\n"
     "  - {name: two, mx: [.a.mx.example], sample_hosts: [y.a.mx.example]}\n",
     "'x.a.mx.example' does not match this provider, it goes to two"},
    // sample hosts
    {"NoSamples", "providers:\n  - {name: one, mx: [.mx.example]}\n", "needs at least one real MX name"},
    {"WrongSample", Provider("[.mx.example]", "[a.mx.example, mx.other.example]"), "does not match this provider"},
    {"SampleWithDot", Provider("[.mx.example]", "[a.mx.example, b.mx.example.]"), "'b.mx.example.' ends in a dot"},
    {"WrongSite",
     Provider("[.mx.example]", "[a.mx.example, {host: eu-in.mx.example, site: one-us}]") +
         "    region: {before: -in}\n",
     "is of site 'one-eu', not 'one-us'"},
    {"RegionNeverSeen", Provider("[.mx.example]", "[a.mx.example]") + "    region: {before: -in}\n",
     "none of sample_hosts has a region"},
    {"RegionWithoutEnd", Provider("[.mx.example]", "[a.mx.example]") + "    region: {after: x}\n",
     "before: is required"},
    // limits
    {"NoConnections", Provider("[.mx.example]", "[a.mx.example]") + "    connections: 0\n", "connections: must be"},
    {"BadRate", Provider("[.mx.example]", "[a.mx.example]") + "    messages_per_second: many\n", "messages_per_second"},
    {"NegativeRate", Provider("[.mx.example]", "[a.mx.example]") + "    messages_per_second: -1\n",
     "messages_per_second"},
    {"BadTls", Provider("[.mx.example]", "[a.mx.example]") + "    tls: maybe\n",
     "tls: must be one of opportunistic, required, is 'maybe'"},
    // rules
    {"RuleTwice",
     Rule("      - name: first\n        text: x\n        reason: spam\n        scope: site\n        sample: 421 x\n"),
     "'first' stands here twice"},
    {"RuleBadName",
     Rule("      - name: Second!\n        text: x\n        reason: spam\n        scope: site\n        sample: 421 x\n"),
     "name: must be 1 to 32"},
    {"DoesNotFire", NextRule("        text: too slow\n        sample: 421 too busy\n"), "the rule does not fire on it"},
    {"PermanentOn4xx", NextRule("        text: too slow\n        sample: 421 too slow\n        outcome: permanent\n"),
     "the rule does not fire on it"},
    {"OtherPhase",
     NextRule(
         "        text: too slow\n        sample: 421 too slow\n        phases: [mail]\n        sample_phase: rcpt\n"),
     "the rule does not fire on it"},
    {"TakenByAnother", NextRule("        text: fast\n        sample: 421 too fast\n"),
     "the rule 'first' before this one takes it"},
    {"NoSample", NextRule("        text: too slow\n"), "sample: is required"},
    {"SampleWithoutCode", NextRule("        text: too slow\n        sample: too slow\n"),
     "does not start with a reply code"},
    {"SampleMarkNobodyReads", Rule("        smaple: 421 x\n"), "smaple: unknown key"},
    {"PatternWithCapitals", NextRule("        text: x|Too slow\n        sample: 421 x\n"),
     "'Too slow' can never match"},
    {"PatternWithPunctuation", NextRule("        text: x|don't\n        sample: 421 x\n"), "'don't' can never match"},
    {"PatternEmptyAlternative", NextRule("        text: x|\n        sample: 421 x\n"), "'' can never match"},
    {"PatternTwoSpaces", NextRule("        text: x|too  slow\n        sample: 421 x\n"), "'too  slow' can never match"},
    {"PatternWithMarks", NextRule("        text: x|bo\xc3\xaete\n        sample: 421 x\n"), "can never match"},
    {"PatternInUnless", NextRule("        text: x\n        unless: A\n        sample: 421 x\n"),
     "unless: 'A' can never match"},
    {"NoCondition", NextRule("        sample: 421 x\n"), "a rule needs at least one of codes, enhanced and text"},
    {"BadCode", NextRule("        codes: [250]\n        sample: 421 x\n"), "codes from 400 to 599, is '250'"},
    {"BadEnhanced", NextRule("        enhanced: [4.7.1]\n        sample: 421 4.7.1 x\n"), "subject.detail"},
    {"BadPhase", NextRule("        text: x\n        phases: [recipient]\n        sample: 421 x\n"),
     "no such phase: 'recipient'"},
    {"BadReason", Rule("        reason: nonsense\n"), "reason: stands here twice"},
    {"UnknownReason",
     NextRule("        text: x\n        sample: 421 x\n").replace(NextRule("").find("spam"), 4, "scam"),
     "no such reason: 'scam'"},
    {"BadFault", Rule("        fault: me\n"), "fault: must be one of none, recipient, sender"},
    {"BadScope",
     NextRule("        text: x\n        sample: 421 x\n").replace(NextRule("").rfind("egress_ip"), 9, "planet"),
     "scope: must be one of"},
    {"BadAction", Rule("        action: panic\n"), "action: must be one of"},
    {"BadOutcome", Rule("        outcome: perhaps\n"), "outcome: must be one of temporary, permanent"},
    {"PauseWithoutEnd", Rule("        action: pause_site\n"), "recovery: is required with pause_site"},
    {"RecoveryWithoutAction", Rule("        recovery: 5m\n"), "recovery: means nothing without an action"},
    {"RecoveryTooLong", Rule("        action: pause_site\n        recovery: 1000h\n"), "recovery: must be a duration"},
    {"BlameBeforeRcpt", Rule("        fault: recipient\n"), "a recipient can only be blamed in the phases"},
    {"RecipientScopeBeforeRcpt",
     NextRule("        text: x\n        sample: 421 x\n").replace(NextRule("").rfind("egress_ip"), 9, "recipient"),
     "before rcpt there is no recipient"},
    {"MessageScopeBeforeMail",
     NextRule("        text: x\n        sample: 421 x\n").replace(NextRule("").rfind("egress_ip"), 9, "message"),
     "before mail there is no message"},
};

INSTANTIATE_TEST_SUITE_P(Rows, ProviderCheck, testing::ValuesIn(kRows), [](const auto& row) { return row.param.name; });

// All problems at once, each with its line: nobody wants to mend them one by one.
TEST(ProviderCheckGood, SaysAllAtOnce) {
  const auto book = ProviderBook::Parse(Provider("[.mx.example., .b.example]", "[a.mx.example]"), "p.yaml");
  ASSERT_FALSE(book.ok());
  const std::string message(Sv(book.status().message()));
  EXPECT_NE(message.find("p.yaml:3: providers[0].mx: '.mx.example.'"), std::string::npos) << message;
  EXPECT_NE(message.find("p.yaml:3: providers[0].mx: '.b.example'"), std::string::npos) << message;
  EXPECT_NE(message.find("p.yaml:4: providers[0].sample_hosts[0]: 'a.mx.example'"), std::string::npos) << message;
}

}  // namespace
}  // namespace wavepost
