// The SMTP reply that a diagnostic quotes, wherever it stands in it. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "common/smtp/reply.h"

namespace wavepost {

// "host mx.example [192.0.2.1] said: 550 5.1.1 No such user (in reply to RCPT TO)" -> 550 with what follows it.
//
// A number counts as a reply code only where one can stand: 4xx or 5xx with a second digit up to 5, at the start or
// behind a space or punctuation, followed by a space, '-', '#', ':' or the end; and not where it counts something
// (bytes, seconds, messages). One that an enhanced code follows is believed before one that stands first. Nothing: none
// is quoted.
std::optional<Reply> QuotedReply(std::string_view text);

}  // namespace wavepost
