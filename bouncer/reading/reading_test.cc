#include "bouncer/reading/reading.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "bouncer/reading/evidence.h"

namespace wavepost {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using wavepost::v1::BounceClass_Name;

struct KindRow {
  std::string name;
  std::string message;
  wavepost::v1::BounceClass want;
  std::string who = {};
};

class ReadMailKind : public ::testing::TestWithParam<KindRow> {};

TEST_P(ReadMailKind, Is) {
  const Reading reading = ReadMail(GetParam().message);
  ASSERT_EQ(reading.findings.size(), 1u);
  EXPECT_EQ(BounceClass_Name(reading.findings[0].bounce_class), BounceClass_Name(GetParam().want))
      << reading.findings[0].rule;
  EXPECT_EQ(reading.findings[0].final_recipient, GetParam().who);
}

// A feedback report with these fields, about a mail to anna@x.example.
std::string Arf(const std::string& fields) {
  return "From: fbl@y.example\nContent-Type: multipart/report; report-type=feedback-report; "
         "boundary=b\n\n--b\n\nabuse\n"
         "--b\nContent-Type: message/feedback-report\n\n" +
         fields + "\n--b\nContent-Type: message/rfc822\n\nTo: anna@x.example\nSubject: s\n\nbody\n--b--\n";
}

INSTANTIATE_TEST_SUITE_P(
    Feedback, ReadMailKind,
    ::testing::Values(
        KindRow{"Abuse", Arf("Feedback-Type: abuse\nOriginal-Rcpt-To: <eva@x.example>\n"), wavepost::v1::COMPLAINT,
                "eva@x.example"},
        KindRow{"RecipientWithType", Arf("Feedback-Type: abuse\nOriginal-Rcpt-To: rfc822;eva@x.example\n"),
                wavepost::v1::COMPLAINT, "eva@x.example"},
        KindRow{"WhoFromTheOriginal", Arf("Feedback-Type: fraud\n"), wavepost::v1::COMPLAINT, "anna@x.example"},
        KindRow{"Redacted", Arf("Feedback-Type: virus\nOriginal-Rcpt-To: redacted@x.example\n"),
                wavepost::v1::COMPLAINT, "anna@x.example"},
        KindRow{"OptOut", Arf("Feedback-Type: opt-out\nRemoval-Recipient: eva@x.example\n"), wavepost::v1::UNSUBSCRIBE,
                "eva@x.example"},
        KindRow{"NotSpam", Arf("Feedback-Type: not-spam\n"), wavepost::v1::NOT_A_BOUNCE, "anna@x.example"},
        KindRow{"AuthFailure", Arf("Feedback-Type: auth-failure\n"), wavepost::v1::NOT_A_BOUNCE, "anna@x.example"},
        KindRow{"UnknownType", Arf("Feedback-Type: miscategorized\n"), wavepost::v1::COMPLAINT, "anna@x.example"},
        KindRow{"MicrosoftWithoutReport",
                "From: staff@hotmail.com\nSubject: complaint about message from 192.0.2.1\n"
                "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\n"
                "X-HmXmrOriginalRecipient: eva@hotmail.example\nTo: other@x.example\n\nbody\n--b--\n",
                wavepost::v1::COMPLAINT, "eva@hotmail.example"},
        KindRow{"ToOfManyIsNobody",
                "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n"
                "Content-Type: message/feedback-report\n\nFeedback-Type: abuse\n\n--b\nContent-Type: message/rfc822\n\n"
                "To: a@x.example, b@x.example\n\nbody\n--b--\n",
                wavepost::v1::COMPLAINT, ""}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Answers, ReadMailKind,
    ::testing::Values(
        KindRow{"AutoSubmitted", "From: Eva <eva@x.example>\nSubject: hi\nAuto-Submitted: auto-replied\n\nThanks.\n",
                wavepost::v1::AUTO_REPLY, "eva@x.example"},
        KindRow{"OutOfOffice", "From: eva@x.example\nSubject: Out of Office: Survey\n\nBack on Monday.\n",
                wavepost::v1::AUTO_REPLY, "eva@x.example"},
        KindRow{"GermanInEncodedWord",
                "From: eva@x.example\nSubject: =?iso-8859-1?Q?Automatische_R=FCckantwort?=: x\n\nBin da.\n",
                wavepost::v1::AUTO_REPLY, "eva@x.example"},
        KindRow{"Chinese", "From: eva@x.example\nSubject: =?gb2312?B?19S2r7TwuLQ=?=: x\n\n.\n",
                wavepost::v1::AUTO_REPLY, "eva@x.example"},
        KindRow{"AutoreplyField", "From: eva@x.example\nSubject: Re: x\nX-Autoreply: yes\n\nThanks.\n",
                wavepost::v1::AUTO_REPLY, "eva@x.example"},
        KindRow{"HasLeftForGood",
                "From: eva@x.example\nReturn-Path: <>\nSubject: Re: x\nAuto-Submitted: auto-replied\n\n"
                "The mailbox eva@x.example is no longer in use. User unknown.\n",
                wavepost::v1::AUTO_REPLY, "eva@x.example"},
        KindRow{"AwayWordNeedsASecondSign", "From: eva@x.example\nSubject: Absence of evidence\n\nA study.\n",
                wavepost::v1::NOT_A_BOUNCE},
        KindRow{"AwayWordWithJunk", "From: eva@x.example\nSubject: Abwesend\nPrecedence: junk\n\nBis Montag.\n",
                wavepost::v1::AUTO_REPLY, "eva@x.example"},
        KindRow{"BulkAloneIsNewsletter", "From: shop@x.example\nSubject: Offers\nPrecedence: bulk\n\nBuy.\n",
                wavepost::v1::NOT_A_BOUNCE},
        KindRow{"ListMailAboutAutoreplies",
                "From: eva@x.example\nList-Id: <l.x.example>\nSubject: Re: autoreply loops\nPrecedence: list\n\nHm.\n",
                wavepost::v1::NOT_A_BOUNCE},
        KindRow{"CronIsNoAnswer", "From: root@x.example\nSubject: Cron\nAuto-Submitted: auto-generated\n\nok\n",
                wavepost::v1::NOT_A_BOUNCE},
        KindRow{"AutoSubmittedNo", "From: eva@x.example\nSubject: hi\nAuto-Submitted: no\n\nHello.\n",
                wavepost::v1::NOT_A_BOUNCE},
        KindRow{"OnlyTheTextSaysSo",
                "From: eva@x.example\nSubject: Thank you\n\nHello,\nI am out of the\noffice until Monday.\n",
                wavepost::v1::AUTO_REPLY, "eva@x.example"},
        KindRow{"LongLetterIsTyped",
                "From: eva@x.example\nSubject: Plans\n\nI am out of the office.\n" + std::string(3000, 'x'),
                wavepost::v1::NOT_A_BOUNCE},
        KindRow{"UnsubscribeByMail", "From: eva@x.example\nSubject: Unsubscribe\n\n", wavepost::v1::UNSUBSCRIBE,
                "eva@x.example"},
        KindRow{"AppleUnsubscribe",
                "From: eva@x.example\nSubject: unsubscribe\nAuto-Submitted: auto-replied\nX-Apple-Unsubscribe: true\n\n"
                "Apple Mail sent this email to unsubscribe.\n",
                wavepost::v1::UNSUBSCRIBE, "eva@x.example"},
        KindRow{"TalkAboutUnsubscribing", "From: eva@x.example\nSubject: How to unsubscribe\n\nHow?\n",
                wavepost::v1::NOT_A_BOUNCE},
        KindRow{
            "ReadReceipt",
            "From: eva@x.example\nSubject: Read: x\nContent-Type: multipart/report; boundary=b; "
            "report-type=disposition-notification\n\n--b\nContent-Type: message/disposition-notification\n\n"
            "Final-Recipient: rfc822; eva@x.example\nDisposition: manual-action/MDN-sent-manually; displayed\n--b--\n",
            wavepost::v1::NOT_A_BOUNCE}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Challenges, ReadMailKind,
    ::testing::Values(
        KindRow{"SenderAndText",
                "From: eva@x.example via <noreply@boxbe.com>\nSubject: Re: x\n\nYou are listed on my Guest List.\n",
                wavepost::v1::CHALLENGE},
        KindRow{
            "Tmda",
            "From: eva-confirm-1.2@x.example\nSubject: Please confirm your message\nAuto-Submitted: auto-replied\n\n"
            "Please reply to this message.\n",
            wavepost::v1::CHALLENGE},
        KindRow{"SpamArrest",
                "From: eva@x.example\nSubject: Re: x (verifying)\n\nI'm protecting myself from receiving junk mail.\n",
                wavepost::v1::CHALLENGE, "eva@x.example"},
        KindRow{"UolInPortuguese",
                "From: AntiSpam UOL <x@antispam.uol.com.br>\nSubject: Re: x\n\n"
                "Para que sua mensagem seja encaminhada, por favor, clique aqui\n",
                wavepost::v1::CHALLENGE},
        KindRow{"Advertisement", "From: shop@x.example\nSubject: Our challenge/response filter\n\nBuy it.\n",
                wavepost::v1::NOT_A_BOUNCE},
        KindRow{"SubscriptionOfAList",
                "From: l-request@x.example\nList-Id: <l.x.example>\nSubject: confirm your message\n\npending your "
                "confirmation\n",
                wavepost::v1::NOT_A_BOUNCE}),
    [](const auto& row) { return row.param.name; });

constexpr char kToken[] = "abcdefghijklmnopqrstuvwxyz23456";

TEST(ReadMailTest, TokensFromEverywhere) {
  const std::string token = kToken;
  std::string other = token;
  other[0] = 'z';
  std::string third = token;
  third[0] = 'y';
  const Reading reading = ReadMail(
      "To: B+" + token + "@bounce.example\nDelivered-To: b+" + token + "@bounce.example\nX-A: SRS0=ab=cd=x.example=b+" +
      other + "@f.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nx b+" + token +
      "@in.text\n--b\nContent-Type: message/rfc822\n\nList-Unsubscribe: <https://x.example/u/" + third +
      ">,\n\t<mailto:u+" + token +
      "@x.example?subject=unsubscribe>\nMessage-ID: <id@x.example>\n\nb+not@this.one\n--b--\n");
  EXPECT_THAT(reading.tokens, ElementsAre("b+" + token, "b+" + other, "u+" + token, "u+" + third));
  EXPECT_EQ(reading.original_message_id, "id@x.example");
}

TEST(ReadMailTest, NoTokens) {
  const std::string token = kToken;
  EXPECT_THAT(ReadMail("To: bob+" + token + "@x\nCc: b+" + token + "a@x\nX-A: b+" + token.substr(1) + "@x\n\n").tokens,
              IsEmpty());
  std::string many;
  for (char c = 'a'; c <= 'z'; ++c) many += "X-A: b+" + std::string(31, c) + "@x\n";
  EXPECT_EQ(ReadMail(many + "\n").tokens.size(), 10u);
}

TEST(ReadMailTest, MessageIdOfAnAnswer) {
  EXPECT_EQ(ReadMail("In-Reply-To: <a@x> <b@y>\n\n").original_message_id, "b@y");
  EXPECT_EQ(ReadMail("Subject: x\n\n").original_message_id, "");
  EXPECT_LE(ReadMail("In-Reply-To: <" + std::string(1000, 'x') + ">\n\n").original_message_id.size(), 255u);
}

TEST(ReadMailTest, EvidenceSaysWhyAndNotWho) {
  const Reading reading = ReadMail(
      "From: MAILER-DAEMON@x.example\nSubject: failure\n\nHi. This is the program at x.example.\n\n"
      "<anna.b@y.example>:\n550 5.1.1 User unknown, see https://y.example/?t=abcdefghijklmnopqrstuvwxyz23456\n\n"
      "--- Below this line is a copy of the message.\n\nSubject: secret\n");
  EXPECT_THAT(reading.evidence, HasSubstr("***@y.example"));
  EXPECT_THAT(reading.evidence, HasSubstr("550 5.1.1 User unknown"));
  EXPECT_THAT(reading.evidence, Not(HasSubstr("anna")));
  EXPECT_THAT(reading.evidence, Not(HasSubstr("abcdefghijklm")));
  EXPECT_THAT(reading.evidence, Not(HasSubstr("secret")));
  EXPECT_LE(ReadMail("Subject: a\n\n" + std::string(5000, 'x')).evidence.size(), 1024u);
}

struct BlotRow {
  std::string name;
  std::string text;
  std::string want;
};

class BlotText : public ::testing::TestWithParam<BlotRow> {};

TEST_P(BlotText, Is) {
  EXPECT_EQ(Blot(GetParam().text), GetParam().want);
}

constexpr char kNoDigit[] = "abcdefghijklmnopqrstuvwxyzabcde";

INSTANTIATE_TEST_SUITE_P(
    Rows, BlotText,
    ::testing::Values(BlotRow{"Plain", "<ann@x.example>: no", "<***@x.example>: no"},
                      BlotRow{"Quoted", "to \"john \\\"x\\\" doe\"@x.example", "to ***@x.example"},
                      BlotRow{"QuotesAlone", "he said \"no\" and \"why\"", "he said \"no\" and \"why\""},
                      BlotRow{"Apostrophe", "o'brien@x.example don't", "***@x.example don't"},
                      BlotRow{"Percent", "https://x.example/u?e=john.doe%40y.example",
                              "https://x.example/u?e=***%40y.example"},
                      BlotRow{"PercentTwice", "john.doe%2540y.example", "***%2540y.example"},
                      BlotRow{"QuotedPrintable", "john.doe=40y.example", "***=40y.example"},
                      BlotRow{"NoEncodedAt", "size=4096 code=40 50%40", "size=4096 code=40 50%40"},
                      BlotRow{"TokenInUrl", std::string("https://x.example/u/") + kNoDigit, "https://x.example/u/***"},
                      BlotRow{"TokenInReturnPath", std::string("from b+") + kNoDigit + " said", "from b+*** said"},
                      BlotRow{"LongWord", std::string(kNoDigit) + "f", std::string(kNoDigit) + "f"}),
    [](const auto& row) { return row.param.name; });

TEST(ReadMailTest, BlotsBeforeItCuts) {
  const Reading reading = ReadMail("From: MAILER-DAEMON@x.example\nSubject: failure\n\nfailed: 550 " +
                                   std::string(480, '.') + " annabella.longname.of.somebody@y.example\n");
  EXPECT_THAT(reading.evidence, Not(HasSubstr("anna")));
}

TEST(ReadMailTest, StatusTextHasNoTokenOfOurs) {
  const Reading reading = ReadMail(std::string("From: MAILER-DAEMON@x.example\nSubject: failure notice\n\n"
                                               "<ann@y.example>:\n550 5.1.1 user unknown, mail from b+") +
                                   kNoDigit + "@s.example\n");
  ASSERT_EQ(reading.findings.size(), 1u);
  EXPECT_THAT(reading.findings[0].status.text(), HasSubstr("b+***@s.example"));
}

TEST(ReadMailTest, OriginalInTheTextOfAnyProgram) {
  const std::string token = kToken;
  const Reading reading = ReadMail(
      "From: Mail Delivery <noreply@mx.example>\nSubject: Undeliverable: x\n\nYour message could not be delivered to "
      "the following recipients:\n\na@y.example: 550 5.1.1 user unknown\n\n----- Original message -----\n"
      "Return-Path: <b+" +
      token + "@s.example>\nFrom: x@s.example\nTo: a@y.example\nSubject: y\nMessage-ID: <m1@s.example>\n");
  EXPECT_EQ(reading.findings[0].bounce_class, wavepost::v1::HARD);
  EXPECT_THAT(reading.tokens, ElementsAre("b+" + token));
  EXPECT_EQ(reading.original_message_id, "m1@s.example");
}

TEST(ReadMailTest, ProseThatNamesNobodyMarksNobody) {
  const std::string head = "From: postmaster@x.example\nReturn-Path: <>\nSubject: News\n\n";
  EXPECT_EQ(ReadMail(head + "The user is unknown here, no such user.\n").findings[0].bounce_class, wavepost::v1::SOFT);
  EXPECT_EQ(ReadMail(head + "550 5.1.1 no such user.\n").findings[0].bounce_class, wavepost::v1::HARD);
}

TEST(ReadMailTest, AGroupWithoutAnAddressTakesNobodyElses) {
  const auto read = [](const std::string& text, const std::string& groups) {
    return ReadMail(
               "From: MAILER-DAEMON@x.example\nContent-Type: multipart/report; report-type=delivery-status; "
               "boundary=b\n\n--b\n\nThe following addresses failed:\n\n" +
               text + "\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x.example\n\n" + groups +
               "\n--b--\n")
        .findings;
  };
  const std::string known = "Final-Recipient: rfc822; a@y.example\nAction: failed\nStatus: 4.4.1\n\n";
  const std::string nameless = "Final-Recipient: X-local; jdoe\nAction: failed\nStatus: 5.1.1\n\n";
  const auto taken = read("<a@y.example>: timed out\n", known + nameless);
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0].final_recipient, "a@y.example");
  EXPECT_EQ(taken[0].bounce_class, wavepost::v1::SOFT);
  EXPECT_EQ(taken[1].final_recipient, "jdoe");
  EXPECT_EQ(read("<a@y.example>: timed out\n<j@y.example>: no\n", known + nameless)[1].final_recipient, "j@y.example");
  const std::string second = "Final-Recipient: X-local; jim\nAction: failed\nStatus: 5.1.1\n\n";
  EXPECT_EQ(read("<j@y.example>: no\n", nameless + second)[0].final_recipient, "jdoe");
}

TEST(ReadMailTest, AReportThatNobodyCanReadMarksNobody) {
  const std::pair<const char*, wavepost::v1::BounceClass> rows[] = {
      {"", wavepost::v1::SOFT},
      {"Subject: Delivery Status Notification (Failure)\n", wavepost::v1::SOFT},
      {"Subject: Delivery Status Notification (Delay)\n", wavepost::v1::DELAY_NOTICE},
      {"Subject: Successful mail delivery report\n", wavepost::v1::NOT_A_BOUNCE},
  };
  for (const auto& [subject, want] : rows) {
    const Reading reading = ReadMail(std::string(subject) +
                                     "From: a@x.example\nContent-Type: multipart/report; report-type=delivery-status; "
                                     "boundary=b\n\n--b\n\nHm.\n--b--\n");
    ASSERT_EQ(reading.findings.size(), 1u);
    EXPECT_EQ(reading.findings[0].bounce_class, want) << subject;
  }
}

TEST(ReadMailTest, NotificationsOfAmazonSes) {
  const auto read = [](const std::string& event) {
    return ReadMail("From: AWS Notifications <no-reply@sns.amazonaws.com>\nSubject: AWS Notification Message\n\n" +
                    event + "\n\n--\nIf you wish to stop receiving notifications\n")
        .findings;
  };
  const auto bounce = read(
      "{\"notificationType\":\"Bounce\",\"mail\":{},\"bounce\":{\"bounceType\":\"Permanent\",\"bouncedRecipients\":["
      "{\"emailAddress\":\"a@x.example\",\"diagnosticCode\":\"smtp; 550 5.1.1 user unknown\"},"
      "{\"emailAddress\":\"b@x.example\",\"diagnosticCode\":\"smtp; 552 5.2.2 mailbox full\"}]}}");
  ASSERT_EQ(bounce.size(), 2u);
  EXPECT_EQ(bounce[0].bounce_class, wavepost::v1::HARD);
  EXPECT_EQ(bounce[0].final_recipient, "a@x.example");
  EXPECT_EQ(bounce[1].bounce_class, wavepost::v1::SOFT);
  const auto complaint = read(
      "{\"notificationType\":\"Complaint\",\"mail\":{},\"complaint\":{\"complainedRecipients\":["
      "{\"emailAddress\":\"c@x.example\"}]}}");
  ASSERT_EQ(complaint.size(), 1u);
  EXPECT_EQ(complaint[0].bounce_class, wavepost::v1::COMPLAINT);
  EXPECT_EQ(complaint[0].final_recipient, "c@x.example");
  EXPECT_EQ(read("{\"eventType\":\"Delivery\",\"mail\":{}}")[0].bounce_class, wavepost::v1::NOT_A_BOUNCE);
}

struct CombineRow {
  std::string name;
  std::vector<wavepost::v1::BounceClass> classes;
  wavepost::v1::BounceClass want;
};

class CombineFindings : public ::testing::TestWithParam<CombineRow> {};

TEST_P(CombineFindings, Is) {
  std::vector<Finding> findings;
  for (const auto bounce_class : GetParam().classes) {
    findings.emplace_back().bounce_class = bounce_class;
    findings.back().status.set_bounce_class(bounce_class);
  }
  // The order must not matter.
  for (int i = 0; i < 2; ++i) {
    const Finding got = Combine(findings);
    EXPECT_EQ(BounceClass_Name(got.bounce_class), BounceClass_Name(GetParam().want));
    EXPECT_EQ(got.status.bounce_class(), got.bounce_class);
    std::reverse(findings.begin(), findings.end());
  }
}

INSTANTIATE_TEST_SUITE_P(
    Rows, CombineFindings,
    ::testing::Values(
        CombineRow{"One", {wavepost::v1::HARD}, wavepost::v1::HARD},
        CombineRow{"AllHard", {wavepost::v1::HARD, wavepost::v1::HARD}, wavepost::v1::HARD},
        CombineRow{"HardAndDelivered", {wavepost::v1::HARD, wavepost::v1::NOT_A_BOUNCE}, wavepost::v1::SOFT},
        CombineRow{"HardAndDelayed", {wavepost::v1::HARD, wavepost::v1::DELAY_NOTICE}, wavepost::v1::SOFT},
        CombineRow{"HardAndFull", {wavepost::v1::HARD, wavepost::v1::SOFT}, wavepost::v1::SOFT},
        CombineRow{"HardAndPolicy", {wavepost::v1::HARD, wavepost::v1::POLICY}, wavepost::v1::POLICY},
        CombineRow{"DelayedAndDelivered",
                   {wavepost::v1::DELAY_NOTICE, wavepost::v1::NOT_A_BOUNCE},
                   wavepost::v1::DELAY_NOTICE}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace wavepost
