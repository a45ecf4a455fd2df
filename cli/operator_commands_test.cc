// wavepost identity, allowlist, nodes, tenants and events, run as a whole against a fake coordinator.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/command_fixture.h"

namespace wavepost::cli {
namespace {

using nlohmann::json;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class OperatorCommandsTest : public CommandFixture {
 protected:
  OperatorCommandsTest() {
    v1::Identity& identity = server.content.identity;
    identity.set_domain("wp.example");
    v1::DnsRecord& record = *identity.add_dns_records();
    record.set_owner("_spf.wp.example");
    record.set_type("TXT");
    record.set_data("v=spf1 ip4:192.0.2.1 -all");
    record.set_purpose(v1::DnsRecord::SPF);
    record.set_required(true);
    v1::EgressCheck& ip = *identity.add_egress_ips();
    ip.set_address("192.0.2.1");
    ip.set_ehlo_name("out1.wp.example");
    ip.set_pool("default");
    ip.set_region("eu");
  }
  void Looked(v1::RecordCheck::State record, v1::RecordCheck::State reverse) {
    v1::Identity& identity = server.content.identity;
    identity.mutable_check_time()->set_seconds(1'799'999'000);
    identity.clear_checks();
    v1::RecordCheck& check = *identity.add_checks();
    *check.mutable_record() = identity.dns_records(0);
    check.set_state(record);
    identity.mutable_egress_ips(0)->set_reverse_state(reverse);
  }
};

TEST_F(OperatorCommandsTest, IdentityShow) {
  EXPECT_EQ(Wavepost({"identity", "show"}), 0) << err();
  EXPECT_THAT(out(), ContainsRegex("SPF +required +TXT +_spf.wp.example +v=spf1 ip4:192.0.2.1 -all\n"));
  EXPECT_THAT(out(), HasSubstr("Nobody has looked yet: wavepost identity check"));
  EXPECT_THAT(out(), ContainsRegex("192.0.2.1 +out1.wp.example +default +eu +not looked at"));
  EXPECT_EQ(server.content.identity_checks, 0);
  EXPECT_EQ(Wavepost({"identity", "show", "--zone"}), 0);
  EXPECT_THAT(out(), HasSubstr("\n_spf.wp.example. 3600 IN TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"));
  EXPECT_EQ(Wavepost({"identity", "show", "--json"}), 0);
  EXPECT_EQ(json::parse(out())["egress_ips"][0]["ehlo_name"], "out1.wp.example");
  EXPECT_EQ(Wavepost({"identity", "show", "--json", "--zone"}), 2);
}

TEST_F(OperatorCommandsTest, IdentityCheckSaysWhatToMendAndFails) {
  Looked(v1::RecordCheck::OK, v1::RecordCheck::OK);
  EXPECT_EQ(Wavepost({"identity", "check"}), 0) << err();
  EXPECT_THAT(out(), HasSubstr("All is right.\n"));
  EXPECT_EQ(server.content.identity_checks, 1);

  Looked(v1::RecordCheck::MISSING, v1::RecordCheck::WRONG);
  v1::EgressCheck& ip = *server.content.identity.mutable_egress_ips(0);
  ip.add_reverse_names("host.\x1b[31mold.example");
  ip.set_reverse_advice("The reverse name leads elsewhere. Ask the owner of the network to set it to out1.wp.example.");
  v1::Listing& listing = *ip.add_listings();
  listing.set_zone("bl.example");
  listing.set_state(v1::Listing::LISTED);
  listing.set_answer("127.0.0.2");
  listing.set_advice("Ask for removal at https://bl.example/remove");
  v1::Listing& dead = *ip.add_listings();
  dead.set_zone("dead.example");
  dead.set_state(v1::Listing::NO_ANSWER);
  EXPECT_EQ(Wavepost({"identity", "check"}), 1);
  EXPECT_THAT(out(), ContainsRegex("missing +SPF +TXT +_spf.wp.example"));
  EXPECT_THAT(out(), HasSubstr("192.0.2.1: reverse name wrong\n    The reverse name leads elsewhere."));
  EXPECT_THAT(out(), HasSubstr("192.0.2.1: LISTED by bl.example\n    it says 127.0.0.2\n    Ask for removal at"));
  EXPECT_THAT(out(), HasSubstr("192.0.2.1: no answer from dead.example"));
  EXPECT_THAT(out(), HasSubstr("3 things have to be mended."));
  EXPECT_THAT(out(), Not(HasSubstr("\x1b")));
  EXPECT_EQ(Wavepost({"identity", "check", "--json"}), 1);
  EXPECT_EQ(json::parse(out())["egress_ips"][0]["listings"][0]["state"], "listed");
  EXPECT_EQ(json::parse(out())["checks"][0]["state"], "missing");
  EXPECT_EQ(Wavepost({"identity", "show"}), 0) << "showing is no judgement";
  // A list that does not answer says nothing about the address.
  Looked(v1::RecordCheck::OK, v1::RecordCheck::OK);
  ip.mutable_listings(0)->set_state(v1::Listing::NO_ANSWER);
  EXPECT_EQ(Wavepost({"identity", "check"}), 0);
}

TEST_F(OperatorCommandsTest, AllowList) {
  server.content.sheet = "# Für die IT\n\x1b[2Jx\n";
  EXPECT_EQ(Wavepost({"allowlist", "--tenant", "acme", "--lang", "de"}), 0) << err();
  EXPECT_EQ(out(), server.content.sheet);
  EXPECT_EQ(server.content.sheet_request.parent(), "tenants/acme");
  EXPECT_EQ(server.content.sheet_request.language(), "de");
  EXPECT_EQ(server.content.sheet_request.format(), "md");
  EXPECT_EQ(Wavepost({"allowlist", "--format", "html", "--output", Path("a.html")}), 0);
  EXPECT_EQ(server.content.sheet_request.language(), "en");
  EXPECT_EQ(Read(Path("a.html")), server.content.sheet);
  EXPECT_EQ(Wavepost({"allowlist", "--format", "html", "--json"}), 0);
  EXPECT_EQ(json::parse(out())["content_type"], "text/html");
  EXPECT_EQ(Wavepost({"allowlist", "--lang", "fr"}), 2);
  EXPECT_EQ(Wavepost({"allowlist", "--format", "pdf"}), 2);
  EXPECT_EQ(Wavepost({"allowlist", "--output", Path("none/a.md")}), 6);
  terminal = true;
  EXPECT_EQ(Wavepost({"allowlist"}), 0);
  EXPECT_EQ(out(), "# Für die IT\n [2Jx\n");
}

TEST_F(OperatorCommandsTest, NodesSayRegionAndWhatIsSuspended) {
  v1::Node node;
  node.set_name("nodes/sender-0");
  node.set_attached(true);
  v1::EgressIp& eu = *node.add_egress_ips();
  eu.set_address("192.0.2.1");
  eu.set_region("eu");
  v1::EgressIp& bad = *node.add_egress_ips();
  bad.set_address("192.0.2.2");
  bad.set_suspended("not on its machine\x1b[2J");
  server.content.nodes = {node};
  EXPECT_EQ(Wavepost({"nodes"}), 0) << err();
  EXPECT_THAT(out(), HasSubstr("192.0.2.1 (eu), 192.0.2.2 SUSPENDED"));
  EXPECT_THAT(out(), HasSubstr("\n192.0.2.2 of sender-0 is suspended: not on its machine [2J\n"));
  EXPECT_EQ(Wavepost({"nodes", "--json"}), 0);
  const json ips = json::parse(out())["egress_ips"];
  EXPECT_EQ(ips[0]["region"], "eu");
  EXPECT_FALSE(ips[0].contains("suspended"));
  EXPECT_EQ(ips[1]["region"], "default");
  EXPECT_EQ(ips[1]["suspended"], "not on its machine\x1b[2J");
}

TEST_F(OperatorCommandsTest, TenantsUpdateChangesWhatIsGiven) {
  Wavepost({"tenants", "create", "acme", "--display-name", "Acme"});
  EXPECT_EQ(Wavepost({"tenants", "update", "acme", "--fallback-from", "s@neutral.example", "--weight", "2.5"}), 0)
      << err();
  EXPECT_EQ(out(), "acme  Acme  weight 2.5  fallback From s@neutral.example\n");
  EXPECT_EQ(
      Wavepost({"tenants", "update", "tenants/acme", "--fallback-from", "", "--display-name", "Acme Ltd", "--json"}), 0)
      << err();
  EXPECT_EQ(json::parse(out())["display_name"], "Acme Ltd");
  EXPECT_EQ(json::parse(out())["weight"], 2.5);
  EXPECT_FALSE(json::parse(out()).contains("fallback_from_address"));
  EXPECT_THAT(server.content.masks, ElementsAre("weight,fallback_from_address", "display_name,fallback_from_address"));
  EXPECT_EQ(Wavepost({"tenants", "update", "acme"}), 2);
  EXPECT_THAT(err(), HasSubstr("nothing to change"));
  EXPECT_EQ(Wavepost({"tenants", "update", "acme", "--weight", "0"}), 2);
  EXPECT_EQ(Wavepost({"tenants", "update", "acme", "--weight", "1001"}), 2);
  EXPECT_EQ(Wavepost({"tenants", "update", "none", "--weight", "1"}), 4);
  EXPECT_EQ(Wavepost({"tenants", "list", "--json"}), 0);
  EXPECT_EQ(json::parse(out())["tenant"], "tenants/acme");
}

TEST_F(OperatorCommandsTest, TenantsUpdateSaysWhenSoftBouncesSuppress) {
  Wavepost({"tenants", "create", "acme"});
  EXPECT_EQ(Wavepost({"tenants", "update", "acme", "--soft-campaigns", "5"}), 0) << err();
  EXPECT_EQ(out(), "acme  soft bounces suppress after 5 campaigns in 90 days\n");
  EXPECT_EQ(Wavepost({"tenants", "update", "acme", "--soft-window", "30d"}), 0) << err();
  EXPECT_EQ(out(), "acme  soft bounces suppress after 5 campaigns in 30 days\n");  // what is not given stays
  EXPECT_EQ(Wavepost({"tenants", "update", "acme", "--soft-never"}), 0) << err();
  EXPECT_EQ(out(), "acme  soft bounces never suppress\n");
  EXPECT_EQ(Wavepost({"tenants", "update", "acme", "--soft-window", "36h", "--json"}), 0) << err();
  EXPECT_EQ(json::parse(out())["suppression_policy"]["soft_window_s"], 36 * 3600);
  EXPECT_EQ(json::parse(out())["suppression_policy"]["soft_never"], false);
  EXPECT_EQ(server.content.masks.back(), "suppression_policy");
  const size_t calls = server.content.masks.size();
  for (const char* bad : {"90", "0d", "-3d", "1096d", "59m", "soon", ""}) {
    EXPECT_EQ(Wavepost({"tenants", "update", "acme", "--soft-window", bad}), 2) << bad;
  }
  EXPECT_EQ(Wavepost({"tenants", "update", "acme", "--soft-campaigns", "101"}), 2);
  EXPECT_EQ(Wavepost({"tenants", "update", "acme", "--soft-never", "--soft-campaigns", "3"}), 2);
  EXPECT_EQ(server.content.masks.size(), calls);
  EXPECT_EQ(Wavepost({"tenants", "update", "none", "--soft-never"}), 4);
}

TEST_F(OperatorCommandsTest, EventsHaveNamesForAllKinds) {
  const std::vector<std::pair<int, std::string>> kinds = {{v1::Event::DOMAIN_CHANGED, "domain_changed"},
                                                          {v1::Event::KEY_CHANGED, "key_changed"},
                                                          {v1::Event::CERTIFICATE_EXPIRES, "certificate_expires"},
                                                          {v1::Event::IDENTITY_CHANGED, "identity_changed"},
                                                          {99, "kind_99"}};  // of a newer coordinator
  for (const auto& [kind, word] : kinds) {
    v1::Event event;
    event.set_sequence(1);
    event.set_kind(static_cast<v1::Event::Kind>(kind));
    event.set_text("SPF of a.example is missing\x1b[2J");
    server.events = {event};
    EXPECT_EQ(Wavepost({"events"}), 0) << err();
    EXPECT_THAT(out(), HasSubstr("  " + word + "  SPF of a.example is missing [2J\n"));
    EXPECT_EQ(Wavepost({"events", "--json"}), 0);
    EXPECT_EQ(json::parse(out())["kind"], word);
  }
}

}  // namespace
}  // namespace wavepost::cli
