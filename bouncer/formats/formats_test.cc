// One row per family of mail systems: texts of our own in the form in which the family writes.
#include "bouncer/formats/formats.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "bouncer/classify/classify.h"

namespace wavepost {
namespace {

struct FormatRow {
  std::string name;
  std::string header;  // more fields, "name: value" lines; From is mailer-daemon@relay.example if it says none
  std::string text;
  std::string want;  // "address class; ..." or empty: no bounce
  std::string format = {};
};

Document MakeDocument(const FormatRow& row) {
  Document document;
  document.content_type = "text/plain";
  std::string_view rest = row.header;
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    const size_t colon = line.find(": ");
    document.headers.fields.push_back({std::string(line.substr(0, colon)), std::string(line.substr(colon + 2))});
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  if (!document.headers.Has("from")) document.headers.fields.push_back({"from", "mailer-daemon@relay.example"});
  if (!document.headers.Has("to")) document.headers.fields.push_back({"to", "news@sender.example"});
  document.texts.push_back({.text = row.text, .was_html = false});
  return document;
}

std::string Shown(const std::vector<ReportedRecipient>& groups) {
  std::vector<std::string> shown;
  for (const ReportedRecipient& group : groups) {
    const Finding finding = ClassifyRecipient(group);
    std::string name = wavepost::v1::BounceClass_Name(finding.bounce_class);
    if (name == "POLICY") name = "SOFT";
    shown.push_back(absl::StrCat(finding.final_recipient, " ", name));
  }
  return absl::StrJoin(shown, "; ");
}

class ReadTextBounceTest : public ::testing::TestWithParam<FormatRow> {};

TEST_P(ReadTextBounceTest, Reads) {
  const FormatRow& row = GetParam();
  const std::vector<ReportedRecipient> groups = ReadTextBounce(MakeDocument(row));
  EXPECT_EQ(Shown(groups), row.want);
  if (!row.format.empty()) {
    ASSERT_FALSE(groups.empty());
    EXPECT_EQ(groups.front().format, row.format);
  }
}

const FormatRow kFamilies[] = {
    {"EximUnknown", "subject: Mail delivery failed: returning message to sender",
     "This message was created automatically by mail delivery software.\n\nA message that you sent could not be "
     "delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n"
     "  ann@mail.example\n    host mx.mail.example [192.0.2.7]\n    SMTP error from remote mail server after RCPT "
     "TO:<ann@mail.example>:\n    550 No such person at this address\n\n------ This is a copy of the message ------\n\n"
     "Return-path: <news@sender.example>\nTo: ann@mail.example\n",
     "ann@mail.example HARD", "exim"},
    {"EximTwo", "subject: Mail delivery failed: returning message to sender",
     "A message that you sent could not be delivered to one or more of its\nrecipients. The following address(es) "
     "failed:\n\n  ann@mail.example\n    mailbox is full: retry timeout exceeded\n  bob@mail.example\n    Unrouteable "
     "address\n",
     "ann@mail.example SOFT; bob@mail.example HARD", "exim"},
    {"EximDelay", "subject: Warning: message 1abc delayed 24 hours",
     "A message that you sent has not yet been delivered to one or more of its\nrecipients after more than 24 hours on "
     "the queue on relay.example.\n\nThe address to which the message has not yet been delivered is:\n\n  "
     "ann@mail.example\n    Delay reason: connection timed out\n\nNo action is required on your part. Eventually the "
     "mail delivery software will give up,\n",
     "ann@mail.example DELAY_NOTICE", "exim-delay"},
    {"Qmail", "subject: failure notice",
     "Hi. This is the qmail-send program at relay.example.\nI'm afraid I wasn't able to deliver your message to the "
     "following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n"
     "<ann@mail.example>:\n192.0.2.9 does not like recipient.\nRemote host said: 550 5.1.1 unknown\nGiving up on "
     "192.0.2.9.\n\n<bob@mail.example>:\nUser is over the quota. You can try again later. (#5.2.2)\n\n--- Below this "
     "line is a copy of the message.\n\nTo: zoe@mail.example\n",
     "ann@mail.example HARD; bob@mail.example SOFT", "qmail"},
    {"QmailNoHost", "subject: failure notice",
     "Hi. This is the qmail-send program at relay.example.\n\n<ann@gone.example>:\nSorry, I couldn't find any host "
     "named "
     "gone.example. (#5.1.2)\n",
     "ann@gone.example HARD"},
    {"QmailTriedTooLong", "subject: failure notice",
     "Hi. This is the qmail-send program at relay.example.\n\n<ann@mail.example>:\nI'm not going to try again; this "
     "message has been in the queue too long.\n",
     "ann@mail.example SOFT"},
    {"SendmailOld", "subject: Returned mail: User unknown",
     "The original message was received at Mon, 5 Jan 2004 10:00:00 +0100\nfrom host [192.0.2.3]\n\n   ----- The "
     "following "
     "addresses had permanent fatal errors -----\n<ann@mail.example>\n\n   ----- Transcript of session follows "
     "-----\n... "
     "while talking to mx.mail.example.:\n>>> RCPT To:<ann@mail.example>\n<<< 550 <ann@mail.example>... User "
     "unknown\n550 "
     "<ann@mail.example>... User unknown\n\n   ----- Original message follows -----\nTo: ann@mail.example\n",
     "ann@mail.example HARD", "sendmail"},
    {"SendmailWarning", "subject: Warning: could not send message for past 4 hours",
     "    **********************************************\n    **      THIS IS A WARNING MESSAGE ONLY      **\n    **  "
     "YOU "
     "DO NOT NEED TO RESEND YOUR MESSAGE  **\n\n   ----- The following addresses had transient non-fatal errors "
     "-----\n<ann@mail.example>\n\n   ----- Transcript of session follows -----\n<ann@mail.example>... Deferred: "
     "Connection "
     "timed out\nWarning: message still undelivered after 4 hours\nWill keep trying until message is 5 days old\n",
     "ann@mail.example DELAY_NOTICE"},
    {"PostfixOld", "subject: Undelivered Mail Returned to Sender",
     "This is the Postfix program at host relay.example.\n\nI'm sorry to have to inform you that the message returned\n"
     "below could not be delivered to one or more destinations.\n\nFor further assistance, please contact "
     "<postmaster@relay.example>\n\n<ann@mail.example>: host mx.mail.example[192.0.2.1] said: 554\n    "
     "<ann@mail.example>: Recipient address rejected: User unknown in\n    virtual mailbox table\n",
     "ann@mail.example HARD", "postfix"},
    {"PostfixTryAgain", "subject: Undelivered Mail Returned to Sender",
     "This is the mail system at host relay.example.\n\nI'm sorry to have to inform you that your message could "
     "not\nbe "
     "delivered to one or more recipients.\n\n<ann@mail.example>: Host or domain name not found. Name service error "
     "for\n "
     "   name=mail.example type=MX: Host not found, try again\n",
     "ann@mail.example SOFT"},
    {"ExchangeIms", "subject: Undeliverable: News\nfrom: System Administrator <postmaster@mail.example>",
     "Your message\n\n  To:      ann@mail.example\n  Subject: News\n  Sent:    Mon, 5 Jan 2004 10:00:00 +0100\n\ndid "
     "not "
     "reach the following recipient(s):\n\nann@mail.example on Mon, 5 Jan 2004 10:00:05 +0100\n    The recipient name "
     "is "
     "not recognized\n\tThe MTS-ID of the original message is: c=us;a= ;p=mail;l=X1\n    MSEXCH:IMS:MAIL:SITE:SERVER 0 "
     "(000C05A6) Unknown Recipient\n",
     "ann@mail.example HARD", "exchange-ims"},
    {"Exchange2007", "subject: Undeliverable: News\nfrom: Microsoft Exchange <postmaster@mail.example>",
     "Delivery has failed to these recipients or distribution lists:\n\nann@mail.example<mailto:ann@mail.example>\nThe "
     "recipient's mailbox is full and can't accept messages now.\n\nDiagnostic information for "
     "administrators:\n\nGenerating server: relay.example\n\nann@mail.example\n#552 5.2.2 mailbox full ##\n\nOriginal "
     "message headers:\n\nReceived: from x\n",
     "ann@mail.example SOFT", "exchange"},
    {"ExchangeFrench", "subject: Non remis : Lettre\nfrom: Microsoft Outlook <postmaster@mail.example>",
     "Échec de la remise aux destinataires ou listes de distribution suivants :\n\nann@mail.example\nL'adresse de "
     "messagerie que vous avez entrée est introuvable.\n\nInformations de diagnostic pour les administrateurs "
     ":\n\nServeur "
     "de génération : relay.example\n\nann@mail.example\n#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##\n",
     "ann@mail.example HARD", "exchange"},
    {"Google",
     "subject: Delivery Status Notification (Failure)\nfrom: Mail Delivery Subsystem <mailer-daemon@g.example>",
     "Delivery to the following recipient failed permanently:\n\n     ann@mail.example\n\nTechnical details of "
     "permanent "
     "failure:\nGoogle tried to deliver your message, but it was rejected by the server for the recipient domain "
     "mail.example by mx.mail.example. [192.0.2.1].\n\nThe error that the other server returned was:\n550 5.1.1 "
     "unknown "
     "user\n\n----- Original message -----\n\nTo: ann@mail.example\n",
     "ann@mail.example HARD", "google"},
    {"GoogleDelay", "subject: Delivery Status Notification (Delay)",
     "THIS IS A WARNING MESSAGE ONLY.\n\nYOU DO NOT NEED TO RESEND YOUR MESSAGE.\n\nDelivery to the following "
     "recipient has "
     "been delayed:\n\n     ann@mail.example\n\nMessage will be retried for 1 more day(s)\n",
     "ann@mail.example DELAY_NOTICE", "google-delay"},
    {"Yahoo", "subject: Failure Notice\nfrom: MAILER-DAEMON@y.example",
     "Sorry, we were unable to deliver your message to the following address.\n\n<ann@mail.example>:\nRemote host "
     "said:\n554 delivery error: dd This user doesn't have a mail.example account\n\n--- Below this line is a copy of "
     "the "
     "message.\n",
     "ann@mail.example HARD", "yahoo"},
    {"Domino", "subject: DELIVERY FAILURE: User ann (ann@mail.example) not listed in Domino Directory",
     "Your message\n\n  Subject: News\n\nwas not delivered to:\n\n  ann@mail.example\n\nbecause:\n\n  User ann "
     "(ann@mail.example) not listed in Domino Directory\n",
     "ann@mail.example HARD", "domino"},
    {"GroupWise", "subject: Message status - undeliverable\nfrom: Mailer-Daemon@mail.example",
     "The message that you sent was undeliverable to the following:\n\tann@mail.example (user not found)\n\nPossibly "
     "truncated original message follows:\n",
     "ann@mail.example HARD", "groupwise"},
    {"Courier", "subject: NOTICE: mail delivery status.\nfrom: \"Courier mail server\" <@>",
     "This is a delivery status notification from relay.example,\nrunning the Courier mail server, version "
     "0.65.\n\nThe "
     "original message was received on Mon, 5 Jan 2004 10:00:00 +0100\nfrom sender.example "
     "(192.0.2.4)\n\n--------------------\n\n                           UNDELIVERABLE MAIL\n\nYour message to the "
     "following recipients cannot be delivered:\n\n<ann@mail.example>:\n    mx.mail.example [192.0.2.1]:\n>>> RCPT "
     "TO:<ann@mail.example>\n<<< 550 5.1.1 No such user\n",
     "ann@mail.example HARD"},
    {"SunMessaging",
     "subject: Delivery Notification: Delivery has failed\nfrom: Internet Mail Delivery <postmaster@m.example>",
     "This report relates to a message you sent with the following header fields:\n\n  Message-id: "
     "<x@sender.example>\n  "
     "To: ann@mail.example\n  Subject: News\n\nYour message cannot be delivered to the following recipients:\n\n  "
     "Recipient "
     "address: ann@mail.example\n  Reason: Remote SMTP server has rejected address\n  Diagnostic code: smtp;550 5.1.1 "
     "unknown or illegal alias: ann@mail.example\n",
     "ann@mail.example HARD", "sun-messaging"},
    {"Netscape", "subject: Mail System Error - Returned Mail\nfrom: Mail Administrator <Postmaster@mail.example>",
     "This Message was undeliverable due to the following reason:\n\nEach of the following recipients was rejected by "
     "a "
     "remote mail server.\nThe reasons given by the server are included to help you determine why\neach recipient was "
     "rejected.\n\n    Recipient: <ann@mail.example>\n    Reason:    5.1.1 <ann@mail.example>... User "
     "unknown\n\n\nPlease "
     "reply to Postmaster@mail.example\nif you feel this message to be in error.\n",
     "ann@mail.example HARD"},
    {"CommuniGate", "subject: Undeliverable mail: News\nfrom: MAILER-DAEMON@mail.example",
     "Failed to deliver to 'ann@mail.example'\nSMTP module(domain mail.example) reports:\n message text rejected by "
     "mx.mail.example:\n 554 5.7.1 looks like spam\n",
     "ann@mail.example SOFT"},
    {"CommuniGateLocal", "subject: Undeliverable mail: News\nfrom: MAILER-DAEMON@mail.example",
     "Failed to deliver to '<ann@mail.example>'\nLOCAL module(account ann) reports:\n account is full (quota "
     "exceeded)\n",
     "ann@mail.example SOFT"},
    {"Zoho", "subject: Undelivered Mail Returned to Sender\nfrom: mailer-daemon@mail.z.example",
     "This message was created automatically by mail delivery software.\n A message that you sent could not be "
     "delivered "
     "to one or more of its recipients. This is a permanent error.\n\nann@mail.example Invalid Address, ERROR_CODE "
     ":550, "
     "ERROR_CODE :5.1.1 <ann@mail.example>... User Unknown\n\nReceived:from mail.z.example\n",
     "ann@mail.example HARD"},
    {"Surfcontrol", "subject: Message could not be delivered\nfrom: postmaster@gate.example",
     "Your message could not be sent.\nA transcript of the attempts to send the message follows.\nThe number of "
     "attempts "
     "made: 1\nAddressed To: ann@mail.example\n\nMon 5 Jan 2004 10:00:00 +0100\nFailed to send to identified "
     "host,\nmx.mail.example: [192.0.2.1], 550 5.1.1 ann... User unknown\n--- Message non-deliverable.\n",
     "ann@mail.example HARD", "surfcontrol"},
    {"MailMarshal", "subject: Undeliverable Mail: News\nfrom: postmaster@gate.example",
     "Your message:\n   From:    news@sender.example\n   Subject: News\n\nCould not be delivered because of the "
     "following "
     "error:\n\n550 5.1.1 no such user: ann@mail.example\n\n+ Recipients:\n   ann@mail.example\n",
     "ann@mail.example HARD"},
    {"MailFoundry", "subject: Message delivery has failed\nfrom: <>",
     "Unable to deliver message to: <ann@mail.example>\nDelivery failed for the following reason:\nServer "
     "mx.mail.example[192.0.2.1] failed with: 550 <ann@mail.example> No such user here\n\nThis has been a permanent "
     "failure.  No further delivery attempts will be made.\n",
     "ann@mail.example HARD"},
    {"McAfee", "subject: Mail delivery failure\nfrom: postmaster@gate.example",
     "Your message was not delivered.\n\n--- The following addresses had delivery problems ---\n<ann@mail.example>   "
     "(User "
     "unknown ann@mail.example)\n\n--------------The following is the original message\n",
     "ann@mail.example HARD"},
    {"EinsUndEins",
     "subject: Mail delivery failed: returning message to sender\nfrom: Mail Delivery System <m-d@k.example>",
     "This message was created automatically by mail delivery software.\n\nA message that you sent could not be "
     "delivered "
     "to one or more of\nits recipients. The following addresses failed:\n\n<ann@mail.example>\n\nSMTP error from "
     "remote "
     "server after RCPT command:\nhost mx.mail.example[192.0.2.1]:\n552 5.2.2 mailbox full\n\n--- The header of the "
     "original message is following. ---\n",
     "ann@mail.example SOFT"},
    {"OpenSmtpd", "subject: Delivery status notification: error\nfrom: Mailer Daemon <MAILER-DAEMON@r.example>",
     "    Hi!\n\n    This is the MAILER-DAEMON, please DO NOT REPLY to this email.\n\n    An error has occurred while "
     "attempting to deliver a message for\n    the following list of recipients:\n\nann@mail.example: 550 5.1.1 "
     "Mailbox does "
     "not exist\n\n    Below is a copy of the original message:\n\nReceived: from x\n",
     "ann@mail.example HARD", "opensmtpd"},
    {"Imail", "subject: Undeliverable Mail\nfrom: \"Postmaster\" <postmaster@mail.example>",
     "Unknown user: ann@mail.example\n\n\nOriginal message follows.\n\nReceived: from x\n", "ann@mail.example HARD",
     "imail"},
    {"ImailAttempts", "subject: Undeliverable Mail\nfrom: \"Postmaster\" <postmaster@mail.example>",
     "Delivery failed 20 attempts: ann@mail.example\n\nOriginal message follows.\n", "ann@mail.example SOFT", "imail"},
    {"Kddi", "subject: Mail\nfrom: no-reply@app.example\nreturn-path: <>",
     "Your mail sent on: Mon, 5 Jan 2004 10:00:00 +0900\n     Could not be delivered to: <ann@mail.example>\n     As "
     "the "
     "remote domain doesnt exist.\n",
     "ann@mail.example HARD", "kddi"},
    {"Ezweb", "subject: Mail System Error - Returned Mail\nfrom: <Postmaster@ez.example>",
     "The user(s) account is disabled.\n\n<ann@ez.example>: 550 user unknown (in reply to RCPT TO "
     "command)\n\nReceived: "
     "from x\n",
     "ann@ez.example HARD"},
    {"Biglobe", "subject: Returned mail: User unknown\nfrom: postmaster@b.example",
     "   ----- The following addresses had delivery problems -----\n********** ann@b.example (mailbox full) "
     "**********\n",
     "ann@b.example SOFT"},
    {"Mimecast", "subject: [Postmaster] Email Delivery Failure\nfrom: postmaster@m.example",
     "This is an automated alert notification. Please do not reply.\n\nAn email that you attempted to send to the "
     "following "
     "address could not be delivered:\n\n  -- ann@mail.example\n\nThe problem appears to be :\n\n  -- Recipient email "
     "server rejected the message\n\nAdditional information follows :\n\n  -- 554 5.7.1 rejected by policy\n",
     "ann@mail.example SOFT", "mimecast"},
    {"James", "subject: Re: News\nfrom: postmaster@j.example",
     "Hi. This is the James mail server at j.example.\nI'm afraid I wasn't able to deliver your message to the "
     "following "
     "addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.  Below\nI include the list of "
     "recipients and the reason why I was unable to deliver\nyour message.\n\nFailed "
     "recipient(s):\nann@mail.example\n\nError "
     "message:\n550 5.1.1 User unknown\n",
     "ann@mail.example HARD"},
    {"Facebookish", "subject: Sorry, your message could not be delivered\nfrom: Facebook <mailer-daemon@f.example>",
     "This message was created automatically by Facebook.\n\nSorry, your message could not be delivered to the "
     "following "
     "recipients:\n\nann@f.example\nThe intended recipient is not accepting messages at this time.\n",
     "ann@f.example SOFT"},
    {"Mms", "subject: Undeliverable Message\nfrom: MMSC NDR Administrator <sysadmin@v.example>",
     "Message could not be delivered to mobile.\nError: No valid recipients for this MM\n\nOriginal Message:\nFrom: "
     "News "
     "<news@sender.example>\nTo: 0005550100@v.example\nSubject: News\n",
     "0005550100@v.example HARD", "mms"},
    {"Mercury", "subject: Delivery failure notification\nfrom: Electronic Postmaster <postmaster@n.example>",
     "The attached message has failed delivery to the following addresses:\n\n   <ann@mail.example>\n\n550 No such "
     "local "
     "user\n",
     "ann@mail.example HARD"},
    {"MDaemon", "subject: Permanent Delivery Failure\nfrom: MDaemon@m.example",
     "The attached message had PERMANENT fatal delivery errors!\n\nAfter one or more unsuccessful delivery attempts "
     "the "
     "attached message has\nbeen removed from the mail queue on this server.\n\nFAILED "
     "ADDRESS:\n\nann@mail.example\n\n---- "
     "Session Transcript ----\n<-- 550 5.1.1 User unknown\n",
     "ann@mail.example HARD"},
    {"German", "subject: Unzustellbare Nachricht\nfrom: Mail-System <postmaster@t.example>",
     "Ihre Nachricht konnte an die folgenden Empfänger nicht zugestellt werden:\n\n  <ann@mail.example>\n\nDer "
     "Empfänger "
     "ist nicht bekannt.\n",
     "ann@mail.example HARD"},
    {"GermanFull", "subject: Mail-Zustellung fehlgeschlagen\nfrom: postmaster@t.example",
     "|------------------------- Nachrichtentext: -------------------------|\nDie Mail an ann@t.example konnte nicht "
     "zugestellt werden.\nDas Postfach ist voll.\n",
     "ann@t.example SOFT"},
    {"Spanish", "subject: Su mensaje no pudo ser entregado\nfrom: postmaster@c.example",
     "No se pudo entregar su mensaje a los siguientes destinatarios:\n\nann@c.example\nEl usuario no existe.\n",
     "ann@c.example HARD"},
    {"Italian", "subject: Mancata consegna\nfrom: posta@i.example\nreturn-path: <>",
     "Non è stato possibile recapitare il messaggio ai seguenti destinatari:\n<ann@i.example>: casella piena\n",
     "ann@i.example SOFT"},
    {"Russian", "subject: Недоставленное сообщение\nfrom: mailer-daemon@r.example",
     "Ваше сообщение не может быть доставлено следующим получателям:\n\n  ann@r.example\n    Пользователь не найден\n",
     "ann@r.example HARD"},
    {"Japanese", "subject: 配信エラー\nfrom: postmaster@j.example",
     "以下の宛先にメールを配信できませんでした。\n\n<ann@j.example>\n\n宛先のユーザが存在しません。\n",
     "ann@j.example HARD"},
    {"Chinese", "subject: 系统退信\nfrom: postmaster@z.example",
     "您的邮件无法投递到以下收件人：\n\nann@z.example\n\n原因：用户不存在\n", "ann@z.example HARD"},
    {"StatusFieldsAsText", "subject: Delivery Status Notification (Failure)",
     "An error occurred while trying to deliver the mail to the following recipients:\nann@mail.example\n\nTechnical "
     "report:\n\nReporting-MTA: dns; a.example\n\nFinal-Recipient: rfc822; ann@mail.example\nAction: failed\nStatus: "
     "5.2.2\nDiagnostic-Code: smtp; 550 5.2.2 mailbox full\n",
     "ann@mail.example SOFT", "status-in-text"},
    {"FailedRecipientsHeader", "subject: Mail delivery failed\nx-failed-recipients: ann@mail.example, bob@mail.example",
     "Something went wrong.\n\n  bob@mail.example\n    user unknown\n", "ann@mail.example HARD; bob@mail.example HARD"},
    {"OnlyTheOriginalNamesIt", "subject: Undeliverable mail",
     "Your mail could not be delivered: no such user.\n\n----- Original message -----\n\nReceived: from x\nTo: Ann "
     "<ann@mail.example>\nSubject: News\n",
     "ann@mail.example HARD"},
    {"ReasonAboveTheAddress", "subject: Undeliverable Mail",
     "Your message:\n   Subject: News\nCould not be delivered because of\n\n550 5.1.1 User unknown\n\nThe following "
     "recipients were affected:\n    ann@mail.example\n\nMore can be found in the file that is attached below\n",
     "ann@mail.example HARD"},
    {"HeaderQuotedFirst", "subject: Delivery Notification: Delivery has failed",
     "This report relates to a message you sent with the following header fields:\n\n  Return-path: "
     "<news@sender.example>\n  To: list@mail.example\n\nYour message cannot be delivered to the following "
     "recipients:\n\n  Recipient address: ann@mail.example\n  Reason: Remote SMTP server has rejected address\n  "
     "Diagnostic code: smtp;550 5.1.1 unknown alias\n",
     "ann@mail.example HARD"},
    {"NameOfTheStore", "subject: Delivery has failed",
     "Your message cannot be delivered to the following recipients:\n\n  Recipient address: ann@ims-ms-daemon\n  "
     "Original address: ann@mail.example\n  Reason: over quota\n",
     "ann@mail.example SOFT"},
    {"StopWordsInProse", "subject: Delivery report",
     "Hello, below is a list of the affected recipients; attached is a report\n(DSN) in standard format, as well as "
     "the headers of the original\nmessage.\n\n  <ann@mail.example>  delivery failed; mailbox full\n",
     "ann@mail.example SOFT"},
    {"SourceRoute", "subject: Undeliverable mail",
     "Your message could not be delivered to:\n\n  @a.example,@b.example:ann@mail.example\n  550 no such user here\n",
     "ann@mail.example HARD"},
    {"PostfixDelay", "subject: Delayed Mail (still being retried)",
     "# THIS IS A WARNING ONLY. #\n\nYour message could not be delivered for more than 4 hour(s).\nIt will be retried "
     "until it is 5 day(s) old.\n\n<ann@mail.example>: connect to mx.mail.example[192.0.2.3]:25: timed out\n",
     "ann@mail.example DELAY_NOTICE"},
    {"VtextAnswers", "from: post_master@v.example\nsubject: Re:News",
     "Error: Invalid user address\n\nError message below:\n550 - Requested action not taken: no such user "
     "here\n\nMessage details:\n  Subject: News\n  RCPT TO: ann@v.example\n",
     "ann@v.example HARD", "vtext"},
    {"StatusFieldsFromADaemon", "subject: Failure",
     "See below.\n\nReporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; ann@mail.example\nAction: "
     "failed\nStatus: 5.1.1\n",
     "ann@mail.example HARD", "status-in-text"},
    {"NoSubjectButNullReturn", "from: postmaster@mail.example\nreturn-path: <>\nsubject: News",
     "Nobody has this account: 550 user unknown.\n", " HARD"},
    {"StopWordsEndASentence", "subject: Undelivered Mail Returned to Sender",
     "This is the mail system at host relay.example.\n\nIf you do so, include this problem report. You can\ndelete "
     "your "
     "own text from the attached returned message.\n\n<ann@mail.example>: host mx.mail.example[192.0.2.3] said: 550\n  "
     "  "
     "<ann@mail.example>: Recipient address rejected. (in reply to RCPT TO\n    command)\n",
     "ann@mail.example HARD", "generic"},
    {"NameWithoutDomain", "subject: Mail Delivery Problem\nfrom: Mail Delivery Subsystem <MAILER-DAEMON@a.example>",
     "Your mail to the following recipients could not be delivered because they are not accepting mail with "
     "attachments:\n\tann99\n",
     "ann99@a.example SOFT"},
};

INSTANTIATE_TEST_SUITE_P(Families, ReadTextBounceTest, ::testing::ValuesIn(kFamilies),
                         [](const auto& row) { return row.param.name; });

const FormatRow kNoBounces[] = {
    {"Letter", "from: Ann <ann@mail.example>\nsubject: Lunch", "See you at noon.\n", ""},
    {"TalkAboutBounces", "from: Ann <ann@mail.example>\nsubject: Re: Undelivered Mail Returned to Sender",
     "I got this again:\n\n> This is the Postfix program at host relay.example.\n> <bob@mail.example>: user unknown\n",
     ""},
    {"Newsletter", "from: News <news@shop.example>\nsubject: Delivery on time",
     "We deliver to your door. Your order was not delivered? Write to help@shop.example.\n", ""},
    {"Vacation", "from: Ann <ann@mail.example>\nsubject: Out of office\nauto-submitted: auto-replied",
     "I am away and cannot read mail. Your message was not delivered to anybody else. Ask bob@mail.example.\n", ""},
    {"Cron", "from: Cron Daemon <root@host.example>\nsubject: Cron <root@host> backup\nauto-submitted: auto-generated",
     "backup done: 550 files\n", ""},
    {"Success", "subject: Delivery report", "Your message was successfully delivered to ann@mail.example.\n", ""},
    {"Empty", "from: ann@mail.example", "", ""},
    {"AdministratorAnswers", "from: Administrator <administrator@firm.example>\nsubject: Re: Newsletter",
     "Hello,\n\nthe product that you offer could not be found on your web site.\n", ""},
    {"AdministratorWrites", "from: Mail Administrator <postmaster@small.example>\nsubject: Your offer",
     "We read it with interest; no account is needed, the address does not exist any more.\n", ""},
    {"DomainIsNoProgram", "from: Jane <jane@smtp-world.example>\nsubject: Your offer",
     "The voucher number does not exist. The shop address not found: user unknown.\n", ""},
    {"DomainIsNoProgramEither", "from: info@bounce-house.example\nsubject: Newsletter",
     "The user account does not exist: user unknown.\n", ""},
    {"StatusFieldsPastedByAPerson", "from: Jane <jane@firm.example>\nsubject: Question about a bounce",
     "My colleague got this:\n\nFinal-Recipient: rfc822; bob@mail.example\nAction: failed\nStatus: "
     "5.1.1\n\nWhat does it mean?\n",
     ""},
};

INSTANTIATE_TEST_SUITE_P(NoBounces, ReadTextBounceTest, ::testing::ValuesIn(kNoBounces),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace wavepost
