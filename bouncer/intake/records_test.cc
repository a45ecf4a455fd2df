#include "bouncer/intake/records.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "bouncer/aggregate/aggregate.h"

namespace wavepost {
namespace {

using cluster::v1::BounceReport;

constexpr char kDsn[] =
    "Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n\r\n--x\r\n"
    "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.com\r\n\r\n"
    "Final-Recipient: rfc822; somebody.else@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    "Diagnostic-Code: smtp; 550 5.1.1 unknown user\r\n\r\n--x--\r\n";

const TokenKeys& Keys() {
  static const TokenKeys keys = TokenKeys::ForTest();
  return keys;
}

std::string BLocal(RecipientId id) {
  return absl::StrCat("b+", MakeToken(Keys(), id, 1));
}
std::string ULocal(RecipientId id) {
  return absl::StrCat("u+", UnsubscribeToken(MakeToken(Keys(), id, 1)).value());
}

// A complaint about a mail whose header `original` is.
std::string Complaint(const std::string& original) {
  return absl::StrCat(
      "From: <fbl@provider.example>\r\nSubject: complaint\r\n"
      "Content-Type: multipart/report; report-type=feedback-report; boundary=x\r\n\r\n--x\r\n"
      "Content-Type: text/plain\r\n\r\nThis is an abuse report.\r\n--x\r\n"
      "Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nUser-Agent: p/1\r\nVersion: "
      "1\r\n\r\n--x\r\n"
      "Content-Type: message/rfc822\r\n\r\n",
      original, "Subject: hello\r\n\r\nhello\r\n--x--\r\n");
}

TEST(RecordsTest, TheEnvelopesTokenNamesTheRecipient) {
  const absl::Time now = absl::FromUnixMicros(1'777'968'001'000'250);
  const auto records = RecordsOfMail(kDsn, {.recipients = {{1, 2}, {3, 4}}}, Keys(), now);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(RecipientId::FromPacked(records[0].recipient_id()), (RecipientId{1, 2}));
  EXPECT_EQ(RecipientId::FromPacked(records[1].recipient_id()), (RecipientId{3, 4}));
  EXPECT_EQ(records[0].bounce_class(), v1::HARD);
  EXPECT_EQ(records[0].status().phase(), "report");
  EXPECT_EQ(records[0].status().mx_host(), "mx.example.com");
  EXPECT_EQ(records[0].final_recipient(), "somebody.else@example.com");
  EXPECT_EQ(records[0].source(), BounceReport::RETURN_PATH);
  EXPECT_EQ(records[0].time().seconds(), 1'777'968'001);
  EXPECT_EQ(records[0].time().nanos(), 250'000);
  EXPECT_EQ(records[0].sequence(), 0);
}

TEST(RecordsTest, WhatIsNoReportIsRecordedToo) {
  const auto records =
      RecordsOfMail("Subject: hello\r\n\r\nhello\r\n", {.recipients = {{1, 2}}}, Keys(), absl::UnixEpoch());
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].bounce_class(), v1::NOT_A_BOUNCE);
  EXPECT_EQ(RecordsOfMail("", {.recipients = {{1, 2}}}, Keys(), absl::UnixEpoch()).size(), 1u);
}

TEST(RecordsTest, WhoUnsubscribesDoesWhateverTheMailSays) {
  const auto records =
      RecordsOfMail(kDsn, {.recipients = {{1, 2}}, .unsubscribes = {{3, 4}}}, Keys(), absl::UnixEpoch());
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].bounce_class(), v1::HARD);
  EXPECT_EQ(RecipientId::FromPacked(records[1].recipient_id()), (RecipientId{3, 4}));
  EXPECT_EQ(records[1].bounce_class(), v1::UNSUBSCRIBE);
  EXPECT_EQ(records[1].source(), BounceReport::UNSUBSCRIBE_MAIL);
  EXPECT_TRUE(records[1].final_recipient().empty());
}

TEST(RecordsTest, MailForPeopleMakesNoRecord) {
  EXPECT_TRUE(RecordsOfMail(kDsn, {.keep = true}, Keys(), absl::UnixEpoch()).empty());
}

TEST(RecordsTest, AComplaintNamesItsRecipientByATokenInside) {
  struct Row {
    const char* name;
    std::string original;
    uint64_t recipient;
  };
  const std::string forged = std::string("b+") + std::string(31, 'a');
  const Row rows[] = {
      {"return path", absl::StrCat("Return-Path: <", BLocal({5, 6}), "@b.example>\r\n"), RecipientId{5, 6}.packed()},
      {"unsubscribe link", absl::StrCat("List-Unsubscribe: <mailto:", ULocal({5, 7}), "@b.example>\r\n"),
       RecipientId{5, 7}.packed()},
      {"forged", absl::StrCat("Return-Path: <", forged, "@b.example>\r\n"), 0},
      {"none", "From: <a@b.example>\r\n", 0},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const auto records = RecordsOfMail(Complaint(row.original), {.feedback = true}, Keys(), absl::UnixEpoch());
    ASSERT_EQ(records.size(), 1u);
    EXPECT_EQ(records[0].recipient_id(), row.recipient);
    EXPECT_EQ(records[0].bounce_class(), v1::COMPLAINT);
    EXPECT_EQ(records[0].source(), BounceReport::FEEDBACK_LOOP);
  }
}

TEST(RecordsTest, TokensOfSeveralRecipientsNameNobody) {
  EXPECT_EQ(RecipientOfTokens(Keys(), {BLocal({1, 1}), BLocal({1, 1})}), (RecipientId{1, 1}));
  EXPECT_EQ(RecipientOfTokens(Keys(), {BLocal({1, 1}), BLocal({1, 2})}), std::nullopt);
  EXPECT_EQ(RecipientOfTokens(Keys(), {ULocal({1, 1}), ULocal({1, 2})}), std::nullopt);
  EXPECT_EQ(RecipientOfTokens(Keys(), {ULocal({1, 1}), BLocal({1, 2})}), (RecipientId{1, 2}));
  EXPECT_EQ(RecipientOfTokens(Keys(), {}), std::nullopt);
  // Each token is good for its own purpose only.
  EXPECT_EQ(RecipientOfLocalPart(Keys(), "u+" + BLocal({1, 1}).substr(2)), std::nullopt);
  EXPECT_EQ(RecipientOfLocalPart(Keys(), "b+" + ULocal({1, 1}).substr(2)), std::nullopt);
}

TEST(RecordsTest, IngestTakesTheEnvelopeFirst) {
  const auto by_envelope = RecordsOfIngest(kDsn, BLocal({8, 9}) + "@b.example", Keys(), absl::UnixEpoch());
  ASSERT_EQ(by_envelope.size(), 1u);
  EXPECT_EQ(RecipientId::FromPacked(by_envelope[0].recipient_id()), (RecipientId{8, 9}));
  EXPECT_EQ(by_envelope[0].bounce_class(), v1::HARD);
  EXPECT_EQ(by_envelope[0].source(), BounceReport::INGEST);

  const auto unsubscribe = RecordsOfIngest(kDsn, ULocal({8, 9}) + "@b.example", Keys(), absl::UnixEpoch());
  ASSERT_EQ(unsubscribe.size(), 1u);
  EXPECT_EQ(unsubscribe[0].bounce_class(), v1::UNSUBSCRIBE);

  for (const char* envelope : {"", "bounces@platform.example", "b+forged@b.example"}) {
    const auto nobody = RecordsOfIngest(kDsn, envelope, Keys(), absl::UnixEpoch());
    ASSERT_EQ(nobody.size(), 1u) << envelope;
    EXPECT_EQ(nobody[0].recipient_id(), 0u);
    EXPECT_EQ(nobody[0].bounce_class(), v1::HARD);
    EXPECT_EQ(nobody[0].final_recipient(), "somebody.else@example.com");
  }
}

TEST(RecordsTest, WhatIsNoAggregateReportSaysSo) {
  const BounceReport record = RecordOfAggregate("Subject: hi\r\n\r\nhi\r\n", absl::UnixEpoch());
  EXPECT_EQ(record.recipient_id(), 0u);
  EXPECT_EQ(record.bounce_class(), v1::NOT_A_BOUNCE);
  EXPECT_EQ(record.source(), BounceReport::AGGREGATE_MAIL);
  EXPECT_NE(record.status().text().find("no readable"), std::string::npos);
}

}  // namespace
}  // namespace wavepost
