#include "common/mail/header_policy.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "common/mail/message.h"
#include "common/mail/parsed_message_test_util.h"

namespace wavepost {
namespace {

TEST(HeaderPolicyTest, RefusesWhatIsNotTheCampaignsToSet) {
  const std::string kNames[] = {"From", "to", "SUBJECT", "Reply-To", "Date", "Message-ID", "message-id", "MIME-Version",
                                // recipients and reports
                                "Sender", "Cc", "Bcc", "bCC", "Resent-To", "Resent-Bcc", "Resent-From", "Apparently-To",
                                "Errors-To", "Return-Receipt-To", "Disposition-Notification-To",
                                // what servers write
                                "Received", "Received-SPF", "X-Received", "Return-Path", "Delivered-To",
                                "X-Original-To", "Envelope-To", "X-Envelope-From", "Delivery-Date",
                                "Original-Recipient", "Authentication-Results", "Authentication-Results-Original",
                                // signatures
                                "DKIM-Signature", "dkim-signature", "DomainKey-Signature", "ARC-Seal",
                                "ARC-Message-Signature", "ARC-Authentication-Results",
                                // the body is ours
                                "Content-Type", "content-transfer-encoding", "Content-Disposition", "Content-ID",
                                "Content-Anything",
                                // kept for us
                                "X-Wavepost-Id", "x-wavepost-x",
                                // no names
                                "", "X Y", "X:Y", "X\r\nY", "X\nBcc", std::string("X\0Y", 3), "X-\xC3\xBC", "X\t", " X",
                                "X-\x7F", std::string(65, 'X')};
  for (const std::string& name : kNames) {
    EXPECT_EQ(CheckCustomHeaderName(name).code(), absl::StatusCode::kInvalidArgument) << name;
    ContentSpec spec = SpecForTest();
    spec.headers = {{name, "x"}};
    const auto compiled = MessageTemplate::Compile(spec);
    EXPECT_EQ(compiled.status().code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_TRUE(absl::StartsWith(compiled.status().message(), "header ")) << compiled.status();
  }
}

TEST(HeaderPolicyTest, AllowsTheRest) {
  for (const char* name : {"X-Survey", "List-Unsubscribe", "List-Id", "List-Help", "Feedback-ID", "Auto-Submitted",
                           "Precedence", "Importance", "Comments", "In-Reply-To", "X-Auto-Response-Suppress",
                           "X-MS-Exchange-Organization-SkipSafeLinksProcessing"}) {
    EXPECT_TRUE(CheckCustomHeaderName(name).ok()) << name;
    ContentSpec spec = SpecForTest();
    spec.headers = {{name, "1"}};
    const auto message = RenderForTest(spec, {"", "Jo", ""});
    ASSERT_TRUE(message.ok()) << message.status();
    EXPECT_EQ(ParsedMessage(*message).Header(name), "1");
  }
  EXPECT_TRUE(CheckCustomHeaderName("List-Unsubscribe-Post").ok());
}

}  // namespace
}  // namespace wavepost
