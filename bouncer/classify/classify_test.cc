#include "bouncer/classify/classify.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace wavepost {
namespace {

using namespace wavepost::v1;  // NOLINT: the tables below are made of its enumerators

struct Row {
  std::string name;
  std::string action;
  std::string status;
  std::string diagnostic;
  BounceClass bounce_class;
  Reason reason;
  Fault fault;
};

class ClassifyRecipientTest : public ::testing::TestWithParam<Row> {};

TEST_P(ClassifyRecipientTest, Row) {
  const Row& row = GetParam();
  const Finding got = ClassifyRecipient({.final_recipient = "a@example.com",
                                         .action = row.action,
                                         .status = row.status,
                                         .diagnostic = row.diagnostic,
                                         .reporting_mta = "mx.example.com"});
  EXPECT_EQ(BounceClass_Name(got.bounce_class), BounceClass_Name(row.bounce_class));
  EXPECT_EQ(Reason_Name(got.status.reason()), Reason_Name(row.reason));
  EXPECT_EQ(Fault_Name(got.status.fault()), Fault_Name(row.fault));
  EXPECT_EQ(got.status.phase(), "report");
  EXPECT_EQ(got.status.mx_host(), "mx.example.com");
  EXPECT_EQ(got.final_recipient, "a@example.com");
  const bool failure = got.bounce_class == HARD || got.bounce_class == SOFT || got.bounce_class == POLICY;
  EXPECT_EQ(got.status.bounce_class(), failure ? got.bounce_class : BOUNCE_CLASS_UNSPECIFIED);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, ClassifyRecipientTest,
    ::testing::Values(
        // Hard: only what blames the address.
        Row{"UserUnknown", "failed", "5.1.1", "smtp; 550 5.1.1 User unknown", HARD, USER_UNKNOWN, RECIPIENT},
        Row{"UserUnknownByStatusAlone", "failed", "5.1.1", "", HARD, USER_UNKNOWN, RECIPIENT},
        Row{"UserUnknownByTextAlone", "failed", "5.0.0", "smtp; 550 no such user here", HARD, USER_UNKNOWN, RECIPIENT},
        Row{"UserUnknownByLocalDelivery", "failed", "5.1.1", "X-Postfix; unknown user: \"a\"", HARD, USER_UNKNOWN,
            RECIPIENT},
        Row{"UserUnknownWithoutType", "failed", "5.1.1", "550 5.1.1 User unknown", HARD, USER_UNKNOWN, RECIPIENT},
        Row{"NotFoundExchange", "failed", "5.1.10",
            "smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found", HARD, USER_UNKNOWN, RECIPIENT},
        Row{"DomainUnknown", "failed", "5.1.2", "smtp; 550 5.1.2 Bad destination system", HARD, DOMAIN_UNKNOWN,
            RECIPIENT},
        Row{"Disabled", "failed", "5.2.1", "smtp; 550 5.2.1 The email account is disabled", HARD, MAILBOX_DISABLED,
            RECIPIENT},
        Row{"Moved", "failed", "5.1.6", "smtp; 551 5.1.6 moved", HARD, MOVED, RECIPIENT},
        Row{"StatusMorePreciseThanText", "failed", "5.1.1", "smtp; 550 sorry", HARD, USER_UNKNOWN, RECIPIENT},
        // Soft: failed this time.
        Row{"MailboxFull", "failed", "5.2.2", "smtp; 552 5.2.2 over quota", SOFT, MAILBOX_FULL, RECIPIENT},
        Row{"MailboxFullGivenUp", "failed", "4.2.2", "smtp; 452 4.2.2 mailbox full", SOFT, MAILBOX_FULL, RECIPIENT},
        Row{"TransientUnknownUser", "failed", "4.1.1", "smtp; 450 4.1.1 user unknown", SOFT, USER_UNKNOWN, RECIPIENT},
        Row{"PermanentCodeOverTransientStatus", "failed", "4.1.1", "smtp; 550 user unknown", SOFT, USER_UNKNOWN,
            RECIPIENT},
        // Policy: no mark on the address.
        Row{"Spam", "failed", "5.7.1", "smtp; 550 5.7.1 Message rejected as spam", POLICY, SPAM, CONTENT_FAULT},
        Row{"Blocked", "failed", "5.7.1", "smtp; 554 5.7.1 Client host [192.0.2.1] blocked using zen.dnsbl.example",
            POLICY, BLOCKED_IP, SENDER},
        Row{"TooLarge", "failed", "5.3.4", "smtp; 552 5.3.4 Message size exceeds limit", POLICY, TOO_LARGE,
            CONTENT_FAULT},
        Row{"StatusSaysUnknownTextSaysBlocked", "failed", "5.1.1",
            "smtp; 550 5.7.1 Client host [192.0.2.1] blocked using zen.dnsbl.example", POLICY, BLOCKED_IP, SENDER},
        // Not failures.
        Row{"Delayed", "delayed", "4.4.1", "smtp; connection timed out", DELAY_NOTICE, NETWORK, NETWORK_FAULT},
        Row{"DelayedWithPermanentText", "delayed", "4.2.2", "smtp; 550 5.1.1 user unknown", DELAY_NOTICE, USER_UNKNOWN,
            RECIPIENT},
        Row{"Delivered", "delivered", "2.1.5", "smtp; 250 OK", NOT_A_BOUNCE, REASON_UNSPECIFIED, FAULT_UNSPECIFIED},
        Row{"Relayed", "relayed", "2.1.9", "", NOT_A_BOUNCE, REASON_UNSPECIFIED, FAULT_UNSPECIFIED},
        Row{"Expanded", "expanded", "2.0.0", "", NOT_A_BOUNCE, REASON_UNSPECIFIED, FAULT_UNSPECIFIED},
        // Careless reports.
        Row{"NoActionPermanent", "", "5.1.1", "", HARD, USER_UNKNOWN, RECIPIENT},
        Row{"NoActionTransient", "", "4.2.2", "", DELAY_NOTICE, MAILBOX_FULL, RECIPIENT},
        Row{"NoActionSuccess", "", "2.0.0", "", NOT_A_BOUNCE, REASON_UNSPECIFIED, FAULT_UNSPECIFIED},
        Row{"NothingKnown", "", "", "smtp; 550 5.1.1 user unknown", NOT_A_BOUNCE, REASON_UNSPECIFIED,
            FAULT_UNSPECIFIED},
        Row{"FailureAsAction", "failure", "5.1.1", "", HARD, USER_UNKNOWN, RECIPIENT}),
    [](const auto& row) { return row.param.name; });

TEST(ClassifyRecipientTest, NothingButFailedNeverBlamesTheAddress) {
  for (const char* diagnostic : {"smtp; 550 no", "smtp; 554 5.0.0 transaction failed", "", "nonsense"}) {
    const Finding got = ClassifyRecipient({.action = "failed", .status = "5.0.0", .diagnostic = diagnostic});
    EXPECT_NE(got.bounce_class, HARD) << diagnostic;
    EXPECT_NE(got.status.fault(), RECIPIENT) << diagnostic;
  }
}

TEST(ClassifyRecipientTest, KeepsWhatTheHostSaid) {
  const Finding got = ClassifyRecipient({.original_recipient = "o@example.com",
                                         .action = "failed",
                                         .status = "5.0.0",
                                         .diagnostic = "smtp; 550 5.1.1 no \x01such user",
                                         .remote_mta = "r.example.com"});
  EXPECT_EQ(got.status.code(), 550);
  EXPECT_EQ(got.status.enhanced_code(), "5.1.1");
  EXPECT_EQ(got.status.text(), "550 5.1.1 no  such user");
  EXPECT_EQ(got.status.mx_host(), "r.example.com");
  EXPECT_EQ(got.final_recipient, "o@example.com");
}

}  // namespace
}  // namespace wavepost
