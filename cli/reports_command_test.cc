// wavepost reports, run as a whole against a fake coordinator.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "cli/command_fixture.h"

namespace wavepost::cli {
namespace {

using nlohmann::json;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class ReportsCommandTest : public CommandFixture {
 protected:
  void Source(std::string_view ip, bool ours, int64_t messages, int64_t passed) {
    v1::DmarcSource& source = *server.content.dmarc.add_sources();
    source.set_source_ip(std::string(ip));
    source.set_ours(ours);
    source.set_messages(messages);
    source.set_passed(passed);
    source.mutable_last_day()->set_seconds(1'700'006'400);
    server.content.dmarc.set_messages(server.content.dmarc.messages() + messages);
    server.content.dmarc.set_passed(server.content.dmarc.passed() + passed);
  }
};

TEST_F(ReportsCommandTest, Dmarc) {
  Source("192.0.2.10", true, 1180, 1180);
  Source("203.0.113.9\x1b[31m", false, 20, 0);
  EXPECT_EQ(Wavepost({"reports", "dmarc", "Example.com", "--days", "7"}), 0) << err();
  EXPECT_EQ(server.content.report_parent, "tenants/default/sendingDomains/example.com");
  EXPECT_EQ(server.content.report_days, 7);
  EXPECT_THAT(out(), HasSubstr("1,200 messages in the last 7 days: 1,180 passed DMARC, 20 failed\n"));
  EXPECT_THAT(out(), ContainsRegex("192.0.2.10 +ours +1,180 +1,180 .* 2023-11-15\n"));
  EXPECT_THAT(out(), ContainsRegex("203.0.113.9[^\n]* NOT OURS +20 +0 "));
  EXPECT_THAT(out(), Not(HasSubstr("\x1b")));

  EXPECT_EQ(Wavepost({"reports", "dmarc", "example.com", "--json"}), 0);
  EXPECT_EQ(server.content.report_days, 30);
  EXPECT_EQ(json::parse(out().substr(0, out().find('\n')))["messages"], 1180);
  const std::string lines = out();
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 2);
}

TEST_F(ReportsCommandTest, NothingYetSaysWhereReportsComeFrom) {
  EXPECT_EQ(Wavepost({"reports", "dmarc", "example.com"}), 0) << err();
  EXPECT_THAT(out(), HasSubstr("rua="));
  EXPECT_EQ(Wavepost({"reports", "tls", "domains/bounce.example"}), 0) << err();
  EXPECT_EQ(server.content.report_parent, "domains/bounce.example");
  EXPECT_THAT(out(), HasSubstr("No TLS report"));
  EXPECT_EQ(Wavepost({"reports", "list", "example.com"}), 0) << err();
  EXPECT_THAT(out(), HasSubstr("No report about example.com yet"));
}

TEST_F(ReportsCommandTest, Tls) {
  server.content.tls.set_successful_sessions(5326);
  server.content.tls.set_failed_sessions(3);
  v1::TlsFailure& failure = *server.content.tls.add_failures();
  failure.set_result_type("certificate-expired");
  failure.set_receiving_mx("mx.bounce.example");
  failure.set_sessions(3);
  EXPECT_EQ(Wavepost({"reports", "tls", "domains/bounce.example"}), 0) << err();
  EXPECT_THAT(out(), HasSubstr("5,329 sessions in the last 30 days: TLS failed in 3\n"));
  EXPECT_THAT(out(), ContainsRegex("3 +certificate-expired +mx.bounce.example"));
  EXPECT_EQ(Wavepost({"reports", "tls", "domains/bounce.example", "--json"}), 0);
  EXPECT_EQ(json::parse(out())["failures"][0]["sessions"], 3);
}

TEST_F(ReportsCommandTest, List) {
  v1::AggregateReport& report = *server.content.reports.add_reports();
  report.set_kind(v1::AggregateReport::DMARC);
  report.set_org_name("google.com");
  report.set_report_id("17");
  report.set_total(1200);
  report.set_passed(1180);
  EXPECT_EQ(Wavepost({"reports", "list", "example.com"}), 0) << err();
  EXPECT_THAT(out(), HasSubstr("google.com  1,180 of 1,200 passed  17\n"));
  EXPECT_EQ(Wavepost({"reports", "list", "example.com", "--json"}), 0);
  EXPECT_EQ(json::parse(out())["kind"], "dmarc");
}

TEST_F(ReportsCommandTest, WrongUse) {
  EXPECT_EQ(Wavepost({"reports"}), 2);
  EXPECT_EQ(Wavepost({"reports", "dmarc"}), 2);
  EXPECT_EQ(Wavepost({"reports", "dmarc", "example.com", "--days", "0"}), 2);
  EXPECT_EQ(Wavepost({"reports", "list", "example.com", "--days", "3"}), 2);
}

}  // namespace
}  // namespace wavepost::cli
