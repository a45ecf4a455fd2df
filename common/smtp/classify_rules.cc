#include "common/smtp/classify_rules.h"

namespace wavepost {
namespace {

using namespace wavepost::v1;  // NOLINT: the table below is made of its enumerators

constexpr uint16_t Bit(Phase phase) {
  return static_cast<uint16_t>(1u << static_cast<int>(phase));
}

constexpr uint16_t kBeforeMail = Bit(Phase::kConnect) | Bit(Phase::kGreeting) | Bit(Phase::kEhlo);
constexpr uint16_t kToRecipient = Bit(Phase::kRcpt) | Bit(Phase::kData) | Bit(Phase::kEndOfData);
constexpr uint16_t kRcptOnly = Bit(Phase::kRcpt);
constexpr uint16_t kContentPhases = Bit(Phase::kMail) | Bit(Phase::kData) | Bit(Phase::kEndOfData);
constexpr uint16_t kTlsOnly = Bit(Phase::kStartTls);

constexpr auto kRecipient = Verdict::Scope::kRecipient;
constexpr auto kMessage = Verdict::Scope::kMessage;
constexpr auto kSite = Verdict::Scope::kSite;
constexpr auto kEgressIp = Verdict::Scope::kEgressIp;

// Words that say that an address does not exist. Used by several rows, so that they agree. Wording of common servers in
// English, German, French, Spanish, Portuguese, Italian, Dutch, Polish and the Nordic languages.
#define USER_UNKNOWN_WORDS                                                                                             \
  "user*unknown|unknown*user|unknown recipient|recipient*unknown|addressee unknown|unknown addressee|unknown mailbox|" \
  "mailbox unknown|unknown address|address unknown|unknown e mail|unknown email|unknown local part|unknown alias|"     \
  "unknown account|account unknown|unknown or illegal alias|no such user|no such recipient|no such mailbox|"           \
  "no such address|no such person|no such account|no such email|no such local|no mailbox|no account|no such alias|"    \
  "mailbox not found|mail box not found|user not found|recipient*not found|recipientnotfound|recipnotfound|"           \
  "address not found|account not found|user*not exist|recipient*not exist|address*not exist|addr*not exist|"           \
  "mailbox*not exist|account*not exist|addr*doesn t exist|user*doesn t exist|mailbox*doesn t exist|"                   \
  "account*doesn t exist|recipient*doesn t exist|doesn t have a*account|does not have a*account|invalid recipient|"    \
  "invalid mailbox|invalid user|invalid local|nonexistent|non existent|inexistent|not a valid user|"                   \
  "not a valid recipient|not a valid mailbox|not a valid address|not a known user|is not a registered|"                \
  "not an active address|isn t a valid|not known here|not listed in|no longer on server|no longer valid|"              \
  "no longer exists|unrouteable address|unroutable address|user*is not local|"                                         \
  "empf\xc3\xa4nger*unbekannt|empfaenger*unbekannt|unbekannter empf|unbekannte*adresse|adresse*unbekannt|"             \
  "benutzer*unbekannt|unbekannter benutzer|unbekannter nutzer|postfach*nicht|empf\xc3\xa4nger*nicht|"                  \
  "empfaenger*nicht|benutzer*nicht*vorhanden|adresse*nicht*existiert|adresse existiert nicht|existiert nicht|"         \
  "kein postfach|utilisateur inconnu|destinataire inconnu|destinataire*invalide|bo\xc3\xaete*inexistante|"             \
  "n existe pas|usuario*desconocido|destinatario*desconocido|no existe|destinatario*inesistente|utente*sconosciuto|"   \
  "utente*inesistente|non esiste|n\xc3\xa3o existe|usu\xc3\xa1rio desconhecido|nie istnieje|nieznany|"                 \
  "gebruiker*onbekend|onbekende gebruiker|bestaat niet|ok\xc3\xa4nd|ukjent|ukendt"

#define BLOCK_LIST_WORDS                                                                                              \
  "dnsbl|rbl_|rbls_|drbl_|dnsrbl|rhsbl|block list|blocklist|blacklist|black list|blackhole|denylist|deny list|"       \
  "realtime bl|listed at|listed by|listed on|is listed|are listed|listing in|found in*list|found on*list|"            \
  "blocked using|blocked by*rbl|spamhaus|spamcop|sorbs|barracudacentral|abuseat|uceprotect|hostkarma|schwarze liste|" \
  "gesperrte liste|sperrliste|liste noire|lista negra"

// Order: what must never be misread first; then code and text that agree; then texts; then codes alone; then the class.
constexpr ClassifyRule kRules[] = {
    // --- limits and waiting: temporary at any code, for they say nothing about the message ---
    {"sent-too-many", On::k45, kAnyPhase, "", "",
     "too many recipients*hour|too many recipients*day|too many*per hour|too many*per day", "", RATE_LIMITED, SENDER,
     kEgressIp, kThrottled | kTemporaryAnyway, Phase::kRcpt,
     "550 5.1.1 <a@example.com> - 192.0.2.9 has sent to too many recipients this hour"},
    {"too-many-recipients", On::k45, kAnyPhase, "", "",
     "too many recipient|too many rcpt|too many recepient|too many addresses|recipient*limit*exceed|maximum*recipients|"
     "zu viele empf|trop de destinataires|demasiados destinatarios",
     "", RATE_LIMITED, SENDER, kMessage, kTemporaryAnyway, Phase::kRcpt, "552 Too many recipients in this transaction"},
    {"too-many-recipients-code", On::k45, kToRecipient, "", "5.3", "", "", RATE_LIMITED, SENDER, kMessage,
     kTemporaryAnyway, Phase::kRcpt, "452 4.5.3 Try the others in another session"},
    {"tls-refused", On::k45, kTlsOnly, "", "", "", "", TLS_FAILURE, NETWORK_FAULT, kSite, 0, Phase::kStartTls,
     "454 4.7.0 TLS not available due to local problem"},
    {"tls-wanted", On::k45, kAnyPhase, "", "",
     "issue a starttls|must*starttls|tls*required|requires tls|encryption*required|verschl\xc3\xbcsselung erforderlich",
     "", TLS_FAILURE, SENDER, kSite, 0, Phase::kMail, "530 5.7.0 Must issue a STARTTLS command first"},
    {"tls-wanted-code", On::k45, kAnyPhase, "", "7.10|7.11", "", "", TLS_FAILURE, SENDER, kSite, 0, Phase::kMail,
     "523 5.7.10 Only over a protected channel"},
    {"greylisted", On::k45, kAnyPhase, "421|450|451|452|454|471|550|554", "",
     "greylist|graylist|grey list|gray list|greyd_|graulist|lista gris|liste grise|grijze lijst|grey rbl|triplet", "",
     GREYLISTED, SENDER, kRecipient, kTemporaryAnyway, Phase::kRcpt,
     "450 4.2.0 <a@example.com>: Recipient address rejected: Greylisted, see http://postgrey.example/help"},
    {"user-too-busy", On::k45, kAnyPhase, "", "",
     "user*receiv*too|recipient*receiv*too|receiving mail at a rate|mailbox busy", "", RATE_LIMITED, FAULT_UNSPECIFIED,
     kRecipient, kTemporaryAnyway, Phase::kRcpt, "450 User is receiving mail too quickly"},

    // --- the recipient's space, before the rows that hear "too many" or "exceeded" ---
    {"mailbox-full", On::k45, kToRecipient, "", "",
     "mailbox*full|mailbox*exceed|inbox*full|inbox*out of|mail box*full|over quota|overquota|over its quota|over the "
     "quota|"
     "over*storage quota|quota exceed|quotaexceed|exceed*quota|exceeded*storage allocation|user*too many messages on|"
     "out of storage|not*enough space|not*enough storage|mailbox*size*exceed|user*full_|account*full_|mailbox*stuffed|"
     "postfach*voll|konto*voll|kontingent*\xc3\xbc"
     "berschritten|zuviele mails|speicherplatz*mailbox|"
     "quota*\xc3\xbc"
     "berschritten|bo\xc3\xaete*pleine|boite*pleine|bo\xc3\xaete*remplie|quota d\xc3\xa9pass|buz\xc3\xb3n*lleno|"
     "buzon*lleno|mailbox lleno|casella*piena|caixa*cheia|skrzynka*pe\xc5\x82na|mailbox*vol_",
     "domain*quota|organi*quota|tenant*quota", MAILBOX_FULL, RECIPIENT, kRecipient, 0, Phase::kRcpt,
     "552 5.2.2 <a@example.com>: user is over quota"},
    {"organisation-quota", On::k45, kAnyPhase, "", "", "domain*quota|organi*quota|tenant*quota", "", OVER_QUOTA,
     RECIPIENT, kSite, 0, Phase::kRcpt, "452 4.2.2 The domain has used up its quota"},

    {"rate", On::k45, kAnyPhase, "", "",
     "rate limit|ratelimit|rate*exceeded|too many connection|too many concurrent|too many messages|too many emails|too "
     "many mails|"
     "too many sessions|too many unknown|too many errors|too many invalid|connection*limit|connections*exceed|too "
     "quickly|too fast|"
     "too much mail from|slow down|throttl|unusual rate|unexpected volume|deferred*complaints|frequency "
     "limited|sending limit|message limit|"
     "daily*quota|hourly*quota|daily*limit|hourly*limit|reached*quota|exceed*per hour|exceed*per minute|exceed*per day|"
     "server busy|server*too busy|system*too busy|load*too high|zu viele verbindungen|zu viele nachrichten|zu viele "
     "mails|"
     "trop de connexions|trop de messages|demasiadas conexiones|troppe connessioni|te veel verbindingen",
     "", RATE_LIMITED, SENDER, kEgressIp, kThrottled | kTemporaryAnyway, Phase::kMail,
     "421 4.7.0 [TS01] Messages from 192.0.2.1 temporarily deferred due to unexpected volume"},
    {"rate-code", On::k45, kAnyPhase, "", "7.28|4.5|3.2", "rate|limit|exceed|conn|volume|busy|load|later", "",
     RATE_LIMITED, SENDER, kEgressIp, kThrottled | kTemporaryAnyway, Phase::kEndOfData,
     "450 4.4.5 Local queue is long, please send later"},

    // --- words about the sender, before the words about recipients that they contain ---
    {"sender-verify", On::k45, kAnyPhase, "", "",
     "sender verif|sender callout|verification failed for|could not verify sender|cannot verify sender|callback setup "
     "failed|"
     "unable to verify sender|absender*verifiz",
     "", REJECTED_POLICY, SENDER, kMessage, 0, Phase::kRcpt,
     "550 Verification failed for <b@example.com> Response: 550 No such user. Sender verify failed"},
    {"sender-address", On::k45, kAnyPhase, "", "",
     "sender address*reject|sender address*invalid|sender address*not exist|sender*rejected|sender denied|sender*not "
     "allowed|"
     "sender*not accepted|invalid sender|bad sender|unroutable sender|unrouteable sender|sender domain|domain of "
     "sender|"
     "sending domain*not|return path*invalid|mail from*not exist|from "
     "address*reject|absenderadresse|absender*abgelehnt|"
     "absender*ung|exp\xc3\xa9"
     "diteur*refus|remitente*rechaz",
     "dmarc|dkim|spf_|reputation|reverse dns", REJECTED_POLICY, SENDER, kMessage, 0, Phase::kMail,
     "553 Sorry, your envelope sender domain must exist"},
    {"sender-address-code", On::k45, kAnyPhase, "", "1.7|1.8|7.27", "", "", REJECTED_POLICY, SENDER, kMessage, 0,
     Phase::kMail, "553 5.1.8 <b@example.com>... not acceptable"},

    // --- our address and our name ---
    {"block-list", On::k45, kAnyPhase, "", "", BLOCK_LIST_WORDS,
     "not listed in|uribl|surbl|domain*blacklist|domain*block list", BLOCKED_IP, SENDER, kEgressIp, 0, Phase::kRcpt,
     "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.dnsbl.example"},
    {"block-list-domain", On::k45, kAnyPhase, "", "",
     "domain*blacklist|domain*block list|domain*blocklist|uribl|surbl|dbl_", "", SPAM, SENDER, kMessage, 0,
     Phase::kEndOfData, "550 Your domain has been blacklisted"},
    {"client-blocked", On::k45, kAnyPhase, "", "",
     "client host rejected|client host*blocked|client*blocked|ip_*blocked|ip_*reputation|ip_*rejected|bad ip|your "
     "ip|your host*not allowed|"
     "your server*block|banned sender|banned ip|poor reputation|bad reputation|low reputation|reputation*too "
     "low|geoip|country*blocked|"
     "your network*block|ihre ip|ip adresse*gesperrt|ip adresse*blockiert|connection*refused|connections*not accepted|"
     "connections*not be accepted|proxy*blocked|dynamic ip|dialup|dial up|residential ip",
     "reverse|rdns|ptr_|spf_|dmarc|dkim|hostname|domain reputation", BLOCKED_IP, SENDER, kEgressIp, 0, Phase::kGreeting,
     "554 IP=198.51.100.7 - None/bad reputation. Ask your postmaster for help"},
    {"auth", On::k45, kAnyPhase, "", "",
     "spf_|dmarc|dkim*fail|dkim*invalid|dkim*missing|dkim*not|dkim*require|domainkeys|sender id_|unauthenticated*mail|"
     "authentication checks failed|email authentication|not authorized to send*domain|"
     "authentication*required|not authenticated",
     "", AUTH_FAILED, SENDER, kMessage, 0, Phase::kEndOfData,
     "550 5.7.1 This message was not accepted due to the domain owner's DMARC policy"},
    {"reverse-dns", On::k45, kAnyPhase, "", "",
     "reverse dns|reverse hostname|reverse lookup|rdns|ptr_|ptr record|name lookup failed|cannot find your*hostname|"
     "cannot find your reverse|hostname*not match|mismatch*client ip|unverifyable|unverifiable|may not be mail "
     "exchanger|"
     "forward confirmed|invalid ip for sending|helo*rejected|helo*invalid|invalid helo|invalid ehlo|bad helo|need "
     "fully qualified|"
     "r\xc3\xbc"
     "ckw\xc3\xa4rtsaufl\xc3\xb6sung|reverse*eintrag",
     "", AUTH_FAILED, SENDER, kEgressIp, 0, Phase::kRcpt,
     "450 4.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.4]"},
    {"auth-code", On::k45, kAnyPhase, "", "7.20|7.21|7.22|7.23|7.24|7.25|7.26|7.29|7.509|7.515|7.8|7.9", "",
     "policy reasons|policy violation", AUTH_FAILED, SENDER, kMessage, 0, Phase::kEndOfData,
     "550 5.7.26 See the administrator's guide"},

    // --- code and text agree ---
    {"user-unknown-certain", On::k45, kToRecipient, "", "1.1|1.10|1.3|2.1", USER_UNKNOWN_WORDS, "", USER_UNKNOWN,
     RECIPIENT, kRecipient, 0, Phase::kRcpt, "550 5.1.1 Hi [192.0.2.7], No such address: <a@example.com>"},
    {"named-ip", On::k45, kAnyPhase, "", "",
     "block|banned|denied|reject|refuse|not allowed|not accepted|not "
     "permitted|reputation|deferred|unsolicited|forbidden|weren t sent|"
     "abgelehnt|gesperrt|verweigert",
     "", BLOCKED_IP, SENDER, kEgressIp, kNamesIp, Phase::kRcpt, "550 Mail from 192.0.2.10 rejected"},

    // --- content ---
    {"virus", On::k45, kToRecipient, "", "",
     "virus|malware|trojan|malicious|infected|infiziert|sch\xc3\xa4"
     "dling|schadsoftware",
     "", VIRUS, CONTENT_FAULT, kMessage, 0, Phase::kEndOfData, "554 5.7.1 Message contains a virus (Example.Test.1)"},
    {"attachment", On::k45, kToRecipient, "", "",
     "attachment*not|attachment*block|attachment*reject|illegal attachment|forbidden attachment|banned "
     "file|executable|anhang*nicht|"
     "duplicate header|header*missing|missing*header|malformed*message|malformed*header|rfc 5322|rfc5322|rfc 2822|rfc "
     "822 compliant|"
     "invalid header|invalid mime|equal x headers|line*too long",
     "", CONTENT, CONTENT_FAULT, kMessage, 0, Phase::kEndOfData,
     "552 5.7.0 Our system detected an illegal attachment on your message"},
    {"spam", On::k45, kAnyPhase, "", "",
     "spam_|spam|antispam|anti spam|unsolicited|bulk mail|bulk mailer|mass mailer|massenmail|junk "
     "mail|junkmail|ube_|uce_|phishing|content filter|"
     "filterung*inhalt|message*filtered|content*rejected|content policy|suspicious|unerw\xc3\xbcnscht|werbe "
     "mail|pourriel|"
     "correo no deseado|message*looks like|scored*too|scoring",
     "", SPAM, CONTENT_FAULT, kMessage, 0, Phase::kEndOfData,
     "550 5.7.1 Your message has been rejected because it appears to be SPAM"},
    {"too-large", On::k45, kAnyPhase, "", "",
     "too large|too big|message*larger|size exceeds|exceeds*size|message size|mail size|size limit|sizelimit|too much "
     "mail data|"
     "zu gro\xc3\x9f|zu gross|\xc3\xbc"
     "berschreitet*gr\xc3\xb6\xc3\x9f"
     "e|trop volumineux|trop gros|demasiado grande|troppo grande|te groot",
     "", TOO_LARGE, CONTENT_FAULT, kMessage, 0, Phase::kMail,
     "552 Message size exceeds fixed maximum message size: 10485760 bytes"},
    {"loop", On::k45, kAnyPhase, "", "",
     "mail loop|mailloop|too many hops|hop count|loops back|loop detected|too many received", "", LOOP, NETWORK_FAULT,
     kMessage, 0, Phase::kEndOfData, "554 Too many hops 26 (25 max)"},
    {"loop-code", On::k45, kAnyPhase, "", "4.6|4.14", "", "", LOOP, NETWORK_FAULT, kMessage, 0, Phase::kEndOfData,
     "554 5.4.6 Refused by the gateway"},
    {"relay", On::k45, kAnyPhase, "", "",
     "relay*denied|relaying denied|unable to relay|relay*not permitted|not permitted to relay|configured to "
     "relay|relay*prohibited|"
     "relay*not allowed|not*allowed to relay|does not relay|we do not relay|not relaying|no "
     "relaying|relaying*not|relay*refused|kein relay|"
     "weiterleitung nicht|rcpthosts|relay*verweigert",
     "", RELAY_DENIED, NETWORK_FAULT, kSite, 0, Phase::kRcpt, "554 5.7.1 <a@example.com>: Relay access denied"},
    {"relay-code", On::k45, kAnyPhase, "", "7.54|7.64|7.367", "", "", RELAY_DENIED, NETWORK_FAULT, kSite, 0,
     Phase::kRcpt, "550 5.7.64 TenantAttribution"},

    // --- the address, by code ---
    {"moved-code", On::k45, kToRecipient, "", "1.6|7.17|7.18", "", "", MOVED, RECIPIENT, kRecipient, 0, Phase::kRcpt,
     "551 5.1.6 The mailbox has moved, no forwarding address"},
    {"null-mx-code", On::k45, kToRecipient, "", "1.10", "", "", DOMAIN_UNKNOWN, RECIPIENT, kRecipient, 0, Phase::kRcpt,
     "556 5.1.10 Recipient address has null MX"},
    {"user-unknown-code", On::k45, kToRecipient, "", "1.1|1.3", "",
     "account*disabled|mailbox*disabled|policy|policies|richtlinie", USER_UNKNOWN, RECIPIENT, kRecipient, 0,
     Phase::kRcpt, "550 5.1.1 <a@example.com> recipient rejected"},
    {"domain-unknown-code", On::k45, kToRecipient, "", "1.2|4.310", "", "", DOMAIN_UNKNOWN, RECIPIENT, kRecipient, 0,
     Phase::kRcpt, "550 5.1.2 Bad destination system"},
    {"mailbox-full-code", On::k45, kToRecipient, "", "2.2", "", "", MAILBOX_FULL, RECIPIENT, kRecipient, 0,
     Phase::kRcpt, "452 4.2.2 Please direct the recipient to the help page"},
    {"edge-directory", On::k5, kRcptOnly, "", "4.1", "recipient address rejected access denied", "", USER_UNKNOWN,
     RECIPIENT, kRecipient, 0, Phase::kRcpt, "550 5.4.1 Recipient address rejected: Access denied. [mail.example.net]"},

    // --- the address, by text ---
    {"mailbox-disabled", On::k45, kToRecipient, "", "",
     "account*disabled|accountdisabled|mailbox*disabled|user*disabled|address*disabled|recipient*disabled|account*"
     "deactivated|mailbox*deactivated|"
     "deactivated mailbox|deactivated account|account*inactive|mailbox*inactive|user*inactive|inactive email|inactive "
     "mailbox|inactive user|"
     "inactive "
     "account|mailbox*suspended|account*suspended|user*suspended|account*closed|mailbox*closed|account*locked|mailbox*"
     "locked|"
     "disabled account|disabled mailbox|no longer active|no longer "
     "accept|konto*deaktiviert|postfach*deaktiviert|konto*gesperrt|"
     "postfach*gesperrt|compte*d\xc3\xa9sactiv|cuenta*deshabilitad",
     "", MAILBOX_DISABLED, RECIPIENT, kRecipient, 0, Phase::kRcpt,
     "550 The email account that you tried to reach is disabled"},
    {"policy", On::k45, kAnyPhase, "", "",
     "policy|policies|richtlinie|not authorized to send to|restricted|permission|administrative "
     "prohibition|administratively|prohibited|"
     "not allowed to send|please use the smtp|smtp server of your",
     "", REJECTED_POLICY, SENDER, kMessage, 0, Phase::kRcpt, "550 Denied by policy"},
    {"user-unknown", On::k45, kToRecipient, "", "", USER_UNKNOWN_WORDS, "", USER_UNKNOWN, RECIPIENT, kRecipient, 0,
     Phase::kRcpt, "550 5.7.1 No such user!"},
    {"mailbox-unavailable", On::k5, kToRecipient, "", "", "mailbox unavailable", "", USER_UNKNOWN, RECIPIENT,
     kRecipient, 0, Phase::kRcpt, "550 Requested action not taken: mailbox unavailable"},
    {"domain-unknown", On::k45, kToRecipient, "", "",
     "host unknown|unknown host|host not found|host or domain name not found|unknown domain|domain unknown|domain not "
     "found|"
     "no such domain|domain*not exist|domain*doesn t exist|domain*not accept mail|null "
     "mx|nullmx|domain*invalid|invalid domain|"
     "dom\xc3\xa4ne*unbekannt|unbekannte dom|domain*nicht|domaine inconnu|dominio*desconocido|no*mail for this domain|"
     "domain*not hosted|not our domain|domain*not local",
     "", DOMAIN_UNKNOWN, RECIPIENT, kRecipient, 0, Phase::kRcpt, "550 No such domain at this location (a@example.com)"},
    {"moved", On::k5, kToRecipient, "", "", "has moved|user not local*try|ist umgezogen|please try forward", "", MOVED,
     RECIPIENT, kRecipient, 0, Phase::kRcpt, "551 User not local; please try <c@example.net>"},
    {"bad-address", On::k5, kRcptOnly, "", "",
     "malformed address|invalid address|bad address|address syntax|syntax error in address|illegal "
     "address|adresse*ung\xc3\xbcltig|"
     "ung\xc3\xbcltige adresse|adresse invalide|direcci\xc3\xb3n*inv\xc3\xa1lida",
     "", USER_UNKNOWN, RECIPIENT, kRecipient, 0, Phase::kRcpt, "501 Malformed address"},
    {"recipient-rejected", On::k5, kRcptOnly, "550|551|553", "",
     "recipient address rejected$|recipient rejected$|address rejected$|address rejected addr$", "", USER_UNKNOWN,
     RECIPIENT, kRecipient, 0, Phase::kRcpt, "550 #5.1.0 Address rejected."},
    {"mailbox-disabled-code", On::k45, kToRecipient, "", "2.1|7.13", "", "", MAILBOX_DISABLED, RECIPIENT, kRecipient, 0,
     Phase::kRcpt, "550 5.2.1 Closed by its owner"},

    // --- other codes of RFC 3463 ---
    {"too-large-code", On::k45, kAnyPhase, "", "2.3|3.4", "", "", TOO_LARGE, CONTENT_FAULT, kMessage, 0, Phase::kMail,
     "552 5.3.4 Not through this system"},
    {"dns-code", On::k45, kAnyPhase, "", "4.3", "", "", DNS_FAILURE, NETWORK_FAULT, kRecipient, 0, Phase::kRcpt,
     "451 4.4.3 Directory server failure"},
    {"expired-code", On::k45, kAnyPhase, "", "4.7", "", "", EXPIRED_RETRIES, NETWORK_FAULT, kRecipient, 0, Phase::kRcpt,
     "550 5.4.7 Delivery time expired"},
    {"content-code", On::k45, kAnyPhase, "", "6.*", "", "", CONTENT, CONTENT_FAULT, kMessage, 0, Phase::kEndOfData,
     "554 5.6.0 Media error"},
    {"congestion-code", On::k4, kAnyPhase, "", "4.5", "", "", RATE_LIMITED, SENDER, kSite, kThrottled, Phase::kMail,
     "451 4.4.5 Congestion"},

    // --- the host, by text ---
    {"dns", On::k4, kAnyPhase, "", "",
     "dns*fail|dns error|name server*fail|name service error|domain*lookup|not resolve|unable to resolve|unresolvable|"
     "cannot resolve|temporary lookup failure|dns*tempor",
     "", DNS_FAILURE, NETWORK_FAULT, kRecipient, 0, Phase::kRcpt, "451 Domain name of the address could not resolve"},
    {"host-full", On::k45, kAnyPhase, "", "",
     "disk space|disk full|insufficient*storage|insufficient system|insufficient resources|out of memory|not*enough "
     "memory|no space left|"
     "queue file write error|speicherplatz",
     "", SYSTEM_FULL, NETWORK_FAULT, kSite, 0, Phase::kMail, "452 Insufficient system storage"},
    {"network", On::k45, kAnyPhase, "", "",
     "timeout|timed out|time out|connection*lost|lost connection|connection*closed|closing connection|closing "
     "transmission|shutting down|"
     "unreachable|no route|not reachable|could be reached|zeit\xc3\xbc"
     "berschreitung",
     "", NETWORK, NETWORK_FAULT, kSite, 0, Phase::kConnect, "421 4.4.2 mx.example.com Error: timeout exceeded"},
    {"greylisted-likely", On::k4, kToRecipient, "450|451", "7.1|2.0|7.0",
     "try again|try later|come back|retry|later|erneut|sp\xc3\xa4ter|spaeter",
     "block|spam|reject*policy|error|busy|unavailable", GREYLISTED, SENDER, kRecipient, 0, Phase::kRcpt,
     "451 4.7.1 Please try again later"},
    {"greylisted-by-hint", On::k4, kToRecipient, "450|451", "",
     "try again in|come back in|retry in|retry after|wait at least|try again after|erneut in|"
     "new to us|not seen before|first time|retry too soon|too early",
     "", GREYLISTED, SENDER, kRecipient, 0, Phase::kRcpt, "451 Temporarily refused, please try again in 300 seconds"},
    {"host-broken", On::k45, kAnyPhase, "", "",
     "internal server error|internal error|system error|local error|error in "
     "processing|server*configuration|configuration error|config error|"
     "not accepting network|maintenance|wartung|temporary*error|temporary*problem|temporary*failure|lookup "
     "failure|database|ldap|resource|"
     "temporarily unavailable|temporarily*not available|service unavailable|service*currently unavailable|mailer "
     "error|program failure|"
     "tempor\xc3\xa4r*st\xc3\xb6rung|nicht verf\xc3\xbcgbar",
     "", SYSTEM_FULL, NETWORK_FAULT, kSite, 0, Phase::kRcpt, "451 4.3.0 Temporary system problem, ldap is down"},
    {"dialogue", On::k5, kAnyPhase, "500|501|502|503|504|555", "", "", "", SYNTAX, SENDER, kMessage, 0, Phase::kMail,
     "503 Improper sequence of commands"},
    {"login-wanted", On::k5, kAnyPhase, "530|534|535|538", "", "", "", AUTH_FAILED, SENDER, kSite, 0, Phase::kMail,
     "530 You have to log in"},

    // --- what only the class of the code tells ---
    {"throttled-code", On::k4, kAnyPhase, "", "7.*", "", "", RATE_LIMITED, SENDER, kEgressIp, kThrottled, Phase::kMail,
     "450 4.7.500 S77714"},
    {"policy-code", On::k5, kAnyPhase, "", "7.*", "", "", REJECTED_POLICY, SENDER, kMessage, 0, Phase::kRcpt,
     "550 5.7.1 Access denied"},
    {"host-code", On::k45, kAnyPhase, "", "3.*", "", "", SYSTEM_FULL, NETWORK_FAULT, kSite, 0, Phase::kRcpt,
     "451 4.3.5 Trouble"},
    {"network-code", On::k45, kAnyPhase, "", "4.*", "", "", NETWORK, NETWORK_FAULT, kSite, 0, Phase::kRcpt,
     "451 4.4.1 mx2.example.com"},
    {"dialogue-code", On::k5, kAnyPhase, "", "5.*", "", "", SYNTAX, SENDER, kMessage, 0, Phase::kRcpt,
     "554 5.5.1 No valid recipients"},
    {"unavailable-421", On::k4, kAnyPhase, "421", "", "unavailable|not available|internal|error", "", NETWORK,
     NETWORK_FAULT, kSite, 0, Phase::kGreeting, "421 mx.example.com service not available"},
    {"throttled-421", On::k4, kAnyPhase, "421", "", "", "", RATE_LIMITED, SENDER, kEgressIp, kThrottled, Phase::kMail,
     "421 Please try again later"},
    {"full-or-many", On::k5, kRcptOnly, "552", "", "", "", MAILBOX_FULL, FAULT_UNSPECIFIED, kRecipient,
     kTemporaryAnyway, Phase::kRcpt, "552 Requested mail action aborted"},
    {"too-large-552", On::k5, kContentPhases, "552", "", "", "", TOO_LARGE, CONTENT_FAULT, kMessage, 0,
     Phase::kEndOfData, "552 Requested mail action aborted"},
    {"host-452", On::k4, kAnyPhase, "452", "", "", "", SYSTEM_FULL, NETWORK_FAULT, kSite, 0, Phase::kMail,
     "452 Requested action not taken"},
    {"null-mx", On::k5, kToRecipient, "556", "", "", "", DOMAIN_UNKNOWN, RECIPIENT, kRecipient, 0, Phase::kRcpt,
     "556 Sorry"},
    {"greeting", On::k5, kBeforeMail, "", "", "", "", REJECTED_POLICY, SENDER, kEgressIp, 0, Phase::kGreeting,
     "554 No SMTP service here"},
    {"refused", On::k5, Bit(Phase::kMail), "", "", "", "", REJECTED_POLICY, SENDER, kMessage, 0, Phase::kMail,
     "550 Rejected"},
    {"refused-recipient", On::k5, kRcptOnly, "", "", "", "", REJECTED_POLICY, FAULT_UNSPECIFIED, kRecipient, 0,
     Phase::kRcpt, "550 No"},
    {"refused-message", On::k5, kAnyPhase, "", "", "", "", REJECTED_POLICY, FAULT_UNSPECIFIED, kMessage, 0,
     Phase::kEndOfData, "554 Transaction failed"},
    {"deferred", On::k4, kAnyPhase, "", "", "", "", REASON_UNSPECIFIED, FAULT_UNSPECIFIED, kRecipient, 0, Phase::kRcpt,
     "450 Not now"},
};

#undef USER_UNKNOWN_WORDS
#undef BLOCK_LIST_WORDS

}  // namespace

std::span<const ClassifyRule> ClassifyRules() {
  return kRules;
}

}  // namespace wavepost
