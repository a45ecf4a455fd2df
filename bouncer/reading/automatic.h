// Mail that programs write in answer to a mail and that reports no failure: absence notices, other automatic answers,
// challenges, and requests to be taken off a list that a mail program sends for its user.
#pragma once

#include <optional>

#include "bouncer/classify/classify.h"
#include "bouncer/report/document.h"

namespace wavepost {

// What is clear from signs that bounces do not have, so that no text rule need be asked: AUTO_REPLY, CHALLENGE or
// UNSUBSCRIBE. To be asked before the texts, since absence notices talk of mailboxes that are no longer read. An answer
// that says that its owner has left for good is an AUTO_REPLY all the same: people write such things, and come back.
//
// The finding's recipient is who answered, if the mail says so (From).
std::optional<Finding> ReadClearAnswer(const Document& document);

// What remains when the mail is no bounce: weaker signs of an answer. Never empty-handed: NOT_A_BOUNCE.
Finding ReadOtherMail(const Document& document);

}  // namespace wavepost
