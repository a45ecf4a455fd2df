// Every way that we know of to get the records of a sending domain wrong, each with the sentence that its owner reads.
// testdata/*.txt; README.md says how to add one. UPDATE_GOLDEN=1 rewrites the expectations, for review.
#include <gtest/gtest.h>

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/strings.h"
#include "common/dns/zone_resolver.h"
#include "coordinator/domains/domain_check.h"

namespace wavepost {
namespace {

constexpr char kRsaKey[] =
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAqLn8r4xCnLXRz3r2Hs35DJ2RqorrUjqywmqdwlsWt7mki/QE/OtmvW19"
    "FUJV3mBSg+DAOs9/5aWhHnCR2jbOIdSGMegZPYdCTPh/2sE1tHShk2Lb2BEcXHQdkEYgXaL4aGFx7UGyuAtbl3L2RpjHaFUOpx6b"
    "i6/BRCSi7UxuHVCFW5d9dYyyYBHJ+8uNBV3sKZDHvty2tb9x7PDZU+/wUFvsH3PmiyG30Z6L0ErPFxSYBbi7muw2xTSYMU3ripCn"
    "N2Zxa22A3QUy/kYVSMLliFSUtYWN//XMK5F76iRfSBRVcBkBwgWz9RKzcqOkVYhFju9f206BR2SJGKluTwXJ9wIDAQAB";
constexpr char kOtherRsaKey[] =
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEArJiedN/mdJdchvuv3AkKdDIoyC+pjsyRLzN8mPdkRwo7jOX0Y423Sgr3"
    "tYjY4ui22nwcnYETlNHinxNSqjl+sjOboY7CfQQMBrPTgOZP0U+8PNk9GbxXtfgR0+2PsVAejfzQp2c8ZCEJQzrsxF59FBNe7Bwk"
    "cYWTN86ObMuCwMyqR++kDWYJJn6HKiqU9QcMBgZmFnpQfuKsnpa/p8QXRfBq5ll99HoSPBf/cpa8K5C/dJTW/HN9iYX8X9sNhZud"
    "0jB0rJURp1L+oATo4uslr69GnBVAe64iuKgeRl61zB9O2JGoukc58rvvssSjiV7DzdrVkORAWOkYuBG8c0Ob0QIDAQAB";
constexpr char kEd25519Key[] = "HfDsQ/pV7peZjf9LdlFiZmOlG7d0RPHVELj4fAcO/eE=";

const OurNames kOurNames = {"mail.example", "bounce.mail.example", {"mx1.mail.example", "mx2.mail.example"}};

// What is at our end in all of them, unless a fixture says otherwise of the name.
constexpr char kOurZone[] = R"(
_spf.mail.example    TXT "v=spf1 ip4:192.0.2.0/28 -all"
bounce.mail.example  MX 10 mx1.mail.example
bounce.mail.example  TXT "v=spf1 include:_spf.mail.example -all"
mx1.mail.example     A 192.0.2.1
mx2.mail.example     A 192.0.2.2
)";

std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::filesystem::path Folder() {
  return std::filesystem::path(WAVEPOST_SOURCE_DIR) / "coordinator/domains";
}

std::vector<std::string> FixtureNames() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(Folder() / "testdata")) {
    if (entry.path().extension() == ".txt") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// "${rsa}": the RSA key's record; "${rsa_p}": its p= alone; "${rsa_p:10}", "${rsa_p:10:20}": from character 10 (to 20);
// "rsa_lower": in small letters; "other_p", "ed", "ed_p": other keys; "wp1" and so on: where its CNAME leads.
std::string Expand(const std::string& text, const std::map<std::string, std::string>& values) {
  std::string out;
  size_t at = 0;
  while (true) {
    const size_t begin = text.find("${", at);
    if (begin == std::string::npos) return out + text.substr(at);
    const size_t end = text.find('}', begin);
    out += text.substr(at, begin - at);
    const std::vector<std::string> parts = absl::StrSplit(text.substr(begin + 2, end - begin - 2), ':');
    const auto value = values.find(parts[0]);
    if (value == values.end()) {
      ADD_FAILURE() << "no such value: " << parts[0];
      return out;
    }
    size_t from = 0, to = value->second.size();
    EXPECT_TRUE(parts.size() < 2 || absl::SimpleAtoi(parts[1], &from)) << text;
    EXPECT_TRUE(parts.size() < 3 || absl::SimpleAtoi(parts[2], &to)) << text;
    out += value->second.substr(from, to - from);
    at = end + 1;
  }
}

std::vector<std::string> Lines(const std::string& text) {
  return absl::StrSplit(text, '\n');
}

struct Fixture {
  std::vector<std::string> head;             // lines before "---", comments too
  std::map<std::string, std::string> words;  // of "word: text" lines
  std::string zone;

  explicit Fixture(const std::string& text) {
    const size_t divide = text.find("\n---\n");
    EXPECT_NE(divide, std::string::npos) << "no line \"---\"";
    head = Lines(text.substr(0, divide));
    for (const std::string& line : head) {
      const size_t colon = line.find(": ");
      if (!line.starts_with('#') && colon != std::string::npos) words[line.substr(0, colon)] = line.substr(colon + 2);
    }
    zone = text.substr(divide + 5);
  }

  std::string Word(const std::string& word, const std::string& otherwise = {}) const {
    const auto it = words.find(word);
    return it == words.end() ? otherwise : it->second;
  }
};

v1::SendingDomain DomainFor(const Fixture& fixture) {
  v1::SendingDomain domain;
  domain.set_name("tenants/acme/sendingDomains/" + fixture.Word("domain", "customer.example"));
  const bool cname = fixture.Word("mode") == "CNAME";
  domain.set_mode(cname ? v1::SendingDomain::CNAME : v1::SendingDomain::TXT);
  domain.set_return_path_domain(fixture.Word("return_path"));
  const std::pair<std::string, std::string> keys[] = {
      {cname ? "wp1" : "wp20261122", absl::StrCat("v=DKIM1; k=rsa; p=", kRsaKey)},
      {cname ? "wp1e" : "wp20261122e", absl::StrCat("v=DKIM1; k=ed25519; p=", kEd25519Key)}};
  for (const auto& [selector, text] : keys) {
    v1::DkimKeyInfo* key = domain.add_dkim_keys();
    key->set_selector(selector);
    key->set_public_txt(text);
    key->set_algorithm(selector.ends_with('e') ? "ed25519-sha256" : "rsa-sha256");
    key->set_state(v1::DkimKeyInfo::CREATED);
  }
  return domain;
}

using Checks = absl::StatusOr<std::vector<v1::RecordCheck>>;

Awaitable<void> CheckInto(Resolver* resolver, v1::SendingDomain domain, Deadline deadline, std::optional<Checks>* out) {
  *out = co_await CheckDomain(resolver, kOurNames, std::move(domain), deadline);
}

Checks RunCheck(ZoneResolver* resolver, const v1::SendingDomain& domain) {
  asio::io_context io;
  std::optional<Checks> checks;
  asio::co_spawn(io, CheckInto(resolver, domain, DeadlineAfter(absl::Milliseconds(20)), &checks), asio::detached);
  io.run();
  return checks.value_or(absl::InternalError("no result"));
}

// Our zone, but for the names that the fixture speaks of.
std::string WithOurZone(const std::string& zone) {
  std::set<std::string> spoken;
  for (const std::string& line : Lines(zone)) spoken.insert(line.substr(0, line.find_first_of(" \t")));
  std::string out = zone;
  for (const std::string& line : Lines(kOurZone)) {
    if (!spoken.contains(line.substr(0, line.find(' ')))) absl::StrAppend(&out, "\n", line);
  }
  return out;
}

class DomainFixtureTest : public testing::TestWithParam<std::string> {};

TEST_P(DomainFixtureTest, SaysSo) {
  const std::filesystem::path path = Folder() / "testdata" / (GetParam() + ".txt");
  const Fixture fixture(ReadAll(path));
  const v1::SendingDomain domain = DomainFor(fixture);
  std::map<std::string, std::string> values = {{"rsa", domain.dkim_keys(0).public_txt()},
                                               {"ed", domain.dkim_keys(1).public_txt()},
                                               {"rsa_p", kRsaKey},
                                               {"rsa_lower", AsciiLower(kRsaKey)},
                                               {"ed_p", kEd25519Key},
                                               {"other_p", kOtherRsaKey}};
  for (std::string_view selector : kFixedSelectors) {
    values[std::string(selector)] = DelegatedKeyName(kOurNames, domain.name(), selector);
  }
  const auto resolver = ZoneResolver::Parse(WithOurZone(Expand(fixture.zone, values)));
  ASSERT_TRUE(resolver.ok()) << resolver.status();
  const Checks checks = RunCheck(resolver->get(), domain);
  ASSERT_TRUE(checks.ok()) << checks.status();
  ASSERT_EQ(checks->size(), RecordsToPublish(kOurNames, domain).size());

  if (fixture.Word("record") == "*") {
    for (const v1::RecordCheck& check : *checks) {
      EXPECT_EQ(v1::RecordCheck::State_Name(check.state()), fixture.Word("state")) << check.record().ShortDebugString();
      EXPECT_EQ(check.problem(), fixture.Word("problem"));
      EXPECT_EQ(check.advice(), "") << check.record().ShortDebugString();
    }
    return;
  }
  const std::vector<std::string> wanted = absl::StrSplit(fixture.Word("record"), absl::MaxSplits(' ', 2));
  ASSERT_GE(wanted.size(), 2u) << "record: OWNER TYPE [DATA]";
  const auto check = std::find_if(checks->begin(), checks->end(), [&](const v1::RecordCheck& each) {
    return each.record().owner() == wanted[0] && each.record().type() == wanted[1] &&
           (wanted.size() < 3 || each.record().data() == wanted[2]);
  });
  ASSERT_NE(check, checks->end()) << "no such record: " << fixture.Word("record");
  const std::map<std::string, std::string> seen = {{"state", v1::RecordCheck::State_Name(check->state())},
                                                   {"problem", check->problem()},
                                                   {"advice", check->advice()}};
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::ofstream file(path);
    for (const std::string& line : fixture.head) {
      const std::string word = line.substr(0, line.find(':'));
      if (!seen.contains(word)) file << line << "\n";
    }
    for (const char* word : {"state", "problem", "advice"}) {
      if (!seen.at(word).empty()) file << word << ": " << seen.at(word) << "\n";
    }
    file << "---\n" << fixture.zone;
    return;
  }
  for (const auto& [word, text] : seen) EXPECT_EQ(text, fixture.Word(word)) << word;
  EXPECT_EQ(check->problem().empty(), check->state() == v1::RecordCheck::OK);
  EXPECT_LE(check->found_size(), 10);
}

INSTANTIATE_TEST_SUITE_P(, DomainFixtureTest, testing::ValuesIn(FixtureNames()),
                         [](const testing::TestParamInfo<std::string>& row) { return row.param; });

// A problem that has no fixture, or that README.md does not tell of, is not known to anybody.
TEST(DomainFixtures, CoverEveryProblemOfTheReadme) {
  std::set<std::string> shown;
  for (const std::string& name : FixtureNames()) {
    shown.insert(Fixture(ReadAll(Folder() / "testdata" / (name + ".txt"))).Word("problem"));
  }
  shown.erase("");
  std::set<std::string> told;
  for (const std::string& line : Lines(ReadAll(Folder() / "README.md"))) {
    if (line.starts_with("- `")) told.insert(line.substr(3, line.find('`', 3) - 3));
  }
  EXPECT_TRUE(told.erase("DMARC_ALIGNMENT") == 1)
      << "our signatures are of the domain in From: only dmarc_test.cc shows it";
  EXPECT_EQ(shown, told);
  EXPECT_GE(FixtureNames().size(), 35u);
}

}  // namespace
}  // namespace wavepost
