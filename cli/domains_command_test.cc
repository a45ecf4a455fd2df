// wavepost domains, run as a whole against a fake coordinator.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "cli/command_fixture.h"
#include "cli/format.h"

namespace wavepost::cli {
namespace {

using nlohmann::json;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

v1::DnsRecord Record(v1::DnsRecord::Purpose purpose, const std::string& type, const std::string& owner,
                     const std::string& data, bool required) {
  v1::DnsRecord record;
  record.set_purpose(purpose);
  record.set_type(type);
  record.set_owner(owner);
  record.set_data(data);
  record.set_required(required);
  return record;
}

class DomainsCommandTest : public CommandFixture {
 protected:
  DomainsCommandTest() {
    server.content.records = {
        Record(v1::DnsRecord::DKIM, "TXT", "wp20260101._domainkey.example.com", "v=DKIM1; k=rsa; p=" + key_, true),
        Record(v1::DnsRecord::SPF, "TXT", "example.com", "v=spf1 include:_spf.wp.example ~all", true),
        Record(v1::DnsRecord::RETURN_PATH, "MX", "bounce.example.com", "10 mx.wp.example", false),
        Record(v1::DnsRecord::DMARC, "TXT", "_dmarc.example.com", "v=DMARC1; p=none", false),
    };
  }

  // A look that found these states, record by record.
  v1::SendingDomain Look(v1::SendingDomain::State state, const std::vector<v1::RecordCheck::State>& states) const {
    v1::SendingDomain domain;
    domain.set_state(state);
    for (size_t i = 0; i < states.size(); ++i) {
      v1::RecordCheck& check = *domain.add_checks();
      *check.mutable_record() = server.content.records[i];
      check.set_state(states[i]);
      if (states[i] == v1::RecordCheck::WRONG) {
        check.add_found("v=spf1 \x1b[31m-all");
        check.set_problem("SPF_NO_INCLUDE");
        check.set_advice(
            "The SPF record does not name our addresses. Put include:_spf.wp.example into it, in front of the all at "
            "its "
            "end, and publish it again.");
      }
    }
    return domain;
  }

