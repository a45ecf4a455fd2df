// Words of replies in many languages, for several rows of the table to agree on. Patterns of classify_text.h: lower
// case, Latin letters without their marks.
#pragma once

#include <string_view>

namespace wavepost {

// An address does not exist.
inline constexpr std::string_view kUserUnknownWords =
    // English
    "user*unknown|unknown*user|unknown recipient|recipient*unknown|addressee unknown|unknown addressee|unknown mailbox|"
    "mailbox unknown|unknown address|address unknown|unknown e mail|unknown email|unknown local part|unknown alias|"
    "unknown account|account unknown|unknown or illegal alias|no such user|no such recipient|no such mailbox|"
    "no such address|no such person|no such account|no such email|no such local|no mailbox|no account|no such alias|"
    "no this user|no user record|no one by that name|nobody by that name|no inbox|no local mailbox|"
    "mailbox not found|mail box not found|user not found|username*not found|recipient*not found|recipientnotfound|"
    "recipnotfound|exrecipnotfound|addr not found|not our user|address*not found|account*not found|addressee*not "
    "found|could not be found|cannot find mailbox|"
    "cannot find user|cannot find recipient|cannot find account|cannot find address|can t find mailbox|can t find user|"
    "unable to find recipient|unable to find user|unable to find mailbox|unable to find account|"
    "user*not exist|recipient*not exist|address*not exist|addr*not exist|mailbox*not exist|account*not exist|"
    "alias*not exist|addr*doesn t exist|user*doesn t exist|mailbox*doesn t exist|account*doesn t exist|"
    "address*doesn t exist|recipient*doesn t exist|user*doesn t have|doesn t have a*account|does not have a*account|"
    "invalid recipient|invalid mailbox|invalid user|invalid local|invalid or unknown|nonexistent|non "
    "existent|inexistent|"
    "not a valid user|not a valid recipient|not a valid mailbox|not a valid address|not a known user|not our customer|"
    "not a local user|is not a registered|not an active address|isn t a valid|not known here|not listed in|"
    "recipient*not recogni|user*not recogni|address*not recogni|mailbox*not recogni|recipient*cannot be verified|"
    "recipient*could not be verified|no longer on server|no longer valid|no longer exists|unrouteable address|"
    "unroutable address|undeliverable address|wrong email|wrong e mail|wrong address|misspelled|user*is not local|"
    "account*deleted|mailbox*deleted|user*deleted|recipient address must contain|missing or malformed|hostname "
    "required|"
    "user address required|couldn t be found|not in our directory|not in directory|not in the directory|user not known|"
    "recipient not known|not a valid email|mailbox removed|mailbox*removed|account removed|user has left|"
    // German
    "empf*unbekannt|unbekannter empf|unbekannte*adresse|adresse*unbekannt|benutzer*unbekannt|unbekannter benutzer|"
    "unbekannter nutzer|nutzer*unbekannt|postfach*unbekannt|unbekanntes postfach|kein solcher|kein solches|kein "
    "postfach|"
    "nicht bekannt|postfach*nicht gefunden|postfach*nicht vorhanden|empf*nicht gefunden|empf*nicht vorhanden|"
    "empf*nicht bekannt|benutzer*nicht*vorhanden|benutzer*nicht gefunden|konto*nicht gefunden|adresse*nicht*existiert|"
    "existiert nicht|nicht gefunden|empf*ungultig|empf*ungueltig|ungultiger empf|ungueltiger empf|"
    // French
    "utilisateur*inconnu|destinataire*inconnu|destinataire*invalide|destinataire*inexistant|boite*inexistante|"
    "adresse*inexistante|adresse*inconnue|compte*inexistant|compte*inconnu|n existe pas|n existe plus|non trouve|"
    "introuvable|inexistant|adresse*inconnu|aucun utilisateur|aucune boite|compte*supprime|boite*supprimee|"
    // Spanish, Portuguese
    "usuario*desconocido|usuario*inexistente|usuario*no encontrado|usuario*invalido|destinatario*desconocido|"
    "destinatario*inexistente|destinatario*no encontrado|destinatario*invalido|no existe|buzon*inexistente|"
    "buzon*no encontrado|cuenta*inexistente|direccion*inexistente|usuario*desconhecido|usuario*nao encontrado|"
    "destinatario*desconhecido|destinatario*nao encontrado|caixa*inexistente|caixa*nao encontrada|conta*inexistente|"
    "no encontrad|no se encuentra|inexistente|nao encontrad|nao existe|endereco*inexistente|endereco*invalido|"
    // Italian
    "utente*sconosciuto|utente*inesistente|utente*non trovato|destinatario*inesistente|destinatario*sconosciuto|"
    "destinatario*non trovato|casella*inesistente|casella*non trovata|indirizzo*inesistente|account*inesistente|"
    "non esiste|non esistente|inesistente|non trovat|"
    // Dutch, Nordic
    "gebruiker*onbekend|onbekende gebruiker|onbekende ontvanger|ontvanger*onbekend|onbekend adres|adres*onbekend|"
    "postbus*onbekend|gebruiker*niet gevonden|bestaat niet|okand anvandare|okand mottagare|anvandaren*okand|"
    "mottagaren*okand|finns inte|ukjent bruker|ukjent mottaker|bruker*ukjent|finnes ikke|ukendt bruger|ukendt modtager|"
    "modtager*ukendt|findes ikke|"
    // Polish, Czech
    "nie istnieje|nie ma takiego|nie ma takiej|brak takiego|nieznany odbiorca|nieznany uzytkownik|nieznany adres|"
    "nieznana skrzynka|nieznane konto|odbiorca*nieznany|uzytkownik*nieznany|neexistuje|neznamy uzivatel|"
    // Russian
    "nie znaleziono|adresat*nieznany|nieznany adresat|"
    "нет такого пользовател|не найден|не существует|не зарегистрирован|нет такого адрес|нет такого ящик|нет такого "
    "получател|пользовател*не найден|"
    "пользовател*не существует|пользовател*неизвестен|получател*не найден|получател*не существует|"
    "получател*неизвестен|ящик*не существует|ящик*не найден|адресат*не существует|адресат*не найден|"
    "адрес*не существует|адрес*не найден|запись*не существует|запись*не найдена|неизвестный получател|"
    "неизвестный пользовател|неизвестный адрес|несуществующий|"
    // Chinese
    "用户不存在|用戶不存在|用户名不存在|使用者不存在|收件人不存在|收件者不存在|收件人*不存在|邮箱不存在|郵箱不存在|"
    "信箱不存在|邮箱*不存在|帐号不存在|账号不存在|帳號不存在|账户不存在|帐户不存在|地址不存在|用户未找到|找不到用户|"
    "找不到收件|找不到使用者|找不到邮箱|无此用户|無此用戶|無此使用者|无此邮箱|无此帐号|無此帳號|查无此|查無此|"
    "没有此用户|"
    "没有该用户|没有这个|不存在|无效的收件人|收件人无效|未知用户|未知收件人|"
    // Japanese, Korean
    "ユーザ*存在しません|宛先*存在しません|受信者*存在しません|メールボックス*存在しません|アドレス*存在しません|"
    "アカウント*存在しません|ユーザ*見つかりません|宛先*見つかりません|受信者*見つかりません|アドレス*見つかりません|"
    "存在しません|見つかりません|宛先不明|あて先不明|ユーザー不明|ユーザ不明|不明なユーザ|無効な宛先|사용자*존재하지|"
    "존재하지 않는 "
    "사용자|수신자*존재하지|"
    "사용자를 찾을 수";

// Words about the other end of the envelope, or about no address at all: what is unknown there is not the recipient.
inline constexpr std::string_view kNotTheRecipientWords =
    "sender*not exist|sender*unknown|sender*not found|sender*no such|unknown sender|of sender|of the sender|sender "
    "failed|"
    "sender verif|callout|return address|return path|envelope from|envelope sender|from domain|from address|helo|ehlo|"
    "your ip|your host|your domain|your server|your address|unknown error|unknown command|unknown reason|"
    "unknown attachment|reverse|ptr_|whitelist|error while|"
    "absender|expediteur|remitente|remetente|mittente|afzender|nadawc|odesilatel|avsandare|afsender|отправител|发件人|"
    "發件人|寄件|发送者|送信元|送信者|差出人|您的域名|你的域名|您的ip|"
    "fehler|erreur|errore|blad_|ошибка|错误|エラー|dns inverso|su ip|il tuo ip|votre ip|ihre ip|seu ip|"
    "registro ptr|enregistrement ptr";

// A mailbox is full.
inline constexpr std::string_view kMailboxFullWords =
    "mailbox*full|mailbox*exceed|inbox*full|inbox*out of|mail box*full|over quota|overquota|over its quota|"
    "over the quota|over*storage quota|quota exceed|quotaexceed|exceed*quota|mailbox*quota|mailfolder quota|"
    "exceeded*storage allocation|user*too many messages on|out of storage|not*enough space|not*enough storage|"
    "mailbox*size*exceed|user*full_|account*full_|mailbox*stuffed|"
    "postfach*voll|konto*voll|mailbox*voll_|postfach*uberfullt|kontingent*uberschritten|zuviele mails|"
    "speicherplatz*mailbox|speicherplatz*empf|speicherplatz*postfach|speicherplatz*erschopft|quota*uberschritten|"
    "boite*pleine|boite*remplie|boite*saturee|quota*depass|buzon*lleno|buzon*completo|mailbox*lleno|cuota*exced|"
    "caixa*cheia|caixa*lotada|quota*excedid|cota*excedid|casella*piena|quota*superata|mailbox*vol_|postvak*vol_|"
    "postbus*vol_|skrzynka*peln|skrzynka*przepeln|schranka*plna|ящик*переполнен|ящик*полон|квота*превышена|"
    "превышена квота|превышен*квот|邮箱已满|郵箱已滿|信箱已滿|邮箱*已满|邮箱空间不足|信箱空間不足|空间不足|空間不足|"
    "邮箱容量|超出配额|超过配额|メールボックス*いっぱい|容量*超え|容量*超過|容量オーバー|容量が不足|사서함*가득";

// A mailbox exists, or did, and takes no mail.
inline constexpr std::string_view kMailboxDisabledWords =
    "account*disabled|accountdisabled|mailbox*disabled|user*disabled|address*disabled|recipient*disabled|"
    "account*deactivated|mailbox*deactivated|deactivated mailbox|deactivated account|account*inactive|mailbox*inactive|"
    "user*inactive|inactive email|inactive mailbox|inactive user|inactive account|due to inactivity|account*not active|"
    "mailbox*not active|user*not "
    "active|mailbox*suspended|account*suspended|user*suspended|account*closed|mailbox*closed|"
    "account*locked|mailbox*locked|account*expired|mailbox*expired|account*terminated|account is blocked|"
    "account has been blocked|mailbox is blocked|mailbox has been blocked|account*frozen|account*cancel|disabled "
    "account|"
    "disabled mailbox|no longer active|no longer accept|no longer works|no longer employed|no longer with us|"
    "no longer in use|left the company|left the organi|"
    "konto*deaktiviert|postfach*deaktiviert|konto*gesperrt|postfach*gesperrt|empf*gesperrt|konto*gekundigt|"
    "konto*geloscht|postfach*geloscht|compte*desactiv|compte*suspendu|compte*ferme|compte*bloque|boite*desactiv|"
    "cuenta*deshabilitad|cuenta*desactivad|cuenta*suspendid|cuenta*inactiva|cuenta*bloquead|buzon*deshabilitad|"
    "usuario*deshabilitad|usuario*inactivo|conta*desativad|conta*suspens|conta*inativa|conta*bloquead|conta*cancelad|"
    "usuario*inativo|casella*disabilitata|casella*disattivata|casella*sospesa|account*disabilitato|utente*disabilitato|"
    "account*geblokkeerd|mailbox*geblokkeerd|postbus*geblokkeerd|account*opgeheven|konto*zablokowan|konto*nieaktywn|"
    "konto*wylaczon|skrzynka*zablokowana|skrzynka*nieaktywna|ящик*отключен|ящик*заблокирован|ящик*неактивен|"
    "пользовател*заблокирован|пользовател*отключен|запись*заблокирована|запись*отключена|аккаунт*заблокирован|"
    "帐号*停用|账号*停用|帳號*停用|用户*停用|邮箱*停用|帐号*禁用|账号*禁用|用户*禁用|邮箱*禁用|用户*冻结|邮箱*冻结|"
    "アカウント*停止|アカウント*無効|ユーザ*停止|メールボックス*停止|メールボックス*無効";

// Our address stands on a list.
inline constexpr std::string_view kBlockListWords =
    "dnsbl|rbl_|rbls_|drbl_|dnsrbl|rhsbl|block list|blocklist|blacklist|black list|blackhole|denylist|deny list|"
    "realtime bl|listed at|listed by|listed on|is listed|are listed|listing in|found in*list|found on*list|"
    "blocked using|blocked by*rbl|spamhaus|spamcop|sorbs|barracudacentral|abuseat|uceprotect|hostkarma|psbl|cbl_|pbl_|"
    "xbl_|sbl_|senderscore|senderbase|talosintelligence|invaluement|backscatterer|lashback|"
    "schwarze liste|schwarzen liste|gesperrte liste|sperrliste|liste noire|lista negra|lista nera|lista de bloque|"
    "lista de bloqueio|zwarte lijst|czarnej liscie|czarna lista|черном списке|черный список|черного "
    "списка|黑名单|黑名單|"
    "ブラックリスト|拒否リスト|블랙리스트";

// Too many connections, at a time or in a while.
inline constexpr std::string_view kConnectionsWords =
    "too many connection|too many*connections|too many concurrent|too many simultaneous|too many open|too many "
    "sessions|"
    "too many*sessions|too many smtp sessions|concurrent connections|simultaneous connections|connection*limit|"
    "connections*exceed|connection rate|connection*frequency|exceeded*connection|server ports are busy|"
    "maximum*connections|zu viele verbindungen|zu viele*verbindungen|trop de connexions|demasiadas conexiones|"
    "troppe connessioni|te veel verbindingen|muitas conex|excesso de conex|zbyt wiele polacz|слишком много соединений|"
    "слишком много подключений|连接过多|连接数过多|连接数*限制|連線過多|同時接続|接続が多|接続数";

// Too many messages, too fast, or a busy host.
inline constexpr std::string_view kRateWords =
    "rate limit|ratelimit|rate*exceeded|too many messages|too many*messages|too many emails|too many mails|"
    "too many unknown|too many errors|too many invalid|too quickly|too fast|too much mail|slow down|throttl|unusual "
    "rate|"
    "unexpected volume|deferred*complaints|frequency limit|sending limit|message limit|relay limit|daily*quota|"
    "hourly*quota|sending quota|daily*limit|hourly*limit|reached*quota|exceed*per hour|exceed*per minute|exceed*per "
    "day|"
    "server busy|server*too busy|system*too busy|too busy|load*too high|overloaded|zu viele nachrichten|zu viele mails|"
    "zu viele e mails|trop de messages|demasiados mensajes|demasiados correos|troppi messaggi|muitas mensagens|"
    "te veel berichten|zbyt wiele wiadomosci|слишком много писем|слишком много сообщений|превышен лимит|"
    "превышено*количество|发送频率|频率过高|频率*限制|頻率*限制|发送过多|送信数*超|送信制限";

// Refused as spam.
inline constexpr std::string_view kSpamWords =
    "spam_|spam|antispam|anti spam|unsolicited|bulk mail|bulk mailer|mass mailer|massenmail|junk "
    "mail|junkmail|ube_|uce_|"
    "phishing|content filter|filterung*inhalt|message*filtered|content*rejected|content denied|content*denied|"
    "content policy|suspicious|message*looks like|scored*too|scoring|unerwunscht|werbe mail|pourriel|indesirable|"
    "correo no deseado|niechcian|спам|垃圾邮件|垃圾郵件|迷惑メール|スパム|스팸";

// A rule of the receiver.
inline constexpr std::string_view kPolicyWords =
    "policy|policies|mailpolicy|richtlinie|politica|politique|polityk|политик|policyrules|beleid|ポリシー|安全策略|"
    "not authorized to send to|not authorized*refused|restricted|permission|administrative "
    "prohibition|administratively|"
    "prohibited|not allowed to send|not allowed to post|please use the smtp|smtp server of your|blocked by recipient|"
    "blocked by user|rejected by recipient|blocked sender";

}  // namespace wavepost
