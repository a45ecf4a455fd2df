#include "bouncer/formats/ses_notification.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace wavepost {
namespace {

std::optional<SesNotification> Read(std::string text) {
  Document document;
  document.texts.push_back({.text = std::move(text)});
  return ReadSesNotification(document);
}

std::string Bounce(const std::string& kind, const std::string& recipient) {
  return absl::StrCat("{\"notificationType\":\"Bounce\",\"mail\":{},\"bounce\":{", kind, ",\"bouncedRecipients\":[",
                      recipient, "]}}");
}

TEST(SesNotificationTest, Bounces) {
  struct Row {
    const char* name;
    std::string text;
    const char* status;
    const char* diagnostic;
  };
  const std::string address = "{\"emailAddress\":\"jane@example.com\"";
  const Row rows[] = {
      {"diagnostic",
       Bounce("\"bounceType\":\"Permanent\",\"bounceSubType\":\"General\"",
              address + ",\"action\":\"failed\",\"status\":\"5.1.1\",\"diagnosticCode\":\"smtp; 550 5.1.1 "
                        "no such user\"}"),
       "5.1.1", "smtp; 550 5.1.1 no such user"},
      {"suppressed", Bounce("\"bounceType\":\"Permanent\",\"bounceSubType\":\"Suppressed\"", address + "}"), "5.1.1",
       ""},
      {"general", Bounce("\"bounceType\":\"Permanent\",\"bounceSubType\":\"General\"", address + "}"), "5.0.0", ""},
      {"full", Bounce("\"bounceType\":\"Transient\",\"bounceSubType\":\"MailboxFull\"", address + "}"), "5.2.2", ""},
      {"transient", Bounce("\"bounceType\":\"Transient\",\"bounceSubType\":\"General\"", address + "}"), "4.0.0", ""},
      {"transient with a hard code",
       Bounce("\"bounceType\":\"Transient\",\"bounceSubType\":\"General\"", address + ",\"status\":\"5.1.1\"}"),
       "4.0.0", ""},
      {"undetermined", Bounce("\"bounceType\":\"Undetermined\"", address + "}"), "5.0.0", ""},
      {"with a foot",
       Bounce("\"bounceType\":\"Permanent\",\"bounceSubType\":\"NoEmail\"", address + "}") +
           "\n\n--\nIf you wish to stop receiving notifications ...\n",
       "5.1.1", ""},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const auto read = Read(row.text);
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->kind, SesNotification::Kind::kBounce);
    ASSERT_EQ(read->groups.size(), 1u);
    EXPECT_EQ(read->groups[0].final_recipient, "jane@example.com");
    EXPECT_EQ(read->groups[0].action, "failed");
    EXPECT_EQ(read->groups[0].status, row.status);
    EXPECT_EQ(read->groups[0].diagnostic, row.diagnostic);
  }
}

TEST(SesNotificationTest, ComplaintsAndTheRest) {
  const auto complaint = Read(
      "{\"Type\":\"Notification\",\"Message\":\"{\\\"notificationType\\\":\\\"Complaint\\\",\\\"mail\\\":{},"
      "\\\"complaint\\\":{\\\"complaintFeedbackType\\\":\\\"abuse\\\",\\\"complainedRecipients\\\":"
      "[{\\\"emailAddress\\\":\\\"jo@example.net\\\"}]}}\"}");
  ASSERT_TRUE(complaint.has_value());
  EXPECT_EQ(complaint->kind, SesNotification::Kind::kComplaint);
  EXPECT_EQ(complaint->complaint_type, "abuse");
  ASSERT_EQ(complaint->groups.size(), 1u);
  EXPECT_EQ(complaint->groups[0].final_recipient, "jo@example.net");

  const auto delivery = Read("{\"eventType\":\"Delivery\",\"mail\":{},\"delivery\":{}}");
  ASSERT_TRUE(delivery.has_value());
  EXPECT_EQ(delivery->kind, SesNotification::Kind::kOther);
}

TEST(SesNotificationTest, WhatIsNone) {
  std::string deep = "{\"notificationType\":\"Bounce\",\"mail\":{},\"x\":";
  deep.append(100'000, '[').append(100'000, ']').append("}");
  for (const std::string& text :
       {std::string(), std::string("Hello"), std::string("{"), std::string("{}"), std::string("{\"a\":1}"),
        std::string("{\"notificationType\":\"Bounce\"}"), std::string("{\"notificationType\":7,\"mail\":{}}"),
        std::string("text {\"notificationType\":\"Bounce\",\"mail\":{}}"), std::string("{\"Message\":\"x\"}"), deep}) {
    EXPECT_FALSE(Read(text).has_value()) << text.substr(0, 80);
  }
  // Bounces of nobody, of numbers.
  for (const char* recipients : {"", "7", "{\"emailAddress\":7}", "[]"}) {
    const auto read = Read(Bounce("\"bounceType\":1", recipients));
    ASSERT_TRUE(read.has_value()) << recipients;
    for (const ReportedRecipient& group : read->groups) EXPECT_EQ(group.final_recipient, "");
  }
}

}  // namespace
}  // namespace wavepost
