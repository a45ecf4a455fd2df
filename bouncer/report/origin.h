// Where a mail comes from, as its header says: from a mail system, from a mailing list, as an answer. Nothing here is
// proof; it weighs texts against each other.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bouncer/report/document.h"

namespace wavepost {

// The null return path, or a sender that only mail systems have (MAILER-DAEMON, postmaster, ...).
bool IsFromMailSystem(const HeaderFields& headers);

// Came through a mailing list (RFC 2369, RFC 2919, and the older ways to say so).
bool IsListMail(const HeaderFields& headers);

// Answers another mail: In-Reply-To, References, or a subject that starts with "Re:" or its like.
bool IsAnswer(const HeaderFields& headers);

// The addresses of a field ("A <a@b>, c@d; rfc822; e@f"), without names and brackets, at most `count_max`.
std::vector<std::string> AddressesIn(std::string_view field, size_t count_max);

// "Re: AW: [list] Hello" -> "[list] Hello"
std::string_view WithoutReplyPrefixes(std::string_view subject);

}  // namespace wavepost
