// Replies as servers of the world write them, written down from knowledge of the servers and not from the material that
// the rules are scored with: a row that fails here shows that the rules fit too tightly.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

#include "common/smtp/classify_world.h"

namespace wavepost::world {
namespace {

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
    {true, "550 5.2.1 <suspend@x.test>: Recipient address rejected: Mailbox disabled, not accepting messages"},
    {true, "550 5.7.13 <s@x.test>: Recipient address rejected: User account is disabled"},
    {false, "550 5.2.3 <e@x.test>: Recipient address rejected: Message length exceeds administrative limit"},
    {false, "550 5.3.0 <m@x.test>: Recipient address rejected: Other or undefined mail system status"},
    {false, "550 5.3.5 <m@x.test>: Recipient address rejected: System incorrectly configured"},
    {false, "550 5.4.3 <m@x.test>: Recipient address rejected: Directory server failure"},
    {false, "550 5.4.7 <m@x.test>: Recipient address rejected: Delivery time expired"},
    {false, "550 5.7.1 <m@x.test>: Recipient address rejected: Relaying denied"},
    {true, "550 5.1.2 <h@x.test>: Recipient address rejected: Host unknown"},
    {false, "550 5.7.7 <m@x.test>: Recipient address rejected: Message integrity failure"},
    {false, "550 5.7.8 <m@x.test>: Recipient address rejected: Authentication credentials invalid"},
    {false, "550 5.7.9 <m@x.test>: Recipient address rejected: Authentication mechanism is too weak"},
    {false, "538 5.7.10 <m@x.test>: Recipient address rejected: Encryption needed"},
    {false, "421 4.7.0 <r@x.test>: Recipient address rejected: Rate limited"},
    {false, "550 5.7.25 <r@x.test>: Recipient address rejected: Your PTR"},
    {false,
     "550 5.6.9 <r@x.test>: Recipient address rejected: UTF-8 header message cannot be transferred to one or more "
     "recipients"},
    {false, "554 5.2.4 <l@x.test>: Mailing list expansion problem"},
    {false, "552 5.3.4 <b@x.test>: Message too big for system"},
    {false, "550 5.7.0 <b@x.test>: Recipient address rejected: Virus detected"},
    {false, "550 5.5.2 <b@x.test>: Recipient address rejected: Syntax error"},
    {false, "550 5.5.4 <b@x.test>: Invalid command arguments"},
    {true, "550 5.1.4 <b@x.test>: Recipient address rejected: Ambiguous address"},
    {true, "550 5.1.3 Bad destination mailbox address syntax"},
    {false, "550 5.1.0 Other address status"},
    {false, "550 5.2.0 Other or undefined mailbox status"},
    {false, "550 5.2.0 <a@x.test>: filtered"},
    {true, "550 mailbox for a@x.test does not exist"},
    {true, "550 a@x.test: invalid mailbox"},
    {true, "550 5.0.0 Mailbox unknown or not accepting mail"},
    {true, "550 Sorry - a@x.test is not a valid recipient (account removed)"},
    {false, "550 Mail is rejected by recipients"},
    {false, "550 5.7.1 Message rejected by recipient's mail filter"},
    {true, "551 not our user"},
    {false, "550 Message rejected: the sending domain is not in our address book"},
    {false, "550 5.7.1 Access denied - Invalid HELO name (See RFC2821 4.1.1.1)"},
    {true, "550 RESOLVER.ADR.ExRecipNotFound; not found"},
    {false, "550 5.7.1 RESOLVER.RST.NotAuthorized; not authorized"},
    {false, "550 5.2.0 RESOLVER.FWD.Loop; mail loop"},
    {false, "554 5.6.0 Corrupt message content"},
    {false, "550 5.3.5 System incorrectly configured"},
    {true, "550 5.1.1 The e-mail account does not exist at the organization this message was sent to"},
    {true, "554 Recipient rejected: no such account here"},
    {false, "554 Message refused. Your domain is on our blocklist"},
    {false, "550 5.0.0 We do not accept mail from dynamic IPs"},
    {false, "553 5.1.8 <b@y.test>... Domain of sender address does not exist"},
    {false, "550 unverified sender"},
    {false, "451 4.7.1 Received too many messages from a new or untrusted IP: 192.0.2.1"},
    {false, "550 5.7.1 too many recipients"},
    {false, "554 5.7.1 <a@x.test>: Recipient address rejected: blocked"},
    {true, "550 <a@x.test> unknown user"},
    {true, "554 5.7.1 The user you are trying to contact does not exist"},
    {true, "550 5.7.1 <a@x.test>: Recipient address rejected: Recipient not found"},
    {false, "553 mail rejected because your IP is in the PBL"},
    {false, "554 Your IP (192.0.2.1) has been blocked, user unknown attempts exceeded"},
    {true, "550 5.1.1 No such user [192.0.2.1]"},
    {false, "571 5.7.1 Client host [192.0.2.1] rejected"},
    {false, "550 5.7.1 550 Invalid sender domain"},
    {false, "554 5.7.1 <x>: Relay access denied"},
    {false, "550 Mailbox for user over limit"},
    {false, "550 5.1.1 <a@x.test> exceeded the quota"},
    {false, "450 4.2.1 mailbox temporarily disabled"},
    {false, "550 The mail server detected your message as spam and has prevented delivery"},
    {true, "550 5.1.1 unknown"},
    {true, "550 Invalid User : a@x.test"},
    {true, "550 UNKNOWN USER"},
    {true, "550 email address a@x.test not found"},
    {false, "535 5.7.8 authentication failed"},
    {false, "550 Message headers fail syntax check"},
    {false, "550 Syntax error in From header"},
    {false, "550-Sender has no A, AAAA, or MX DNS records. y.test"},
    {false, "554 Email rejected: reverse DNS does not match"},
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
}  // namespace wavepost::world
