// What mail systems of the world write into reports, from knowledge of the systems: does it mark the address, or not?
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "bouncer/classify/classify.h"

namespace wavepost {
namespace {

struct WorldRow {
  bool hard;
  const char* status;
  const char* diagnostic;
};

constexpr bool kHard = true;
constexpr bool kSoft = false;

constexpr WorldRow kWorld[] = {
    // --- the address is wrong
    {kHard, "5.1.1", "smtp; 550 5.1.1 Adresse d au moins un destinataire invalide. Invalid recipient. OFR_416 [416]"},
    {kHard, "5.1.1", "smtp; 550 5.1.1 <a@x.test>: recipient rejected. Refer to Error Codes section"},
    {kHard, "5.0.0", "smtp; 550 Unknown user a@x.test"},
    {kHard, "5.0.0", "smtp; 550 <a@x.test>: User unknown"},
    {kHard, "5.0.0", "smtp; 550-Invalid recipient <a@x.test> (#5.1.1)"},
    {kHard, "5.0.0", "smtp; 550 Mailbox not found. http://service.x.test"},
    {kHard, "5.5.0", "smtp;550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302)"},
    {kHard, "5.1.10",
     "smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient a@x.test not found by SMTP address lookup"},
    {kHard, "5.1.1", "smtp;550 5.1.1 RESOLVER.ADR.ExRecipNotFound; not found"},
    {kHard, "5.4.310", "smtp;550 5.4.310 DNS domain x.test does not exist [Message=InfoDomainNonexistent]"},
    {kHard, "5.0.0", "smtp; 554 delivery error: dd This user doesn't have a x.test account (a@x.test) [0]"},
    {kHard, "5.0.0", "smtp; 552 1 Requested mail action aborted, mailbox not found"},
    {kHard, "5.0.0", "smtp; 554 delivery error: dd Not a valid recipient - mta1.x.test"},
    {kHard, "5.0.0", "X-Postfix; unknown user: \"ann\""},
    {kHard, "5.4.4",
     "X-Postfix; Host or domain name not found. Name service error for name=x.test type=AAAA: Host not found"},
    {kHard, "5.1.1", "x-unix; user unknown. Command output: Invalid user specified."},
    {kHard, "", "unknown local-part \"ann\" in domain \"x.test\""},
    {kHard, "", "Unrouteable address"},
    {kHard, "", "all relevant MX records point to non-existent hosts"},
    {kHard, "", "No Such User Here"},
    {kHard, "", "Sorry, no mailbox here by that name. (#5.1.1)"},
    {kHard, "", "550 Host unknown (Name server: x.test: host not found)"},
    {kHard, "5.1.2", "smtp; 550 5.1.2 <a@x.test>... Host unknown"},
    {kHard, "5.1.6", "smtp; 550 5.1.6 The mailbox has moved"},
    {kHard, "5.0.0", "smtp; 551 not our customer"},
    {kHard, "5.0.0", "smtp; 550 5.0.0 User does not exist in our database"},
    {kHard, "5.0.0", "smtp; 550 This address no longer exists"},
    {kHard, "5.0.0", "smtp; 550 Account has been deleted"},
    {kHard, "5.0.0", "smtp; 550 Recipient address rejected: User unknown in relay recipient table"},
    {kHard, "5.0.0", "smtp; 550 Requested action not taken: mailbox unavailable"},
    {kHard, "5.0.0", "smtp; 550 Der Empfänger existiert nicht"},
    {kHard, "5.0.0", "smtp; 550 Diese Adresse ist uns nicht bekannt"},
    {kHard, "5.0.0", "smtp; 550 Cette adresse n'existe pas"},
    {kHard, "5.0.0", "smtp; 550 La cuenta de correo no existe"},
    {kHard, "5.0.0", "smtp; 550 Esta conta não existe"},
    {kHard, "5.0.0", "smtp; 550 Utente sconosciuto"},
    {kHard, "5.0.0", "smtp; 550 Onbekende gebruiker"},
    {kHard, "5.0.0", "smtp; 550 Nie ma takiego użytkownika"},
    {kHard, "5.0.0", "smtp; 550 Такой пользователь не найден"},
    {kHard, "5.0.0", "smtp; 550 宛先不明です"},
    {kHard, "5.0.0", "smtp; 550 用户不存在"},
    {kHard, "5.2.1", "smtp; 550 5.2.1 <a@x.test>... User Unknown"},
    {kHard, "5.0.0", "smtp; 556 5.1.10 x.test does not accept mail (null MX)"},
    {kHard, "5.1.1", "smtp; 550 5.1.1 sorry"},
    // --- full, or too large
    {kSoft, "5.1.1", "smtp; 552 5.1.1 Boite du destinataire pleine. Recipient overquota. OFR_417 [417]"},
    {kSoft, "5.2.2", "smtp; 550 5.2.2 STOREDRV.Deliver; mailbox full. The following information should help"},
    {kSoft, "5.1.1", "smtp; 550 5.1.1 <a@x.test> Mailbox full, quota exceeded"},
    {kSoft, "5.2.0", "X-Postfix; maildir delivery failed: error writing message: Disk quota exceeded"},
    {kSoft, "", "The users mailfolder is over the allowed quota (size). (#5.2.2)"},
    {kSoft, "", "The message exceeded the maximum size the user accepts. (#5.2.3)"},
    {kSoft, "5.2.3", "smtp; 550 5.2.3 RESOLVER.RST.RecipSizeLimit; message too large for this recipient"},
    {kSoft, "5.3.4", "X-Postfix; message size 17000000 exceeds size limit 16000000 of server mx.x.test[192.0.2.1]"},
    {kSoft, "5.0.0", "smtp; 552 Mail size exceeds limit."},
    {kSoft, "5.0.0", "smtp; 550 mailbox for ann is full"},
    {kSoft, "5.0.0", "smtp; 554 Das Postfach des Empfängers ist voll"},
    {kSoft, "5.0.0", "smtp; 550 メールボックスの容量が超えています"},
    // --- about us, our address, our words
    {kSoft, "5.7.1",
     "smtp; 550 5.7.1 Service refuse. Veuillez essayer plus tard. Service refused, please try later. OFR_506"},
    {kSoft, "5.1.0", "smtp; 550 5.1.0 <b@y.test> sender rejected : invalid sender domain"},
    {kSoft, "5.1.8", "smtp; 550 5.1.8 Access denied, bad outbound sender"},
    {kSoft, "5.1.7", "smtp; 550 5.1.7 Invalid address: sender unknown"},
    {kSoft, "5.0.0", "smtp; 554 x.test sender rejected - DNS check failed for 192.0.2.1"},
    {kSoft, "5.0.0", "smtp; 550 Requested action aborted [11] 1"},
    {kSoft, "5.0.0", "smtp; 501 Connection rejected by policy [7] 20805, please visit the page"},
    {kSoft, "5.0.0", "smtp; 553-SPF (Sender Policy Framework) domain authentication fail"},
    {kSoft, "5.0.0", "smtp; 553 you are trying to use me [mx.x.test] as a relay, but I have not been configured"},
    {kSoft, "5.0.0", "smtp; 550 Mail content denied. http://service.x.test"},
    {kSoft, "5.0.0", "smtp; 550 Ip frequency limited"},
    {kSoft, "5.0.0", "smtp; 550 Suspected bounce attacks"},
    {kSoft, "5.0.0", "smtp; 550 Mail is rejected by recipients"},
    {kSoft, "5.7.1", "smtp; 550-5.7.1 Our system has detected that this message is likely unsolicited mail"},
    {kSoft, "5.7.1",
     "smtp; 550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your provider"},
    {kSoft, "5.7.606", "smtp; 550 5.7.606 Access denied, banned sending IP [192.0.2.1]"},
    {kSoft, "5.7.133", "smtp; 550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required"},
    {kSoft, "5.7.1", "smtp; 550 5.7.1 TRANSPORT.RULES.RejectMessage; the message was rejected by organization policy"},
    {kSoft, "5.7.129",
     "smtp; 550 5.7.129 RESOLVER.RST.RestrictedToRecipientsPermission; not authorized to send to the recipient"},
    {kSoft, "5.2.1", "smtp; 521 5.2.1 :  (CON:B1)  https://postmaster.x.test/errors/554conb1.html"},
    {kSoft, "5.7.0", "smtp; 550 5.7.0 Blocked - see https://support.x.test/dnsbl-lookup.cgi?ip=192.0.2.1"},
    {kSoft, "5.7.1", "smtp; 554 5.7.1 [HM07] Message rejected due to local policy"},
    {kSoft, "5.0.0", "smtp; 550 Administrative prohibition"},
    {kSoft, "5.1.1", "smtp; 550 5.1.1 Rejected: 192.0.2.1 listed at zen.x.test"},
    {kSoft, "5.1.1", "smtp; 550 5.1.1 <a@x.test>: message refused, spam content detected"},
    {kSoft, "5.1.1", "smtp; 550 5.1.1 Sender address does not exist"},
    {kSoft, "5.7.1", "smtp; 554 5.7.1 <a@x.test>: Relay access denied"},
    {kSoft, "5.0.0", "smtp; 550 unknown user or sender blocked by spam filter"},
    {kSoft, "5.7.1", "smtp; 550 5.7.1 Client host rejected: cannot find your hostname"},
    {kSoft, "5.5.4", "smtp; 554 5.5.4 HELO rejected: domain does not exist"},
    {kSoft, "5.6.0", "smtp; 554 5.6.0 Message contains invalid header"},
    {kSoft, "5.7.1", "smtp; 554 5.7.1 The file xxx has been blocked by the virus scanner"},
    {kSoft, "5.0.0", "smtp; 550 Ihre Nachricht wurde als Spam abgewiesen"},
    {kSoft, "5.0.0", "smtp; 550 Votre message a été refusé : spam"},
    {kSoft, "5.0.0", "smtp; 550 Сообщение отклонено как спам"},
    {kSoft, "5.0.0", "smtp; 550 邮件被识别为垃圾邮件"},
    {kSoft, "5.0.0", "smtp; 550 Verification failed for <b@y.test> 550 No such user. Sender verify failed"},
    // --- networks, queues, hosts
    {kSoft, "5.4.316", "smtp; 550 5.4.316 Message expired, connection refused (socket error code 10061)"},
    {kSoft, "4.4.7", "smtp; 550 4.4.7 QUEUE.Expired; message expired"},
    {kSoft, "5.6.0", "smtp; 554 5.6.0 STOREDRV.Deliver.Exception:ObjectNotFound; Failed to process message"},
    {kSoft, "5.4.6", "smtp; 554 5.4.6 Hop count exceeded - possible mail loop"},
    {kSoft, "5.4.6", "X-Postfix; mail for x.test loops back to myself"},
    {kSoft, "4.4.1", "X-Postfix; connect to mx.x.test[192.0.2.1]:25: Connection refused"},
    {kSoft, "5.3.0", "X-Postfix; can't create user output file. Command output: procmail: Couldn't create mailbox"},
    {kSoft, "5.3.0", "X-Postfix; Command died with status 255: \"/usr/bin/filter\""},
    {kSoft, "", "retry timeout exceeded"},
    {kSoft, "", "all hosts for 'x.test' have been failing for a long time (and retry time not reached)"},
    {kSoft, "", "lowest numbered MX record points to local host"},
    {kSoft, "", "CNAME lookup failed temporarily. (#4.4.3)"},
    {kSoft, "",
     "Sorry. Although I'm listed as a best-preference MX or A for that host, it isn't in my control/locals file"},
    {kSoft, "", "This message is looping: it already has my Delivered-To line. (#5.4.6)"},
    {kSoft, "", "Sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)"},
    {kSoft, "5.3.5", "smtp; 554 5.3.5 Local configuration error"},
    {kSoft, "", "554 5.3.5 MX list for x.test. points back to relay.test"},
    {kSoft, "5.0.0", "x-unix; unknown mailer error 1"},
    {kSoft, "", "Router: Failed to connect to SMTP host MX.X.TEST because: The server is not responding"},
    {kSoft, "5.0.0", "smtp; 554 Insufficient disk space"},
    {kSoft, "5.0.0", "smtp; 554 Transaction failed"},
    {kSoft, "5.0.0", "smtp; 550 Connections from your country are not allowed"},
    {kSoft, "5.0.0", ""},
    {kSoft, "", "nothing that anybody understands"},
    {kSoft, "5.3.0", "smtp; 554 5.3.0 Error: unknown error"},
    {kSoft, "4.1.1", "smtp; 450 4.1.1 <a@x.test>: unverified address"},
    {kSoft, "5.0.0", "smtp; 554 5.0.0 Service unavailable"},
    {kSoft, "5.0.0", "smtp; 550 Requested action not taken: too many recipients"},
    {kSoft, "", "The address may not exist, or its owner refuses mail"},
    {kSoft, "5.1.0", "smtp; 5.1.0 - Unknown address error 550-'5.7.1 <b@y.test>... Access denied' (attempts: 0)"},
    {kSoft, "5.7.0", "smtp; 530 5.7.0 Must issue a STARTTLS command first"},
    // --- words about an address in what is about the sender, a host or the message
    {kSoft, "5.0.0", "smtp; 550 The account sending this message is disabled"},
    {kSoft, "5.0.0", "smtp; 550 Your account has been disabled for sending"},
    {kSoft, "5.0.0", "smtp; 550 Service not available for any user, the system is disabled"},
    {kSoft, "5.0.0", "smtp; 550 The token is no longer valid"},
    {kSoft, "5.0.0", "smtp; 550 Header has an invalid user agent"},
    {kSoft, "5.0.0", "smtp; 550 IP address not found in our tables"},
    {kSoft, "5.0.0", "smtp; 550 Wrong address family"},
    {kSoft, "5.4.7", "smtp; 554 5.4.7 timeout (exceeded max time, last answer: 421 4.7.0 no mailbox at the moment)"},
    {kSoft, "5.0.0", "X-Postfix; host mx.x.test[192.0.2.3] said: 550 no such user (in reply to MAIL FROM command)"},
    {kSoft, "", "SMTP error from remote mail server after MAIL FROM:<b@y.test> SIZE=900: 550 user does not exist"},
    {kSoft, "5.0.0", "X-Postfix; host mx.x.test[192.0.2.3] refused to talk to me: 554 address not found"},
    {kHard, "", "SMTP error from remote mail server after RCPT TO:<a@x.test>: 550 user does not exist"},
    {kHard, "5.4.4", "No MX found for domain"},
};

TEST(ClassifyRecipientWorld, MarksOnlyAddressesThatAreWrong) {
  for (const WorldRow& row : kWorld) {
    const Finding got = ClassifyRecipient(
        {.final_recipient = "a@x.test", .action = "failed", .status = row.status, .diagnostic = row.diagnostic});
    EXPECT_EQ(got.bounce_class == wavepost::v1::HARD, row.hard)
        << row.status << " | " << row.diagnostic << " | taken by " << got.rule;
  }
}

// A status without a diagnostic sums up what the text quotes; where they differ the text is right.
TEST(ClassifyRecipientWorld, BelievesTheQuotedReplyBeforeItsSummary) {
  const Finding got = ClassifyRecipient({.final_recipient = "a@x.test",
                                         .action = "failed",
                                         .status = "5.1.1",
                                         .context = "host mx.x.test[192.0.2.3] said: 554 rejected as spam"});
  EXPECT_NE(got.bounce_class, wavepost::v1::HARD) << got.rule;
}

}  // namespace
}  // namespace wavepost
