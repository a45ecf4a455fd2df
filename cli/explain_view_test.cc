#include "cli/explain_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wavepost::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

v1::PathExplanation Path() {
  v1::PathExplanation path;
  path.set_node("nodes/sender-0");
  path.set_egress_ip("192.0.2.1");
  path.set_domain("example.com");
  path.set_site("google");
  path.set_provider("google");
  for (const char* host : {"mx1.example.com", "mx2.example.com", "mx3.example.com", "mx4.example.com"}) {
    path.add_mx_hosts(host);
  }
  path.set_connections_open(2);
  path.set_connections_max(5);
  path.set_messages_per_connection(50);
  path.set_messages_per_second(2.5);
  path.set_limits_source("starting values");
  path.set_tls_policy("opportunistic");
  path.set_summary("is sent with the next free connection");
  return path;
}

TEST(ExplainTextTest, SaysWhereLimitsAndWhatNext) {
  v1::ExplainResponse response;
  *response.add_paths() = Path();
  EXPECT_EQ(ExplainText("jane@example.com", response),
            "jane@example.com from 192.0.2.1 (sender-0)\n"
            "  site       google\n"
            "  hosts      mx1.example.com, mx2.example.com, mx3.example.com and 1 more\n"
            "  limits     2 of 5 connections open, 50 messages each, 2.5 messages a second (starting values)\n"
            "  TLS        opportunistic\n"
            "  next       is sent with the next free connection\n");
}

TEST(ExplainTextTest, SaysWhatItWaitsForAndUntilWhen) {
  v1::ExplainResponse response;
  v1::PathExplanation path = Path();
  path.set_warm_up_cap(500);
  path.set_warm_up_used(120);
  path.mutable_stopped_until()->set_seconds(1'800'000'000);
  path.set_stopped_reason("throttled");
  path.set_greylist("waiting for the appointment");
  v1::Pause& pause = *path.add_pauses();
  pause.set_name("pauses/3");
  pause.mutable_selector()->set_domain("example.com");
  pause.set_reason("maintenance there");
  v1::WaitingRecipient& waiting = *path.add_waiting();
  waiting.set_recipient("w1-5");
  waiting.set_address("jane@example.com");
  waiting.set_attempts(2);
  waiting.set_waits_for("greylisting: appointment");
  waiting.mutable_status()->set_code(451);
  waiting.mutable_status()->set_text("4.7.1 come \x1b[31mback");
  *response.add_paths() = path;
  response.add_silent_nodes("nodes/sender-7");
  const std::string text = ExplainText("jane@example.com", response);
  EXPECT_THAT(text, HasSubstr("  warm-up    120 of 500 today\n"));
  EXPECT_THAT(text, HasSubstr("  stopped    until 20"));
  EXPECT_THAT(text, HasSubstr(": throttled\n"));
  EXPECT_THAT(text, HasSubstr("  paused     pauses/3 (domain example.com), until it is resumed: maintenance there\n"));
  EXPECT_THAT(text, HasSubstr("  waits      jane@example.com (w1-5): greylisting: appointment, tried 2 times\n"));
  EXPECT_THAT(text, HasSubstr("last word: 451 4.7.1 come"));
  EXPECT_THAT(text, HasSubstr("No answer from: sender-7\n"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(ExplainTextTest, NoHostAndNobody) {
  v1::ExplainResponse response;
  EXPECT_THAT(ExplainText("a@b.example", response), HasSubstr("No sender has anything to say about a@b.example"));
  v1::PathExplanation path = Path();
  path.set_dns_problem("no such domain");
  *response.add_paths() = path;
  EXPECT_THAT(ExplainText("a@b.example", response), HasSubstr("  hosts      no host: no such domain\n"));
}

}  // namespace
}  // namespace wavepost::cli
