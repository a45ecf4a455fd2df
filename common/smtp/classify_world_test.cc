// Replies as servers of the world write them, written down from knowledge of the servers and not from the material that
// the rules are scored with: a row that fails here shows that the rules fit too tightly.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

#include "common/smtp/classify.h"
#include "common/smtp/reply.h"

namespace wavepost {
namespace {

using namespace wavepost::v1;  // NOLINT: the table below is made of its enumerators

constexpr auto P = Verdict::Kind::kPermanent;
constexpr auto T = Verdict::Kind::kTemporary;
constexpr auto kNobody = FAULT_UNSPECIFIED;
constexpr auto kPerson = Verdict::Scope::kRecipient;
constexpr auto kMail = Verdict::Scope::kMessage;
constexpr auto kSite = Verdict::Scope::kSite;
constexpr auto kIp = Verdict::Scope::kEgressIp;
constexpr auto kHello = Phase::kGreeting;
constexpr auto kFrom = Phase::kMail;
constexpr auto kTo = Phase::kRcpt;
constexpr auto kDot = Phase::kEndOfData;

struct Row {
  const char* name;
  Phase phase;
  const char* reply;
  Verdict::Kind kind;
  Reason reason;
  Fault fault;
  Verdict::Scope scope;
};

class ClassifyWorld : public testing::TestWithParam<Row> {};

TEST_P(ClassifyWorld, Means) {
  const Row& row = GetParam();
  const std::optional<Reply> reply = ReplyFromText(row.reply);
  ASSERT_TRUE(reply.has_value()) << row.reply;
  const Verdict verdict = Classify(*reply, row.phase);
  const auto show = [&verdict, &row] { return std::string(verdict.rule) + " took: " + row.reply; };
  EXPECT_EQ(verdict.kind, row.kind) << show();
  EXPECT_EQ(Reason_Name(verdict.reason), Reason_Name(row.reason)) << show();
  EXPECT_EQ(Fault_Name(verdict.fault), Fault_Name(row.fault)) << show();
  EXPECT_EQ(verdict.scope, row.scope) << show();
}

constexpr Row kRows[] = {
    // --- Postfix and what is put in front of it
    {"PostfixVirtual", kTo, "550 5.1.1 <a@x.test>: Recipient address rejected: User unknown in virtual mailbox table",
     P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"PostfixBare510", kTo, "550 5.1.0 <a@x.test>: User unknown", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"PostfixUndeliverable", kTo,
     "550 5.1.1 <a@x.test>: Recipient address rejected: undeliverable address: host mx.x.test[198.51.100.9] said: 550 "
     "5.1.1 User unknown (in reply to RCPT TO command)",
     P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"PostfixUnverified", kTo,
     "450 4.1.1 <a@x.test>: Recipient address rejected: unverified address: connect to mx.x.test[198.51.100.9]:25: "
     "Connection timed out",
     T, NETWORK, NETWORK_FAULT, kPerson},
    {"PostfixRecipientDomain", kTo, "550 5.1.2 <a@x.test>: Recipient address rejected: Domain not found", P,
     DOMAIN_UNKNOWN, RECIPIENT, kPerson},
    {"PostfixRecipientDomainSoft", kTo, "450 4.1.2 <a@x.test>: Recipient address rejected: Domain not found", T,
     DOMAIN_UNKNOWN, RECIPIENT, kPerson},
    {"PostfixSenderDomain", kTo, "550 5.1.8 <b@y.test>: Sender address rejected: Domain not found", P, REJECTED_POLICY,
     SENDER, kMail},
    {"PostfixSenderDomainSoft", kFrom, "450 4.1.8 <b@y.test>: Sender address rejected: Domain not found", T,
     REJECTED_POLICY, SENDER, kMail},
    {"PostfixSenderUnknown", kTo,
     "550 5.1.0 <b@y.test>: Sender address rejected: User unknown in virtual mailbox table", P, REJECTED_POLICY, SENDER,
     kMail},
    {"PostfixClientDenied", kTo, "554 5.7.1 <mail.y.test[192.0.2.1]>: Client host rejected: Access denied", P,
     BLOCKED_IP, SENDER, kIp},
    {"PostfixHelo", kTo, "504 5.5.2 <mail>: Helo command rejected: need fully-qualified hostname", P, AUTH_FAILED,
     SENDER, kIp},
    {"PostfixHeloSoft", kTo, "450 4.7.1 <mail.y.test>: Helo command rejected: Host not found", T, AUTH_FAILED, SENDER,
     kIp},
    {"PostfixRelay454", kTo, "454 4.7.1 <a@x.test>: Relay access denied", T, RELAY_DENIED, NETWORK_FAULT, kSite},
    {"PostfixLookup", kTo, "451 4.3.0 <a@x.test>: Temporary lookup failure", T, SYSTEM_FULL, NETWORK_FAULT, kSite},
    {"PostfixConfiguration", kTo, "451 4.3.5 <a@x.test>: Recipient address rejected: Server configuration problem", T,
     SYSTEM_FULL, NETWORK_FAULT, kSite},
    {"PostfixStorage", kFrom, "452 4.3.1 Insufficient system storage", T, SYSTEM_FULL, NETWORK_FAULT, kSite},
    {"PostfixErrors", kTo, "421 4.7.0 mx.x.test Error: too many errors", T, RATE_LIMITED, SENDER, kIp},
    {"PostfixAnvil", kHello, "421 4.7.0 mx.x.test Error: too many connections from 192.0.2.1", T, RATE_LIMITED, SENDER,
     kIp},
    {"PostfixAnvilMail", kFrom, "450 4.7.1 Error: too much mail from 192.0.2.1", T, RATE_LIMITED, SENDER, kIp},
    {"PostfixHostname", kTo, "450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.1]", T, AUTH_FAILED,
     SENDER, kIp},
    {"PostscreenFirstTime", kTo, "450 4.3.2 Service currently unavailable", T, GREYLISTED, SENDER, kPerson},
    {"PostscreenBusy", kHello, "421 4.3.2 All server ports are busy", T, RATE_LIMITED, SENDER, kIp},
    {"PostscreenList", kTo, "550 5.7.1 Service unavailable; client [192.0.2.1] blocked using bl.example.org", P,
     BLOCKED_IP, SENDER, kIp},
    {"PostscreenProtocol", kTo, "550 5.5.1 Protocol error", P, SYNTAX, SENDER, kMail},
    {"PostfixSize", kFrom, "552 5.3.4 Message size exceeds fixed limit", P, TOO_LARGE, CONTENT_FAULT, kMail},
    {"PostfixHops", kDot, "554 5.4.0 Error: too many hops", P, LOOP, NETWORK_FAULT, kMail},
    {"PostfixSenderAccess", kTo, "554 5.7.1 <b@y.test>: Sender address rejected: Access denied", P, REJECTED_POLICY,
     SENDER, kMail},
    {"PostfixRecipientAccess", kTo, "554 5.7.1 <a@x.test>: Recipient address rejected: Access denied", P,
     REJECTED_POLICY, SENDER, kMail},
    {"PolicydSpf", kTo,
     "550 5.7.23 <a@x.test>: Recipient address rejected: Message rejected due to: SPF fail - not authorized. Please "
     "see http://www.openspf.net/Why",
     P, AUTH_FAILED, SENDER, kMail},
    {"PolicydWeight", kTo,
     "550 5.7.1 <a@x.test>: Recipient address rejected: Mail appeared to be SPAM or forged. Ask your "
     "Mail/DNS-Administrator to correct HELO and DNS MX settings or to get removed from DNSBLs",
     P, BLOCKED_IP, SENDER, kIp},
    {"Sqlgrey", kTo, "450 4.7.1 <a@x.test>: Recipient address rejected: Greylisted for 5 minutes", T, GREYLISTED,
     SENDER, kPerson},
    {"PostgreyLong", kTo,
     "450 4.2.0 <a@x.test>: Recipient address rejected: Greylisted, see http://grey.test/help/x.test.html", T,
     GREYLISTED, SENDER, kPerson},
    {"MilterGreylistHours", kTo, "451 4.7.1 Greylisting in action, please come back in 01:30:00", T, GREYLISTED, SENDER,
     kPerson},
    {"Graydaemon", kTo, "451 Temporary failure, please try again later. (graylisted)", T, GREYLISTED, SENDER, kPerson},
    {"Spamd", kTo, "451 Temporary failure, please try again later.", T, SYSTEM_FULL, NETWORK_FAULT, kSite},
    {"RspamdGreylist", kDot, "451 4.7.1 Try again later", T, GREYLISTED, SENDER, kPerson},
    {"RspamdRate", kDot, "451 4.7.1 Ratelimit \"to_ip_from\" exceeded", T, RATE_LIMITED, SENDER, kIp},
    {"Greylisted5xx", kTo, "550 5.7.1 Greylisted, please retry later", T, GREYLISTED, SENDER, kPerson},
    {"AmavisSpam", kDot, "554 5.7.0 Reject, id=08912-05 - spam", P, SPAM, CONTENT_FAULT, kMail},
    {"AmavisInfected", kDot, "554 5.7.0 Reject, id=08912-06 - INFECTED: Eicar-Signature", P, VIRUS, CONTENT_FAULT,
     kMail},
    {"AmavisBanned", kDot, "554 5.7.0 Reject, id=08912-07 - BANNED: .exe,.exe-ms,setup.exe", P, CONTENT, CONTENT_FAULT,
     kMail},
    {"AmavisHeader", kDot, "554 5.6.0 Reject, id=08912-08 - BAD_HEADER", P, CONTENT, CONTENT_FAULT, kMail},
    {"SpamAssassin", kDot, "550 This message scored 12.3 spam points. Congratulations!", P, SPAM, CONTENT_FAULT, kMail},
    {"SpamAssassinMilter", kDot, "550 5.7.1 Blocked by SpamAssassin", P, SPAM, CONTENT_FAULT, kMail},
    {"ClamAv", kDot, "554 5.7.1 virus Eicar-Test-Signature detected by ClamAV", P, VIRUS, CONTENT_FAULT, kMail},
    {"MilterCommand", kDot, "550 5.7.1 Command rejected", P, REJECTED_POLICY, SENDER, kMail},

    // --- Exim and cPanel
    {"EximUnrouteable", kTo, "550 Unrouteable address", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"EximSenderVerify", kTo, "550-Verification failed for <b@y.test>\n550-No Such User Here\n550 Sender verify failed",
     P, REJECTED_POLICY, SENDER, kMail},
    {"EximSenderCallout", kTo, "451 Could not complete sender verify callout", T, REJECTED_POLICY, SENDER, kMail},
    {"EximRelay", kTo, "550 relay not permitted", P, RELAY_DENIED, NETWORK_FAULT, kSite},
    {"CpanelRelay", kTo,
     "550-Please turn on SMTP Authentication in your mail client.\n550-mail.y.test [192.0.2.1]:4321 is not permitted "
     "to relay through this\n550 server without authentication.",
     P, RELAY_DENIED, NETWORK_FAULT, kSite},
    {"EximProhibition", kTo, "550 Administrative prohibition", P, REJECTED_POLICY, SENDER, kMail},
    {"EximCannotVerify", kTo,
     "550 The recipient cannot be verified.  Please check all recipients of this message to verify they are valid.", P,
     USER_UNKNOWN, RECIPIENT, kPerson},
    {"EximLocalProblem", kTo, "451 Temporary local problem - please try later", T, SYSTEM_FULL, NETWORK_FAULT, kSite},
    {"EximTimeout", kFrom, "421 mx.x.test: SMTP command timeout - closing connection", T, NETWORK, NETWORK_FAULT,
     kSite},
    {"EximConcurrent", kHello, "421 Too many concurrent SMTP connections; please try again later.", T, RATE_LIMITED,
     SENDER, kIp},
    {"CpanelRbl", kTo,
     "550-JunkMail rejected - mail.y.test [192.0.2.1]:1234 is in an RBL: https://rbl.test/q?ip=192.0.2.1", P,
     BLOCKED_IP, SENDER, kIp},
    {"EximBlackList", kTo, "550 Rejected because 192.0.2.1 is in a black list at bl.example.org", P, BLOCKED_IP, SENDER,
     kIp},
    {"EximDomainMissing", kTo, "501 <a>: recipient address must contain a domain", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"EximImpersonation", kTo, "550 Bad HELO - Host impersonating domain name [x.test]", P, AUTH_FAILED, SENDER, kIp},
    {"EximSync", kHello, "554 SMTP synchronization error", P, SYNTAX, SENDER, kSite},
    {"EximQuota", kTo, "452 mailbox for a is full: retry timeout exceeded", T, MAILBOX_FULL, RECIPIENT, kPerson},
    {"CpanelDiscard", kTo, "550 No Such User Here", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"CpanelSuspended", kTo, "550 Account a@x.test is suspended", P, MAILBOX_DISABLED, RECIPIENT, kPerson},

    // --- Sendmail
    {"SendmailUser", kTo, "550 5.1.1 <a@x.test>... User unknown", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"SendmailHost", kTo, "550 5.1.2 <a@x.test>... Host unknown (Name server: x.test: host not found)", P,
     DOMAIN_UNKNOWN, RECIPIENT, kPerson},
    {"SendmailSender", kFrom, "553 5.1.8 <b@y.test>... Domain of sender address b@y.test does not exist", P,
     REJECTED_POLICY, SENDER, kMail},
    {"SendmailSenderSoft", kFrom, "451 4.1.8 <b@y.test>... Domain of sender address b@y.test does not resolve", T,
     REJECTED_POLICY, SENDER, kMail},
    {"SendmailRelay", kTo, "550 5.7.1 <a@x.test>... Relaying denied. Proper authentication required.", P, RELAY_DENIED,
     NETWORK_FAULT, kSite},
    {"SendmailRelayName", kTo, "550 5.7.1 <a@x.test>... Relaying denied. IP name lookup failed [192.0.2.1]", P,
     RELAY_DENIED, NETWORK_FAULT, kSite},
    {"SendmailRate", kHello, "421 4.3.2 Connection rate limit exceeded.", T, RATE_LIMITED, SENDER, kIp},
    {"SendmailOpen", kHello, "421 4.3.2 Too many open connections.", T, RATE_LIMITED, SENDER, kIp},
    {"SendmailMemory", kFrom, "452 4.3.1 Out of memory", T, SYSTEM_FULL, NETWORK_FAULT, kSite},
    {"Sendmail530", kTo, "553 5.3.0 <a@x.test>... No such user here", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"SendmailClosed", kTo, "550 5.3.0 <a@x.test>... This account has been closed", P, MAILBOX_DISABLED, RECIPIENT,
     kPerson},
    {"SendmailDisabled", kTo, "550 5.2.1 <a@x.test>... Mailbox disabled for this recipient", P, MAILBOX_DISABLED,
     RECIPIENT, kPerson},
    {"SendmailAddress", kTo, "553 5.1.3 <a@>... Hostname required", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"SendmailHops", kDot, "554 5.4.6 Too many hops 26 (25 max): from <b@y.test> via mail.y.test, to <a@x.test>", P,
     LOOP, NETWORK_FAULT, kMail},

    // --- qmail, chkuser, vpopmail
    {"Chkuser", kTo, "511 sorry, no mailbox here by that name (#5.1.1 - chkuser)", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"ChkuserFull", kTo, "522 sorry, recipient mailbox is full (#5.2.2 - chkuser)", P, MAILBOX_FULL, RECIPIENT,
     kPerson},
    {"ChkuserMx", kFrom, "511 sorry, can't find a valid MX for sender domain (#5.1.8 - chkuser)", P, REJECTED_POLICY,
     SENDER, kMail},
    {"ChkuserViolation", kTo, "571 sorry, you are violating our security policies (#5.7.1 - chkuser)", P,
     REJECTED_POLICY, SENDER, kMail},
    {"QmailRcpthosts", kTo, "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", P, RELAY_DENIED,
     NETWORK_FAULT, kSite},
    {"QmailBadMailFrom", kFrom, "553 sorry, your envelope sender is in my badmailfrom list (#5.7.1)", P,
     REJECTED_POLICY, SENDER, kMail},
    {"QmailTemporary", kDot, "451 qq temporary problem (#4.3.0)", T, SYSTEM_FULL, NETWORK_FAULT, kSite},
    {"QmailDatabytes", kDot, "552 sorry, that message size exceeds my databytes limit (#5.3.4)", P, TOO_LARGE,
     CONTENT_FAULT, kMail},
    {"VpopmailQuota", kDot, "552 user's mailfolder quota exceeded (#5.2.2)", P, MAILBOX_FULL, RECIPIENT, kPerson},
    {"QmailDenied", kTo, "553 sorry, your mail was administratively denied. (#5.7.1)", P, REJECTED_POLICY, SENDER,
     kMail},
    {"QmailNoUser", kTo, "550 sorry, no such user here (#5.1.1)", P, USER_UNKNOWN, RECIPIENT, kPerson},

    // --- Exchange and Microsoft
    {"ExchangeSendAs", kFrom, "550 5.7.60 SMTP; Client does not have permissions to send as this sender", P,
     REJECTED_POLICY, SENDER, kMail},
    {"ExchangeResources", kFrom, "452 4.3.1 Insufficient system resources", T, SYSTEM_FULL, NETWORK_FAULT, kSite},
    {"ExchangeConnections", kHello,
     "421 4.3.2 The maximum number of concurrent connections has exceeded a limit, closing transmission channel", T,
     RATE_LIMITED, SENDER, kIp},
    {"ExchangeTimeout", kFrom, "421 4.4.1 Connection timed out", T, NETWORK, NETWORK_FAULT, kSite},
    {"ExchangeContent", kDot, "554 5.6.0 Invalid message content", P, CONTENT, CONTENT_FAULT, kMail},
    {"ExchangeGroup", kTo,
     "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required; Delivery restriction check "
     "failed because the sender was not authenticated when sending to this group",
     P, AUTH_FAILED, SENDER, kMail},
    {"ExchangeRestricted", kDot,
     "550 5.7.124 RESOLVER.RST.SenderNotInAllowedSenders; sender not in group's allowed-senders list", P,
     REJECTED_POLICY, SENDER, kMail},
    {"ExchangeExpired", kDot, "550 5.4.300 Message expired", P, EXPIRED_RETRIES, NETWORK_FAULT, kPerson},
    {"ExchangeLoop", kDot, "554 5.4.14 Hop count exceeded - possible mail loop ATTR34", P, LOOP, NETWORK_FAULT, kMail},
    {"ExchangeInvalid", kTo, "501 5.1.3 Invalid address", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"ExchangeRemote", kTo, "550 5.1.351 Remote server returned unknown recipient or mailbox unavailable", P,
     USER_UNKNOWN, RECIPIENT, kPerson},
    {"ExchangeCustomerList", kTo,
     "550 5.7.513 Service unavailable, Client host [192.0.2.1] blocked by x.test using Customer Block list "
     "(AS16012607)",
     P, BLOCKED_IP, SENDER, kIp},
    {"ExchangeTenant", kDot, "550 5.7.705 Access denied, tenant has exceeded threshold", P, REJECTED_POLICY, SENDER,
     kMail},
    {"ExchangeProxy", kDot, "451 4.7.0 Temporary server error. Please try again later. PRX5", T, SYSTEM_FULL,
     NETWORK_FAULT, kSite},
    {"ExchangeDns", kTo, "451 4.4.0 DNS query failed", T, DNS_FAILURE, NETWORK_FAULT, kPerson},
    {"ExchangeNonExistent", kTo, "554 5.4.4 SMTPSEND.DNS.NonExistentDomain; nonexistent domain", P, DOMAIN_UNKNOWN,
     RECIPIENT, kPerson},
    {"ExchangeRecipientLimit", kTo,
     "550 5.2.122 The recipient has exceeded their limit for the number of messages they can receive per hour", T,
     RATE_LIMITED, kNobody, kPerson},
    {"ExchangeSpf", kDot, "550 5.7.23 The message was rejected because of Sender Policy Framework violation", P,
     AUTH_FAILED, SENDER, kMail},
    {"ExchangeBadSender", kTo, "550 5.1.8 Access denied, bad outbound sender", P, REJECTED_POLICY, SENDER, kMail},
    {"ExchangeOldDisabled", kTo, "550 5.7.1 Requested action not taken: message refused", P, REJECTED_POLICY, SENDER,
     kMail},
    {"OutlookReputation", kFrom,
     "451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation", T, RATE_LIMITED,
     SENDER, kIp},
    {"OutlookConnections", kFrom,
     "421 RP-003 (BAY004) Unfortunately, some messages from 192.0.2.1 weren't sent. The mail server IP connecting to "
     "Outlook.com has exceeded the connection limit allowed",
     T, RATE_LIMITED, SENDER, kIp},
    {"OutlookPolicy", kFrom,
     "550 SC-001 (BAY004) Unfortunately, messages from 192.0.2.1 weren't sent. Please contact your Internet service "
     "provider",
     P, BLOCKED_IP, SENDER, kIp},

    // --- Google
    {"GmailOverQuota", kTo,
     "552-5.2.2 The email account that you tried to reach is over quota. Please direct\n552 5.2.2 the recipient to "
     "help",
     P, MAILBOX_FULL, RECIPIENT, kPerson},
    {"GmailTooQuickly", kTo, "450-4.2.1 The user you are trying to contact is receiving mail too quickly.", T,
     RATE_LIMITED, kNobody, kPerson},
    {"GmailTooQuickly5", kTo,
     "550 5.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from "
     "being delivered.",
     T, RATE_LIMITED, kNobody, kPerson},
    {"GmailRelayLimit", kDot, "550 5.4.5 Daily SMTP relay limit exceeded for user", T, RATE_LIMITED, SENDER, kIp},
    {"GmailMalformed", kDot, "554 5.6.0 Mail message is malformed. Not accepted.", P, CONTENT, CONTENT_FAULT, kMail},
    {"GmailSecurityIssue", kDot,
     "552-5.7.0 This message was blocked because its content presents a potential\n552 5.7.0 security issue.", P,
     CONTENT, CONTENT_FAULT, kMail},
    {"GmailAuthInfo", kDot,
     "550-5.7.1 This message does not have authentication information or fails to pass\n550 5.7.1 authentication "
     "checks.",
     P, AUTH_FAILED, SENDER, kMail},
    {"GmailPolicy", kTo,
     "550 5.7.1 The user or domain that you are sending to (or from) has a policy that prohibited the mail that you "
     "sent.",
     P, REJECTED_POLICY, SENDER, kMail},
    {"GmailTls", kTo, "421 4.7.0 TLS required for RCPT domain, closing connection.", T, TLS_FAILURE, SENDER, kSite},
    {"GmailUnusual5", kDot, "550-5.7.28 There is an unusual rate of unsolicited mail originating from your IP address.",
     T, RATE_LIMITED, SENDER, kIp},
    {"GmailSpf", kDot, "550 5.7.27 Unauthenticated email: SPF check for the sending domain did not pass", P,
     AUTH_FAILED, SENDER, kMail},
    {"GmailMessageId", kDot, "550 5.7.1 Messages missing a valid messageId header are not accepted.", P, CONTENT,
     CONTENT_FAULT, kMail},
    {"GmailInactive", kTo, "550 5.2.1 The email account that you tried to reach is inactive.", P, MAILBOX_DISABLED,
     RECIPIENT, kPerson},
    {"GmailBusy", kFrom, "421 4.4.5 Server busy, try again later.", T, RATE_LIMITED, SENDER, kIp},
    {"GmailReputation", kDot,
     "421-4.7.0 [192.0.2.1 15] Our system has detected that this message is suspicious due to the very low reputation "
     "of the sending IP address.",
     T, BLOCKED_IP, SENDER, kIp},

    // --- Yahoo, AOL, Apple, cable networks
    {"YahooDisabled", kDot,
     "554 delivery error: dd Sorry, your message to a@x.test cannot be delivered. This mailbox is disabled (554.30). - "
     "mta1.mail.bf1.yahoo.com",
     P, MAILBOX_DISABLED, RECIPIENT, kPerson},
    {"YahooNoAccount", kDot,
     "554 delivery error: dd This user doesn't have a yahoo.com account (a@x.test) [0] - mta1.mail.bf1.yahoo.com", P,
     USER_UNKNOWN, RECIPIENT, kPerson},
    {"YahooForGood", kFrom,
     "553 5.7.2 [TSS09] All messages from 192.0.2.1 will be permanently deferred; Retrying will NOT succeed.", P,
     BLOCKED_IP, SENDER, kIp},
    {"YahooPolicy", kDot, "554 Message not allowed - [PH01] Email not accepted for policy reasons.", P, REJECTED_POLICY,
     SENDER, kMail},
    {"YahooMailboxNotFound", kDot, "552 1 Requested mail action aborted, mailbox not found", P, USER_UNKNOWN, RECIPIENT,
     kPerson},
    {"AolWillNot", kDot, "521 5.2.1 : AOL will not accept delivery of this message.", P, REJECTED_POLICY, kNobody,
     kMail},
    {"AppleNoRecord", kTo, "550 5.1.1 <a@x.test>: user lookup success but no user record found", P, USER_UNKNOWN,
     RECIPIENT, kPerson},
    {"AppleDbl", kDot, "550 5.7.1 Your email was rejected due to having a domain present in the Spamhaus DBL", P, SPAM,
     SENDER, kMail},
    {"ComcastCustomer", kTo, "550 5.1.1 Not our Customer", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"CoxSessions", kHello, "421 too many sessions from 192.0.2.1", T, RATE_LIMITED, SENDER, kIp},
    {"AttReverse", kFrom,
     "550 5.7.1 Connections not accepted from servers without a valid sender domain. Fix reverse DNS for 192.0.2.1", P,
     AUTH_FAILED, SENDER, kIp},
    {"AttList", kFrom, "553 5.3.0 flph399 DNSBL:ATTRBL 521< 192.0.2.1 >_is_blocked.For assistance forward this", P,
     BLOCKED_IP, SENDER, kIp},
    {"RackspaceNotFound", kTo, "550 5.1.1 <a@x.test>: Email address could not be found, or was misspelled (G8)", P,
     USER_UNKNOWN, RECIPIENT, kPerson},
    {"CloudmarkReputation", kHello,
     "554 Connection refused. 192.0.2.1 has a poor reputation on Cloudmark Sender Intelligence (CSI)", P, BLOCKED_IP,
     SENDER, kIp},
    {"ProtonNoAddress", kTo, "550 5.1.1 <a@x.test>: Recipient address rejected: Address does not exist", P,
     USER_UNKNOWN, RECIPIENT, kPerson},
    {"ZohoRelay", kTo, "553 Relaying disallowed as b@y.test", P, RELAY_DENIED, NETWORK_FAULT, kSite},

    // --- gateways
    {"MimecastInvalid", kTo, "550 Invalid Recipient - https://community.mimecast.com/docs/DOC-1369#550", P,
     USER_UNKNOWN, RECIPIENT, kPerson},
    {"MimecastEnvelope", kTo,
     "550 Administrative prohibition - envelope blocked - https://community.mimecast.com/docs/DOC-1369#550", P,
     REJECTED_POLICY, SENDER, kMail},
    {"MimecastSecurity", kDot,
     "554 Email rejected due to security policies - https://community.mimecast.com/docs/DOC-1369#554", P,
     REJECTED_POLICY, SENDER, kMail},
    {"ProofpointAuthorized", kDot, "550 5.7.1 Delivery not authorized, message refused", P, REJECTED_POLICY, SENDER,
     kMail},
    {"ProofpointIp", kHello, "554 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1", P, BLOCKED_IP, SENDER,
     kIp},
    {"BarracudaRecipient", kDot,
     "550 permanent failure for one or more recipients (a@x.test:550 5.1.1 RESOLVER.ADR.RecipNotFound; not found)", P,
     USER_UNKNOWN, RECIPIENT, kPerson},
    {"BarracudaBlocked", kDot, "550 permanent failure for one or more recipients (a@x.test:blocked)", P,
     REJECTED_POLICY, kNobody, kMail},
    {"BarracudaSpamUrl", kDot, "554 rejected due to spam URL in content", P, SPAM, CONTENT_FAULT, kMail},
    {"IronPortAddress", kTo, "550 #5.1.0 Address rejected a@x.test", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"IronPortReputation", kHello,
     "554 Your access to this mail system has been rejected due to the sending MTA's poor reputation. If you believe "
     "that this failure is in error, please contact the intended recipient via alternate means.",
     P, BLOCKED_IP, SENDER, kIp},
    {"IronPortConnections", kHello, "421 #4.4.5 Too many connections from your host.", T, RATE_LIMITED, SENDER, kIp},
    {"IronPortHour", kTo, "452 Too many recipients received this hour", T, RATE_LIMITED, SENDER, kIp},
    {"IronPortInvalid", kTo, "550 Too many invalid recipients", T, RATE_LIMITED, SENDER, kIp},
    {"IronPortSize", kDot, "552 size limit exceeded", P, TOO_LARGE, CONTENT_FAULT, kMail},
    {"MessageLabsSpf", kDot, "553-SPF (Sender Policy Framework) domain authentication\n553 fail.", P, AUTH_FAILED,
     SENDER, kMail},
    {"MessageLabsRelay", kTo,
     "553-you are trying to use me [server-4.tower-12.messagelabs.com] as a relay, but I have not been configured to "
     "let you",
     P, RELAY_DENIED, NETWORK_FAULT, kSite},
    {"MessageLabsPolicy", kHello, "501 Connection rejected by policy [7.7] 38802", P, REJECTED_POLICY, SENDER, kSite},
    {"MessageLabsFiltered", kDot,
     "553-Message filtered. Refer to the Troubleshooting page for more\n553 information. (#5.7.1)", P, SPAM,
     CONTENT_FAULT, kMail},
    {"TrendMicro", kTo,
     "550 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using Trend Micro Email Reputation Service", P,
     BLOCKED_IP, SENDER, kIp},
    {"TrendMicroSoft", kTo,
     "450 4.7.1 Service temporarily unavailable; Client host [192.0.2.1] blocked using Trend Micro Email Reputation "
     "Service",
     T, BLOCKED_IP, SENDER, kIp},
    {"SophosGrey", kTo, "451 4.7.1 Greylisting active, please try again in 5 minutes", T, GREYLISTED, SENDER, kPerson},
    {"FortiMail", kDot,
     "550 5.7.1 This email from IP 192.0.2.1 has been rejected. The email message was detected as spam.", P, BLOCKED_IP,
     SENDER, kIp},
    {"CyrenReputation", kTo, "550 5.7.1 Mail rejected by CYREN IP reputation", P, BLOCKED_IP, SENDER, kIp},
    {"SenderScore", kTo, "550 5.7.1 Refused, see https://www.senderscore.org/lookup.php?lookup=192.0.2.1", P,
     BLOCKED_IP, SENDER, kIp},
    {"Psbl", kTo, "554 5.7.1 Listed in PSBL, see http://psbl.org/listing?ip=192.0.2.1", P, BLOCKED_IP, SENDER, kIp},
    {"AbuseatCbl", kTo, "554 5.7.1 Rejected 192.0.2.1 found in cbl.example.org", P, BLOCKED_IP, SENDER, kIp},

    // --- other servers
    {"DominoDirectory", kTo, "550 5.1.1 User jdoe (jdoe@x.test) not listed in Domino Directory", P, USER_UNKNOWN,
     RECIPIENT, kPerson},
    {"DominoRelay", kTo, "554 Relay rejected for policy reasons.", P, RELAY_DENIED, NETWORK_FAULT, kSite},
    {"MDaemonUnknown", kTo, "550 <a@x.test>, Recipient unknown", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"MDaemonDisabled", kTo, "550 Sorry, that account is disabled", P, MAILBOX_DISABLED, RECIPIENT, kPerson},
    {"HMailServer", kTo, "550 Unknown user", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"HMailServerInactive", kTo, "550 Account is not active.", P, MAILBOX_DISABLED, RECIPIENT, kPerson},
    {"CommuniGate", kTo, "550 a@x.test unknown user account", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"CommuniGateFull", kTo, "552 a@x.test account is full (quota exceeded)", P, MAILBOX_FULL, RECIPIENT, kPerson},
    {"CourierRelay", kTo, "513 Relaying denied.", P, RELAY_DENIED, NETWORK_FAULT, kSite},
    {"CourierDomain", kFrom, "517-Domain does not exist: y.test.\n517 Invalid domain", P, REJECTED_POLICY, SENDER,
     kMail},
    {"OpenSmtpd", kTo, "550 Invalid recipient: <a@x.test>", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"OpenSmtpdSoft", kTo, "421 4.3.0: Temporary Error", T, SYSTEM_FULL, NETWORK_FAULT, kSite},
    {"Stalwart", kTo, "550 5.1.2 Mailbox does not exist.", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"Maddy", kTo, "550 5.1.1 User doesn't exist", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"Dovecot", kDot, "550 5.1.1 <a@x.test> User doesn't exist: a@x.test", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"DovecotQuota", kDot, "552 5.2.2 <a@x.test> Quota exceeded (mailbox for user is full)", P, MAILBOX_FULL, RECIPIENT,
     kPerson},
    {"Cyrus", kTo,
     "550-Mailbox unknown. Either there is no mailbox associated with this\n550-name or you don't have authorization "
     "to see it.\n550 5.1.1 User unknown",
     P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"Zimbra", kTo, "550 5.1.1 <a@x.test>: Recipient address rejected: x.test", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"Kerio", kTo, "550 5.1.1 Mailbox a@x.test does not exist", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"GroupWise", kTo, "550 Mailbox unavailable", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"James", kTo, "550 5.7.1 Requested action not taken: relaying denied", P, RELAY_DENIED, NETWORK_FAULT, kSite},

    // --- Germany
    {"GmxSenderMx", kFrom,
     "550-Requested action not taken: mailbox unavailable\n550 invalid DNS MX or A/AAAA resource record", P,
     REJECTED_POLICY, SENDER, kMail},
    {"GmxSenderMxAtRcpt", kTo,
     "550-Requested action not taken: mailbox unavailable\n550 invalid DNS MX or A/AAAA resource record", P,
     REJECTED_POLICY, SENDER, kMail},
    {"GmxPolicy", kDot, "550-Requested action not taken: mailbox unavailable\n550 Reject due to policy restrictions.",
     P, REJECTED_POLICY, SENDER, kMail},
    {"GmxPtr", kHello,
     "554-gmx.net (mxgmx108) Nemesis ESMTP Service not available\n554-No SMTP service\n554 Bad DNS PTR resource "
     "record.",
     P, AUTH_FAILED, SENDER, kIp},
    {"GmxBlack", kHello,
     "554-web.de (mxweb012) Nemesis ESMTP Service not available\n554-No SMTP service\n554 IP address is black listed.",
     P, BLOCKED_IP, SENDER, kIp},
    {"TOnline", kHello,
     "554 IP=192.0.2.1 - A problem occurred. Ask your postmaster for help or to contact tosa@rx.t-online.de to "
     "clarify. (BL)",
     P, BLOCKED_IP, SENDER, kIp},
    {"GermanNoSuchBox", kTo, "550 5.1.1 Dieses Postfach existiert nicht", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"GermanBoth", kTo, "550 <a@x.test> Benutzer unbekannt / User unknown", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"GermanNoRecipient", kTo, "550 Kein solcher Empf\xc3\xa4nger", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"GermanAddress", kTo, "550 Die Adresse ist nicht bekannt", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"GermanFull", kTo, "552 Das Postfach des Empf\xc3\xa4ngers ist voll", P, MAILBOX_FULL, RECIPIENT, kPerson},
    {"GermanQuota", kTo, "552 Speicherplatz des Empf\xc3\xa4ngers ersch\xc3\xb6pft", P, MAILBOX_FULL, RECIPIENT,
     kPerson},
    {"GermanLocked", kTo, "550 Dieses Konto wurde gesperrt", P, MAILBOX_DISABLED, RECIPIENT, kPerson},
    {"GermanSpam", kDot, "554 Nachricht wurde als Spam eingestuft", P, SPAM, CONTENT_FAULT, kMail},
    {"GermanList", kHello, "554 Ihre IP-Adresse steht auf einer Sperrliste", P, BLOCKED_IP, SENDER, kIp},
    {"GermanConnections", kHello, "421 Zu viele gleichzeitige Verbindungen", T, RATE_LIMITED, SENDER, kIp},
    {"GermanLater", kTo, "451 Bitte versuchen Sie es sp\xc3\xa4ter noch einmal", T, REASON_UNSPECIFIED, kNobody,
     kPerson},
    {"GermanSize", kFrom, "552 Die Nachricht ist zu gro\xc3\x9f", P, TOO_LARGE, CONTENT_FAULT, kMail},
    {"GermanRelay", kTo, "550 Weiterleitung verweigert", P, RELAY_DENIED, NETWORK_FAULT, kSite},
    {"GermanPolicy", kTo, "550 Abgelehnt aufgrund unserer Richtlinien", P, REJECTED_POLICY, SENDER, kMail},

    // --- France
    {"FrenchNoAddress", kTo, "550 Adresse d au moins un destinataire invalide", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"FrenchNoBox", kTo, "550 Bo\xc3\xaete aux lettres inexistante", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"FrenchNoBoxPlain", kTo, "550 Boite aux lettres inexistante", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"FrenchUnknown", kTo, "550 5.1.1 Utilisateur non trouv\xc3\xa9", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"FrenchRecipient", kTo, "550 Le destinataire n'existe pas", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"FrenchFull", kTo,
     "552 La bo\xc3\xaete de r\xc3\xa9"
     "ception est pleine",
     P, MAILBOX_FULL, RECIPIENT, kPerson},
    {"FrenchInactive", kTo, "550 5.2.1 Compte d\xc3\xa9sactiv\xc3\xa9", P, MAILBOX_DISABLED, RECIPIENT, kPerson},
    {"FrenchConnections", kHello,
     "421 Trop de connexions simultan\xc3\xa9"
     "es",
     T, RATE_LIMITED, SENDER, kIp},
    {"FrenchErrors", kHello, "451 too many errors from your ip (192.0.2.1), please visit http://postmaster.free.fr/", T,
     RATE_LIMITED, SENDER, kIp},
    {"FrenchSpam", kDot, "554 Message rejet\xc3\xa9 : contenu ind\xc3\xa9sirable (spam)", P, SPAM, CONTENT_FAULT,
     kMail},
    {"FrenchInactivity", kTo, "550 5.2.1 This mailbox has been blocked due to inactivity", P, MAILBOX_DISABLED,
     RECIPIENT, kPerson},
    {"FrenchLater", kHello, "421 Service refuse. Veuillez essayer plus tard.", T, RATE_LIMITED, SENDER, kIp},
    {"FrenchList", kTo, "550 Votre adresse IP est sur liste noire", P, BLOCKED_IP, SENDER, kIp},

    // --- Spain, Portugal, Brazil, Italy
    {"SpanishNoUser", kTo, "550 5.1.1 Usuario inexistente", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"SpanishNoBox", kTo, "550 El buz\xc3\xb3n no existe", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"SpanishAccount", kTo, "550 La cuenta de correo no existe", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"SpanishFull", kTo, "552 Buz\xc3\xb3n lleno", P, MAILBOX_FULL, RECIPIENT, kPerson},
    {"SpanishQuota", kTo, "552 Cuota excedida", P, MAILBOX_FULL, RECIPIENT, kPerson},
    {"SpanishDisabled", kTo, "550 Cuenta deshabilitada", P, MAILBOX_DISABLED, RECIPIENT, kPerson},
    {"SpanishPolicy", kDot, "554 Mensaje rechazado por pol\xc3\xadtica de seguridad", P, REJECTED_POLICY, SENDER,
     kMail},
    {"SpanishConnections", kHello, "421 Demasiadas conexiones desde su IP", T, RATE_LIMITED, SENDER, kIp},
    {"SpanishList", kTo, "550 Su IP est\xc3\xa1 en una lista negra", P, BLOCKED_IP, SENDER, kIp},
    {"SpanishSpam", kDot, "554 Mensaje rechazado: correo no deseado", P, SPAM, CONTENT_FAULT, kMail},
    {"PortugueseNoUser", kTo, "550 5.1.1 Usu\xc3\xa1rio inexistente", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"PortugueseNoBox", kTo, "550 Caixa postal inexistente", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"PortugueseRecipient", kTo, "550 Destinat\xc3\xa1rio n\xc3\xa3o encontrado", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"PortugueseNotExists", kTo, "550 Este endere\xc3\xa7o n\xc3\xa3o existe", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"PortugueseFull", kTo, "552 Caixa postal cheia", P, MAILBOX_FULL, RECIPIENT, kPerson},
    {"PortugueseSpam", kDot, "554 Mensagem rejeitada: suspeita de spam", P, SPAM, CONTENT_FAULT, kMail},
    {"PortugueseDisabled", kTo, "550 Conta desativada", P, MAILBOX_DISABLED, RECIPIENT, kPerson},
    {"PortugueseConnections", kHello,
     "421 Muitas conex\xc3\xb5"
     "es simult\xc3\xa2neas",
     T, RATE_LIMITED, SENDER, kIp},
    {"ItalianNoUser", kTo, "550 5.1.1 Utente sconosciuto", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"ItalianNoBox", kTo, "550 Casella inesistente", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"ItalianRecipient", kTo, "550 Destinatario non trovato", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"ItalianAddress", kTo, "550 L'indirizzo non esiste", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"ItalianFull", kTo, "552 Casella di posta piena", P, MAILBOX_FULL, RECIPIENT, kPerson},
    {"ItalianDisabled", kTo, "550 Casella disabilitata", P, MAILBOX_DISABLED, RECIPIENT, kPerson},
    {"ItalianSpam", kDot, "554 Messaggio rifiutato: contenuto spam", P, SPAM, CONTENT_FAULT, kMail},
    {"ItalianConnections", kHello, "421 Troppe connessioni dal tuo indirizzo IP", T, RATE_LIMITED, SENDER, kIp},

    // --- Netherlands, Poland
    {"DutchUser", kTo, "550 Gebruiker onbekend", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"DutchRecipient", kTo, "550 Onbekende ontvanger", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"DutchAddress", kTo, "550 Dit e-mailadres bestaat niet", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"DutchFull", kTo, "552 Mailbox vol", P, MAILBOX_FULL, RECIPIENT, kPerson},
    {"DutchList", kTo, "550 Uw IP-adres staat op een zwarte lijst", P, BLOCKED_IP, SENDER, kIp},
    {"DutchConnections", kHello, "421 Te veel verbindingen", T, RATE_LIMITED, SENDER, kIp},
    {"PolishNoUser", kTo, "550 5.1.1 Nie ma takiego u\xc5\xbcytkownika", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"PolishRecipient", kTo, "550 Nieznany odbiorca", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"PolishAccount", kTo, "550 Konto nie istnieje", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"PolishFull", kTo, "552 Skrzynka odbiorcy jest pe\xc5\x82na", P, MAILBOX_FULL, RECIPIENT, kPerson},
    {"PolishOverfull", kTo, "552 Skrzynka przepe\xc5\x82niona", P, MAILBOX_FULL, RECIPIENT, kPerson},
    {"PolishBlocked", kTo, "550 Konto zablokowane", P, MAILBOX_DISABLED, RECIPIENT, kPerson},
    {"PolishSpam", kDot, "554 Wiadomo\xc5\x9b\xc4\x87 odrzucona jako spam", P, SPAM, CONTENT_FAULT, kMail},
    {"PolishConnections", kHello,
     "421 Zbyt wiele po\xc5\x82\xc4\x85"
     "cze\xc5\x84",
     T, RATE_LIMITED, SENDER, kIp},

    // --- Russia
    {"MailRuNotFound", kDot,
     "550 Message was not accepted -- invalid mailbox.  Local mailbox a@x.test is unavailable: user not found", P,
     USER_UNKNOWN, RECIPIENT, kPerson},
    {"MailRuDynamic", kHello, "550 Sorry, we do not accept mail from hosts with dynamic IP or generic DNS PTR-records",
     P, AUTH_FAILED, SENDER, kIp},
    {"YandexSpam", kDot, "554 5.7.1 [1] Message rejected under suspicion of SPAM; https://ya.cc/1IrBc", P, SPAM,
     CONTENT_FAULT, kMail},
    {"RussianNoUser", kTo,
     "550 5.1.1 \xd0\x9f\xd0\xbe\xd0\xbb\xd1\x8c\xd0\xb7\xd0\xbe\xd0\xb2\xd0\xb0\xd1\x82\xd0\xb5\xd0\xbb\xd1\x8c "
     "\xd0\xbd\xd0\xb5 \xd0\xbd\xd0\xb0\xd0\xb9\xd0\xb4\xd0\xb5\xd0\xbd",
     P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"RussianNoSuchUser", kTo, "550 Нет такого пользователя", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"RussianBox", kTo, "550 Почтовый ящик не существует", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"RussianRecipient", kTo, "550 НЕИЗВЕСТНЫЙ ПОЛУЧАТЕЛЬ", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"RussianFull", kTo, "552 Почтовый ящик переполнен", P, MAILBOX_FULL, RECIPIENT, kPerson},
    {"RussianDisabled", kTo, "550 Почтовый ящик отключен", P, MAILBOX_DISABLED, RECIPIENT, kPerson},
    {"RussianSpam", kDot, "554 Сообщение отклонено как спам", P, SPAM, CONTENT_FAULT, kMail},
    {"RussianList", kTo, "550 Ваш IP адрес в черном списке", P, BLOCKED_IP, SENDER, kIp},
    {"RussianConnections", kHello, "421 Слишком много соединений", T, RATE_LIMITED, SENDER, kIp},
    {"RussianPolicy", kTo, "550 Отклонено политикой безопасности", P, REJECTED_POLICY, SENDER, kMail},

    // --- China, Japan
    {"QqNotFound", kTo, "550 Mailbox not found. http://service.mail.qq.com/cgi-bin/help", P, USER_UNKNOWN, RECIPIENT,
     kPerson},
    {"QqFrequency", kDot, "550 Ip frequency limited. http://service.mail.qq.com/cgi-bin/help", T, RATE_LIMITED, SENDER,
     kIp},
    {"QqContent", kDot, "550 Mail content denied. http://service.mail.qq.com/cgi-bin/help", P, SPAM, CONTENT_FAULT,
     kMail},
    {"QqSenderDomain", kFrom, "550 Domain may not exist or DNS check failed", P, REJECTED_POLICY, SENDER, kMail},
    {"QqSenderDomainAtRcpt", kTo, "550 Domain may not exist or DNS check failed", P, REJECTED_POLICY, SENDER, kMail},
    {"NeteaseInvalid", kTo, "550 Invalid User: a@x.test", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"NeteaseCode", kDot, "554 DT:SPM 163 mx15,QMCowACHiNZL 1605162007", P, REJECTED_POLICY, kNobody, kMail},
    {"NeteaseNull", kFrom, "553 Requested action not taken: NULL sender is not allowed", P, REJECTED_POLICY, SENDER,
     kMail},
    {"ChineseNoUser", kTo, "550 用户不存在", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"ChineseNoRecipient", kTo, "550 对不起,收件人不存在", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"ChineseNoBox", kTo, "550 5.1.1 该邮箱不存在", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"ChineseFull", kTo, "552 收件人邮箱已满", P, MAILBOX_FULL, RECIPIENT, kPerson},
    {"ChineseSpace", kTo, "552 邮箱空间不足", P, MAILBOX_FULL, RECIPIENT, kPerson},
    {"ChineseDisabled", kTo, "550 该帐号已被停用", P, MAILBOX_DISABLED, RECIPIENT, kPerson},
    {"ChineseSpam", kDot, "554 邮件被识别为垃圾邮件", P, SPAM, CONTENT_FAULT, kMail},
    {"ChineseList", kTo, "550 您的IP已被列入黑名单", P, BLOCKED_IP, SENDER, kIp},
    {"ChineseConnections", kHello, "421 连接过多", T, RATE_LIMITED, SENDER, kIp},
    {"TaiwanNoUser", kTo, "550 使用者不存在", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"TaiwanFull", kTo, "552 收件者信箱已滿", P, MAILBOX_FULL, RECIPIENT, kPerson},
    {"DocomoUnknown", kTo, "550 Unknown user a@x.test", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"SoftbankInvalid", kTo, "550 Invalid recipient: <a@x.test>", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"JapaneseNoUser", kTo, "550 そのユーザーは存在しません", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"JapaneseNotFound", kTo, "550 宛先が見つかりません", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"JapaneseUnknown", kTo, "550 5.1.1 宛先不明", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"JapaneseFull", kTo, "552 メールボックスがいっぱいです", P, MAILBOX_FULL, RECIPIENT, kPerson},
    {"JapaneseQuota", kTo, "552 メールボックスの容量を超えています", P, MAILBOX_FULL, RECIPIENT, kPerson},
    {"JapaneseSpam", kDot, "554 迷惑メールと判定されました", P, SPAM, CONTENT_FAULT, kMail},
    {"JapaneseStopped", kTo, "550 このアカウントは停止されています", P, MAILBOX_DISABLED, RECIPIENT, kPerson},

    // --- what must never be taken for the address
    {"OurIpWith511", kTo, "550 5.1.1 Mail from 192.0.2.1 denied", P, BLOCKED_IP, SENDER, kIp},
    {"DnsblWith511", kTo, "550 5.1.1 <a@x.test> rejected: dnsbl", P, BLOCKED_IP, SENDER, kIp},
    {"PolicyWith511", kTo, "550 5.1.1 <a@x.test> rejected by policy", P, REJECTED_POLICY, SENDER, kMail},
    {"ListServer", kTo, "550 5.7.1 You are not allowed to post to this mailing list", P, REJECTED_POLICY, SENDER,
     kMail},
    {"MembersOnly", kTo, "550 Only subscribers may send to this list, permission denied", P, REJECTED_POLICY, SENDER,
     kMail},
    {"AccessDenied", kTo, "550 5.7.1 Access denied", P, REJECTED_POLICY, SENDER, kMail},
    {"SenderBlockedByUser", kTo, "550 5.7.1 Sender blocked by recipient", P, REJECTED_POLICY, SENDER, kMail},
    {"CountryBlocked", kHello, "554 5.7.1 Connection refused: country blocked", P, BLOCKED_IP, SENDER, kIp},
    {"DkimMissing", kDot, "550 5.7.20 No passing DKIM signature found", P, AUTH_FAILED, SENDER, kMail},
    {"DmarcEvaluation", kDot, "451 4.7.5 Temporary error evaluating DMARC policy", T, AUTH_FAILED, SENDER, kMail},
    {"SpfTempError", kFrom, "451 4.4.3 SPF temporary error, dns timeout", T, AUTH_FAILED, SENDER, kMail},
    {"LoginFirst", kFrom, "530 5.7.0 Authentication required", P, AUTH_FAILED, SENDER, kMail},
    {"Refused571", kTo, "571 Message refused", P, REJECTED_POLICY, kNobody, kPerson},
    {"NoWords", kTo, "550 5.0.0", P, REJECTED_POLICY, kNobody, kPerson},
    {"SenderAddressVerified", kTo, "550 Sender address could not be verified, user unknown", P, REJECTED_POLICY, SENDER,
     kMail},
    {"SenderDomainNoMx", kFrom, "550 5.1.8 Sender domain has no MX", P, REJECTED_POLICY, SENDER, kMail},
    {"MailFromDomain", kTo, "550 5.1.0 MAIL FROM domain does not exist", P, REJECTED_POLICY, SENDER, kMail},
    {"FromHeader", kDot, "550 5.7.1 From address does not exist", P, REJECTED_POLICY, SENDER, kMail},

    // --- the address, in other words
    {"NoLongerAccepts", kTo, "550 This address no longer accepts mail.", P, MAILBOX_DISABLED, RECIPIENT, kPerson},
    {"Expired", kTo, "550 5.2.1 Mailbox has expired", P, MAILBOX_DISABLED, RECIPIENT, kPerson},
    {"LeftCompany", kTo, "550 This person no longer works here", P, MAILBOX_DISABLED, RECIPIENT, kPerson},
    {"NotLocal551", kTo, "551 User not local; please try <c@z.test>", P, MOVED, RECIPIENT, kPerson},
    {"NoThisUser", kTo, "550 No this user", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"NobodyByThatName", kTo, "550 There is no one by that name here", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"DoesNotExist", kTo, "550 a@x.test does not exist", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"NotExist", kTo, "550 Mailbox not exist", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"CannotFind", kTo, "550 Cannot find mailbox for a@x.test", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"UnableToFind", kTo, "550 Unable to find recipient", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"NotRecognised", kTo, "550 5.1.1 Recipient not recognised", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"NotRecognisedNoCode", kTo, "550 User name not recognized", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"UnknownOrInvalid", kTo, "553 Invalid or unknown virtual user", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"NotDeliverable", kTo, "550 Undeliverable address", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"WrongAddress", kTo, "550 wrong email address", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"Deleted", kTo, "550 The account has been deleted", P, USER_UNKNOWN, RECIPIENT, kPerson},
    {"Terminated", kTo, "550 Account terminated", P, MAILBOX_DISABLED, RECIPIENT, kPerson},
    {"Moved", kTo, "550 5.1.6 Address has changed", P, MOVED, RECIPIENT, kPerson},
    {"DomainNotServed", kTo, "550 We do not handle mail for this domain", P, DOMAIN_UNKNOWN, RECIPIENT, kPerson},

    // --- waiting
    {"BusyGreeting", kHello, "421 mx.x.test too busy, try again later", T, RATE_LIMITED, SENDER, kIp},
    {"DailyQuota", kFrom, "550 5.4.5 Daily user sending quota exceeded", T, RATE_LIMITED, SENDER, kIp},
    {"SentTooMany", kFrom, "554 5.7.1 You have sent too many messages in the last hour", T, RATE_LIMITED, SENDER, kIp},
    {"TooManyRcpt", kTo, "451 4.5.3 Error: too many recipients", T, RATE_LIMITED, SENDER, kMail},
    {"TooManyRcpt5", kTo, "554 5.5.3 Maximum number of recipients exceeded", T, RATE_LIMITED, SENDER, kMail},
    {"HostDown", kTo, "450 4.4.1 Unable to reach the mail store", T, NETWORK, NETWORK_FAULT, kSite},
    {"Upstream", kTo, "451 4.4.2 Connection to upstream lost", T, NETWORK, NETWORK_FAULT, kSite},
    {"Overloaded", kHello, "421 4.3.2 System overloaded, come back later", T, RATE_LIMITED, SENDER, kIp},
    {"Maintenance", kHello, "421 4.3.2 Down for maintenance", T, SYSTEM_FULL, NETWORK_FAULT, kSite},
    {"NotSeenBefore", kTo, "451 We have not seen this sender before, please try again in 10 minutes", T, GREYLISTED,
     SENDER, kPerson},
    {"EarlyRetry", kTo, "451 4.7.1 You are retrying too early", T, GREYLISTED, SENDER, kPerson},
};

INSTANTIATE_TEST_SUITE_P(Rows, ClassifyWorld, testing::ValuesIn(kRows), [](const auto& row) { return row.param.name; });

// Written in one go after the rules, hard and soft side by side: words about an address next to the same words about
// the sender, our host or an error. No code of RFC 3463 helps in most of them.
struct ClassRow {
  bool hard;
  const char* reply;
};

constexpr ClassRow kClassRows[] = {
    {true, "550 5.1.1 The email address you entered couldn't be found. Please check the recipient's email address"},
    {true, "550 5.1.1 Error: invalid recipients is found from 203.0.113.9"},
    {true, "550 5.1.1 <a@x.test>: user does not exist here"},
    {true, "550 <a@x.test> No such user"},
    {true, "550 This is not a valid mailbox"},
    {true, "550 Recipient not in our directory"},
    {true, "550 5.1.1 sorry, that mailbox isn't here"},
    {true, "550 5.1.1 <a@x.test> is not a valid mailbox"},
    {true, "553 5.1.2 We weren't able to find the recipient domain. Please check for any spelling errors"},
    {true, "550 No such local user"},
    {true, "554 5.1.1 Mailbox address rejected: not a member of this domain"},
    {true, "550 Invalid address - user not known"},
    {true, "550 5.0.0 <a@x.test>... User not known"},
    {true, "550 Unknown recipient address"},
    {true, "550 The mailbox you are trying to reach is not available, it was deleted"},
    {true, "550-5.2.1 The email account that you tried to reach is disabled. Learn more at help"},
    {true, "550 a@x.test Account disabled"},
    {true, "550 account locked"},
    {true, "550 Recipient address rejected: Mailbox closed"},
    {true, "553 <a@x.test>: mailbox name not allowed / no such mailbox"},
    {true, "554 5.5.0 Mailbox does not exist or is disabled"},
    {true, "550 5.7.1 recipient is unknown"},
    {true, "550 \"Unknown User\""},
    {true, "551 This mail account does not exist"},
    {true, "550 Not a valid email user"},
    {true, "511 5.1.1 unknown address or alias: a@x.test"},
    {true, "550 RCPT TO:<a@x.test> User unknown; rejecting"},
    {true, "550 MAILBOX_NOT_FOUND"},
    {true, "550 5.1.1 ESMTP: Recipient does not exist in LDAP"},
    {true, "550 Ungueltiger Empfaenger"},
    {true, "550 5.1.1 Unbekannter Empfänger"},
    {true, "550 Das angegebene Postfach existiert nicht"},
    {true, "550 Die E-Mail-Adresse wurde nicht gefunden"},
    {true, "550 Adresse e-mail inconnue"},
    {true, "550 L'adresse n'existe pas"},
    {true, "550 Le compte a été supprimé"},
    {true, "550 El destinatario no existe"},
    {true, "550 La dirección de correo no se encuentra"},
    {true, "550 Cuenta inexistente"},
    {true, "550 O usuário não existe"},
    {true, "550 Destinatario sconosciuto"},
    {true, "550 Utente non esistente"},
    {true, "550 Gebruiker bestaat niet"},
    {true, "550 Adresat nieznany"},
    {true, "550 Brak takiego użytkownika"},
    {true, "550 Адресат не найден"},
    {true, "550 Пользователь с таким адресом не зарегистрирован"},
    {true, "550 收件人地址不存在"},
    {true, "550 没有这个用户"},
    {true, "550 該当するユーザが存在しません"},
    {true, "550 送信先メールアドレスが存在しません"},
    {true, "554 Domain not found (x.test)"},
    {true, "550 5.4.4 Host or domain name not found: x.test"},
    {true, "556 5.1.10 x.test does not accept email"},
    {true, "550 5.1.2 Unknown domain"},
    {true, "550 Account no longer exists"},
    {true, "550 User has left, mailbox removed"},
    {true, "550 5.1.0 Address does not exist"},
    {false, "550 5.7.1 Your message was refused by the recipient's mail filter"},
    {false, "550 Message blocked: content"},
    {false, "554 5.7.1 Blacklisted sender domain"},
    {false, "550 5.7.1 Sender IP reverse lookup rejected"},
    {false, "550 Blocked by x.test: your server is sending us too much junk"},
    {false, "550 Your server does not exist in our whitelist"},
    {false, "550 5.7.1 Sender unknown, please register"},
    {false, "550 Sender domain does not exist"},
    {false, "550 5.1.8 Sender address does not exist"},
    {false, "550 Helo name does not exist in DNS"},
    {false, "553 Your domain x.test is not found in DNS"},
    {false, "550 envelope from: no such domain"},
    {false, "550 return address user unknown (callout)"},
    {false, "550 reverse DNS of your host does not exist"},
    {false, "550 5.7.1 Message rejected: unknown sender reputation"},
    {false, "554 Message rejected, unknown attachment type"},
    {false, "550 unknown command"},
    {false, "500 5.5.1 Command unknown"},
    {false, "554 5.0.0 unknown error"},
    {false, "550 Unknown error while processing mail for user"},
    {false, "550 mailbox unavailable: access denied for policy reasons"},
    {false, "550 Mailbox unavailable - your IP 192.0.2.1 is listed"},
    {false, "550 Requested action not taken: mailbox unavailable because of spam"},
    {false, "552 5.2.2 Mailbox is over its size limit"},
    {false, "552 Requested mail action aborted: exceeded storage allocation"},
    {false, "554 5.2.2 mailbox has reached its limit"},
    {false, "550 Recipient's mailbox has no space left"},
    {false, "452 4.2.2 Over quota, please try later"},
    {false, "550 User over disk quota"},
    {false, "554 5.7.1 The sender is not allowed to mail this user"},
    {false, "550 5.7.1 User does not accept mail from your address"},
    {false, "550 You are not authorised to send to this recipient"},
    {false, "550 This mailbox only accepts mail from known senders"},
    {false, "550 The recipient does not want mail from you"},
    {false, "451 4.3.0 User lookup failed, try later"},
    {false, "451 No such user yet, try later"},
    {false, "450 Mailbox busy"},
    {false, "550 5.7.1 Rejected: HELO name is invalid"},
    {false, "554 mail server permanently rejected message (#5.3.0)"},
    {false, "550 DKIM verification failed"},
    {false, "550 SPF: 192.0.2.1 is not allowed to send mail from y.test"},
    {false, "550 5.7.1 DMARC: From domain not aligned"},
    {false, "554 Transaction failed: too many hops"},
    {false, "552 message exceeds fixed size"},
    {false, "550 Attachment type not accepted"},
    {false, "550 Your country is not allowed to connect"},
    {false, "554 5.7.1 Phishing URL detected"},
    {false, "554 Rejected - virus found"},
    {false, "550 temporary failure looking up user"},
    {false, "550 TLS is mandatory"},
    {false, "530 Must authenticate first"},
    {false, "550 authentication needed"},
    {false, "503 valid RCPT command must precede DATA"},
    {false, "554 no valid recipients"},
    {false, "550 Verification of sender failed: mailbox does not exist"},
    {false, "550 Absender unbekannt"},
    {false, "550 Der Empfänger nimmt keine Nachrichten von Ihnen an"},
    {false, "554 Ihre Nachricht wurde abgelehnt"},
    {false, "550 Expéditeur inconnu"},
    {false, "550 El remitente no existe"},
    {false, "550 Remetente não existe"},
    {false, "550 Mittente sconosciuto"},
    {false, "550 Nieznany nadawca"},
    {false, "550 Nieznany błąd"},
    {false, "550 Неизвестная ошибка"},
    {false, "550 Отправитель не найден"},
    {false, "550 发件人不存在"},
    {false, "550 送信元メールアドレスが存在しません"},
    {false, "550 您的域名不存在"},
    {false, "550 Correo rechazado por política"},
    {false, "421 Servicio no disponible"},
    {false, "550 No existe registro PTR para su IP"},
    {false, "550 Il tuo IP non esiste nel DNS inverso"},
    {false, "550 Aucun enregistrement PTR n'existe pas pour votre IP"},
    {false, "550 5.7.25 reverse DNS not found"},
    {false, "550 List does not accept posts from non-members"},
    {false, "550 5.1.1 Rejected because your IP is on our local blocklist"},
    {false, "553 5.7.1 <b@y.test>: Sender address rejected: not owned by user"},
    {false, "550 Recipient limit reached for user"},
    {false, "554 the message is infected"},
    {false, "550 content refused"},
    {false, "550 5.2.0 Mail for this user is held"},
    {false, "550 Account over sending limit"},
};

TEST(ClassifyWorldClass, HardOnlyWhereTheAddressIsMeant) {
  for (const ClassRow& row : kClassRows) {
    const Verdict verdict = Classify(*ReplyFromText(row.reply), Phase::kRcpt);
    EXPECT_EQ(BounceClassOf(verdict) == HARD, row.hard) << verdict.rule << " took: " << row.reply;
  }
}

struct ManyRow {
  const char* name;
  const char* reply;
  bool connections;
};

class ClassifyConnections : public testing::TestWithParam<ManyRow> {};

// The shaper answers a complaint about connections by fewer connections, and one about messages by fewer messages.
TEST_P(ClassifyConnections, AreToldFromMessages) {
  const Verdict verdict = Classify(*ReplyFromText(GetParam().reply), Phase::kGreeting);
  EXPECT_EQ(verdict.too_many_connections, GetParam().connections) << verdict.rule;
  EXPECT_TRUE(verdict.throttled) << verdict.rule;
}

constexpr ManyRow kManyRows[] = {
    {"Anvil", "421 4.7.0 mx.x.test Error: too many connections from 192.0.2.1", true},
    {"Exim", "421 Too many concurrent SMTP connections; please try again later.", true},
    {"Exchange", "421 4.3.2 The maximum number of concurrent connections has exceeded a limit", true},
    {"Outlook", "421 RP-003 The mail server IP connecting to Outlook.com has exceeded the connection limit allowed",
     true},
    {"Sessions", "421 too many sessions from 192.0.2.1", true},
    {"Rate", "421 4.3.2 Connection rate limit exceeded.", true},
    {"German", "421 Zu viele gleichzeitige Verbindungen", true},
    {"French", "421 Trop de connexions, slow down", true},
    {"Russian", "421 Слишком много соединений", true},
    {"Chinese", "421 连接过多", true},
    {"Messages", "421 4.7.0 Too many messages from 192.0.2.1", false},
    {"Volume", "421 4.7.0 Messages from 192.0.2.1 temporarily deferred due to unexpected volume", false},
    {"Bare", "421 Try again later", false},
    {"Busy", "451 4.7.500 Server busy", false},
};

INSTANTIATE_TEST_SUITE_P(Rows, ClassifyConnections, testing::ValuesIn(kManyRows),
                         [](const auto& row) { return row.param.name; });

struct LocalRow {
  const char* name;
  const char* text;
  Verdict::Kind kind;
  Reason reason;
  Fault fault;
};

class ClassifyLocal : public testing::TestWithParam<LocalRow> {};

TEST_P(ClassifyLocal, Means) {
  const LocalRow& row = GetParam();
  const Verdict verdict = ClassifyLocalError(row.text);
  EXPECT_EQ(verdict.kind, row.kind) << verdict.rule;
  EXPECT_EQ(Reason_Name(verdict.reason), Reason_Name(row.reason)) << verdict.rule;
  EXPECT_EQ(Fault_Name(verdict.fault), Fault_Name(row.fault)) << verdict.rule;
  EXPECT_FALSE(verdict.rule.empty());
}

constexpr LocalRow kLocalRows[] = {
    {"NullMx", "Domain x.test does not accept mail (nullMX)", P, DOMAIN_UNKNOWN, RECIPIENT},
    {"NotFound", "Host or domain name not found. Name service error for name=x.test type=AAAA: Host not found", P,
     DOMAIN_UNKNOWN, RECIPIENT},
    {"TryAgain", "Host or domain name not found. Name service error for name=x.test type=MX: Host not found, try again",
     T, DNS_FAILURE, NETWORK_FAULT},
    {"ServFail", "lookup x.test: SERVFAIL", T, DNS_FAILURE, NETWORK_FAULT},
    {"NxDomain", "x.test: NXDOMAIN", P, DOMAIN_UNKNOWN, RECIPIENT},
    {"Malformed", "Name service error for name=x.test type=MX: Malformed or unexpected name server reply", T,
     DNS_FAILURE, NETWORK_FAULT},
    {"Refused", "connect to mx.x.test[198.51.100.9]:25: Connection refused", T, NETWORK, NETWORK_FAULT},
    {"TimedOut", "connect to mx.x.test[2001:db8::9]:25: Operation timed out", T, NETWORK, NETWORK_FAULT},
    {"Unreachable", "connect to mx.x.test[2001:db8::9]:25: Network is unreachable", T, NETWORK, NETWORK_FAULT},
    {"Lost", "lost connection with mx.x.test[198.51.100.9] while performing the HELO handshake", T, NETWORK,
     NETWORK_FAULT},
    {"Tls", "Cannot start TLS: handshake failure", T, TLS_FAILURE, NETWORK_FAULT},
    {"Certificate", "Server certificate not trusted", T, TLS_FAILURE, NETWORK_FAULT},
    {"Loop", "mail for x.test loops back to myself", P, LOOP, NETWORK_FAULT},
    {"EximNoHost", "all relevant MX records point to non-existent hosts", P, DOMAIN_UNKNOWN, RECIPIENT},
    {"QmailNoHost", "Sorry, I couldn't find any host named x.test. (#5.1.2)", P, DOMAIN_UNKNOWN, RECIPIENT},
    {"Unknown", "the hamster is tired", T, REASON_UNSPECIFIED, NETWORK_FAULT},
    {"Nothing", "", T, REASON_UNSPECIFIED, NETWORK_FAULT},
};

INSTANTIATE_TEST_SUITE_P(Rows, ClassifyLocal, testing::ValuesIn(kLocalRows),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace wavepost