  const std::string key_ = std::string(392, 'A');
};

TEST_F(DomainsCommandTest, AddPrintsWhatToPublishWholeAndTheNextStep) {
  EXPECT_EQ(Wavepost({"domains", "add", "example.com"}), 0) << err();
  EXPECT_THAT(out(),
              ContainsRegex("DKIM +required +TXT +wp20260101._domainkey.example.com +v=DKIM1; k=rsa; p=" + key_));
  EXPECT_THAT(out(), ContainsRegex("return path +advised +MX +bounce.example.com +10 mx.wp.example"));
  EXPECT_THAT(out(), ContainsRegex("SPF +says that our addresses may send for the domain"));
  EXPECT_THAT(out(), HasSubstr("When they are published: wavepost domains verify example.com\n"));
  EXPECT_EQ(Wavepost({"domains", "add", "example.com"}), 1);
  EXPECT_EQ(Wavepost({"domains", "add", "b.example", "--mode", "cname"}), 0);
  EXPECT_EQ(server.content.domains["tenants/default/sendingDomains/b.example"].mode(), v1::SendingDomain::CNAME);
  EXPECT_EQ(Wavepost({"domains", "add", "c.example", "--mode", "mx"}), 2);
}

TEST_F(DomainsCommandTest, AddAsJsonAndAsZone) {
  EXPECT_EQ(Wavepost({"domains", "add", "example.com", "--json"}), 0) << err();
  const json domain = json::parse(out());
  EXPECT_EQ(domain["state"], "unverified");
  EXPECT_EQ(domain["mode"], "txt");
  EXPECT_EQ(domain["dns_records"][2]["data"], "10 mx.wp.example");
  EXPECT_EQ(domain["dns_records"][2]["purpose"], "return_path");
  EXPECT_EQ(domain["dns_records"][2]["required"], false);

  EXPECT_EQ(Wavepost({"domains", "show", "example.com", "--zone"}), 0) << err();
  EXPECT_THAT(out(), HasSubstr("\nbounce.example.com. 3600 IN MX 10 mx.wp.example.\n"));
  EXPECT_THAT(out(), HasSubstr("; DKIM, required: the key that receivers check our signature with\n"));
  // A zone file takes every line as it is.
  for (const absl::string_view line : absl::StrSplit(out(), '\n', absl::SkipEmpty())) {
    EXPECT_TRUE(line[0] == ';' || line.find(" IN ") != absl::string_view::npos) << line;
  }
  EXPECT_EQ(Wavepost({"domains", "show", "example.com", "--zone", "--json"}), 2);
  EXPECT_EQ(Wavepost({"domains", "show", "other.example"}), 4);
}

TEST_F(DomainsCommandTest, VerifySaysPerRecordWhatIsWrongWithinTheTerminalsWidth) {
  Wavepost({"domains", "add", "example.com"});
  server.content.looks = {Look(v1::SendingDomain::UNVERIFIED, {v1::RecordCheck::OK, v1::RecordCheck::WRONG,
                                                               v1::RecordCheck::MISSING, v1::RecordCheck::UNKNOWN})};
  columns = 60;
  EXPECT_EQ(Wavepost({"domains", "verify", "Example.com."}), 1) << err();
  EXPECT_THAT(out(), ContainsRegex("OK +DKIM +TXT"));
  EXPECT_THAT(out(), ContainsRegex("wrong +SPF +TXT +example.com\n +found v=spf1 .31m-all\n +The SPF record does not"));
  EXPECT_THAT(out(), ContainsRegex("missing +return path \\(advised\\) +MX"));
  EXPECT_THAT(out(), ContainsRegex("no answer +DMARC"));
  EXPECT_THAT(out(), HasSubstr("example.com is UNVERIFIED"));
  EXPECT_THAT(out(), HasSubstr("1 required record"));
  EXPECT_THAT(out(), Not(HasSubstr("\x1b")));
  bool advice = false;
  for (const absl::string_view line : absl::StrSplit(out(), '\n')) {
    advice = advice || line.find("The SPF record") != absl::string_view::npos;
    if (advice && line.find("(advised)") == absl::string_view::npos) {
      EXPECT_LE(line.size(), 60u) << line;
    }
  }
  EXPECT_TRUE(advice);
  EXPECT_EQ(server.content.verifications, 1);

  EXPECT_EQ(Wavepost({"domains", "verify", "example.com", "--json"}), 1);
  EXPECT_EQ(json::parse(out())["checks"][1]["problem"], "SPF_NO_INCLUDE");
  EXPECT_EQ(json::parse(out())["checks"][1]["record"]["owner"], "example.com");
  EXPECT_EQ(json::parse(out())["checks"][3]["state"], "unknown");
}

TEST_F(DomainsCommandTest, VerifyIsZeroOnlyIfVerified) {
  Wavepost({"domains", "add", "example.com"});
  for (const auto& [state, code] : std::vector<std::pair<v1::SendingDomain::State, int>>{
           {v1::SendingDomain::UNVERIFIED, 1}, {v1::SendingDomain::LOST, 1}, {v1::SendingDomain::VERIFIED, 0}}) {
    server.content.looks = {Look(state, {v1::RecordCheck::OK})};
    EXPECT_EQ(Wavepost({"domains", "verify", "example.com"}), code) << out();
    EXPECT_EQ(Wavepost({"domains", "verify", "example.com", "--json"}), code) << out();
  }
  EXPECT_EQ(Wavepost({"domains", "verify", "other.example"}), 4);
  EXPECT_EQ(Wavepost({"domains", "verify", "other.example", "--wait", "10m"}), 4);
  for (const char* wait : {"soon", "-1m", "0s", "25h"}) {
    EXPECT_EQ(Wavepost({"domains", "verify", "example.com", "--wait", wait}), 2) << wait;
  }
}

TEST_F(DomainsCommandTest, WaitLooksAgainUntilItIsVerified) {
  Wavepost({"domains", "add", "example.com"});
  const auto missing = Look(v1::SendingDomain::UNVERIFIED, {v1::RecordCheck::OK, v1::RecordCheck::MISSING});
  const auto verified = Look(v1::SendingDomain::VERIFIED, {v1::RecordCheck::OK, v1::RecordCheck::OK});
  server.content.looks = {missing, missing, missing, verified};
  EXPECT_EQ(Wavepost({"domains", "verify", "example.com", "--wait", "10m"}), 0) << err();
  EXPECT_EQ(server.content.verifications, 4);
  EXPECT_EQ(slept, absl::Seconds(45));
  // What is the same is said once.
  EXPECT_EQ(out().find("  missing "), out().rfind("  missing "));
  EXPECT_THAT(out(), HasSubstr("example.com is VERIFIED"));
  EXPECT_EQ(err(), "");

  server.content.looks = {missing, verified};
  terminal = true;
  EXPECT_EQ(Wavepost({"domains", "verify", "example.com", "--wait", "10m"}), 0) << err();
  EXPECT_THAT(err(), HasSubstr("\r1 of 2 records OK; next look in 0:15, giving up in 10:00\x1b[K"));
  EXPECT_THAT(err(), HasSubstr("next look in 0:01, giving up in 9:46"));
  EXPECT_THAT(err(), testing::EndsWith("\r\x1b[K")) << "the line is gone at the end";
}

TEST_F(DomainsCommandTest, WaitEndsWithTheTimeAndOutlivesABusyCoordinator) {
  Wavepost({"domains", "add", "example.com"});
  server.content.looks = {Look(v1::SendingDomain::UNVERIFIED, {v1::RecordCheck::MISSING})};
  EXPECT_EQ(Wavepost({"domains", "verify", "example.com", "--wait", "40s"}), 1);
  EXPECT_EQ(slept, absl::Seconds(40));
  EXPECT_EQ(server.content.verifications, 4);  // at 0, 15, 30 and 40 s

  EXPECT_EQ(Wavepost({"domains", "verify", "example.com", "--wait", "20s", "--json"}), 1);
  EXPECT_EQ(json::parse(out())["state"], "unverified");  // one object, however many looks

  server.content.looks = {Look(v1::SendingDomain::VERIFIED, {v1::RecordCheck::OK})};
  server.content.broken_looks = {"BUSY", "BUSY"};
  EXPECT_EQ(Wavepost({"domains", "verify", "example.com", "--wait", "1m"}), 0) << err();
  server.content.broken_looks = {"BUSY"};
  EXPECT_EQ(Wavepost({"domains", "verify", "example.com"}), 1);
  EXPECT_THAT(err(), HasSubstr("too many verifications under way"));
}

TEST_F(DomainsCommandTest, ShowListRotate) {
  EXPECT_EQ(Wavepost({"domains", "list"}), 0);
  EXPECT_THAT(out(), StartsWith("No domain yet."));
  Wavepost({"domains", "add", "example.com"});
  Wavepost({"domains", "add", "b.example"});
  v1::SendingDomain& domain = server.content.domains["tenants/default/sendingDomains/example.com"];
  v1::DkimKeyInfo& key = *domain.add_dkim_keys();
  key.set_selector("wp2026\x1b[2J");
  key.set_algorithm("ed25519-sha256");
  key.set_state(v1::DkimKeyInfo::ACTIVE);
  key.mutable_active_time()->set_seconds(1'790'000'000);
  domain.set_state(v1::SendingDomain::LOST);
  domain.set_failed_checks(3);
  domain.mutable_check_time()->set_seconds(1'799'999'000);
  *domain.mutable_checks() = Look(v1::SendingDomain::LOST, {v1::RecordCheck::MISSING}).checks();
  EXPECT_EQ(Wavepost({"domains", "show", "example.com"}), 0) << err();
  EXPECT_THAT(out(), StartsWith("example.com is LOST: it was verified, but required records"));
  EXPECT_THAT(out(), ContainsRegex("wp2026 .2J +ed25519-sha256 +active +- +- +20"));
  EXPECT_THAT(out(), HasSubstr("Last look, " + LocalTime(absl::FromUnixSeconds(1'799'999'000))));
  EXPECT_THAT(out(), Not(HasSubstr("\x1b")));
  EXPECT_EQ(Wavepost({"domains", "show", "example.com", "--json"}), 0);
  EXPECT_EQ(json::parse(out())["dkim_keys"][0]["state"], "active");
  EXPECT_EQ(json::parse(out())["check_time"], "2027-01-15T07:43:20.000Z");

  EXPECT_EQ(Wavepost({"domains", "list"}), 0);
  EXPECT_THAT(out(), ContainsRegex("b.example +unverified +txt +wp20260101 +never"));
  EXPECT_THAT(out(), ContainsRegex("example.com +lost +txt .*3 in a row failed"));
  EXPECT_EQ(Wavepost({"domains", "list", "--json"}), 0);
  const std::string lines = out();
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 2);

  EXPECT_EQ(Wavepost({"domains", "rotate", "example.com"}), 0) << err();
  EXPECT_THAT(out(), HasSubstr("until then the old ones do"));
  EXPECT_THAT(out(), HasSubstr("wavepost domains verify example.com"));
  EXPECT_EQ(Wavepost({"domains", "rotate", "example.com", "--json"}), 0);
  EXPECT_EQ(json::parse(out())["dkim_selector"], "wp20260201");
  domain.set_mode(v1::SendingDomain::CNAME);
  EXPECT_EQ(Wavepost({"domains", "rotate", "example.com"}), 0);
  EXPECT_THAT(out(), HasSubstr("nothing to publish"));
  EXPECT_EQ(Wavepost({"domains", "rotate", "other.example"}), 4);
}

TEST_F(DomainsCommandTest, DeleteAsksAPersonAndNoScript) {
  Wavepost({"domains", "add", "example.com"});
  terminal = true;
  typed = "n\n";
  EXPECT_EQ(Wavepost({"domains", "delete", "example.com"}), 1);
  EXPECT_THAT(err(), HasSubstr("The DKIM keys of example.com will be destroyed"));
  EXPECT_EQ(server.content.domains.size(), 1u);
  typed = "y\n";
  EXPECT_EQ(Wavepost({"domains", "delete", "example.com"}), 0) << err();
  EXPECT_TRUE(server.content.domains.empty());
  EXPECT_EQ(Wavepost({"domains", "delete", "example.com", "--yes"}), 4);
  terminal = false;
  Wavepost({"domains", "add", "example.com"});
  EXPECT_EQ(Wavepost({"domains", "delete", "example.com", "--json"}), 0);
  EXPECT_EQ(json::parse(out())["deleted"], true);
}

TEST_F(DomainsCommandTest, AHostileServerSteersNeitherTerminalNorZone) {
  server.content.records = {Record(v1::DnsRecord::DKIM, "TXT\nA", "a\nevil.example. IN A 192.0.2.1",
                                   "v=DKIM1\n\x1b]0;title\x07\" evil IN A 192.0.2.1 ; \\", true)};
  EXPECT_EQ(Wavepost({"domains", "add", "example.com"}), 0);
  EXPECT_THAT(out(), Not(HasSubstr("\x1b")));
  EXPECT_THAT(out(), Not(HasSubstr("\nevil")));
  EXPECT_EQ(Wavepost({"domains", "show", "example.com", "--zone"}), 0);
  EXPECT_THAT(out(), Not(HasSubstr("\x1b")));
  EXPECT_THAT(out(), HasSubstr("a\\010evil.example.\\032IN\\032A\\032192.0.2.1. 3600 IN TXTA v\\061DKIM1"));
  server.content.domains["tenants/default/sendingDomains/example.com"].set_name("x/a;rm -rf $HOME`\x1b");
  EXPECT_EQ(Wavepost({"domains", "show", "example.com"}), 0);
  EXPECT_THAT(out(), HasSubstr("wavepost domains verify a?rm?-rf??HOME??\n"));
}

TEST_F(DomainsCommandTest, HelpSaysWhatAnUnverifiedDomainMeans) {
  EXPECT_EQ(Wavepost({"domains", "--help"}), 0);
  EXPECT_THAT(out(), HasSubstr("Nothing is sent from a domain that is not verified"));
  EXPECT_THAT(out(), Not(HasSubstr("without a DKIM signature")));
}

}  // namespace
}  // namespace wavepost::cli
