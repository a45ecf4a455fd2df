// Which addresses this server takes mail for. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/recipient_id.h"
#include "common/mail/verp.h"

namespace wavepost {

// The local parts that people and other systems write to, at the return paths' domain. Empty: none.
struct MailboxNames {
  std::string domain;                                        // of the return paths, A-labels
  std::vector<std::string> feedback = {"fbl"};               // complaints of feedback loops (RFC 5965)
  std::vector<std::string> aggregate = {"dmarc", "tlsrpt"};  // DMARC (RFC 7489) and TLS (RFC 8460) reports
  std::vector<std::string> keep = {"abuse"};  // for people; postmaster always is (RFC 5321 section 4.5.1)
};

class Mailboxes {
 public:
  enum class Kind {
    kNone,         // 550
    kUnknownKey,   // a token of a key that we do not have (yet): 450, see TokenKeys
    kReturnPath,   // b+TOKEN, and the token is genuine
    kUnsubscribe,  // u+TOKEN, likewise (the mailto of List-Unsubscribe)
    kFeedback,
    kAggregate,
    kKeep,
  };
  struct Match {
    Kind kind = Kind::kNone;
    RecipientId recipient;  // of a genuine token
    uint8_t key_id = 0;     // kUnknownKey
  };

  Mailboxes(MailboxNames names, TokenKeys keys);

  // path: from a RCPT command, without brackets. Letter case does not matter.
  //
  // A genuine token is taken at any domain: customers point return paths below their own domains at us, and which ones
  // is the coordinator's to know. Nothing is ever relayed, so that this opens no door. A token carries no date: it is
  // good for as long as the key that made it (see TokenKeys).
  Match Find(std::string_view path) const;

 private:
  MailboxNames names_;
  TokenKeys keys_;
};

}  // namespace wavepost
