#include "common/smtp/classify_rules.h"

#include "common/smtp/classify_words.h"

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

// Order: what must never be misread first; then code and text that agree; then texts; then codes alone; then the class.
constexpr ClassifyRule kRules[] = {
    // --- limits and waiting: temporary at any code, for they say nothing about the message ---
    {"sent-too-many", On::k45, kAnyPhase, "", "",
     "too many recipients*hour|too many recipients*day|too many*per hour|too many*per day", "", RATE_LIMITED, SENDER,
     kEgressIp, kThrottled | kTemporaryAnyway, Phase::kRcpt,
     "550 5.1.1 <a@example.com> - 192.0.2.9 has sent to too many recipients this hour"},
    {"too-many-recipients", On::k45, kAnyPhase, "", "",
     "too many recipient|too many rcpt|too many recepient|too many "
     "addresses|recipient*limit*exceed|maximum*recipients|zu viele empf|trop de destinataires|demasiados destinatarios",
     "", RATE_LIMITED, SENDER, kMessage, kTemporaryAnyway, Phase::kRcpt, "552 Too many recipients in this transaction"},
    {"too-many-recipients-code", On::k45, kToRecipient, "", "5.3", "", "", RATE_LIMITED, SENDER, kMessage,
     kTemporaryAnyway, Phase::kRcpt, "452 4.5.3 Try the others in another session"},
    {"tls-refused", On::k45, kTlsOnly, "", "", "", "", TLS_FAILURE, NETWORK_FAULT, kSite, 0, Phase::kStartTls,
     "454 4.7.0 TLS not available due to local problem"},
    {"tls-wanted", On::k45, kAnyPhase, "", "",
     "issue a starttls|must*starttls|tls*required|requires tls|encryption*required|verschlusselung erforderlich", "",
     TLS_FAILURE, SENDER, kSite, 0, Phase::kMail, "530 5.7.0 Must issue a STARTTLS command first"},
    {"tls-wanted-code", On::k45, kAnyPhase, "", "7.10|7.11", "", "", TLS_FAILURE, SENDER, kSite, 0, Phase::kMail,
     "523 5.7.10 Only over a protected channel"},
    {"greylisted", On::k45, kAnyPhase, "421|450|451|452|454|471|550|554", "",
     "greylist|graylist|grey list|gray list|greyd_|graulist|lista gris|liste grise|grijze lijst|grey rbl|triplet", "",
     GREYLISTED, SENDER, kRecipient, kTemporaryAnyway, Phase::kRcpt,
     "450 4.2.0 <a@example.com>: Recipient address rejected: Greylisted, see http://postgrey.example/help"},
    {"first-time", On::k4, kRcptOnly, "450", "3.2", "service currently unavailable", "", GREYLISTED, SENDER, kRecipient,
     0, Phase::kRcpt, "450 4.3.2 Service currently unavailable"},
    {"user-too-busy", On::k45, kAnyPhase, "", "",
     "recipient has exceeded|user*receiv*too|recipient*receiv*too|receiving mail at a rate|mailbox busy", "",
     RATE_LIMITED, FAULT_UNSPECIFIED, kRecipient, kTemporaryAnyway, Phase::kRcpt,
     "450 User is receiving mail too quickly"},

    // --- the recipient's space, before the rows that hear "too many" or "exceeded" ---
    {"mailbox-full", On::k45, kToRecipient, "", "", kMailboxFullWords,
     "domain*quota|organi*quota|tenant*quota|daily*quota|hourly*quota|sending quota|smtp*quota", MAILBOX_FULL,
     RECIPIENT, kRecipient, 0, Phase::kRcpt, "552 5.2.2 <a@example.com>: user is over quota"},
    {"organisation-quota", On::k45, kAnyPhase, "", "", "domain*quota|organi*quota|tenant*quota", "", OVER_QUOTA,
     RECIPIENT, kSite, 0, Phase::kRcpt, "452 4.2.2 The domain has used up its quota"},

    {"connections", On::k45, kAnyPhase, "", "", kConnectionsWords, "", RATE_LIMITED, SENDER, kEgressIp,
     kThrottled | kTemporaryAnyway | kConnections, Phase::kGreeting, "421 Too many connections from your host"},
    {"rate", On::k45, kAnyPhase, "", "", kRateWords, "", RATE_LIMITED, SENDER, kEgressIp, kThrottled | kTemporaryAnyway,
     Phase::kMail, "421 4.7.0 [TS01] Messages from 192.0.2.1 temporarily deferred due to unexpected volume"},
    {"rate-code", On::k45, kAnyPhase, "", "7.28|4.5|3.2", "rate|limit|exceed|conn|volume|busy|load|later", "",
     RATE_LIMITED, SENDER, kEgressIp, kThrottled | kTemporaryAnyway, Phase::kEndOfData,
     "450 4.4.5 Local queue is long, please send later"},

    // --- words about the sender, before the words about recipients that they contain ---
    {"unverified", On::k4, kToRecipient, "", "", "unverified address|address verification*progress", "", NETWORK,
     NETWORK_FAULT, kRecipient, 0, Phase::kRcpt,
     "450 4.1.1 <a@example.com>: Recipient address rejected: unverified address"},
    {"sender-verify", On::k45, kAnyPhase, "", "",
     "sender verif|sender*could not be verified|sender*cannot be verified|sender callout|verification failed for|could "
     "not verify sender|cannot verify sender|callback setup failed|unable to verify sender|absender*verifiz",
     "", REJECTED_POLICY, SENDER, kMessage, 0, Phase::kRcpt,
     "550 Verification failed for <b@example.com> Response: 550 No such user. Sender verify failed"},
    {"sender-address", On::k45, kAnyPhase, "", "",
     "sender address*reject|sender address*invalid|sender address*not exist|sender*rejected|sender denied|sender*not "
     "allowed|sender*not accepted|invalid sender|bad sender|unroutable sender|unrouteable sender|sender domain|domain "
     "of sender|sending domain*not|return path*invalid|mail from*not exist|from address*reject|from address*not "
     "exist|from address*invalid|from address*unknown|from domain*not exist|invalid dns mx|a aaaa resource|dns check "
     "failed|absenderadresse|absender*unbekannt|absender*existiert|absender*abgelehnt|absender*ung|expediteur*refus|"
     "remitente*rechaz|remitente*no "
     "existe|remitente*inv|dominio*remitente|expediteur*inconnu|expediteur*invalide|mittente*rifiut|mittente*"
     "sconosciut|mittente*inesist|afzender*geweigerd|afzender*onbekend|nadawc*odrzuc|nadawca*nie "
     "istnieje|отправител*отклон|отправител*не существует|отправител*не "
     "найден|发件人*不存在|发件人*拒|寄件者*不存在|差出人|送信者*存在",
     "dmarc|dkim|spf_|reputation|reverse dns", REJECTED_POLICY, SENDER, kMessage, 0, Phase::kMail,
     "553 Sorry, your envelope sender domain must exist"},
    {"sender-address-code", On::k45, kAnyPhase, "", "1.7|1.8|7.27", "", "spf_|dkim|dmarc|authenticat", REJECTED_POLICY,
     SENDER, kMessage, 0, Phase::kMail, "553 5.1.8 <b@example.com>... not acceptable"},

    // --- our address and our name ---
    {"block-list", On::k45, kAnyPhase, "", "", kBlockListWords,
     "not listed in|uribl|surbl|dbl_|domain*blacklist|domain*block list", BLOCKED_IP, SENDER, kEgressIp, 0,
     Phase::kRcpt, "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.dnsbl.example"},
    {"block-list-domain", On::k45, kAnyPhase, "", "",
     "domain*blacklist|domain*block list|domain*blocklist|uribl|surbl|dbl_", "", SPAM, SENDER, kMessage, 0,
     Phase::kEndOfData, "550 Your domain has been blacklisted"},
    {"relay-denied", On::k45, kAnyPhase, "", "",
     "relaying denied|relay access denied|relay not permitted|not permitted to relay|relay not allowed|relaying not "
     "allowed|"
     "relaying disallowed|relay rejected|weiterleitung verweigert",
     "", RELAY_DENIED, NETWORK_FAULT, kSite, 0, Phase::kRcpt,
     "550 5.7.1 <a@example.com>... Relaying denied. IP name lookup failed [192.0.2.1]"},
    {"client-blocked", On::k45, kAnyPhase, "", "",
     "client host rejected|poor*reputation|client "
     "host*blocked|client*blocked|ip_*blocked|ip_*reputation|ip_*rejected|bad ip|your ip|your host*not allowed|your "
     "server*block|banned sender|banned ip|poor reputation|bad reputation|low reputation|reputation*too "
     "low|geoip|country*blocked|your network*block|ihre ip|ip adresse*gesperrt|ip "
     "adresse*blockiert|connection*refused|connections*not accepted|connections*not be accepted|proxy*blocked|dynamic "
     "ip|dialup|dial up|residential ip",
     "reverse|rdns|ptr_|spf_|dmarc|dkim|hostname|domain reputation", BLOCKED_IP, SENDER, kEgressIp, 0, Phase::kGreeting,
     "554 IP=198.51.100.7 - None/bad reputation. Ask your postmaster for help"},
    {"auth", On::k45, kAnyPhase, "", "",
     "spf_|dmarc|sender policy framework|authentication "
     "information|authentication*fail|dkim*fail|dkim*invalid|dkim*missing|dkim*not|dkim*require|domainkeys|sender "
     "id_|unauthenticated*mail|authentication checks failed|email authentication|not authorized to "
     "send*domain|authentication*required|not authenticated",
     "", AUTH_FAILED, SENDER, kMessage, 0, Phase::kEndOfData,
     "550 5.7.1 This message was not accepted due to the domain owner's DMARC policy"},
    {"reverse-dns", On::k45, kAnyPhase, "", "",
     "reverse dns|reverse hostname|reverse lookup|rdns|ptr_|ptr record|name lookup failed|cannot find "
     "your*hostname|cannot find your reverse|hostname*not match|mismatch*client ip|unverifyable|unverifiable|may not "
     "be mail exchanger|forward confirmed|invalid ip for sending|helo*rejected|helo*invalid|invalid helo|invalid "
     "ehlo|bad helo|need fully qualified|ruckwartsauflosung|reverse*eintrag",
     "", AUTH_FAILED, SENDER, kEgressIp, 0, Phase::kRcpt,
     "450 4.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.4]"},
    {"auth-code", On::k45, kAnyPhase, "", "7.20|7.21|7.22|7.23|7.24|7.25|7.26|7.29|7.509|7.515|7.8|7.9", "",
     "policy reasons|policy violation", AUTH_FAILED, SENDER, kMessage, 0, Phase::kEndOfData,
     "550 5.7.26 See the administrator's guide"},

    // --- code and text agree ---
    {"user-unknown-certain", On::k45, kToRecipient, "", "1.1|1.10|1.3|2.1", kUserUnknownWords, "", USER_UNKNOWN,
     RECIPIENT, kRecipient, 0, Phase::kRcpt, "550 5.1.1 Hi [192.0.2.7], No such address: <a@example.com>"},
    {"named-ip", On::k45, kAnyPhase, "", "",
     "block|banned|problem occurred|postmaster for help|denied|reject|refuse|not allowed|not accepted|not "
     "permitted|reputation|deferred|unsolicited|forbidden|weren t sent|abgelehnt|gesperrt|verweigert",
     "", BLOCKED_IP, SENDER, kEgressIp, kNamesIp, Phase::kRcpt, "550 Mail from 192.0.2.10 rejected"},

    // --- content ---
    {"virus", On::k45, kToRecipient, "", "",
     "virus|malware|trojan|malicious|infected|infiziert|schadling|schadsoftware", "", VIRUS, CONTENT_FAULT, kMessage, 0,
     Phase::kEndOfData, "554 5.7.1 Message contains a virus (Example.Test.1)"},
    {"attachment", On::k45, kToRecipient, "", "",
     "attachment*not|security issue|potentially dangerous|reject id*banned|messageid header|message id "
     "header|attachment*block|attachment*reject|illegal attachment|forbidden attachment|banned "
     "file|executable|anhang*nicht|duplicate "
     "header|header*missing|missing*header|malformed*message|malformed*header|rfc 5322|rfc5322|rfc 2822|rfc "
     "822 compliant|invalid header|invalid mime|equal x headers|line*too long",
     "", CONTENT, CONTENT_FAULT, kMessage, 0, Phase::kEndOfData,
     "552 5.7.0 Our system detected an illegal attachment on your message"},
    {"spam", On::k45, kAnyPhase, "", "", kSpamWords, "", SPAM, CONTENT_FAULT, kMessage, 0, Phase::kEndOfData,
     "550 5.7.1 Your message has been rejected because it appears to be SPAM"},
    {"too-large", On::k45, kAnyPhase, "", "",
     "too large|too big|message*larger|size exceeds|exceeds*size|message size|mail size|size limit|sizelimit|too much "
     "mail data|zu gross|zu gross|uberschreitet*grosse|trop volumineux|trop gros|demasiado grande|troppo grande|te "
     "groot",
     "", TOO_LARGE, CONTENT_FAULT, kMessage, 0, Phase::kMail,
     "552 Message size exceeds fixed maximum message size: 10485760 bytes"},
    {"loop", On::k45, kAnyPhase, "", "",
     "mail loop|mailloop|too many hops|hop count|loops back|loop detected|too many received", "", LOOP, NETWORK_FAULT,
     kMessage, 0, Phase::kEndOfData, "554 Too many hops 26 (25 max)"},
    {"loop-code", On::k45, kAnyPhase, "", "4.6|4.14", "", "", LOOP, NETWORK_FAULT, kMessage, 0, Phase::kEndOfData,
     "554 5.4.6 Refused by the gateway"},
    {"relay", On::k45, kAnyPhase, "", "",
     "as a relay|relay*denied|relaying denied|unable to relay|relay*not permitted|not permitted to relay|configured to "
     "relay|relay*prohibited|relay*not allowed|not*allowed to relay|does not relay|we do not relay|not relaying|no "
     "relaying|relaying*not|relay*refused|kein relay|weiterleitung nicht|rcpthosts|relay*verweigert",
     "", RELAY_DENIED, NETWORK_FAULT, kSite, 0, Phase::kRcpt, "550 5.7.1 Unable to relay for a@example.com"},
    {"relay-code", On::k45, kAnyPhase, "", "7.54|7.64|7.367", "", "", RELAY_DENIED, NETWORK_FAULT, kSite, 0,
     Phase::kRcpt, "550 5.7.64 TenantAttribution"},

    // --- the address, by code ---
    {"moved-code", On::k45, kToRecipient, "", "1.6|7.17|7.18", "", "", MOVED, RECIPIENT, kRecipient, 0, Phase::kRcpt,
     "551 5.1.6 The mailbox has moved, no forwarding address"},
    {"null-mx-code", On::k45, kToRecipient, "", "1.10", "", "", DOMAIN_UNKNOWN, RECIPIENT, kRecipient, 0, Phase::kRcpt,
     "556 5.1.10 Recipient address has null MX"},
    {"user-unknown-code", On::k45, kToRecipient, "", "1.1|1.3|1.4", "",
     "account*disabled|mailbox*disabled|policy|policies|richtlinie", USER_UNKNOWN, RECIPIENT, kRecipient, 0,
     Phase::kRcpt, "550 5.1.1 <a@example.com> recipient rejected"},
    {"host-takes-no-mail", On::k5, kToRecipient, "521", "",
     "not accepting network|does not accept mail|not accept mail", "", DOMAIN_UNKNOWN, RECIPIENT, kRecipient, 0,
     Phase::kRcpt, "521 5.3.2 System not accepting network messages"},
    {"domain-unknown-code", On::k45, kToRecipient, "", "1.2|4.310", "", "mailbox", DOMAIN_UNKNOWN, RECIPIENT,
     kRecipient, 0, Phase::kRcpt, "550 5.1.2 Bad destination system"},
    {"mailbox-full-code", On::k45, kToRecipient, "", "2.2", "", "", MAILBOX_FULL, RECIPIENT, kRecipient, 0,
     Phase::kRcpt, "452 4.2.2 Please direct the recipient to the help page"},
    {"edge-directory", On::k5, kRcptOnly, "", "4.1", "recipient address rejected access denied", "", USER_UNKNOWN,
     RECIPIENT, kRecipient, 0, Phase::kRcpt, "550 5.4.1 Recipient address rejected: Access denied. [mail.example.net]"},

    // --- the address, by text ---
    {"mailbox-disabled", On::k45, kToRecipient, "", "", kMailboxDisabledWords, "", MAILBOX_DISABLED, RECIPIENT,
     kRecipient, 0, Phase::kRcpt, "550 The email account that you tried to reach is disabled"},
    {"policy", On::k45, kAnyPhase, "", "", kPolicyWords, "", REJECTED_POLICY, SENDER, kMessage, 0, Phase::kRcpt,
     "550 Denied by policy"},
    {"domain-nonexistent", On::k45, kToRecipient, "", "", "nonexistent domain|non existent domain|nonexistentdomain",
     kNotTheRecipientWords, DOMAIN_UNKNOWN, RECIPIENT, kRecipient, 0, Phase::kRcpt, "554 5.4.4 nonexistent domain"},
    {"user-unknown", On::k45, kToRecipient, "", "", kUserUnknownWords, kNotTheRecipientWords, USER_UNKNOWN, RECIPIENT,
     kRecipient, 0, Phase::kRcpt, "550 5.7.1 No such user!"},
    {"mailbox-unavailable", On::k5, kToRecipient, "", "", "mailbox unavailable", kNotTheRecipientWords, USER_UNKNOWN,
     RECIPIENT, kRecipient, 0, Phase::kRcpt, "550 Requested action not taken: mailbox unavailable"},
    {"domain-unknown", On::k45, kToRecipient, "", "",
     "not handle mail for|no mail hosts for|host unknown|unknown host|host not found|host or domain name not "
     "found|unknown domain|domain unknown|domain not found|no such domain|domain*not exist|domain*doesn t "
     "exist|domain*not accept mail|null mx|nullmx|domain*invalid|invalid domain|domane*unbekannt|unbekannte "
     "dom|domain*nicht|domaine inconnu|dominio*desconocido|no*mail for this domain|domain*not hosted|not our "
     "domain|domain*not local",
     kNotTheRecipientWords, DOMAIN_UNKNOWN, RECIPIENT, kRecipient, 0, Phase::kRcpt,
     "550 No such domain at this location (a@example.com)"},
    {"moved", On::k5, kToRecipient, "", "", "has moved|user not local*try|ist umgezogen|please try forward", "", MOVED,
     RECIPIENT, kRecipient, 0, Phase::kRcpt, "551 User not local; please try <c@example.net>"},
    {"bad-address", On::k5, kRcptOnly, "", "",
     "malformed address|invalid address|bad address|address syntax|syntax error in address|illegal "
     "address|adresse*ungultig|ungultige adresse|adresse invalide|direccion*invalida",
     "", USER_UNKNOWN, RECIPIENT, kRecipient, 0, Phase::kRcpt, "501 Malformed address"},
    {"recipient-rejected", On::k5, kRcptOnly, "550|551|553", "",
     "recipient address rejected$|recipient rejected$|address rejected$|address rejected addr$", "", USER_UNKNOWN,
     RECIPIENT, kRecipient, 0, Phase::kRcpt, "550 #5.1.0 Address rejected."},
    {"mailbox-disabled-code", On::k45, kToRecipient, "421|450|451|452|525|550|551|552|553|554", "2.1|7.13", "", "",
     MAILBOX_DISABLED, RECIPIENT, kRecipient, 0, Phase::kRcpt, "550 5.2.1 Closed by its owner"},

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
     "dns*fail|dns query failed|dns error|name server*fail|name service error|domain*lookup|not resolve|unable to "
     "resolve|unresolvable|cannot resolve|dns*tempor",
     "", DNS_FAILURE, NETWORK_FAULT, kRecipient, 0, Phase::kRcpt, "451 Domain name of the address could not resolve"},
    {"host-full", On::k45, kAnyPhase, "", "",
     "disk space|disk full|insufficient*storage|insufficient system|insufficient resources|out of memory|not*enough "
     "memory|no space left|queue file write error|speicherplatz",
     "", SYSTEM_FULL, NETWORK_FAULT, kSite, 0, Phase::kMail, "452 Insufficient system storage"},
    {"expired", On::k5, kAnyPhase, "", "", "message expired|delivery time expired|retry timeout exceeded|giving up", "",
     EXPIRED_RETRIES, NETWORK_FAULT, kRecipient, 0, Phase::kEndOfData, "550 5.4.300 Message expired"},
    {"network", On::k45, kAnyPhase, "", "",
     "timeout|timed out|time out|connection*lost|lost connection|connection*closed|closing connection|closing "
     "transmission|shutting down|unreachable|no route|not reachable|could be reached|zeituberschreitung",
     "", NETWORK, NETWORK_FAULT, kSite, 0, Phase::kConnect, "421 4.4.2 mx.example.com Error: timeout exceeded"},
    {"greylisted-likely", On::k4, kToRecipient, "450|451", "7.1|2.0|7.0",
     "try again|try later|come back|retry|later|erneut|spater|spaeter",
     "block|spam|reject*policy|error|busy|unavailable", GREYLISTED, SENDER, kRecipient, 0, Phase::kRcpt,
     "451 4.7.1 Please try again later"},
    {"greylisted-by-hint", On::k4, kToRecipient, "450|451", "",
     "try again in|come back in|retry in|retry after|wait at least|try again after|erneut in|new to us|not seen "
     "before|first time|retry too soon|too early",
     "", GREYLISTED, SENDER, kRecipient, 0, Phase::kRcpt, "451 Temporarily refused, please try again in 300 seconds"},
    {"host-broken", On::k45, kAnyPhase, "", "",
     "internal server error|internal error|system error|local error|error in "
     "processing|server*configuration|configuration error|config error|not accepting "
     "network|maintenance|wartung|temporary*error|temporary*problem|temporary*failure|lookup "
     "failure|database|ldap|resource|temporarily unavailable|temporarily*not available|service "
     "unavailable|service*currently unavailable|mailer error|program failure|temporar*storung|nicht verfugbar",
     "", SYSTEM_FULL, NETWORK_FAULT, kSite, 0, Phase::kRcpt, "451 4.3.0 Temporary system problem, ldap is down"},
    {"dialogue-text", On::k5, kAnyPhase, "", "",
     "synchronization error|protocol error|command not recogni|command unrecogni|unrecognized command|bad sequence", "",
     SYNTAX, SENDER, kMessage, 0, Phase::kMail, "554 SMTP synchronization error"},
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

}  // namespace

std::span<const ClassifyRule> ClassifyRules() {
  return kRules;
}

}  // namespace wavepost
